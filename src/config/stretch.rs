//! Where the characters of a scalar stand in its source: quotes, escapes, folded lines and indentation stand between them.

use super::source::Place;

/// From this character of a scalar on, its characters stand one behind the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The first character, from 0.
    pub from: usize,
    /// Its line, from 1.
    pub line: usize,
    /// Its column, from 1.
    pub column: usize,
}

/// The place of a character.
#[must_use]
pub fn place(stretches: &[Stretch], whole: &Place, at: usize) -> Place {
    match stretches.iter().rev().find(|s| s.from <= at) {
        Some(s) => Place { line: s.line, column: s.column + (at - s.from), length: 1, file: whole.file.clone() },
        None => whole.shifted(at),
    }
}

/// The stretches of a scalar whose source begins at `start`. A plain scalar on one line is one stretch, and none is told.
#[must_use]
pub fn stretches(raw: &str, text: &str, start: &Place) -> Box<[Stretch]> {
    if raw == text {
        return Box::default();
    }
    let mut cursor = Cursor { rest: raw, line: start.line, column: start.column };
    let quote = raw.chars().next().filter(|c| "\"'".contains(*c));
    if quote.is_some() {
        cursor.advance();
    }
    let mut all: Vec<Stretch> = Vec::new();
    let mut next = (0, 0);
    for (from, c) in text.chars().enumerate() {
        let is_space = c == ' ' || c == '\n';
        // Line ends and indentation stand for one space or line feed of the text.
        while !is_space && cursor.rest.starts_with(char::is_whitespace) {
            cursor.advance();
        }
        let (line, column) = (cursor.line, cursor.column);
        if next != (line, column) {
            all.push(Stretch { from, line, column });
        }
        next = (line, column + 1);
        match (quote, cursor.rest.chars().next()) {
            (Some('"'), Some('\\')) => cursor.escape(),
            (Some('\''), Some('\'')) => {
                cursor.advance();
                cursor.advance();
            }
            (_, Some(raw)) if !is_space || raw.is_whitespace() => cursor.advance(),
            _ => {}
        }
    }
    all.into()
}

struct Cursor<'a> {
    rest: &'a str,
    line: usize,
    column: usize,
}

impl Cursor<'_> {
    fn advance(&mut self) {
        let mut chars = self.rest.chars();
        match chars.next() {
            Some('\n') => (self.line, self.column) = (self.line + 1, 1),
            Some(_) => self.column += 1,
            None => {}
        }
        self.rest = chars.as_str();
    }

    /// A backslash and what belongs to it (YAML 1.2 §5.7).
    fn escape(&mut self) {
        self.advance();
        let digits = match self.rest.chars().next() {
            Some('x') => 2,
            Some('u') => 4,
            Some('U') => 8,
            _ => 0,
        };
        (0..=digits).for_each(|_| self.advance());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The line and column that a character of a scalar is told at.
    fn at(raw: &str, text: &str, what: &str) -> (usize, usize) {
        let start = Place { column: 5, ..Place::start("t") };
        let (before, _) = text.split_once(what).unwrap();
        let place = place(&stretches(raw, text, &start), &start, before.chars().count());
        (place.line, place.column)
    }

    #[test]
    fn every_way_to_write_a_scalar_keeps_its_columns() {
        assert_eq!(at("send (me", "send (me", "("), (1, 10));
        assert_eq!(at("'send (me'", "send (me", "("), (1, 11));
        assert_eq!(at("'don''t (me'", "don't (me", "("), (1, 13));
        assert_eq!(at(r#""send \"it\" (me""#, "send \"it\" (me", "("), (1, 18));
        assert_eq!(at(r#""\u0e01 (me""#, "ก (me", "("), (1, 13));
        assert_eq!(at("send me\n    (the code", "send me (the code", "("), (2, 5));
        assert_eq!(at("'send\n      me (the'", "send me (the", "("), (2, 10));
        assert_eq!(at("one\n    two (x\n", "one\ntwo (x\n", "("), (2, 9));
    }
}
