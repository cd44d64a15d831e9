//! How little a reading of octets would surprise a reader: the length of a text in bits, by a coarse model of what people
//! write. The wrong alphabet makes controls, private use, rare blocks, letters of several scripts side by side and
//! capitals inside words, and each costs; of two readings of the same octets the shorter one is the likelier (minimum
//! description length). The model knows no language and no word.

/// What one octet that means nothing would cost.
const OCTET: u32 = 8;

/// What a character that no text has costs.
pub(super) const NEVER: u32 = 30;

/// What a character is, as far as its neighbours care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// White space, and the start.
    Space,
    /// A small letter of Latin script.
    Small,
    /// A capital letter of Latin script.
    Capital,
    /// A digit.
    Digit,
    /// A sign that stands anywhere.
    Sign,
    /// A sign that does not stand inside words.
    Rare,
    /// A mark that opens a sentence in Spanish: nothing but a letter follows it.
    Opening,
    /// A mark that combines with the letter before it.
    Combining,
    /// A letter of another script, by its number.
    Script(u8),
}

impl Kind {
    fn is_letter(self) -> bool {
        self.script().is_some()
    }

    fn is_of_a_word(self) -> bool {
        self == Self::Digit || self.is_letter()
    }

    /// The script of a letter; Latin is 0.
    fn script(self) -> Option<u8> {
        match self {
            Self::Small | Self::Capital => Some(0),
            Self::Script(number) => Some(number),
            _ => None,
        }
    }
}

/// Weighs characters one by one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    bits: u32,
    last: Kind,
    before: Kind,
    /// The script of the last letter.
    script: u8,
}

impl Default for Scale {
    fn default() -> Self {
        Self { bits: 0, last: Kind::Space, before: Kind::Space, script: 0 }
    }
}

impl Scale {
    /// What was weighed so far, in bits.
    pub(super) fn bits(self) -> u32 {
        self.bits
    }

    /// Weighs one more.
    pub(super) fn put(&mut self, c: char) {
        let (kind, bits) = weight(c);
        self.bits = self.bits.saturating_add(bits + between(self.before, self.last, kind));
        if let Some(script) = kind.script()
            && script != self.script
        {
            self.bits = self.bits.saturating_add(SWITCH);
            self.script = script;
        }
        (self.before, self.last) = (self.last, kind);
    }
}

/// What octets would cost if they meant nothing: a text that is longer is none.
pub(super) fn nothing(octets: &[u8]) -> u32 {
    u32::try_from(octets.len()).unwrap_or(u32::MAX).saturating_mul(OCTET)
}

/// The length of a text.
pub(super) fn text(text: &str) -> u32 {
    let mut scale = Scale::default();
    text.chars().for_each(|c| scale.put(c));
    scale.bits()
}

/// The length of characters, if it is less than `limit`.
pub(super) fn below(limit: u32, characters: impl Iterator<Item = char>) -> Option<u32> {
    let mut scale = Scale::default();
    for c in characters {
        scale.put(c);
        if scale.bits() >= limit {
            return None;
        }
    }
    (scale.bits() < limit).then(|| scale.bits())
}

/// What it costs to go on in another script. A text begins in Latin.
const SWITCH: u32 = 9;

/// What a neighbourhood costs.
fn between(before: Kind, last: Kind, kind: Kind) -> u32 {
    match (before, last, kind) {
        // Capitals begin words, or fill them.
        (_, Kind::Small, Kind::Capital) | (Kind::Capital, Kind::Capital, Kind::Small) => 4,
        (before, Kind::Rare | Kind::Opening, kind) if before.is_of_a_word() && kind.is_of_a_word() => 6,
        (_, Kind::Opening, kind) if !kind.is_letter() && kind != Kind::Opening => 6,
        (_, last, Kind::Combining) if !last.is_letter() && last != Kind::Combining => 8,
        _ => 0,
    }
}

fn weight(c: char) -> (Kind, u32) {
    let code = u32::from(c);
    match u8::try_from(code).ok().and_then(|octet| LATIN.get(usize::from(octet))) {
        Some(known) => *known,
        None => beyond_latin(code),
    }
}

/// What is written most, looked up.
#[allow(clippy::indexing_slicing, reason = "runs at compile time, where a bad index is an error of the build")]
static LATIN: [(Kind, u32); 256] = {
    let mut all = [(Kind::Rare, NEVER); 256];
    let mut octet = 0u8;
    loop {
        all[octet as usize] = latin(octet as char);
        match octet.checked_add(1) {
            Some(next) => octet = next,
            None => break all,
        }
    }
};

const fn latin(c: char) -> (Kind, u32) {
    match c {
        ' ' => (Kind::Space, 3),
        '\n' | '\r' => (Kind::Space, 8),
        '\t' => (Kind::Space, 12),
        'a'..='z' => (Kind::Small, 5),
        'A'..='Z' => (Kind::Capital, 7),
        '0'..='9' => (Kind::Digit, 6),
        '.' | ',' => (Kind::Sign, 6),
        '!' | '?' | '\'' | '"' | '-' | ':' | '/' | '(' | ')' => (Kind::Sign, 7),
        '|' | '~' => (Kind::Sign, 9),
        '@' | '_' | '#' | '$' | '%' | '&' | '*' | '+' | '=' | ';' => (Kind::Sign, 10),
        '<' | '>' | '[' | ']' | '\\' | '^' | '`' | '{' | '}' => (Kind::Rare, 12),
        '¡' | '¿' => (Kind::Opening, 10),
        '\u{a0}' | '«' | '»' | '°' | '£' | '¥' | '©' | '®' | 'ª' | 'º' | '·' | '²' | '³' => {
            (Kind::Rare, 12)
        }
        '§' => (Kind::Rare, 13),
        '\u{a1}'..='\u{bf}' | '×' | '÷' => (Kind::Rare, 16),
        'À'..='Þ' => (Kind::Capital, 11),
        'ß'..='ÿ' => (Kind::Small, 8),
        _ => (Kind::Rare, NEVER),
    }
}

