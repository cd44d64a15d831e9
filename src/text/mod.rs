//! User data → what the subscriber would read, and what stands in it.
//!
//! One [`Reading`] holds every buffer and is reused from message to message: reading allocates nothing once it has grown.

pub mod anomaly;
pub(crate) mod block;
mod charset;

pub mod concat;
pub mod decode;
mod doubt;
pub mod encode;
pub mod entity;
pub(crate) mod everyday;
pub mod fold;
pub mod forwarded;
pub mod gsm7;
pub mod language;
pub mod letter;
mod national;
pub mod number;
mod packed;
pub mod payload;
pub mod template;
pub mod udh;
mod utf16;
mod weigh;

use std::ops::Range;

pub use anomaly::{Anomalies, Anomaly};
pub use decode::Undecodable;
pub use entity::{Amount, App, Code, Handle, Link, LinkKind, Phone};
pub use payload::Payload;
pub use udh::{Concat, Udh};

use crate::limits::TEXT_CHARACTERS_MAX;
use crate::wire::command::DataCoding;
use decode::Buffers;
use entity::Entities;
use number::Country;

/// What data_coding 0 means: the SMSC's default alphabet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Alphabet {
    /// GSM 03.38, one septet an octet.
    #[default]
    Gsm,
    /// The same, septets packed as over the air.
    GsmPacked,
    /// ASCII.
    Ascii,
    /// ISO 8859-1.
    Latin1,
    /// UTF-8.
    Utf8,
}

impl Alphabet {
    /// Every one, with its word in YAML.
    pub const NAMES: [(&'static str, Self); 5] = [
        ("gsm", Self::Gsm),
        ("gsm-packed", Self::GsmPacked),
        ("ascii", Self::Ascii),
        ("latin-1", Self::Latin1),
        ("utf-8", Self::Utf8),
    ];
}

/// Octets that carry a text.
#[derive(Clone, Copy, Debug)]
pub struct UserData<'a> {
    /// short_message or message_payload.
    pub octets: &'a [u8],
    /// How they are coded.
    pub data_coding: DataCoding,
    /// Whether they begin with a header.
    pub udhi: bool,
}

/// How a text is read.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadContext {
    /// What data_coding 0 means.
    pub alphabet: Alphabet,
    /// The country that national numbers in the text belong to.
    pub home: Option<Country>,
    /// Its protocol_id, 0 where there is none.
    pub protocol_id: u8,
    /// Destination and originator port, where TLVs name them and no header does.
    pub ports: Option<(u16, u16)>,
}

/// A text, its matching form, and what stands in it.
#[derive(Debug, Default)]
pub struct Reading {
    text: String,
    views: fold::Views,
    /// Where the second readings begin.
    shown: usize,
    undecodable: Option<Undecodable>,
    binary: bool,
    cut: bool,
    udh: Option<Udh>,
    entities: Entities,
    /// What is found once words are not disguised any more.
    again: Entities,
    ports: Option<(u16, u16)>,
    payload: Payload,
    anomalies: Anomalies,
    /// It was left unread, and nothing was noted of it.
    unread: bool,
    buffers: Buffers,
}

