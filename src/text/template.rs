//! What texts of one template share: a hash of the matching form, its numbers masked.
//!
//! `Your code is 482913` and `YOUR C0DE is 775301` hash alike where both fold alike; a text with another name or link in it is
//! another template.

/// The hash of a matching form: 16 hexadecimal digits of BLAKE3.
#[must_use]
pub fn hash(folded: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in folded.split([' ', '\n']).filter(|part| !part.is_empty()) {
        let mut rest = part;
        while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
            let (before, number) = rest.split_at(at);
            hasher.update(before.as_bytes());
            hasher.update(b"0");
            rest = number.trim_start_matches(|c: char| c.is_ascii_digit());
        }
        hasher.update(rest.as_bytes());
        hasher.update(b" ");
    }
    hasher.finalize().to_hex().get(..16).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_spaces_do_not_matter_and_words_do() {
        assert_eq!(hash("your code is 482913"), hash(" your  code is 77 "));
        assert_eq!(hash("a1b22c"), hash("a9b1c"));
        assert_ne!(hash("your code is 1"), hash("your pin is 1"));
        assert_ne!(hash("ab 1"), hash("a b 1"));
        assert_eq!(hash("").len(), 16);
    }
}
