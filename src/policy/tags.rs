//! Tags: constant marks that a subscriber sees, or a handset or SMSC reads.

use crate::config::diagnostic::Diagnostics;
use crate::config::spec::TagSpec;
use crate::text::encode::{gsm_septets, utf16_octets};
use crate::text::number::Country;

/// A tag as used.
#[derive(Debug)]
pub(super) struct Tag {
    pub(super) name: Box<str>,
    pub(super) source_addr: Option<Box<[u8]>>,
    prefix: Vec<(Option<Country>, Box<str>)>,
    tlv: Option<(crate::wire::command::Tag, Box<[u8]>)>,
}

/// What a tagged message is changed to.
#[derive(Clone, Copy, Debug, Default)]
pub struct TagEdits<'a> {
    /// Its new source address: TON 5, NPI 0.
    pub source_addr: Option<&'a [u8]>,
    /// What is put before its text.
    pub prefix: Option<&'a str>,
    /// The TLV that is added.
    pub tlv: Option<(crate::wire::command::Tag, &'a [u8])>,
}

impl Tag {
    pub(super) fn compile(spec: &TagSpec, diagnostics: &mut Diagnostics) -> Self {
        for (_, text) in &spec.prefix {
            let octets = utf16_octets(&text.value);
            if gsm_septets(&text.value).is_none_or(|s| s > 60) && octets > 60 {
                let cost = gsm_septets(&text.value).map_or_else(String::new, |s| format!("{s} septets or "));
                let message = format!("this prefix costs {cost}{octets} of 140 octets");
                diagnostics
                    .warning(&text.place, "long-prefix", message)
                    .help("texts that it does not fit stay without it");
            }
        }
        Self {
            name: spec.name.value.as_str().into(),
            source_addr: spec.source_addr.as_ref().map(|s| s.value.as_bytes().into()),
            prefix: spec.prefix.iter().map(|(c, t)| (*c, t.value.as_str().into())).collect(),
            tlv: spec.tlv.as_ref().map(|(tag, value)| (*tag, value.as_slice().into())),
        }
    }

    fn prefix_for(&self, recipient: Option<Country>) -> Option<&str> {
        let of = |country: Option<Country>| self.prefix.iter().find(|(c, _)| *c == country).map(|(_, t)| &**t);
        recipient.and_then(|c| of(Some(c))).or_else(|| of(None))
    }
}

impl<'a> TagEdits<'a> {
    pub(super) fn add(&mut self, tag: &'a Tag, recipient: Option<Country>) {
        self.source_addr = self.source_addr.or(tag.source_addr.as_deref());
        self.prefix = self.prefix.or_else(|| tag.prefix_for(recipient));
        self.tlv = self.tlv.or_else(|| tag.tlv.as_ref().map(|(t, v)| (*t, &**v)));
    }
}