fn beyond_latin(code: u32) -> (Kind, u32) {
    match code {
        0x100..=0x24f => (Kind::Small, 9),
        0x1e00..=0x1eff => (Kind::Small, 8),
        0x2000..=0x20ff => general(code),
        0x3000..=0x30ff => (Kind::Script(0x30), if code < 0x3040 { 8 } else { 7 }),
        0x1_0000.. => astral(code),
        _ => block(code),
    }
}

/// General punctuation, and what follows it.
fn general(code: u32) -> (Kind, u32) {
    match code {
        0x2010..=0x2027 | 0x2032..=0x2033 | 0x20a0..=0x20bf => (Kind::Sign, 9),
        0x2030..=0x203a => (Kind::Rare, 12),
        0x2000..=0x200f | 0x2028..=0x202f | 0x2066..=0x2069 => (Kind::Sign, 13),
        0x20d0..=0x20ff => (Kind::Sign, 14),
        _ => (Kind::Rare, 17),
    }
}

/// Beyond the basic plane: emoji, letters for mathematics, rare ideographs.
fn astral(code: u32) -> (Kind, u32) {
    match code {
        0x1_f000..=0x1_faff => (Kind::Sign, 11),
        0x1_d400..=0x1_d7ff => (Kind::Script(0x1d), 12),
        0x2_0000..=0x3_ffff => (Kind::Script(0x4e), 19),
        _ => (Kind::Rare, 22),
    }
}

/// Other scripts, by their block.
fn block(code: u32) -> (Kind, u32) {
    let script = |number: u8, bits: u32| (Kind::Script(number), bits);
    match code {
        0x0300..=0x0345 => (Kind::Combining, 12),
        0x0346..=0x036f => (Kind::Combining, 18),
        0x0370..=0x03ff => script(0x03, 8),
        0x0400..=0x04ff => script(0x04, 6),
        0x0530..=0x058f => script(0x53, 8),
        0x0590..=0x05ff => script(0x05, 6),
        0x0600..=0x06ff => script(0x06, 6),
        // Each Indian script has 128 code points.
        0x0900..=0x0dff => script(u8::try_from(code >> 7 & 0x7f).unwrap_or(0) | 0x80, 6),
        0x0e00..=0x0e7f => script(0x0e, 6),
        0x0e80..=0x0eff => script(0x0f, 6),
        0x1000..=0x109f | 0xaa60..=0xaa7f => script(0x10, 6),
        0x10a0..=0x10ff => script(0x11, 7),
        0x1200..=0x139f => script(0x12, 9),
        0x1780..=0x17ff => script(0x17, 6),
        0x2100..=0x214f => (Kind::Sign, 13),
        0x2150..=0x22ff | 0x2600..=0x27bf => (Kind::Sign, 12),
        0x2300..=0x25ff | 0x2b00..=0x2bff => (Kind::Sign, 13),
        0x3100..=0x312f => script(0x30, 14),
        0x3200..=0x33ff => (Kind::Sign, 16),
        0x3400..=0x4dbf => script(0x4e, 19),
        0x4e00..=0x9fff => script(0x4e, 11),
        0xac00..=0xd7a3 => script(0xac, 9),
        0xf900..=0xfaff => script(0x4e, 19),
        0xfe00..=0xfe0f | 0xfeff => (Kind::Sign, 11),
        0xfe30..=0xfe6f => (Kind::Sign, 14),
        0xff01..=0xff5e => (Kind::Sign, 8),
        0xff61..=0xff9f => script(0x31, 10),
        0xffe0..=0xffe6 => (Kind::Sign, 12),
        0xe000..=0xf8ff => (Kind::Rare, 24),
        0xfff0..=0xffff => (Kind::Rare, NEVER),
        _ => script(0xff, 18),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_shorter_than_its_octets_and_what_nobody_writes_is_longer() {
        for honest in
            ["Your parcel is held, pay 2.50 at", "ยืนยันตัวตนที่", "Tài khoản của bạn", "您的包裹已到达", "Привет, как дела"]
        {
            let utf16 = honest.encode_utf16().count() * 2;
            let octets = if honest.is_ascii() { honest.len() } else { utf16 };
            assert!(text(honest) < OCTET * u32::try_from(octets).unwrap(), "{honest}: {}", text(honest));
        }
        for wrong in ["\u{fffd}\u{fffd}", "渀漀琀攀", "Ã©Ã¨", "ÆΔÇΣ@Ø", "\u{1}\u{2}"] {
            assert!(text(wrong) > OCTET * u32::try_from(wrong.chars().count()).unwrap(), "{wrong}");
        }
        assert!(text("bob@mail.example") < text("bob¡mail.example"));
        assert!(text("¿Qué tal?") < text("`Qu\u{5}tal?"));
    }

    #[test]
    fn weighing_stops_at_its_limit() {
        let whole = text("hello there");
        assert_eq!(below(whole + 1, "hello there".chars()), Some(whole));
        assert_eq!(below(whole, "hello there".chars()), None);
    }
}
