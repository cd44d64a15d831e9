//! Campaigns: texts that are nearly the same, found by their fingerprints without a look at all that are known.
//!
//! ```text
//!  masked text ─▶ known as it is? ─▶ its campaign
//!       └─▶ fingerprint ─▶ 4 bands ─▶ for each the campaign that had it last ─▶ at least 8 of 16 slots equal? ─▶ that campaign
//!                                                                                          else a campaign of its own
//! ```
//!
//! The first text of a campaign stands for it: every other is compared with it, so that a campaign does not drift; but the bands
//! of all its texts lead to it. Both tables are bounded; a text that comes once gives way to any other, and what
//! came [`LIVE_MIN`] times within the last hours to none.

use super::delta::Outbox;
use super::fingerprint::{Fingerprint, Template};
use super::key::{Key, Kind, Secret};
use super::table::{Comer, Entry, PROTECTED, Table};

/// Octets of a sample that are kept.
pub const SAMPLE_MAX: usize = 240;

/// Messages from which a campaign is told of, and keeps a sample.
pub const LIVE_MIN: u32 = 3;

/// Messages from which it gives way to no text that comes once.
const PROTECTED_MIN: f32 = 8.0;

/// Seconds in which what a campaign is worth is halved.
const HALF_LIFE: u32 = 6 * 3600;

/// All campaigns.
#[derive(Debug)]
pub(super) struct Campaigns {
    pub known: Table<Campaign>,
    bands: Table<Band>,
    secret: Secret,
    seed: u64,
}

/// One campaign, by its first text.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Campaign {
    pub fingerprint: Fingerprint,
    /// Its first text that was kept, masked, cut.
    pub sample: Box<str>,
    pub messages: u32,
    pub first: u32,
    pub last: u32,
}

/// Who had a band of slots last.
#[derive(Clone, Copy, Debug, Default)]
struct Band {
    campaign: u64,
    last: u32,
    /// Whether its campaign is protected.
    live: bool,
}

impl Campaigns {
    pub fn new(campaigns_max: usize, octets_max: usize, secret: Secret) -> Self {
        Self {
            known: Table::new(campaigns_max, octets_max),
            bands: Table::new(campaigns_max * 4, 0),
            secret,
            seed: secret.hash(b'f', b"fingerprint"),
        }
    }

    /// The campaign of a text.
    pub fn find(&self, template: &Template) -> Option<Key> {
        let text = template.text();
        if text.is_empty() {
            return None;
        }
        let own = Key::new(self.secret, Kind::Campaign, text);
        if self.known.read(own.hash, |_| ()).is_some() {
            return Some(own);
        }
        Some(self.like(&template.fingerprint(self.seed)).unwrap_or(own))
    }

    /// The campaign that a fingerprint is most like, if it is like any.
    pub fn like(&self, fingerprint: &Fingerprint) -> Option<Key> {
        let (mut best, mut most, mut seen) = (None, 0, 0);
        for band in fingerprint.bands() {
            let Some(hash) = self.bands.read(band, |band| band.campaign).filter(|hash| *hash != seen) else { continue };
            seen = hash;
            let common = self.known.read(hash, |one| {
                if one.fingerprint.is_like(fingerprint) { one.fingerprint.common(fingerprint) } else { 0 }
            });
            if common.is_some_and(|common| common > most) {
                (best, most) = (Some(hash), common.unwrap_or(0));
            }
        }
        best.map(|hash| Key { kind: Kind::Campaign, hash })
    }

    /// Takes in a text of a campaign, the first one or another.
    pub fn add(&self, key: Key, template: &Template, now: u32, outbox: &Outbox) {
        let text = template.text();
        if text.is_empty() {
            return;
        }
        let own = Key::new(self.secret, Kind::Campaign, text);
        let counted = self.known.update(key.hash, |one| {
            one.messages = one.messages.saturating_add(1);
            one.last = now;
            if one.messages == LIVE_MIN {
                one.sample = cut(text).into();
                outbox.campaign(key, one);
            }
            // Now and then its bands are told that it lives.
            (one.messages.is_power_of_two() && one.is_protected(now)).then_some(one.fingerprint)
        });
        let live = match counted {
            None => {
                let fingerprint = template.fingerprint(self.seed);
                return self
                    .put(key, Campaign { fingerprint, messages: 1, first: now, last: now, ..Campaign::default() });
            }
            Some(live) => live,
        };
        if let Some(fingerprint) = live {
            self.link(&fingerprint, Band { campaign: key.hash, last: now, live: true });
        }
        if own != key {
            // The next variant may be more like this one than like the first.
            self.link(&template.fingerprint(self.seed), Band { campaign: key.hash, last: now, live: false });
        }
    }

    /// Makes a campaign known of which no text came yet.
    pub fn expect(&self, key: Key, template: &Template, now: u32) {
        if self.known.read(key.hash, |_| ()).is_none() {
            let fingerprint = template.fingerprint(self.seed);
            self.put(key, Campaign { fingerprint, first: now, last: now, ..Campaign::default() });
        }
    }

