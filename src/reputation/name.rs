//! Plain names of keys that matter, so that lists and exports can say who is meant. Never those of recipients.

use super::key::Kind;
use super::table::Entry;

/// Octets of a name that are kept.
pub(super) const NAME_MAX: usize = 255;

/// A name.
#[derive(Debug, Default)]
pub(super) struct Name {
    pub kind: Option<Kind>,
    pub name: Box<str>,
    /// When it was last said, in seconds.
    pub last: u32,
}

impl Name {
    /// Keeps a name; whether it is a new one.
    pub fn set(&mut self, kind: Kind, name: &str, now: u32) -> bool {
        (self.kind, self.last) = (Some(kind), now);
        let end = (0..=name.len().min(NAME_MAX)).rev().find(|at| name.is_char_boundary(*at)).unwrap_or(0);
        let name = name.get(..end).unwrap_or_default();
        let is_new = &*self.name != name;
        if is_new {
            self.name = name.into();
        }
        is_new
    }
}

impl Entry for Name {
    type Cx = ();

    /// The one that was not said for longest goes first.
    fn worth(&self, _: u32, (): &()) -> f32 {
        self.last as f32 / 8.0
    }

    fn octets(&self) -> usize {
        self.name.len()
    }
}
