//! What is wrong, where, and what to do about it.

use std::fmt;

use super::source::{Place, Sources};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The policy is not taken.
    Error,
    /// It is taken; with `--strict` it is not.
    Warning,
}

impl Severity {
    /// `error` or `warning`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One problem of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Where.
    pub place: Place,
    /// A stable name: scripts may hang on it.
    pub code: &'static str,
    /// How bad.
    pub severity: Severity,
    /// What is wrong, in a sentence without its full stop.
    pub message: String,
    /// What would be right, when that can be said.
    pub help: Option<String>,
}

/// All problems found so far.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// Adds an error.
    pub fn error(&mut self, place: &Place, code: &'static str, message: impl Into<String>) -> &mut Diagnostic {
        self.add(place, code, Severity::Error, message.into())
    }

    /// Adds a warning.
    pub fn warning(&mut self, place: &Place, code: &'static str, message: impl Into<String>) -> &mut Diagnostic {
        self.add(place, code, Severity::Warning, message.into())
    }

    fn add(&mut self, place: &Place, code: &'static str, severity: Severity, message: String) -> &mut Diagnostic {
        self.0.push(Diagnostic { place: place.clone(), code, severity, message, help: None });
        self.0.last_mut().expect("one was just pushed")
    }

    /// Whether any of them keeps the policy from being taken.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|d| d.severity == Severity::Error)
    }

    /// All of them by file, line and column.
    #[must_use]
    pub fn sorted(mut self) -> Vec<Diagnostic> {
        self.0.sort_by(|a, b| a.place.cmp(&b.place).then(a.severity.cmp(&b.severity)));
        self.0.dedup();
        self.0
    }

    /// Adds those of another.
    pub fn append(&mut self, other: Vec<Diagnostic>) {
        self.0.extend(other);
    }
}

impl Diagnostic {
    /// Sets the help.
    pub fn help(&mut self, help: impl Into<String>) {
        self.help = Some(help.into());
    }

    /// One line of JSON: `{file,line,column,code,severity,message,help}`.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "file": &*self.place.file, "line": self.place.line, "column": self.place.column, "code": self.code,
            "severity": self.severity.name(), "message": self.message, "help": self.help,
        })
    }

    /// With the source line and a caret under the place.
    #[must_use]
    pub fn render(&self, sources: &Sources) -> String {
        let files = sources.main.iter().chain(&sources.rules).map(|s| (s.name.as_str(), s.text.as_str()));
        let lists = sources.lists.iter().filter_map(|l| Some((l.name.as_str(), l.text.as_deref().ok()?)));
        let text = files.chain(lists).find(|(name, _)| *name == &*self.place.file).map(|(_, text)| text);
        let line = text.and_then(|t| lines(t).nth(self.place.line.saturating_sub(1)));
        let mut out = self.to_string();
        if let Some(line) = line {
            let number = self.place.line.to_string();
            let margin = " ".repeat(number.len());
            let start = self.place.column.saturating_sub(1);
            let before: String = line.chars().take(start).map(blank).collect();
            let under: String = line.chars().skip(start).take(self.place.length).collect();
            let carets = "^".repeat(columns(&under).max(1));
            out.push_str(&format!("\n {margin} |\n {number} | {line}\n {margin} | {before}{carets}"));
        }
        if let Some(help) = &self.help {
            out.push_str(&format!("\n   help: {help}"));
        }
        out
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}[{}]: {}", self.place, self.severity.name(), self.code, self.message)
    }
}

/// As wide as the character, and empty.
fn blank(c: char) -> &'static str {
    match (c, columns(c.encode_utf8(&mut [0; 4]))) {
        ('\t', _) => "\t",
        (_, 0) => "",
        (_, 1) => " ",
        _ => "  ",
    }
}

