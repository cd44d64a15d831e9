//! The keys of names that sent lately: whoever sends much is folded and hashed once for many messages, and who was looked ahead to
//! is not once more when its message is judged.

use crate::message::{Party, PartyKind};
use crate::reputation::{Key, Kind, Reputation, Secret};

/// Names that are kept; the next one of a place takes it.
const PLACES: usize = 64;

/// Octets of the longest name that is kept; the last octet is its length.
const NAME_MAX: usize = 23;

/// Keys of alphanumeric senders, by their names as written.
#[derive(Debug, Default)]
pub(super) struct Memo {
    /// What they are hashed under.
    secret: Secret,
    places: Vec<Place>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Place {
    name: [u64; 3],
    /// Of the key; 0 for none.
    hash: u64,
}

impl Memo {
    /// The key of a sender, which `read` tells where it is not known.
    pub fn sender(
        &mut self,
        party: &Party<'_>,
        reputation: &Reputation,
        read: impl FnOnce() -> Option<Key>,
    ) -> Option<Key> {
        let is_name = party.kind == PartyKind::Alphanumeric && party.number.is_none();
        let Some(name) = packed(party.id).filter(|_| is_name) else { return read() };
        let secret = reputation.settings().secret;
        if secret != self.secret || self.places.is_empty() {
            (self.secret, self.places) = (secret, vec![Place::default(); PLACES]);
        }
        let Some(place) = self.places.get_mut(place(name)) else { return read() };
        if place.name != name || place.hash == 0 {
            *place = Place { name, hash: read()?.hash };
        }
        Some(Key { kind: Kind::Sender, hash: place.hash })
    }
}

/// A name and its length in three words; none of a longer one.
fn packed(name: &str) -> Option<[u64; 3]> {
    let mut octets = [0; NAME_MAX + 1];
    octets.get_mut(..name.len()).filter(|_| name.len() <= NAME_MAX)?.copy_from_slice(name.as_bytes());
    *octets.last_mut()? = u8::try_from(name.len()).ok()?;
    let (words, _) = octets.as_chunks::<8>();
    let mut name = [0; 3];
    name.iter_mut().zip(words).for_each(|(word, octets)| *word = u64::from_le_bytes(*octets));
    Some(name)
}

fn place(name: [u64; 3]) -> usize {
    let mixed =
        name.into_iter().fold(0_u64, |all, word| (all.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    usize::try_from(mixed >> 32).unwrap_or(0) % PLACES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reputation::{Names, Settings};
    use crate::time::Timestamp;
    use crate::wire::command::Ton;

    #[test]
    fn a_sender_has_one_key_whether_or_not_it_is_known_already() {
        let memory = |secret: u8| {
            let settings = Settings { secret: Secret::from([secret; 16]), ..Settings::default() };
            Reputation::new(settings, Timestamp(0))
        };
        let (mut memo, mut names) = (Memo::default(), Names::default());
        for reputation in [memory(1), memory(2)] {
            // More than there are places for, one longer than any place, and numbers; each is read twice.
            let many = (0..200).map(|n| format!("Sender {n}"));
            let others = ["DBS", "DBS\0", "D\u{412}S", "of more than twenty-three octets", "77266", "6591234567"];
            for id in many.chain(others.map(ToOwned::to_owned)) {
                for ton in [0, 1, 5] {
                    let party = Party::new(Ton(ton), &id, None);
                    let key = names.address(&party).map(|name| reputation.key(Kind::Sender, name));
                    for _ in 0..2 {
                        assert_eq!(memo.sender(&party, &reputation, || key), key, "{id} {ton}");
                    }
                    let is_kept = party.kind == PartyKind::Alphanumeric && id.len() <= NAME_MAX;
                    let again = memo.sender(&party, &reputation, || None);
                    assert_eq!(again, key.filter(|_| is_kept), "{id} {ton}");
                }
            }
        }
    }
}
