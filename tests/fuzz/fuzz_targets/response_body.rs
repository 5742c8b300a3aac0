//! See `c1_fuzz::response_body`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| c1_fuzz::response_body(data));
