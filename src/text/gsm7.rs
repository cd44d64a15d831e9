//! GSM 7-bit characters (3GPP TS 23.038 §6.2.1): the default alphabet, its extension table, and how tables are written
//! down. The national tables stand in `national`; septets are here one an octet, as SMPP carries them, and `packed`
//! unpacks the others.

use super::national;

/// 128 cells of a table of the standard.
#[derive(Debug)]
pub(super) struct Table([char; 128]);

/// A cell that the standard leaves empty.
const VOID: char = '\0';

/// Leads to the single shift table.
pub(super) const ESCAPE: u8 = 0x1b;

impl Table {
    /// Reads a table from words parted by white space, in the order of their codes: 16 of them are one column of the
    /// standard's page, from top to bottom. A word is a character, its code point in four hexadecimal digits where it
    /// would be hard to read alone, one of `SP LF FF CR ESC`, or `--` for a cell that is empty, as are those after the
    /// last.
    #[allow(clippy::indexing_slicing, reason = "runs at compile time, where a bad index is an error of the build")]
    pub(super) const fn read(columns: &[&str]) -> Self {
        let mut cells = [VOID; 128];
        let (mut column, mut code) = (0, 0);
        while column < columns.len() {
            let mut text = columns[column].as_bytes();
            while let Some((first, rest)) = text.split_first() {
                if first.is_ascii_whitespace() {
                    text = rest;
                    continue;
                }
                let mut length = 0;
                while length < text.len() && !text[length].is_ascii_whitespace() {
                    length += 1;
                }
                let (word, rest) = text.split_at(length);
                cells[code] = cell(word);
                code += 1;
                text = rest;
            }
            column += 1;
        }
        Self(cells)
    }

    /// The character of a septet; none where the table is empty, and for octets above 0x7F.
    pub(super) fn get(&self, septet: u8) -> Option<char> {
        self.0.get(usize::from(septet)).copied().filter(|c| *c != VOID)
    }

    fn find(&self, c: char) -> Option<u8> {
        if c == VOID {
            return None;
        }
        self.0.iter().position(|own| *own == c).and_then(|at| u8::try_from(at).ok())
    }
}

const fn cell(word: &[u8]) -> char {
    match *word {
        [one] => one as char,
        [b'-', b'-'] => VOID,
        [b'S', b'P'] => ' ',
        [b'L', b'F'] => '\n',
        [b'F', b'F'] => '\u{c}',
        [b'C', b'R'] => '\r',
        [b'E', b'S', b'C'] => '\u{1b}',
        [a, b] => scalar((a as u32 & 0x1f) << 6 | b as u32 & 0x3f),
        [a, b, c] => scalar((a as u32 & 0x0f) << 12 | (b as u32 & 0x3f) << 6 | c as u32 & 0x3f),
        [a, b, c, d] => scalar(digit(a) << 12 | digit(b) << 8 | digit(c) << 4 | digit(d)),
        _ => VOID,
    }
}

const fn digit(c: u8) -> u32 {
    match (c as char).to_digit(16) {
        Some(digit) => digit,
        None => 0,
    }
}

const fn scalar(code: u32) -> char {
    match char::from_u32(code) {
        Some(c) => c,
        None => VOID,
    }
}

/// The default alphabet (§6.2.1).
pub(super) static DEFAULT: Table = Table::read(&[
    "@ £ $ ¥ è é ù ì ò Ç LF Ø ø CR Å å",
    "Δ _ Φ Γ Λ Ω Π Ψ Σ Θ Ξ ESC Æ æ ß É",
    r#"SP ! " # ¤ % & ' ( ) * + , - . /"#,
    "0 1 2 3 4 5 6 7 8 9 : ; < = > ?",
    "¡ A B C D E F G H I J K L M N O",
    "P Q R S T U V W X Y Z Ä Ö Ñ Ü §",
    "¿ a b c d e f g h i j k l m n o",
    "p q r s t u v w x y z ä ö ñ ü à",
]);

/// The extension table of the default alphabet, behind 0x1B (§6.2.1.1).
pub(super) static EXTENSION: Table = Table::read(&[
    "-- -- -- -- -- -- -- -- -- -- FF -- -- -- -- --",
    "-- -- -- -- ^ -- -- -- -- -- -- -- -- -- -- --",
    r"-- -- -- -- -- -- -- -- { } -- -- -- -- -- \",
    "-- -- -- -- -- -- -- -- -- -- -- -- [ ~ ] --",
    "| -- -- -- -- -- -- -- -- -- -- -- -- -- -- --",
    "-- -- -- -- -- -- -- -- -- -- -- -- -- -- -- --",
    "-- -- -- -- -- € -- -- -- -- -- -- -- -- -- --",
]);

