//! libFuzzer around `tapis_fuzz::intel`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| tapis_fuzz::intel::run(octets));
