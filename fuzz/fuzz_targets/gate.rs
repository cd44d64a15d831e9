//! libFuzzer around `tapis_fuzz::gate`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| tapis_fuzz::gate::run(octets));
