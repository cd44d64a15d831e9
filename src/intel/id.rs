//! Identifiers that are the same each time they are worked out (UUID version 5, RFC 4122 §4.3; STIX 2.1 §2.9): an indicator that
//! is told of again replaces what was told before.

use std::fmt::Write as _;

use ring::digest;

/// A UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid([u8; 16]);

/// Under which everything of Tapis is named. STIX keeps the namespace of its own for observables.
pub const TAPIS: Uuid =
    Uuid([0x8d, 0x1c, 0x5e, 0x0a, 0x6b, 0x3f, 0x4c, 0x72, 0x9e, 0x14, 0x70, 0xa5, 0x2f, 0xc3, 0x91, 0xd6]);

impl Uuid {
    /// The UUID of a name within a namespace.
    #[must_use]
    pub fn of(namespace: Self, name: &str) -> Self {
        let mut hash = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
        hash.update(&namespace.0);
        hash.update(name.as_bytes());
        let mut octets = [0; 16];
        octets.iter_mut().zip(hash.finish().as_ref()).for_each(|(to, from)| *to = *from);
        let [.., version, _, variant, _, _, _, _, _, _, _] = &mut octets;
        *version = *version & 0x0f | 0x50;
        *variant = *variant & 0x3f | 0x80;
        Self(octets)
    }

    /// The UUID of an identifier, `indicator--8d1c…`, of objects of this type.
    #[must_use]
    pub fn parse(id: &str, kind: &str) -> Option<Self> {
        let text = id.strip_prefix(kind)?.strip_prefix("--")?;
        let groups: Vec<&str> = text.split('-').collect();
        if !groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12]) {
            return None;
        }
        let digits: String = groups.concat();
        let mut octets = [0; 16];
        for (n, octet) in octets.iter_mut().enumerate() {
            let pair = digits.get(2 * n..2 * n + 2).filter(|pair| pair.bytes().all(|b| b.is_ascii_hexdigit()))?;
            *octet = u8::from_str_radix(pair, 16).ok()?;
        }
        Some(Self(octets))
    }

    /// The identifier of an object of this type.
    #[must_use]
    pub fn id(self, kind: &str) -> String {
        let mut out = format!("{kind}--");
        for (n, octet) in self.0.iter().enumerate() {
            if matches!(n, 4 | 6 | 8 | 10) {
                out.push('-');
            }
            let _ = write!(out, "{octet:02x}");
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_the_uuids_that_others_work_out() {
        // Python's uuid.uuid5(uuid.NAMESPACE_DNS, "python.org").
        let dns = Uuid::parse("x--6ba7b810-9dad-11d1-80b4-00c04fd430c8", "x").unwrap();
        assert_eq!(Uuid::of(dns, "python.org").id("x"), "x--886313e1-3b8a-5372-9b90-0c9aee199e5d");
    }

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let own = Uuid::of(TAPIS, "a");
        assert_eq!(Uuid::parse(&own.id("indicator"), "indicator"), Some(own));
        let id = own.id("indicator");
        for wrong in ["", "indicator--", &id[..id.len() - 1], &format!("{id}0"), &id.replace("--", "-"), "identity--x"]
        {
            assert_eq!(Uuid::parse(wrong, "indicator"), None, "{wrong}");
        }
        assert_eq!(Uuid::parse(&id, "identity"), None);
        assert_eq!(Uuid::parse("x--+1a7b810-9dad-11d1-80b4-00c04fd430c8", "x"), None);
        assert_eq!(Uuid::parse("x--éa7b810-9dad-11d1-80b4-00c04fd430c8", "x"), None);
    }
}
