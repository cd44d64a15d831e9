//! skeleton: E.164 numbers and the countries they belong to.
#![allow(missing_docs, unused_variables)]
use crate::wire::command::Ton;
/// An ISO 3166-1 alpha-2 code, upper case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Country(pub [u8; 2]);
/// An international number: digits without `+`, at most 15 of them, kept inline (Copy, no allocation).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Number {
    digits: [u8; 15],
    len: u8,
}
impl Number {
    #[must_use]
    pub fn resolve(ton: Ton, id: &str, home: Option<Country>) -> Option<Self> {
        None
    }
    #[must_use]
    pub fn country(&self) -> Option<Country> {
        None
    }
}
