//! The GSM default alphabet and its extension table (3GPP TS 23.038 §6.2.1, §6.2.1.1), one septet an octet as SMPP
//! carries them.

/// The default alphabet; 0x1B leads to the extension table.
const DEFAULT: [char; 128] = [
    '@', '£', '$', '¥', 'è', 'é', 'ù', 'ì', 'ò', 'Ç', '\n', 'Ø', 'ø', '\r', 'Å', 'å', //
    'Δ', '_', 'Φ', 'Γ', 'Λ', 'Ω', 'Π', 'Ψ', 'Σ', 'Θ', 'Ξ', '\u{1b}', 'Æ', 'æ', 'ß', 'É', //
    ' ', '!', '"', '#', '¤', '%', '&', '\'', '(', ')', '*', '+', ',', '-', '.', '/', //
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?', //
    '¡', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', //
    'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'Ä', 'Ö', 'Ñ', 'Ü', '§', //
    '¿', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', //
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 'ä', 'ö', 'ñ', 'ü', 'à', //
];

/// The extension table, behind 0x1B.
const EXTENSION: [(u8, char); 10] = [
    (0x0a, '\u{c}'),
    (0x14, '^'),
    (0x28, '{'),
    (0x29, '}'),
    (0x2f, '\\'),
    (0x3c, '['),
    (0x3d, '~'),
    (0x3e, ']'),
    (0x40, '|'),
    (0x65, '€'),
];

const ESCAPE: u8 = 0x1b;

/// The character of a septet of the default alphabet; an octet above 0x7F is none.
#[must_use]
pub fn character(septet: u8) -> char {
    DEFAULT.get(usize::from(septet)).copied().unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// Appends the text of septets, one an octet. A code that the extension table lacks is shown as the default alphabet's,
/// as a handset does (§6.2.1.1); an escape at the end is a space.
pub fn decode(septets: &[u8], out: &mut String) {
    let mut rest = septets.iter();
    while let Some(septet) = rest.next() {
        if *septet != ESCAPE {
            out.push(character(*septet));
            continue;
        }
        out.push(match rest.next() {
            // Reserved for another extension table, and a space until there is one.
            Some(&ESCAPE) => ' ',
            Some(next) => EXTENSION.iter().find(|(code, _)| code == next).map_or_else(|| character(*next), |(_, c)| *c),
            None => ' ',
        });
    }
}

/// The septets of a character: one, or an escape and one.
#[must_use]
pub fn septets(c: char) -> Option<(Option<u8>, u8)> {
    if let Some((code, _)) = EXTENSION.iter().find(|(_, e)| *e == c) {
        return Some((Some(ESCAPE), *code));
    }
    let at = DEFAULT.iter().position(|d| *d == c && c != '\u{1b}')?;
    Some((None, u8::try_from(at).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_of_the_alphabet_comes_back() {
        for c in DEFAULT.iter().copied().chain(EXTENSION.iter().map(|(_, c)| *c)).filter(|c| *c != '\u{1b}') {
            let (escape, code) = septets(c).unwrap();
            let mut text = String::new();
            decode(&escape.into_iter().chain([code]).collect::<Vec<_>>(), &mut text);
            assert_eq!(text, c.to_string());
        }
        assert_eq!(septets('ก'), None);
    }
}
