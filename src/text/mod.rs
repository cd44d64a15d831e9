//! User data → what the subscriber would read, and what stands in it.
//!
//! One [`Reading`] holds every buffer and is reused from message to message: reading allocates nothing once it has grown.

mod amount;
pub mod concat;
pub mod decode;
pub mod encode;
pub mod fold;
pub mod gsm7;
mod handle;
mod link;
pub mod number;
mod phone;
pub mod udh;

use std::ops::Range;

pub use amount::{Amount, Code};
pub use decode::Undecodable;
pub use handle::{App, Handle};
pub use link::{Link, LinkKind};
pub use phone::Phone;
pub use udh::{Concat, Udh};

use crate::limits::TEXT_CHARACTERS_MAX;
use crate::wire::command::DataCoding;
use decode::Decoded;
use number::Country;

/// What data_coding 0 means: the SMSC's default alphabet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Alphabet {
    /// GSM 03.38.
    #[default]
    Gsm,
    /// ISO 8859-1.
    Latin1,
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
}

/// A text, its matching form, and what stands in it.
#[derive(Debug, Default)]
pub struct Reading {
    text: String,
    views: fold::Views,
    undecodable: Option<Undecodable>,
    binary: bool,
    cut: bool,
    udh: Option<Udh>,
    hosts: String,
    links: Vec<Link>,
    phones: Vec<Phone>,
    handles: Vec<Handle>,
    amounts: Vec<Amount>,
    codes: Vec<Code>,
}

impl Reading {
    /// Reads user data; texts of several are parted by a line feed.
    pub fn read(&mut self, user_data: &[UserData<'_>], cx: &ReadContext) {
        self.text.clear();
        (self.undecodable, self.binary, self.cut, self.udh) = (None, false, false, None);
        for one in user_data {
            if !self.text.is_empty() {
                self.text.push('\n');
            }
            self.append(one, cx);
        }
        self.understand(cx);
    }

    fn append(&mut self, one: &UserData<'_>, cx: &ReadContext) {
        let (decoded, udh) = decode::decode(one, cx.alphabet, &mut self.text);
        self.udh = self.udh.or(udh);
        match decoded {
            Decoded::Text => {}
            Decoded::Binary => self.binary = true,
            Decoded::Undecodable(why) => self.undecodable = self.undecodable.or(Some(why)),
        }
    }

    /// Reads the parts of one message, in their order, as one text. Characters of two octets may be cut by the end of a
    /// part, as handsets join octets.
    pub fn read_parts(&mut self, parts: &[UserData<'_>], cx: &ReadContext) {
        self.text.clear();
        (self.undecodable, self.binary, self.cut, self.udh) = (None, false, false, None);
        let mut joined = Vec::new();
        let mut rest = parts.iter().peekable();
        while let Some(part) = rest.next() {
            let is_ucs2 = |p: &UserData<'_>| decode::coding(p.data_coding, cx.alphabet) == decode::Coding::Ucs2;
            if !is_ucs2(part) {
                self.append(part, cx);
                continue;
            }
            joined.clear();
            joined.extend_from_slice(part.octets);
            while let Some(next) = rest.next_if(|next| is_ucs2(next) && next.udhi == part.udhi) {
                let text = if next.udhi { udh::split(next.octets).map(|(_, text)| text) } else { Some(next.octets) };
                joined.extend_from_slice(text.unwrap_or_default());
            }
            self.append(&UserData { octets: &joined, ..*part }, cx);
        }
        self.understand(cx);
    }

    /// Reads a text that is decoded already.
    pub fn read_text(&mut self, text: &str, cx: &ReadContext) {
        self.text.clear();
        self.text.push_str(text);
        (self.undecodable, self.binary, self.cut, self.udh) = (None, false, false, None);
        self.understand(cx);
    }

    fn understand(&mut self, cx: &ReadContext) {
        if self.text.len() > TEXT_CHARACTERS_MAX
            && let Some((at, _)) = self.text.char_indices().nth(TEXT_CHARACTERS_MAX)
        {
            self.text.truncate(at);
            self.cut = true;
        }
        self.views.read(&self.text);
        self.hosts.clear();
        link::find(&self.text, &mut self.hosts, &mut self.links);
        amount::find_amounts(&self.text, &self.links, &mut self.amounts);
        phone::find(&self.text, cx.home, &self.links, &self.amounts, &mut self.phones);
        handle::find(&self.text, &self.links, &mut self.handles);
        amount::find_codes(&self.text, &self.links, &self.phones, &self.amounts, &mut self.codes);
        let links = &self.links;
        self.views.undo(&self.text, &|written| links.iter().any(|link| overlaps(&link.written, written)));
    }

    /// The text as written, at most [`TEXT_CHARACTERS_MAX`] characters.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The plain view, in which links, numbers and names are looked for: compatibility forms undone, small letters, no
    /// invisible characters, each space a blank; punctuation, line feeds, marks and look-alike letters stay.
    #[must_use]
    pub fn plain(&self) -> &str {
        self.views.plain()
    }

    /// The octets of the text that octets of the plain view come from.
    #[must_use]
    pub fn plain_written(&self, plain: Range<usize>) -> Range<usize> {
        self.views.plain_written(&self.text, &plain)
    }

    /// The matching form: words parted by single blanks, letter by letter as they read.
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

    /// Whether it is for a machine: no text, and none missing.
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
        &self.links
    }

    /// The host of a link, in small letters.
    #[must_use]
    pub fn link_host(&self, link: &Link) -> &str {
        self.hosts.get(link.host.clone()).unwrap_or_default()
    }

    /// The registrable domain of a link (Public Suffix List), else its host.
    #[must_use]
    pub fn link_domain(&self, link: &Link) -> &str {
        self.hosts.get(link.domain.clone()).unwrap_or_default()
    }

    /// Phone numbers to call.
    #[must_use]
    pub fn phones(&self) -> &[Phone] {
        &self.phones
    }

    /// Names in chat applications.
    #[must_use]
    pub fn handles(&self) -> &[Handle] {
        &self.handles
    }

    /// The name of a handle, as written.
    #[must_use]
    pub fn handle_id(&self, handle: &Handle) -> &str {
        self.text.get(handle.id.clone()).unwrap_or_default()
    }

    /// Amounts of money.
    #[must_use]
    pub fn amounts(&self) -> &[Amount] {
        &self.amounts
    }

    /// One-time codes.
    #[must_use]
    pub fn codes(&self) -> &[Code] {
        &self.codes
    }
}

/// Whether two ranges share an octet.
fn overlaps(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}
