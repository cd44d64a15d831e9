//! User data → what the subscriber would read, and what stands in it.
//!
//! One [`Reading`] holds every buffer and is reused from message to message: reading allocates nothing once it has grown.

pub mod concat;
pub mod decode;
pub mod encode;
pub mod entity;
pub mod fold;
pub mod gsm7;
pub mod number;
pub mod udh;

use std::ops::Range;

pub use decode::Undecodable;
pub use entity::{Amount, App, Code, Handle, Link, LinkKind, Phone};
pub use udh::{Concat, Udh};

use crate::limits::TEXT_CHARACTERS_MAX;
use crate::wire::command::DataCoding;
use decode::Decoded;
use entity::Entities;
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
    plain: String,
    plain_places: Vec<u32>,
    folded: String,
    skeleton: String,
    places: Vec<u32>,
    undecodable: Option<Undecodable>,
    binary: bool,
    cut: bool,
    udh: Option<Udh>,
    entities: Entities,
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
        self.plain.clear();
        self.plain_places.clear();
        fold::plain_mapped(&self.text, &mut self.plain, &mut self.plain_places);
        self.folded.clear();
        self.places.clear();
        self.skeleton.clear();
        fold::fold_mapped(&self.text, &mut self.folded, &mut self.places);
        fold::skeleton_of(&self.folded, &mut self.skeleton);
        let (text, plain, places) = (&self.text, &self.plain, &self.plain_places);
        let written = |plain| fold::written(text, places, &plain);
        let is_capital = |at: usize| text.get(written(at..at + 1)).is_some_and(|c| c.starts_with(char::is_uppercase));
        self.entities.find(plain, cx.home, &is_capital);
        self.entities.place(written);
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
        &self.plain
    }

    /// The octets of the text that octets of the plain view come from.
    #[must_use]
    pub fn plain_written(&self, plain: Range<usize>) -> Range<usize> {
        fold::written(&self.text, &self.plain_places, &plain)
    }

    /// The matching form, in which regexes search.
    #[must_use]
    pub fn folded(&self) -> &str {
        &self.folded
    }

    /// The matching form with look-alike letters made one, in which words are searched; positions are those of
    /// [`Reading::folded`].
    #[must_use]
    pub fn skeleton(&self) -> &str {
        &self.skeleton
    }

    /// The octets of the text that octets of the matching form come from.
    #[must_use]
    pub fn written(&self, folded: Range<usize>) -> Range<usize> {
        fold::written(&self.text, &self.places, &folded)
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
