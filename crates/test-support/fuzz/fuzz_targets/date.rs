#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| test_support::checks::date(input));
