//! What is wrong with the way a text came: a coding that contradicts its octets, a header that lies, two texts in one
//! message. The text is read all the same wherever it can be; rules, journal and `explain` are told.

macro_rules! anomalies {
    ($($name:ident $word:literal $about:literal)*) => {
        /// One thing that is wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Anomaly {
            $(#[doc = $about] $name,)*
        }

        impl Anomaly {
            /// Every one, in the order of the reference.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Their words in YAML and journal.
            pub const NAMES: &[&str] = &[$($word),*];

            /// The word in YAML and journal.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }

            /// What it is, for people.
            #[must_use]
            pub fn about(self) -> &'static str {
                match self {
                    $(Self::$name => $about,)*
                }
            }

            /// The one of a word.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|anomaly| anomaly.name() == name)
            }
        }
    };
}

anomalies! {
    Utf8           "utf_8"           "the text is UTF-8, and data_coding says something else"
    Utf16          "utf_16"          "the text is UTF-16, and data_coding names an alphabet of one octet a character"
    LittleEndian   "little_endian"   "the text is UTF-16 with the low octet first"
    Ascii          "ascii"           "the text is ASCII, and data_coding says something else"
    Latin1         "latin_1"         "the text is ISO 8859-1, and data_coding says something else"
    Windows1252    "windows_1252"    "data_coding says ISO 8859-1, and there are characters that only Windows-1252 has"
    Gsm            "gsm"             "the text is GSM septets, and data_coding or the account says something else"
    Packed         "packed"          "septets are packed, and the account's are not known to be"
    TextInBinary   "text_in_binary"  "data_coding says 8-bit data, and it is a text"
    TwoReadings    "two_readings"    "the text can be read in two ways, and rules see both"
    BadOctets      "bad_octets"      "octets that the alphabet does not have, shown as U+FFFD"
    OddLength      "odd_length"      "half a UCS-2 character at the end, which is not read"
    Surrogate      "surrogate"       "half of a surrogate pair, shown as U+FFFD"
    Udh            "udh"             "a user data header that is longer than the message, broken, or not announced"
    ShiftTable     "shift_table"     "a national table that the standard does not have: the default is used"
    ReservedCoding "reserved_coding" "a data_coding that the standard reserves: handsets take it for the default alphabet"
    Compressed     "compressed"      "data_coding says compressed, and it is not"
    SeveralTexts   "several_texts"   "short_message and message_payload are both there, or one several times"
    Undecodable    "undecodable"     "the text cannot be read"
}

/// A set of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Anomalies(u32);

const _: () = assert!(Anomaly::ALL.len() <= u32::BITS as usize, "one bit each");

impl Anomalies {
    /// Adds one.
    pub fn add(&mut self, anomaly: Anomaly) {
        self.0 |= 1 << anomaly as u8;
    }

    /// Adds all of another set.
    pub fn add_all(&mut self, others: Self) {
        self.0 |= others.0;
    }

    /// Whether one is among them.
    #[must_use]
    pub fn has(self, anomaly: Anomaly) -> bool {
        self.0 & (1 << anomaly as u8) != 0
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// One after the other, in the order of the reference.
    pub fn iter(self) -> impl Iterator<Item = Anomaly> {
        Anomaly::ALL.iter().copied().filter(move |anomaly| self.has(*anomaly))
    }
}

impl FromIterator<Anomaly> for Anomalies {
    fn from_iter<I: IntoIterator<Item = Anomaly>>(all: I) -> Self {
        let mut set = Self::default();
        all.into_iter().for_each(|anomaly| set.add(anomaly));
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_added() {
        let mut set = Anomalies::default();
        assert!(set.is_empty());
        set.add(Anomaly::Packed);
        set.add_all([Anomaly::Utf8, Anomaly::Undecodable].into_iter().collect());
        assert_eq!(set.iter().map(Anomaly::name).collect::<Vec<_>>(), ["utf_8", "packed", "undecodable"]);
        assert!(set.has(Anomaly::Utf8) && !set.has(Anomaly::Gsm));
        assert!(Anomaly::NAMES.iter().all(|name| Anomaly::from_name(name).is_some_and(|a| a.name() == *name)));
        assert_eq!(Anomaly::NAMES.len(), Anomaly::ALL.len());
    }
}