/// The two tables that a text is read by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tables {
    locking: &'static Table,
    single: &'static Table,
}

impl Tables {
    /// Those of the default alphabet.
    pub(super) const DEFAULT: Self = Self { locking: &DEFAULT, single: &EXTENSION };

    /// Those that a header names by their languages; a language without a table, or none, is the default (§6.2.1.2).
    pub(super) fn of(locking: u8, single: u8) -> Self {
        Self {
            locking: national::locking(locking).unwrap_or(&DEFAULT),
            single: national::single(single).unwrap_or(&EXTENSION),
        }
    }

    /// Whether they are those of the default alphabet.
    pub(super) fn are_default(self) -> bool {
        std::ptr::eq(self.locking, &raw const DEFAULT) && std::ptr::eq(self.single, &raw const EXTENSION)
    }
}

/// The characters of septets, one an octet.
///
/// A code that the single shift table lacks is shown as the locking table's, as a handset does (§6.2.1.1, §6.2.1.2.2);
/// an empty cell of that, and what 0x1B leads to at the end or before another 0x1B, is a space; an octet above 0x7F is
/// U+FFFD.
#[derive(Debug)]
pub(super) struct Characters<I> {
    septets: I,
    tables: Tables,
    /// Whether there was an octet above 0x7F, or a 0x1B at the end.
    pub(super) bad: bool,
}

impl<I: Iterator<Item = u8>> Characters<I> {
    pub(super) fn new(septets: I, tables: Tables) -> Self {
        Self { septets, tables, bad: false }
    }

    fn locking(&mut self, septet: u8) -> char {
        if septet > 0x7f {
            self.bad = true;
            return char::REPLACEMENT_CHARACTER;
        }
        self.tables.locking.get(septet).unwrap_or(' ')
    }
}

impl<I: Iterator<Item = u8>> Iterator for Characters<I> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        let septet = self.septets.next()?;
        if septet != ESCAPE {
            return Some(self.locking(septet));
        }
        Some(match self.septets.next() {
            // Reserved for another extension table, and a space until there is one.
            Some(ESCAPE) => ' ',
            Some(code) => match self.tables.single.get(code) {
                Some(c) => c,
                None => self.locking(code),
            },
            None => {
                self.bad = true;
                ' '
            }
        })
    }
}

/// Appends the text of septets, one an octet; answers whether there was an octet that the alphabet lacks.
pub(super) fn decode(octets: &[u8], tables: Tables, out: &mut String) -> bool {
    out.reserve(octets.len());
    if !tables.are_default() {
        return append(octets, tables, out);
    }
    let (mut rest, mut bad) = (octets, false);
    while !rest.is_empty() {
        let (run, after) = rest.split_at(same_in_ascii(rest));
        out.push_str(std::str::from_utf8(run).unwrap_or_default());
        // An escape belongs to what stands behind it, so a run may not begin there.
        let mut others = after.iter().position(|b| is_same_in_ascii(*b)).unwrap_or(after.len());
        if others < after.len() && ends_in_escape(after.get(..others).unwrap_or_default()) {
            others += 1;
        }
        let (own, after) = after.split_at(others);
        bad |= append(own, tables, out);
        rest = after;
    }
    bad
}

fn append(octets: &[u8], tables: Tables, out: &mut String) -> bool {
    let mut characters = Characters::new(octets.iter().copied(), tables);
    out.extend(characters.by_ref());
    characters.bad
}

fn ends_in_escape(septets: &[u8]) -> bool {
    septets.iter().rev().take_while(|b| **b == ESCAPE).count() % 2 == 1
}

/// Octets looked at together.
const MANY: usize = 16;

/// How many octets from the start are the same character in ASCII and in the default alphabet.
fn same_in_ascii(octets: &[u8]) -> usize {
    let (many, _) = octets.as_chunks::<MANY>();
    let whole = MANY * many.iter().take_while(|few| few.iter().fold(true, |all, b| all & is_same_in_ascii(*b))).count();
    let rest = octets.get(whole..).unwrap_or_default();
    whole + rest.iter().take_while(|b| is_same_in_ascii(**b)).count()
}

