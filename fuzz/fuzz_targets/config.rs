//! libFuzzer around `tapis_fuzz::config`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| tapis_fuzz::config::run(octets));
