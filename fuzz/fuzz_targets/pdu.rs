//! libFuzzer around `tapis_fuzz::pdu`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| tapis_fuzz::pdu::run(octets));