/// How many columns of a terminal a text takes (Unicode UAX #11; marks that stand above or below a letter take none).
#[must_use]
pub fn columns(text: &str) -> usize {
    let width = |c: char| match u32::from(c) {
        0x300..=0x36f | 0xe31 | 0xe34..=0xe3a | 0xe47..=0xe4e | 0xeb1 | 0xeb4..=0xebc | 0xec8..=0xece => 0,
        0x102d..=0x1030 | 0x1032..=0x1037 | 0x1039..=0x103a | 0x103d..=0x103e | 0x17b4..=0x17b5 => 0,
        0x17b7..=0x17bd | 0x17c6 | 0x17c9..=0x17d3 | 0x200b..=0x200f | 0x20d0..=0x20ff | 0xfe00..=0xfe0f | 0xfeff => 0,
        0x1100..=0x115f | 0x2e80..=0x303e | 0x3041..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff => 2,
        0xfe30..=0xfe6f | 0xff01..=0xff60 | 0xffe0..=0xffe6 | 0x1f300..=0x1f64f | 0x1f680..=0x1f6ff => 2,
        0x1f900..=0x1faff | 0x2_0000..=0x3_fffd => 2,
        _ => 1,
    };
    text.chars().map(width).sum()
}

/// The lines of a file, as its parser counts them: ended by a line feed, a carriage return, or both (YAML 1.2 §5.4).
pub fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
}

/// The entry of `known` that is nearest to a misspelt `name`, if any is near.
#[must_use]
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = 1 + name.chars().count() / 4;
    known.into_iter().map(|k| (distance(name, k), k)).filter(|(d, _)| *d <= limit).min().map(|(_, k)| k)
}

/// Levenshtein distance in characters.
#[must_use]
pub fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (y, above) in b.iter().zip(row.iter_mut().skip(1)) {
            let cost = if x == *y { diagonal } else { 1 + diagonal.min(*above).min(left) };
            diagonal = *above;
            *above = cost;
            left = cost;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::source::Source;

    #[test]
    fn a_diagnostic_shows_the_line_and_points_into_it() {
        let text = "rules:\n  - id: x\n    scoer: 3\n".to_owned();
        let sources = Sources { rules: vec![Source { name: "a.yaml".into(), text }], ..Sources::default() };
        let place = Place { file: "a.yaml".into(), line: 3, column: 5, length: 5 };
        let mut all = Diagnostics::default();
        all.error(&place, "unknown-key", "there is no key `scoer`").help("did you mean `score`?");
        let shown = all.sorted().first().unwrap().render(&sources);
        assert_eq!(
            shown,
            "a.yaml:3:5: error[unknown-key]: there is no key `scoer`\n   |\n 3 |     scoer: 3\n   |     ^^^^^\n   help: did you mean `score`?"
        );
    }

    #[test]
    fn a_caret_stands_under_its_word_in_every_script() {
        for (line, column, under) in [("[ที่นี่, x]", 11, "   "), ("[咖啡, x]", 6, "      ")] {
            let sources =
                Sources { rules: vec![Source { name: "a.yaml".into(), text: line.into() }], ..Sources::default() };
            let place = Place { file: "a.yaml".into(), line: 1, column, length: 1 };
            let mut all = Diagnostics::default();
            all.error(&place, "x", "x");
            let shown = all.sorted().first().unwrap().render(&sources);
            let caret = shown.lines().last().unwrap().split_once("| ").unwrap().1;
            assert!(caret.starts_with(under), "{shown}");
            let before: String = line.chars().take(column - 1).collect();
            assert_eq!(columns(caret), columns(&before) + 1, "{shown}");
        }
    }

    #[test]
    fn a_line_ends_as_in_yaml() {
        assert_eq!(lines("a\nb\r\nc\rd").collect::<Vec<_>>(), ["a", "b", "c", "d"]);
        assert_eq!(lines("\r\n\n").count(), 3);
    }

    #[test]
    fn a_misspelt_name_finds_its_neighbour() {
        assert_eq!(nearest("scoer", ["score", "id"]), Some("score"));
        assert_eq!(nearest("zzz", ["score", "id"]), None);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
