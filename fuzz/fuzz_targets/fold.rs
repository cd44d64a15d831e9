//! libFuzzer around `tapis_fuzz::fold`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| tapis_fuzz::fold::run(octets));