impl Reading {
    /// Reads user data; texts of several are parted by a line feed.
    pub fn read(&mut self, user_data: &[UserData<'_>], cx: &ReadContext) {
        self.take(user_data, cx);
        self.understand(cx);
    }

    /// Reads user data and looks for nothing in it: it has its text, and neither a matching form nor entities.
    pub fn decode(&mut self, user_data: &[UserData<'_>], cx: &ReadContext) {
        self.take(user_data, cx);
        self.views.read("");
        self.entities.clear();
    }

    /// Reads nothing: it is as after an empty text.
    pub fn leave_unread(&mut self) {
        if !self.unread {
            self.start();
            self.finish();
            self.views.read("");
            self.entities.clear();
            self.unread = true;
        }
    }

    fn take(&mut self, user_data: &[UserData<'_>], cx: &ReadContext) {
        self.start();
        for one in user_data {
            if !self.text.is_empty() {
                self.text.push('\n');
            }
            self.append(std::slice::from_ref(one), cx);
        }
        self.finish();
    }

    /// Reads the parts of one message, in their order, as one text: neither a word nor a character ends where a part
    /// does, as handsets join octets.
    pub fn read_parts(&mut self, parts: &[UserData<'_>], cx: &ReadContext) {
        self.start();
        for alike in parts.chunk_by(decode::are_alike) {
            self.append(alike, cx);
        }
        self.finish();
        self.understand(cx);
    }

    /// Reads a text that is decoded already.
    pub fn read_text(&mut self, text: &str, cx: &ReadContext) {
        self.start();
        self.text.push_str(text);
        self.finish();
        self.understand(cx);
    }

    fn start(&mut self) {
        self.unread = false;
        self.text.clear();
        self.buffers.second.clear();
        (self.undecodable, self.binary, self.cut, self.udh) = (None, false, false, None);
        (self.ports, self.payload, self.anomalies) = (None, Payload::Text, Anomalies::default());
    }

    fn append(&mut self, parts: &[UserData<'_>], cx: &ReadContext) {
        let decoded = decode::decode(parts, cx, &mut self.buffers, &mut self.text);
        self.undecodable = self.undecodable.or(decoded.undecodable);
        self.binary |= decoded.binary;
        self.udh = self.udh.or(decoded.udh);
        self.ports = self.ports.or(decoded.udh.and_then(|udh| udh.ports)).or(cx.ports);
        if self.payload == Payload::Text {
            self.payload = decoded.payload;
        }
        self.anomalies.add_all(decoded.anomalies);
    }

    fn finish(&mut self) {
        self.shown = self.text.len();
        if !self.buffers.second.is_empty() {
            self.text.push('\n');
            self.text.push_str(&self.buffers.second);
        }
        if self.text.len() > TEXT_CHARACTERS_MAX
            && let Some((at, _)) = self.text.char_indices().nth(TEXT_CHARACTERS_MAX)
        {
            self.text.truncate(at);
            self.shown = self.shown.min(at);
            self.cut = true;
        }
    }

    fn understand(&mut self, cx: &ReadContext) {
        self.views.read_from(&self.text, self.shown);
        let (text, views) = (&self.text, &self.views);
        let written = |plain| views.plain_written(text, &plain);
        let is_capital = |at: usize| text.get(written(at..at + 1)).is_some_and(|c| c.starts_with(char::is_uppercase));
        self.entities.find(views.plain(), cx.home, &is_capital);
        self.entities.place(written);
        let links = self.entities.links();
        self.views.undo(&self.text, &|written| links.iter().any(|link| entity::overlaps(&link.written, written)));
        for (reading, start) in self.views.without_dress() {
            self.again.find_phones(reading, cx.home);
            let written =
                |range: Range<usize>| self.views.written(&self.text, &(start + range.start..start + range.end));
            self.again.place(written);
            self.entities.correct_phones(&self.text, &self.again);
        }
    }

    /// The text as written, at most [`TEXT_CHARACTERS_MAX`] characters. Where it could be read in two ways the reading
    /// that was not chosen stands on a line of its own behind it, for rules.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text as written, without a second reading.
    #[must_use]
    pub fn shown(&self) -> &str {
        self.text.get(..self.shown).unwrap_or(&self.text)
    }

    /// What is wrong with the way it came.
    #[must_use]
    pub fn anomalies(&self) -> Anomalies {
        self.anomalies
    }

    /// Tells that something else is wrong with the way it came, which its octets do not show.
    pub fn note(&mut self, anomaly: Anomaly) {
        self.unread = false;
        self.anomalies.add(anomaly);
    }

    /// What it carries.
    #[must_use]
    pub fn payload(&self) -> Payload {
        self.payload
    }

    /// Destination and originator port, by its header or its TLVs.
    #[must_use]
    pub fn ports(&self) -> Option<(u16, u16)> {
        self.ports
    }

    /// The plain view, in which links, numbers and names are looked for: compatibility forms undone, small letters, no
    /// invisible characters, each space a blank; punctuation, line feeds, marks and look-alike letters stay. Where the octets may be
    /// read in another alphabet, that follows behind U+001E.
    #[must_use]
    pub fn plain(&self) -> &str {
        self.views.plain()
    }

    /// The octets of the text that octets of the plain view come from.
    #[must_use]
    pub fn plain_written(&self, plain: Range<usize>) -> Range<usize> {
        self.views.plain_written(&self.text, &plain)
    }

    /// The matching form: words parted by single blanks, letter by letter as they read. A line feed parts it from what its
    /// octets read in another alphabet, where they may be read in two ways.
    #[must_use]
    pub fn folded(&self) -> &str {
        self.views.folded()
    }

    /// All views of the text.
    #[must_use]
    pub fn views(&self) -> &fold::Views {
        &self.views
    }

    /// The octets of the text that octets of the matching form come from, or of the second readings behind it.
    #[must_use]
    pub fn written(&self, folded: Range<usize>) -> Range<usize> {
        self.views.written(&self.text, &folded)
    }

    /// What disguises were taken off.
    #[must_use]
    pub fn disguises(&self) -> &[fold::Disguise] {
        self.views.disguises()
    }

    /// What a stretch of the text is read as: the words of the matching form, or of the second reading, that come from it.
    #[must_use]
    pub fn read_as(&self, written: &Range<usize>) -> String {
        self.views.read_as(&self.text, written)
    }

    /// The kinds of disguise that were taken off, each once.
    #[must_use]
    pub fn disguise_kinds(&self) -> Vec<&'static str> {
        let has = |kind: &fold::Kind| self.disguises().iter().any(|disguise| disguise.kind == *kind);
        fold::Kind::ALL.into_iter().filter(has).map(fold::Kind::name).collect()
    }

    /// How disguised the text is: characters that were undone for each hundred letters and digits.
    #[must_use]
    pub fn obfuscation(&self) -> u32 {
        self.views.obfuscation()
    }

    /// Octets of the text in Unicode scalar values, end exclusive.
    #[must_use]
    pub fn characters(&self, written: Range<usize>) -> [usize; 2] {
        let count = |end: usize| self.text.get(..end).map_or(0, |t| t.chars().count());
        [count(written.start), count(written.end)]
    }

    /// Why there is no text, when it cannot be read.
    #[must_use]
    pub fn undecodable(&self) -> Option<Undecodable> {
        self.undecodable
    }

    /// Whether it is 8-bit data for a machine: none of it is missing, and what there is of text in it was found by
    /// looking ([`Reading::payload`]).
    #[must_use]
    pub fn is_binary(&self) -> bool {
        self.binary
    }

    /// Whether the text is longer than what is judged.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    /// Its header.
    #[must_use]
    pub fn udh(&self) -> Option<Udh> {
        self.udh
    }

    /// Links, in their order.
    #[must_use]
    pub fn links(&self) -> &[Link] {
        self.entities.links()
    }

    /// The host of a link as a resolver gets it: small letters, punycode for what is beyond ASCII.
    #[must_use]
    pub fn link_host(&self, link: &Link) -> &str {
        self.entities.link_host(link)
    }

    /// The registrable domain of a link (Public Suffix List), else its host.
    #[must_use]
    pub fn link_domain(&self, link: &Link) -> &str {
        self.entities.link_domain(link)
    }

    /// The host of a link as a reader sees it: punycode undone.
    #[must_use]
    pub fn link_shown(&self, link: &Link) -> &str {
        self.entities.link_shown(link)
    }

    /// Phone numbers to call.
    #[must_use]
    pub fn phones(&self) -> &[Phone] {
        self.entities.phones()
    }

    /// Names in chat applications.
    #[must_use]
    pub fn handles(&self) -> &[Handle] {
        self.entities.handles()
    }

    /// The name of a handle, in small letters.
    #[must_use]
    pub fn handle_id(&self, handle: &Handle) -> &str {
        self.entities.handle_id(handle)
    }

    /// Amounts of money.
    #[must_use]
    pub fn amounts(&self) -> &[Amount] {
        self.entities.amounts()
    }

    /// One-time codes.
    #[must_use]
    pub fn codes(&self) -> &[Code] {
        self.entities.codes()
    }
}
