//! libFuzzer around `tapis_fuzz::decode`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| tapis_fuzz::decode::run(octets));
