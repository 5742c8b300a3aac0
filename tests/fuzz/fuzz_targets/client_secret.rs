//! See `c1_fuzz::client_secret`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| c1_fuzz::client_secret(data));