/// Whether all of them are.
fn are_same_in_ascii(octets: &[u8]) -> bool {
    let mut differ = [0; MANY];
    let mut look = |few: &[u8]| {
        for (differ, octet) in differ.iter_mut().zip(few) {
            *differ |= u8::from(!is_same_in_ascii(*octet));
        }
    };
    octets.as_chunks::<MANY>().0.iter().for_each(|many| look(many));
    // The last ones may be looked at twice, which costs less than one by one.
    look(octets.last_chunk::<MANY>().map_or(octets, |last| last));
    differ == [0; MANY]
}

/// The text of septets that are all the same characters in ASCII and in the default alphabet.
pub(super) fn as_ascii(octets: &[u8]) -> Option<&str> {
    are_same_in_ascii(octets).then(|| std::str::from_utf8(octets).ok())?
}

/// Whether nothing in septets speaks for another alphabet: all of them the same characters in ASCII, or signs of
/// septets among them, but not so many that every other octet may be half of something.
pub(super) fn are_plain(octets: &[u8]) -> bool {
    if are_same_in_ascii(octets) {
        return true;
    }
    let (mut controls, mut differ) = (0, 0);
    for few in octets.chunks(usize::from(u8::MAX)) {
        let (own, other) = few.iter().fold((0u8, 0u8), |(controls, differ), b| {
            let control = (*b < 0x20) & (*b != b'\n') & (*b != b'\r');
            (controls + u8::from(control), differ | u8::from((*b >= 0x20) & !is_same_in_ascii(*b)))
        });
        controls += usize::from(own);
        differ |= other;
    }
    controls * 6 <= octets.len() && (controls > 0 || differ == 0)
}

/// Written without branches, so that 16 octets are looked at at once.
fn is_same_in_ascii(octet: u8) -> bool {
    let capitals = octet.wrapping_sub(0x20) < 0x3b;
    let small = octet.wrapping_sub(b'a') < 26;
    let line = (octet == b'\n') | (octet == b'\r');
    (capitals & (octet != b'$') & (octet != b'@')) | small | line
}

/// The septets of a character: one, or an escape and one.
#[must_use]
pub fn septets(c: char) -> Option<(Option<u8>, u8)> {
    if let Some(code) = EXTENSION.find(c) {
        return Some((Some(ESCAPE), code));
    }
    Some((None, DEFAULT.find(c).filter(|code| *code != ESCAPE)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_of_the_alphabet_comes_back() {
        let all = DEFAULT.0.iter().chain(&EXTENSION.0).copied().filter(|c| *c != '\u{1b}' && *c != VOID);
        assert_eq!(all.clone().count(), 127 + 10);
        for c in all {
            let (escape, code) = septets(c).unwrap();
            let mut text = String::new();
            decode(&escape.into_iter().chain([code]).collect::<Vec<_>>(), Tables::DEFAULT, &mut text);
            assert_eq!(text, c.to_string());
        }
        assert_eq!(septets('ก'), None);
    }

    #[test]
    fn octets_that_are_the_same_in_ascii_are_told() {
        for octet in 0..=255u8 {
            let same =
                DEFAULT.get(octet).is_some_and(|c| c == char::from(octet)) && octet.is_ascii() && octet != ESCAPE;
            assert_eq!(is_same_in_ascii(octet), same, "{octet:02x}");
        }
    }

    #[test]
    fn runs_are_cut_where_an_escape_reaches() {
        let mixed: Vec<u8> =
            (0..4096u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 11).to_le_bytes()[0] & 0x7f).collect();
        for start in 0..64 {
            let octets = &mixed[start..];
            let (mut fast, mut plain) = (String::new(), String::new());
            assert_eq!(decode(octets, Tables::DEFAULT, &mut fast), append(octets, Tables::DEFAULT, &mut plain));
            assert_eq!(fast, plain);
        }
        for text in [&[0x1b, b'('][..], &[b'a', 0x1b, 0x1b, b'('], &[0x1b, 0x1b, 0x1b, b'e', b'e'], &[0x1b]] {
            let (mut fast, mut plain) = (String::new(), String::new());
            assert_eq!(decode(text, Tables::DEFAULT, &mut fast), append(text, Tables::DEFAULT, &mut plain));
            assert_eq!(fast, plain);
        }
    }
}
