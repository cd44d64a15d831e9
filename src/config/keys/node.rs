//! Keys of `tapis.yaml` that are no policy: sockets, files, timers, limits.

use super::{DURATION, FLAG, Kind, Section, TEXT, choice, count, key};

/// One entry of `smsc:`.
pub static SMSC: Section = Section {
    name: "an smsc",
    keys: &[
        key("id", TEXT, "a", "its name in metrics and journal"),
        key("address", TEXT, "127.0.0.1:2776", "host:port").needed(),
        key("tls", Kind::Either(&[choice(&["on", "off"]), Kind::Section(&SMSC_TLS)]), "on", "SMPP inside TLS"),
    ],
};

/// `tls:` of an smsc.
pub static SMSC_TLS: Section = Section {
    name: "`tls` of an smsc",
    keys: &[
        key("ca", TEXT, "../tls/smsc-ca.pem", "authorities that its certificate must come from; else the machine's"),
        key("name", TEXT, "smsc.example", "the name that its certificate must have; else the host of its address"),
        key("certificate", TEXT, "../tls/tapis.pem", "the certificate that Tapis shows"),
        key("key", TEXT, "../tls/tapis.key", "and its key"),
    ],
};

/// `listen_tls:`
pub static LISTEN_TLS: Section = Section {
    name: "`listen_tls`",
    keys: &[
        key("address", TEXT, "0.0.0.0:3550", "host:port").needed(),
        key("certificate", TEXT, "../tls/tapis.pem", "the certificate, and those that lead to its authority").needed(),
        key("key", TEXT, "../tls/tapis.key", "its key").needed(),
        key("client_ca", TEXT, "../tls/partners.pem", "authorities of which an ESME must show a certificate"),
    ],
};

/// `journal:`
pub static JOURNAL: Section = Section {
    name: "`journal`",
    keys: &[
        key("dir", TEXT, "../var/journal", "the folder").needed(),
        key("passes_one_in", count(1_000_000_000), "1000", "passes that are written; blocks and tags always are"),
        key("text", choice(&["off", "masked", "on"]), "masked", "whether texts are written"),
        key("segment", Kind::Size, "64MiB", "after which a new file is begun"),
        key("sync_every", DURATION, "1s", "how often records are forced to the disk"),
    ],
};

/// `capture:`
pub static CAPTURE: Section = Section {
    name: "`capture`",
    keys: &[
        key("dir", TEXT, "../var/capture", "the folder").needed(),
        key("key", TEXT, "capture.key", "the file of the key, which only its owner may read").needed(),
        key("size", Kind::Size, "1GiB", "of all files together"),
        key("keep", DURATION, "6h", "how long traffic is kept"),
    ],
};

/// `canary:`
pub static CANARY: Section = Section {
    name: "`canary`",
    keys: &[
        key("share", TEXT, "10%", "of the sessions that new rules judge first").needed(),
        key("for", DURATION, "10m", "how long, before all sessions get them").needed(),
        key("after", count(1_000_000_000), "100", "messages that they must have judged before anything is decided"),
        key("block_above", TEXT, "2%", "they are rolled back when they block a larger share of their messages"),
        key("block_below", TEXT, "0.1%", "or a smaller one"),
        key("tag_above", TEXT, "5%", "they are rolled back when they tag a larger share"),
        key("tag_below", TEXT, "0.1%", "or a smaller one"),
    ],
};

/// `timers:`
pub static TIMERS: Section = Section {
    name: "`timers`",
    keys: &[
        key("session_init", DURATION, "10s", "from connection to bind"),
        key("response", DURATION, "60s", "from request to answer"),
        key("enquire_link", DURATION, "60s", "silence before an enquire_link"),
        key("linger", DURATION, "2s", "from the first close to the last"),
        key("drain", DURATION, "10s", "from SIGTERM to the end"),
        key("connect", DURATION, "3s", "to connect to one SMSC"),
    ],
};

const OFF_OR_DURATION: Kind = Kind::Either(&[choice(&["off"]), DURATION]);

/// `parts:`
pub static PARTS: Section = Section {
    name: "`parts`",
    keys: &[
        key("hold", OFF_OR_DURATION, "800ms", "the longest that a part is held"),
        key("hold_mo", FLAG, "false", "whether parts from the SMSC are held too"),
        key("quiet", DURATION, "200ms", "silence after which a peer is taken to wait for an answer"),
        key("verdict_ttl", DURATION, "5m", "how long a part is remembered"),
        key("join_singles", OFF_OR_DURATION, "2s", "messages to one recipient within this are also judged as one"),
    ],
};

/// `limits:`
pub static LIMITS: Section = Section {
    name: "`limits`",
    keys: &[
        key("pdu", Kind::Size, "65KiB", "the largest command_length"),
        key("leg_buffer", Kind::Size, "256KiB", "octets buffered for one leg"),
        key("outstanding", count(1_000_000), "1000", "requests outstanding in one direction"),
        key("sessions", count(1_000_000), "10000", "sessions at a time"),
        key("accounts", count(10_000), "500", "accounts that metrics name"),
        key("parts", Kind::Size, "64MiB", "octets of parts that are remembered"),
    ],
};
