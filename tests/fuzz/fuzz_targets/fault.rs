//! See `c1_fuzz::fault`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| c1_fuzz::fault(data));
