//! What rules name, and what weighs them: lists, registries, tags, groups, accounts, profiles, overrides.

use std::time::Duration;

use super::decode::{Decoder, Fields, Placed};
use super::facts::ListKind;
use super::keys;
use super::rules::Pack;
use super::spec::{
    AccountSpec, FeedSpec, GroupSpec, IntelSource, ListSpec, OverrideSpec, Points, ProfileSpec, RegistryEntry,
    RegistrySpec, Spec, TagSpec,
};
use super::tree::{Node, Value};
use crate::text::Alphabet;
use crate::wire::command::{CommandStatus, Tag};

/// Octets of an alphanumeric sender (3GPP TS 23.040 §9.1.2.5).
const SOURCE_ADDR_OCTETS_MAX: usize = 11;

/// How often a list is fetched when it does not say.
const FEED_EVERY: Duration = Duration::from_secs(15 * 60);
const FEED_EVERY_MIN: Duration = Duration::from_secs(1);
/// Entries of a fetched list when it does not say.
const FEED_ENTRIES_MAX: u64 = 10_000_000;

impl Decoder<'_> {
    /// The keys that may stand in any file.
    pub(super) fn policy_parts(&mut self, root: &Fields<'_>, spec: &mut Spec) {
        if let Some(node) = root.get("home")
            && let Some(fields) = self.section(node, &keys::HOME)
        {
            match fields.get("country") {
                Some(node) => self.home(node, spec),
                None => self.missing(fields.place, "`home`", "country"),
            }
        }
        if let Some(node) = root.get("mode")
            && let Some(mode) = self.mode(node)
        {
            spec.mode = mode.min(spec.mode);
        }
        if let Some(node) = root.get("report_short_codes") {
            spec.report_short_codes.extend(self.texts(node, "`report_short_codes`").into_iter().map(|t| t.value));
        }
        for (key, node) in self.entries(root, "accounts") {
            let account = self.account(key, node);
            spec.accounts.extend(account);
        }
        if let Some(node) = root.get("profiles") {
            for item in self.items(node, "`profiles`") {
                let profile = self.profile(item);
                spec.profiles.extend(profile);
            }
        }
        for (key, node) in self.entries(root, "overrides") {
            let one = self.override_of(key, node);
            spec.overrides.extend(one);
        }
        for (key, node) in self.entries(root, "groups") {
            let group = self.group(key, node);
            spec.groups.extend(group);
        }
    }

    /// One country for all files: which of them is read last does not matter.
    fn home(&mut self, node: &Node, spec: &mut Spec) {
        let Some(country) = self.country(node, "`country`") else { return };
        match &spec.home {
            Some(first) if first.value != country => {
                let message = format!("`home` is {} already", first.value.as_str());
                let help = format!("it is at {}", first.place);
                self.diagnostics.error(&node.place, "duplicate-id", message).help(help);
            }
            Some(_) => {}
            None => spec.home = Some(Placed { value: country, place: node.place.clone() }),
        }
    }

    fn entries<'n>(&mut self, root: &Fields<'n>, key: &str) -> &'n [(Node, Node)] {
        root.get(key).and_then(|node| self.map(node, &format!("`{key}`"))).map_or(&[], |f| f.entries())
    }

    /// Lists, registries and tags of a rule file.
    pub(super) fn named_parts(&mut self, root: &Fields<'_>, pack: &Pack, spec: &mut Spec) {
        for (key, node) in self.entries(root, "lists") {
            let list = self.list(key, node, pack);
            spec.lists.extend(list);
        }
        for (key, node) in self.entries(root, "registries") {
            let registry = self.registry(key, node, pack);
            spec.registries.extend(registry);
        }
        for (key, node) in self.entries(root, "tags") {
            let tag = self.tag(key, node, pack);
            spec.tags.extend(tag);
        }
    }

    fn group(&mut self, key: &Node, node: &Node) -> Option<GroupSpec> {
        let name = self.text(key, "a group's name")?;
        let fields = self.section(node, &keys::GROUP)?;
        let Some(cap) = fields.get("cap") else {
            self.missing(fields.place, "a group", "cap");
            return None;
        };
        Some(GroupSpec { name, cap: Points(self.hundredths(cap, "`cap`", 0, 1_000)?) })
    }

    fn account(&mut self, key: &Node, node: &Node) -> Option<AccountSpec> {
        let id = self.text(key, "an account")?;
        let fields = self.section(node, &keys::ACCOUNT)?;
        let names = Alphabet::NAMES.map(|(name, _)| name);
        let alphabet = fields.get("alphabet").and_then(|n| self.choice(n, "`alphabet`", &names));
        let named = |word: &str| Alphabet::NAMES.into_iter().find(|(name, _)| *name == word).map(|(_, a)| a);
        let home = fields.get("home").and_then(|n| match &n.value {
            Value::Map(_) => self.section(n, &keys::HOME)?.get("country").and_then(|n| self.country(n, "`country`")),
            _ => self.country(n, "`home`"),
        });
        Some(AccountSpec {
            id,
            class: fields.get("class").and_then(|n| self.text(n, "`class`")).map(|t| t.value),
            alphabet: alphabet.and_then(|a| named(&a.value)),
            home,
        })
    }

    fn profile(&mut self, node: &Node) -> Option<ProfileSpec> {
        let fields = self.section(node, &keys::PROFILE)?;
        let id = match fields.get("id") {
            Some(id) => self.id(id, "a profile's id"),
            None => {
                self.missing(&node.place, "a profile", "id");
                None
            }
        };
        let whose = fields.get("for").and_then(|n| self.section(n, &keys::FOR));
        let whose = |key: &str| whose.and_then(|w| w.get(key));
        let direction = whose("direction").and_then(|n| self.choice(n, "`direction`", &["mt", "mo"]));
        let thresholds = fields.get("thresholds").and_then(|n| self.section(n, &keys::THRESHOLDS));
        let mut threshold = |key: &str| {
            thresholds
                .and_then(|t| t.get(key))
                .and_then(|n| self.hundredths(n, &format!("the threshold `{key}`"), 0, 1_000))
                .map(Points)
        };
        let (tag_from, block_from) = (threshold("tag"), threshold("block"));
        let words = ["pass", "tag", "block"];
        let is_mo = direction.map(|d| d.value == "mo");
        let profile = ProfileSpec {
            account: whose("account").and_then(|n| self.text(n, "`account`")).map(|t| t.value),
            account_class: whose("account_class").and_then(|n| self.text(n, "`account_class`")).map(|t| t.value),
            mo: is_mo,
            country: whose("country").and_then(|n| self.country(n, "`country`")),
            tag_from,
            block_from,
            action_max: fields.get("action_max").and_then(|n| self.action(n, &words)),
            status: fields.get("status").and_then(|n| self.profile_status(n, is_mo)),
            answer: fields.get("answer").and_then(|n| self.answer_kind(n)),
            tag: fields.get("tag").and_then(|n| self.text(n, "`tag`")),
            id: id?,
        };
        if let (Some(tag), Some(block)) = (tag_from, block_from)
            && tag > block
        {
            let place = thresholds.map_or(&node.place, |t| t.place);
            self.diagnostics.warning(
                place,
                "no-effect",
                format!("tag: {tag} is above block: {block}, so nothing is tagged by score"),
            );
        }
        Some(profile)
    }

    /// A status that makes ESMEs try again would bring every blocked message back. An SMSC's tries are counted, so that
    /// ESME_RX_T_APPN may stand for what is mobile originated.
    fn profile_status(&mut self, node: &Node, is_mo: Option<bool>) -> Option<CommandStatus> {
        let status = self.status(node)?;
        let is_counted = is_mo == Some(true) && status == CommandStatus::ESME_RX_T_APPN;
        if status.is_retryable() && !is_counted {
            let message = format!("`{status}` makes its peer try again what is blocked");
            self.diagnostics
                .error(&node.place, "retryable", message)
                .help("only a rule whose rate is per: account may answer with it");
            return None;
        }
        Some(status)
    }

    fn override_of(&mut self, key: &Node, node: &Node) -> Option<OverrideSpec> {
        let target = self.text(key, "an override")?;
        let fields = self.section(node, &keys::OVERRIDE)?;
        if fields.entries().is_empty() {
            self.diagnostics.error(&node.place, "empty", "an override of nothing");
        }
        Some(OverrideSpec {
            target,
            mode: fields.get("mode").and_then(|n| self.mode(n)),
            score: fields.get("score").and_then(|n| self.hundredths(n, "`score`", 0, 20)).map(Points),
            action: fields.get("action").and_then(|n| self.rule_action(n)),
        })
    }

    fn list(&mut self, key: &Node, node: &Node, pack: &Pack) -> Option<ListSpec> {
        let name = self.text(key, "a list's name")?;
        let what = format!("list `{}`", name.value);
        let kinds = keys::LIST.names();
        let fields = self.fields(node, &what, &kinds)?;
        let [(kind, source)] = fields.entries() else {
            let message = format!("{what} has exactly one key, what its entries are");
            self.diagnostics.error(&node.place, "wrong-shape", message).help(format!("one of {}", kinds.join(", ")));
            return None;
        };
        let kind = ListKind::ALL.into_iter().find(|k| Some(k.name()) == kind.text())?;
        let (entries, removed) = (Vec::new(), Vec::new());
        let mut list =
            ListSpec { name, pack: pack.id.clone(), kind, entries, file: None, feed: None, intel: None, removed };
        match &source.value {
            Value::Map(_) => {
                let from = self.fields(source, &what, &keys::LIST_SOURCE.names())?;
                list.file = from.get("file").and_then(|n| self.text(n, "`file`"));
                if from.get("intel").is_some() {
                    self.list_of_intel(&from, &mut list)?;
                } else if let Some(url) = from.get("url") {
                    list.file = self.feed_address(url);
                    list.feed = self.feed(&from);
                } else if from.get("file").is_none() {
                    self.missing(from.place, &what, "file");
                }
                if let Some(node) = from.get("confidence_min").filter(|_| from.get("intel").is_none()) {
                    let message = "`confidence_min` is of a list of an `intel` feed";
                    self.diagnostics.error(&node.place, "wrong-shape", message);
                }
            }
            _ => list.entries = self.texts(source, &what),
        }
        Some(list)
    }

    /// A list of what a feed of other carriers warns of stands under a name of its own, as a fetched one under its address.
    fn list_of_intel(&mut self, from: &Fields<'_>, list: &mut ListSpec) -> Option<()> {
        let node = from.get("intel")?;
        let feed = self.id(node, "`intel`")?;
        for key in ["file", "url", "every", "sha256", "entries_max"] {
            if let Some(other) = from.get(key) {
                let message = format!("a list of an `intel` feed takes no `{key}`: the feed has its own");
                self.diagnostics.error(&other.place, "wrong-shape", message);
            }
        }
        if !matches!(list.kind, ListKind::Domains | ListKind::Senders | ListKind::Numbers) {
            let message = format!("no feed warns of {}", list.kind.name());
            self.diagnostics
                .error(&node.place, "list-kind", message)
                .help("domains, senders and numbers can be heard of");
        }
        let least = from.get("confidence_min").and_then(|n| self.count(n, "`confidence_min`", 1, 100));
        let confidence_min = least.and_then(|n| u8::try_from(n).ok()).unwrap_or(1);
        let value = format!("intel://{}/{}?confidence_min={confidence_min}", feed.value, list.kind.name());
        list.file = Some(Placed { value, place: feed.place.clone() });
        list.intel = Some(IntelSource { feed, confidence_min });
        Some(())
    }

    pub(super) fn feed_address(&mut self, node: &Node) -> Option<Placed<String>> {
        let url = self.text(node, "`url`")?;
        let rest = url.value.strip_prefix("https://").or(url.value.strip_prefix("http://"));
        let host = rest.and_then(|rest| rest.split('/').next()).unwrap_or_default();
        if host.is_empty() || url.value.contains(char::is_whitespace) {
            let message = format!("`{}` is no address of a list", url.value);
            self.diagnostics.error(&url.place, "url", message).help("write https://host/path or http://host:port/path");
            return None;
        }
        Some(url)
    }

    fn feed(&mut self, from: &Fields<'_>) -> Option<FeedSpec> {
        if let Some(file) = from.get("file") {
            let message = "a list comes from a file or from an address, not from both";
            self.diagnostics.error(&file.place, "wrong-shape", message).help("make two lists of them");
        }
        let every = from.get("every").and_then(|n| self.duration(n, "`every`").map(|every| (n, every)));
        if let Some((node, _)) = every.filter(|(_, every)| *every < FEED_EVERY_MIN) {
            let message = "`every` is less than a second";
            self.diagnostics.error(&node.place, "out-of-range", message).help("write 15m or 24h");
        }
        let sha256 = from.get("sha256").and_then(|n| self.text(n, "`sha256`"));
        if let Some(bad) =
            sha256.as_ref().filter(|s| s.value.len() != 64 || !s.value.bytes().all(|b| b.is_ascii_hexdigit()))
        {
            let message = "`sha256` is no SHA-256";
            self.diagnostics.error(&bad.place, "hash", message).help("64 hexadecimal digits, as sha256sum prints them");
        }
        let entries_max = from.get("entries_max").and_then(|n| self.count(n, "`entries_max`", 1, 100_000_000));
        Some(FeedSpec {
            every: every.map_or(FEED_EVERY, |(_, every)| every),
            sha256: sha256.map(|s| s.value),
            entries_max: entries_max.unwrap_or(FEED_ENTRIES_MAX),
        })
    }

    fn registry(&mut self, key: &Node, node: &Node, pack: &Pack) -> Option<RegistrySpec> {
        let name = self.text(key, "a registry's name")?;
        let fields = self.section(node, &keys::REGISTRY)?;
        let file = fields.get("file").and_then(|n| self.text(n, "`file`"));
        if file.is_none() && fields.get("entries").is_none() {
            self.missing(fields.place, "a registry", "entries");
        }
        let items = fields.get("entries").map(|n| self.items(n, "`entries`")).unwrap_or_default();
        let entries = items.iter().filter_map(|i| self.registry_entry(i)).collect();
        Some(RegistrySpec { name, pack: pack.id.clone(), entries, file })
    }

    fn registry_entry(&mut self, node: &Node) -> Option<RegistryEntry> {
        let fields = self.section(node, &keys::REGISTRY_ENTRY)?;
        let Some(sender) = fields.get("sender") else {
            self.missing(&node.place, "a registry entry", "sender");
            return None;
        };
        let mut many = |key: &str| -> Vec<Placed<String>> {
            let Some(list) = fields.get(key) else { return Vec::new() };
            let items = self.items(list, &format!("`{key}`"));
            items.iter().filter_map(|i| self.text(i, &format!("an entry of `{key}`"))).collect()
        };
        let (accounts, domains, phones) = (many("accounts"), many("domains"), many("phones"));
        let accounts = accounts.into_iter().map(|a| a.value).collect();
        let mut date = |key: &str| fields.get(key).and_then(|n| self.date(n));
        let (valid_from, valid_until) = (date("valid_from"), date("valid_until"));
        Some(RegistryEntry {
            sender: self.text(sender, "`sender`")?.value,
            entity: fields.get("entity").and_then(|n| self.text(n, "`entity`")).map(|t| t.value).unwrap_or_default(),
            accounts,
            domains,
            phones,
            valid_from,
            valid_until,
        })
    }

    fn tag(&mut self, key: &Node, node: &Node, pack: &Pack) -> Option<TagSpec> {
        let name = self.text(key, "a tag's name")?;
        let fields = self.section(node, &keys::TAG)?;
        let mut tag = TagSpec { name, pack: pack.id.clone(), source_addr: None, prefix: Vec::new(), tlv: None };
        if let Some(node) = fields.get("source_addr") {
            tag.source_addr = self.text(node, "`source_addr`").filter(|t| self.fits_source_addr(t));
        }
        match fields.get("prefix") {
            Some(Node { value: Value::Map(entries), .. }) => {
                for (key, value) in entries {
                    let country = if key.text() == Some("default") {
                        Some(None)
                    } else {
                        self.country(key, "a country of `prefix`").map(Some)
                    };
                    if let (Some(country), Some(text)) = (country, self.text(value, "`prefix`")) {
                        tag.prefix.push((country, text));
                    }
                }
            }
            Some(node) => tag.prefix.extend(self.text(node, "`prefix`").map(|t| (None, t))),
            None => {}
        }
        tag.tlv = fields.get("tlv").and_then(|n| self.tlv(n));
        if fields.entries().is_empty() {
            self.diagnostics.error(&node.place, "empty", "a tag that changes nothing");
        }
        Some(tag)
    }

    fn fits_source_addr(&mut self, text: &Placed<String>) -> bool {
        let fits = text.value.len() <= SOURCE_ADDR_OCTETS_MAX && text.value.bytes().all(|b| (0x20..0x7f).contains(&b));
        if !fits {
            let message = format!("`{}` does not fit a source address", text.value);
            self.diagnostics.error(&text.place, "source-addr", message).help(format!(
                "ASCII, at most {SOURCE_ADDR_OCTETS_MAX} characters; this has {}",
                text.value.chars().count()
            ));
        }
        fits
    }

    /// `tlv: { tag: 0x1500, value: text }`: constant, like every tag.
    fn tlv(&mut self, node: &Node) -> Option<(Tag, Vec<u8>)> {
        let fields = self.section(node, &keys::TLV)?;
        for key in ["tag", "value"] {
            if fields.get(key).is_none() {
                self.missing(fields.place, "`tlv`", key);
            }
        }
        let tag = self.text(fields.get("tag")?, "`tag`")?;
        let value = self.text(fields.get("value")?, "`value`")?.value.into_bytes();
        Some((self.vendor_tag(&tag)?, value))
    }

    /// The tag of a TLV that the standard leaves to vendors.
    pub(super) fn vendor_tag(&mut self, tag: &Placed<String>) -> Option<Tag> {
        let number = match tag.value.strip_prefix("0x") {
            Some(hex) => u16::from_str_radix(hex, 16),
            None => tag.value.parse(),
        };
        match number {
            Ok(number @ 0x1400..=0x3fff) => Some(Tag(number)),
            _ => {
                self.diagnostics
                    .error(&tag.place, "tlv", format!("`{}` is no vendor's tag", tag.value))
                    .help("from 0x1400 to 0x3FFF (SMPP 3.4 §5.3.2)");
                None
            }
        }
    }
}
