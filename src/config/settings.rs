//! `tapis.yaml`: where Tapis listens, whom it connects to, what it keeps. Every key has a default but `smsc`.

use std::time::Duration;

use super::canary::CanarySettings;
use super::decode::{Decoder, Fields, Placed};
use super::keys;
use super::reputation::ReputationSettings;
use super::spec::{Exceptions, Failure, Spec};
use super::tls::{ListenTls, SmscTls};
use super::tree::{Node, Value};
use crate::limits;

/// An SMSC to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmscSettings {
    /// Its name in metrics and journal.
    pub id: String,
    /// `host:port`.
    pub address: String,
    /// How it is spoken to inside TLS; none for TCP alone.
    pub tls: Option<SmscTls>,
}

/// Whether texts stand in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JournalText {
    /// They do not.
    Off,
    /// Digits are hidden.
    Masked,
    /// As they were.
    On,
}

/// `journal:`
#[derive(Clone, Debug)]
pub struct JournalSettings {
    /// The folder; none for no journal.
    pub dir: Option<String>,
    /// One pass in this many is written; blocks and tags always are.
    pub passes_one_in: u64,
    /// Whether texts are written.
    pub text: JournalText,
    /// Octets after which a new file is begun.
    pub segment_octets: u64,
    /// How often written records are forced to the disk.
    pub sync_every: Duration,
}

/// `capture:`, traffic kept for replay; see [`crate::capture`].
#[derive(Clone, Debug)]
pub struct CaptureSettings {
    /// The folder.
    pub dir: String,
    /// The file of the key, which only its owner may read.
    pub key: String,
    /// Octets of all files.
    pub size_octets: u64,
    /// How long traffic is kept.
    pub keep: Duration,
}

/// `timers:`; see the session's documentation for each.
#[derive(Clone, Copy, Debug)]
pub struct TimerSettings {
    /// From connection to bind.
    pub session_init: Duration,
    /// From request to answer.
    pub response: Duration,
    /// Silence before an enquire_link.
    pub enquire_link: Duration,
    /// From the first close to the last.
    pub linger: Duration,
    /// From SIGTERM to the end.
    pub drain: Duration,
    /// To connect to one SMSC.
    pub connect: Duration,
}

/// `limits:`
#[derive(Clone, Copy, Debug)]
pub struct LimitSettings {
    /// Largest command_length, in octets.
    pub pdu: u32,
    /// Octets buffered for one leg.
    pub leg_buffer: usize,
    /// Requests outstanding in one direction.
    pub outstanding: usize,
    /// Sessions at a time.
    pub sessions: usize,
    /// Accounts that metrics name.
    pub accounts: usize,
    /// Octets of parts that are remembered.
    pub parts: usize,
}

/// `parts:`, how parts of longer messages are held; see [`crate::gate::Parts`].
#[derive(Clone, Copy, Debug)]
pub struct PartSettings {
    /// The longest that a part is held; zero holds none.
    pub hold: Duration,
    /// Silence after which a peer is taken to wait for an answer.
    pub quiet: Duration,
    /// Whether parts from the SMSC are held too.
    pub hold_mo: bool,
    /// How long a part is remembered.
    pub verdict_ttl: Duration,
    /// Single messages to one recipient within this time are also judged as one.
    pub join_singles: Option<Duration>,
}

