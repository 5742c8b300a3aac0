//! See `c1_fuzz::path_parameters`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| c1_fuzz::path_parameters(data));
