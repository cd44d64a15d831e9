//! libFuzzer around `tapis_fuzz::concat`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| tapis_fuzz::concat::run(octets));
