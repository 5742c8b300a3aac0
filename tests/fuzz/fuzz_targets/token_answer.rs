//! See `c1_fuzz::token_answer`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| c1_fuzz::token_answer(data));