/// Everything of `tapis.yaml` that is not policy.
#[derive(Clone, Debug)]
pub struct Settings {
    /// This node's name in the journal.
    pub node: String,
    /// Where ESMEs connect.
    pub listen: String,
    /// Where they connect over TLS as well.
    pub listen_tls: Option<ListenTls>,
    /// Where operators and Prometheus connect; none for no admin server.
    pub admin: Option<String>,
    /// SMSCs, tried in order at bind time.
    pub smsc: Vec<SmscSettings>,
    /// Files and folders of rules, relative to this file.
    pub rules: Vec<String>,
    /// Whether a changed file is loaded at once.
    pub watch: bool,
    /// `journal:`
    pub journal: JournalSettings,
    /// `capture:`; none unless the operator opts in.
    pub capture: Option<CaptureSettings>,
    /// `canary:`, how changed policies are tried; none takes them for all sessions at once.
    pub canary: Option<CanarySettings>,
    /// The folder that remembers tagged and swallowed messages over a restart; none keeps them in memory only.
    pub state: Option<String>,
    /// `timers:`
    pub timers: TimerSettings,
    /// `limits:`
    pub limits: LimitSettings,
    /// `parts:`
    pub parts: PartSettings,
    /// `reputation:`
    pub reputation: ReputationSettings,
    /// Whether message_ids of ours are hexadecimal.
    pub message_ids_hexadecimal: bool,
    /// How often the same MO message is refused before it is accepted and dropped.
    pub mo_refusals: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            node: "n1".into(),
            listen: "0.0.0.0:2775".into(),
            listen_tls: None,
            admin: Some("127.0.0.1:9090".into()),
            smsc: Vec::new(),
            rules: Vec::new(),
            watch: false,
            journal: JournalSettings {
                dir: None,
                passes_one_in: 1_000,
                text: JournalText::Off,
                segment_octets: 64 << 20,
                sync_every: Duration::from_secs(1),
            },
            capture: None,
            canary: None,
            state: None,
            timers: TimerSettings {
                session_init: Duration::from_secs(10),
                response: Duration::from_secs(60),
                enquire_link: Duration::from_secs(60),
                linger: Duration::from_secs(2),
                drain: Duration::from_secs(10),
                connect: Duration::from_secs(3),
            },
            limits: LimitSettings {
                pdu: limits::PDU_OCTETS_MAX,
                leg_buffer: limits::LEG_BUFFER_OCTETS_MAX,
                outstanding: limits::OUTSTANDING_MAX,
                sessions: 10_000,
                accounts: limits::METRIC_ACCOUNTS_MAX,
                parts: limits::PARTS_OCTETS_MAX,
            },
            parts: PartSettings {
                hold: Duration::from_millis(800),
                quiet: Duration::from_millis(200),
                hold_mo: false,
                verdict_ttl: Duration::from_secs(300),
                join_singles: None,
            },
            reputation: ReputationSettings::default(),
            message_ids_hexadecimal: false,
            mo_refusals: 3,
        }
    }
}

