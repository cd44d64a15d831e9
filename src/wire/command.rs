//! skeleton
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CommandId(pub u32);
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DataCoding(pub u8);
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EsmClass(pub u8);
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ton(pub u8);
impl Ton {
    pub const UNKNOWN: Self = Self(0);
    pub const INTERNATIONAL: Self = Self(1);
    pub const ALPHANUMERIC: Self = Self(5);
}
