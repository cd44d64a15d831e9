//! skeleton
#![allow(missing_docs)]
pub mod number;
/// Everything read from one message's user data; one buffer, reused from message to message.
#[derive(Debug, Default)]
pub struct Reading {}
