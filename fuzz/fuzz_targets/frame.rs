//! libFuzzer around `tapis_fuzz::frame`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| tapis_fuzz::frame::run(octets));