impl Decoder<'_> {
    pub(super) fn settings(&mut self, root: &Fields<'_>, spec: &mut Spec) -> Settings {
        let mut s = Settings::default();
        if let Some(node) = root.get("version") {
            self.choice(node, "`version`", &["1"]);
        }
        let text = |d: &mut Self, key: &str| root.get(key).and_then(|n| d.text(n, &format!("`{key}`")));
        if let Some(node) = text(self, "node") {
            s.node = node.value;
        }
        if let Some(listen) = text(self, "listen").filter(|a| self.is_address(a)) {
            s.listen = listen.value;
        }
        s.listen_tls = root.get("listen_tls").and_then(|n| self.listen_tls(n));
        match root.get("admin") {
            Some(node) if node.text() == Some("off") => s.admin = None,
            Some(_) => s.admin = text(self, "admin").filter(|a| self.is_address(a)).map(|a| a.value).or(s.admin),
            None => {}
        }
        s.state = text(self, "state").map(|t| t.value);
        s.smsc = root.get("smsc").map(|n| self.smscs(n)).unwrap_or_default();
        if let Some(node) = root.get("rules") {
            s.rules = self.paths(node);
        }
        if let Some(watch) = root.get("watch").and_then(|n| self.flag(n, "`watch`")) {
            s.watch = watch;
        }
        if let Some(node) = root.get("journal") {
            self.journal(node, &mut s.journal);
        }
        s.capture = root.get("capture").and_then(|n| self.capture(n));
        s.canary = root.get("canary").and_then(|n| self.canary(n));
        if let Some(node) = root.get("timers") {
            self.timers(node, &mut s.timers);
        }
        if let Some(node) = root.get("limits") {
            self.limits(node, &mut s.limits);
        }
        if let Some(node) = root.get("parts") {
            self.parts(node, &mut s.parts);
        }
        if let Some(node) = root.get("reputation") {
            s.reputation = self.reputation(node);
        }
        if let Some(node) = root.get("message_ids")
            && let Some(form) = self.choice(node, "`message_ids`", &["decimal", "hexadecimal"])
        {
            s.message_ids_hexadecimal = form.value == "hexadecimal";
        }
        if let Some(n) = root.get("mo_refusals").and_then(|n| self.count(n, "`mo_refusals`", 0, 1_000)) {
            s.mo_refusals = u32::try_from(n).unwrap_or(s.mo_refusals);
        }
        self.exceptions(root, &mut spec.exceptions);
        s
    }

    fn exceptions(&mut self, root: &Fields<'_>, exceptions: &mut Exceptions) {
        let each = [
            ("on_malformed", &mut exceptions.malformed),
            ("on_undecodable", &mut exceptions.undecodable),
            ("on_limit", &mut exceptions.limit),
            ("on_unknown_command", &mut exceptions.unknown_command),
            ("on_journal_full", &mut exceptions.journal_full),
        ];
        for (key, failure) in each {
            let Some(node) = root.get(key) else { continue };
            if node.text() == Some("tag") {
                self.diagnostics
                    .error(&node.place, "unknown-value", format!("`{key}` cannot be `tag`"))
                    .help("what cannot be read cannot be marked: pass or block");
            } else if let Some(word) = self.choice(node, &format!("`{key}`"), &["pass", "block"]) {
                *failure = if word.value == "pass" { Failure::Pass } else { Failure::Block };
            }
        }
    }

    pub(super) fn is_address(&mut self, text: &Placed<String>) -> bool {
        let port =
            text.value.rsplit_once(':').filter(|(host, _)| !host.is_empty()).and_then(|(_, p)| p.parse::<u16>().ok());
        if port.is_none() {
            let message = format!("`{}` is no address", text.value);
            self.diagnostics.error(&text.place, "address", message).help("write host:port, as 127.0.0.1:2775");
        }
        port.is_some()
    }

    fn smscs(&mut self, node: &Node) -> Vec<SmscSettings> {
        let items = match &node.value {
            Value::Scalar { .. } => std::slice::from_ref(node),
            _ => self.items(node, "`smsc`"),
        };
        let mut all = Vec::new();
        for (n, item) in items.iter().enumerate() {
            let mut tls = None;
            let (id, address) = match &item.value {
                Value::Map(_) => {
                    let Some(fields) = self.section(item, &keys::SMSC) else { continue };
                    let id = fields.get("id").and_then(|n| self.text(n, "`id`")).map(|t| t.value);
                    tls = fields.get("tls").and_then(|n| self.smsc_tls(n));
                    let Some(address) = fields.get("address") else {
                        self.missing(fields.place, "an smsc", "address");
                        continue;
                    };
                    (id, self.text(address, "`address`"))
                }
                _ => (None, self.text(item, "an smsc")),
            };
            if let Some(address) = address.filter(|a| self.is_address(a)) {
                let id = id.unwrap_or_else(|| format!("smsc-{}", n + 1));
                all.push(SmscSettings { id, address: address.value, tls });
            }
        }
        all
    }

    fn paths(&mut self, node: &Node) -> Vec<String> {
        match &node.value {
            Value::Scalar { .. } => self.text(node, "`rules`").into_iter().map(|t| t.value).collect(),
            Value::Sequence(items) if items.is_empty() => Vec::new(),
            _ => self.texts(node, "`rules`").into_iter().map(|t| t.value).collect(),
        }
    }

    fn journal(&mut self, node: &Node, journal: &mut JournalSettings) {
        if node.text() == Some("off") {
            journal.dir = None;
            return;
        }
        let Some(fields) = self.section(node, &keys::JOURNAL) else { return };
        match fields.get("dir") {
            Some(dir) => journal.dir = self.text(dir, "`dir`").map(|t| t.value),
            None => self.missing(fields.place, "`journal`", "dir"),
        }
        if let Some(n) = fields.get("passes_one_in").and_then(|n| self.count(n, "`passes_one_in`", 1, 1_000_000_000)) {
            journal.passes_one_in = n;
        }
        if let Some(text) = fields.get("text").and_then(|n| self.choice(n, "`text`", &["off", "masked", "on"])) {
            journal.text = match text.value.as_str() {
                "on" => JournalText::On,
                "masked" => JournalText::Masked,
                _ => JournalText::Off,
            };
        }
        if let Some(size) = fields.get("segment").and_then(|n| self.size(n, "`segment`", 1 << 16, 1 << 40)) {
            journal.segment_octets = size;
        }
        if let Some(every) = fields.get("sync_every").and_then(|n| self.duration(n, "`sync_every`")) {
            journal.sync_every = every;
        }
    }

    fn capture(&mut self, node: &Node) -> Option<CaptureSettings> {
        if node.text() == Some("off") {
            return None;
        }
        let fields = self.section(node, &keys::CAPTURE)?;
        let mut path = |key: &str| match fields.get(key) {
            Some(node) => self.text(node, &format!("`{key}`")).map(|t| t.value),
            None => {
                self.missing(fields.place, "`capture`", key);
                None
            }
        };
        let (dir, key) = (path("dir"), path("key"));
        let size = fields.get("size").and_then(|n| self.size(n, "`size`", 1 << 20, 1 << 44));
        let keep = fields.get("keep").and_then(|n| self.duration(n, "`keep`"));
        Some(CaptureSettings {
            dir: dir?,
            key: key?,
            size_octets: size.unwrap_or(1 << 30),
            keep: keep.unwrap_or(Duration::from_secs(6 * 3_600)),
        })
    }

    fn timers(&mut self, node: &Node, timers: &mut TimerSettings) {
        let each = [
            ("session_init", &mut timers.session_init),
            ("response", &mut timers.response),
            ("enquire_link", &mut timers.enquire_link),
            ("linger", &mut timers.linger),
            ("drain", &mut timers.drain),
            ("connect", &mut timers.connect),
        ];
        let Some(fields) = self.section(node, &keys::TIMERS) else { return };
        for (key, timer) in each {
            if let Some(duration) = fields.get(key).and_then(|n| self.duration(n, &format!("`{key}`"))) {
                *timer = duration;
            }
        }
    }

    fn parts(&mut self, node: &Node, parts: &mut PartSettings) {
        let Some(fields) = self.section(node, &keys::PARTS) else { return };
        match fields.get("hold") {
            Some(hold) if hold.text() == Some("off") => parts.hold = Duration::ZERO,
            Some(hold) => parts.hold = self.duration(hold, "`hold`").unwrap_or(parts.hold),
            None => {}
        }
        if let Some(hold) = fields.get("hold_mo").and_then(|n| self.flag(n, "`hold_mo`")) {
            parts.hold_mo = hold;
        }
        for (key, duration) in [("quiet", &mut parts.quiet), ("verdict_ttl", &mut parts.verdict_ttl)] {
            if let Some(wanted) = fields.get(key).and_then(|n| self.duration(n, &format!("`{key}`"))) {
                *duration = wanted;
            }
        }
        if let Some(within) = fields.get("join_singles").filter(|n| n.text() != Some("off")) {
            parts.join_singles = self.duration(within, "`join_singles`");
        }
    }

    fn limits(&mut self, node: &Node, limits: &mut LimitSettings) {
        let Some(fields) = self.section(node, &keys::LIMITS) else { return };
        if let Some(n) = fields.get("pdu").and_then(|n| self.size(n, "`pdu`", 1024, 1 << 24)) {
            limits.pdu = u32::try_from(n).unwrap_or(limits.pdu);
        }
        let buffer_min = 2 * u64::from(limits.pdu);
        if let Some(n) = fields.get("leg_buffer").and_then(|n| self.size(n, "`leg_buffer`", buffer_min, 1 << 30)) {
            limits.leg_buffer = usize::try_from(n).unwrap_or(limits.leg_buffer);
        }
        limits.leg_buffer = limits.leg_buffer.max(usize::try_from(buffer_min).unwrap_or(usize::MAX));
        if let Some(n) = fields.get("parts").and_then(|n| self.size(n, "`parts`", 1 << 20, 1 << 40)) {
            limits.parts = usize::try_from(n).unwrap_or(limits.parts);
        }
        let each = [
            ("outstanding", &mut limits.outstanding, 1_000_000),
            ("sessions", &mut limits.sessions, 1_000_000),
            ("accounts", &mut limits.accounts, 10_000),
        ];
        for (key, limit, max) in each {
            if let Some(n) = fields.get(key).and_then(|n| self.count(n, &format!("`{key}`"), 1, max)) {
                *limit = usize::try_from(n).unwrap_or(*limit);
            }
        }
    }
}
