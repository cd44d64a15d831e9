//! `intel:` of `reputation:`: what other carriers tell, and how far it is believed.

use std::time::Duration;

use super::decode::Decoder;
use super::keys;
use super::tree::Node;

/// The feed that `tapis intel import` fills unless it is told otherwise; it is always there.
pub const BY_HAND: &str = "by-hand";

/// See the [module documentation](self).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntelSettings {
    /// The name of this carrier in what it tells; none for the node's.
    pub source: Option<String>,
    /// What others tell.
    pub feeds: Vec<IntelFeed>,
}

/// What one other carrier, or several, tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntelFeed {
    /// Its name in lists, metrics and the journal.
    pub id: String,
    /// Where it comes from.
    pub from: From,
    /// How often it is asked, or looked at.
    pub every: Duration,
    /// What one of its indicators weighs at full confidence, in hundredths of a message that is known for sure to be fraud.
    pub weight: i32,
    /// Less confidence is not heard.
    pub confidence_min: u8,
    /// An indicator ends at the latest so long after it was last changed.
    pub expires: Duration,
    /// More indicators are refused.
    pub entries_max: usize,
}

/// Where a feed comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    /// It is fetched.
    Url(String),
    /// It is read from a file.
    File(String),
    /// An operator puts bundles into it.
    Hand,
}

impl Default for IntelSettings {
    fn default() -> Self {
        Self { source: None, feeds: vec![IntelFeed::of(BY_HAND, From::Hand)] }
    }
}

impl IntelFeed {
    fn of(id: &str, from: From) -> Self {
        Self {
            id: id.to_owned(),
            from,
            every: Duration::from_secs(900),
            weight: 400,
            confidence_min: 30,
            expires: Duration::from_secs(30 * 86_400),
            entries_max: 100_000,
        }
    }
}

/// The most that a feed may weigh, in messages.
const WEIGHT_MAX: i32 = 100;

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);

impl Decoder<'_> {
    pub(super) fn intel(&mut self, node: &Node) -> IntelSettings {
        let mut settings = IntelSettings::default();
        let Some(fields) = self.section(node, &keys::INTEL) else { return settings };
        settings.source = fields.get("source").and_then(|n| self.text(n, "`source`")).map(|t| t.value);
        let feeds = fields.get("feeds").map(|n| self.items(n, "`feeds`")).unwrap_or_default();
        for item in feeds {
            let Some(feed) = self.intel_feed(item) else { continue };
            if feed.id == BY_HAND && feed.from == From::Hand {
                settings.feeds.retain(|known| known.id != BY_HAND);
            }
            if settings.feeds.iter().any(|known| known.id == feed.id) {
                let message = format!("feed `{}` stands here twice", feed.id);
                self.diagnostics.error(&item.place, "duplicate-id", message);
                continue;
            }
            settings.feeds.push(feed);
        }
        settings
    }

    fn intel_feed(&mut self, node: &Node) -> Option<IntelFeed> {
        let fields = self.section(node, &keys::INTEL_FEED)?;
        let Some(id) = fields.get("id") else {
            self.missing(&node.place, "a feed", "id");
            return None;
        };
        let id = self.id(id, "`id`")?.value;
        let from = match (fields.get("url"), fields.get("file")) {
            (Some(_), Some(file)) => {
                let message = "a feed comes from a file or from an address, not from both";
                self.diagnostics.error(&file.place, "wrong-shape", message).help("make two feeds of them");
                return None;
            }
            (Some(url), None) => From::Url(self.feed_address(url)?.value),
            (None, Some(file)) => From::File(self.text(file, "`file`")?.value),
            (None, None) => From::Hand,
        };
        let mut feed = IntelFeed::of(&id, from);
        for (key, place, min, max) in
            [("every", &mut feed.every, SECOND, DAY), ("expires", &mut feed.expires, SECOND, 366 * DAY)]
        {
            let says = fields.get(key).and_then(|n| self.duration_within(n, key, min, max));
            *place = says.unwrap_or(*place);
        }
        let weight = fields.get("weight").and_then(|n| self.hundredths(n, "`weight`", 0, WEIGHT_MAX));
        feed.weight = weight.unwrap_or(feed.weight);
        let least = fields.get("confidence_min").and_then(|n| self.count(n, "`confidence_min`", 1, 100));
        feed.confidence_min = least.and_then(|n| u8::try_from(n).ok()).unwrap_or(feed.confidence_min);
        let most = fields.get("entries_max").and_then(|n| self.count(n, "`entries_max`", 1, 1_000_000));
        feed.entries_max = most.and_then(|n| usize::try_from(n).ok()).unwrap_or(feed.entries_max);
        Some(feed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::diagnostic::Diagnostics;
    use crate::config::read_settings;
    use crate::config::source::Source;

    fn read(text: &str) -> (IntelSettings, Vec<String>) {
        let mut all = Diagnostics::default();
        let source = Source { name: "tapis.yaml".into(), text: format!("smsc: a:1\nreputation:\n  intel: {text}\n") };
        let settings = read_settings(&source, &mut all).reputation.intel;
        (settings, all.sorted().iter().map(|d| format!("{} {}", d.code, d.message)).collect())
    }

    #[test]
    fn feeds_are_as_they_are_said_and_the_rest_as_shipped() {
        let (settings, told) = read(
            "{ source: Carrier A, feeds: [ { id: cert, url: \"https://cert.example/a.json\", weight: 2.5, every: 1m }, \
             { id: by-hand, weight: 1 }, { id: peer, file: peer.json, confidence_min: 80, expires: 7d, entries_max: 5 } ] }",
        );
        assert_eq!(told, [""; 0]);
        assert_eq!(settings.source.as_deref(), Some("Carrier A"));
        let [cert, by_hand, peer] = settings.feeds.as_slice() else { panic!("{settings:?}") };
        assert_eq!((cert.weight, cert.every, cert.confidence_min), (250, Duration::from_secs(60), 30));
        assert_eq!((by_hand.from.clone(), by_hand.weight), (From::Hand, 100));
        assert_eq!((peer.confidence_min, peer.expires, peer.entries_max), (80, 7 * DAY, 5));
        assert_eq!(IntelSettings::default().feeds.len(), 1);
    }

    #[test]
    fn what_is_wrong_with_a_feed_is_told() {
        for (text, wrong) in [
            ("{ feeds: [ { url: \"http://a/b\" } ] }", "missing-key"),
            ("{ feeds: [ { id: a, url: \"ftp://a/b\" } ] }", "url"),
            ("{ feeds: [ { id: a, url: \"http://a/b\", file: c } ] }", "wrong-shape"),
            ("{ feeds: [ { id: a, file: b }, { id: a, file: c } ] }", "duplicate-id"),
            ("{ feeds: [ { id: by-hand, file: b } ] }", "duplicate-id"),
            ("{ feeds: [ { id: a, weight: 101 } ] }", "out-of-range"),
            ("{ feeds: [ { id: a, confidence_min: 0 } ] }", "out-of-range"),
            ("{ feeds: [ { id: a, every: 10ms } ] }", "out-of-range"),
            ("{ feeds: [ { id: a/b } ] }", "id"),
        ] {
            let (_, told) = read(text);
            assert!(told.iter().any(|t| t.starts_with(&format!("{wrong} "))), "{text}: {told:?}");
        }
    }
}