    /// Keeps a campaign under its key, where there is a place for it.
    pub fn put(&self, key: Key, campaign: Campaign) {
        let (fingerprint, now) = (campaign.fingerprint, campaign.last);
        let band = Band { campaign: key.hash, last: now, live: campaign.is_protected(now) };
        if self.known.enter(key.hash, Comer::Equal, now, &(), |one| *one = campaign).is_some() {
            self.link(&fingerprint, band);
        }
    }

    /// Takes in a campaign that another node tells of. Where it is known here under another key the lesser of the two is kept,
    /// and told, so that both nodes come to one.
    pub fn merge(&self, key: Key, campaign: &Campaign, now: u32, outbox: &Outbox) {
        let same = self.like(&campaign.fingerprint).filter(|same| *same != key);
        match same {
            Some(same) if same < key => {
                self.known.read(same.hash, |one| outbox.campaign(same, one));
                return;
            }
            Some(same) => _ = self.known.remove(same.hash),
            None => {}
        }
        if self.known.read(key.hash, |_| ()).is_none() {
            self.put(key, Campaign { last: now, ..campaign.clone() });
        }
    }

    /// Leads from the bands of a fingerprint to a campaign.
    fn link(&self, fingerprint: &Fingerprint, to: Band) {
        for band in fingerprint.bands() {
            self.bands.enter(band, Comer::Equal, to.last, &(), |one| {
                let live = to.live || (one.live && one.campaign == to.campaign);
                *one = Band { live, ..to };
            });
        }
    }
}

impl Campaign {
    /// What it is worth: its messages, halved with time.
    fn weight(&self, now: u32) -> f32 {
        let halves = now.saturating_sub(self.last) as f32 / HALF_LIFE as f32;
        self.messages as f32 * (-halves).exp2()
    }

    fn is_protected(&self, now: u32) -> bool {
        self.weight(now) >= PROTECTED_MIN
    }
}

/// The beginning of a text.
fn cut(text: &str) -> &str {
    let end = (0..=text.len().min(SAMPLE_MAX)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text.get(..end).unwrap_or_default()
}

impl Entry for Campaign {
    type Cx = ();

    fn worth(&self, now: u32, (): &()) -> f32 {
        let weight = self.weight(now);
        if self.is_protected(now) { PROTECTED + weight } else { weight }
    }

    fn octets(&self) -> usize {
        self.sample.len()
    }
}

impl Entry for Band {
    type Cx = ();

    fn worth(&self, now: u32, (): &()) -> f32 {
        let live = self.live && now.saturating_sub(self.last) < 4 * HALF_LIFE;
        self.last as f32 / 8.0 + if live { PROTECTED } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{ReadContext, Reading};

    fn template(text: &str) -> Template {
        let mut reading = Reading::default();
        reading.read_text(text, &ReadContext::default());
        let mut template = Template::default();
        template.read(&reading);
        template
    }

    fn parcel(n: usize) -> Template {
        let names = ["Wei Ling", "Ahmad", "customer", "Sir or Madam", "Nguyen"];
        let ends = ["Thank you.", "Regards, SingPost", "", "Do not reply", "Act now!"];
        let (name, end) = (names[n % 5], ends[n / 5 % 5]);
        template(&format!(
            "Dear {name}, your parcel {n} is held at our depot because of an unpaid fee of SGD 2.99. Pay within 24 hours at \
             https://p{n}.top/x or it will be returned to the sender. {end}"
        ))
    }

    #[test]
    fn a_campaign_is_found_through_its_variants() {
        let campaigns = Campaigns::new(1024, 1 << 20, Secret::default());
        let mut keys = std::collections::BTreeSet::new();
        for n in 0..500_u32 {
            let template = parcel(n as usize);
            let key = campaigns.find(&template).expect("long enough");
            campaigns.add(key, &template, 1_000_000 + n, &Outbox::default());
            keys.insert(key);
        }
        // Without names and ends in common there would be twenty-five.
        assert!(keys.len() <= 2, "{}", keys.len());
        let first = keys.iter().next().expect("one at least");
        assert!(campaigns.known.read(first.hash, |one| one.sample.contains("parcel 0 is held")).unwrap_or(false));
    }

    #[test]
    fn a_flood_of_single_texts_pushes_out_no_live_campaign() {
        let campaigns = Campaigns::new(256, 1 << 20, Secret::default());
        let live = campaigns.find(&parcel(0)).expect("long enough");
        (0..20).for_each(|_| campaigns.add(live, &parcel(0), 1_000_000, &Outbox::default()));
        for n in 0..4_000_u32 {
            let words: Vec<String> =
                (0..8).map(|w| format!("{:x}", Secret::default().hash(w, &u64::from(n).to_le_bytes()))).collect();
            let template = template(&words.join(" "));
            let key = campaigns.find(&template).expect("long enough");
            campaigns.add(key, &template, 1_000_000 + n / 20, &Outbox::default());
        }
        assert!(campaigns.known.fill().entries <= 256);
        assert_eq!(campaigns.find(&parcel(7)), Some(live));
    }
}
