//! libFuzzer around `tapis_fuzz::entity`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| tapis_fuzz::entity::run(octets));
