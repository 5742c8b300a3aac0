//! See `c1_fuzz::error_response`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| c1_fuzz::error_response(data));
