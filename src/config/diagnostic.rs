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
        let files = sources.main.iter().chain(&sources.rules);
        let text = files.into_iter().find(|s| s.name == *self.place.file).map(|s| s.text.as_str());
        let line = text.and_then(|t| t.lines().nth(self.place.line.saturating_sub(1)));
        let mut out = self.to_string();
        if let Some(line) = line {
            let number = self.place.line.to_string();
            let margin = " ".repeat(number.len());
            let before: String =
                line.chars().take(self.place.column - 1).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
            let left = line.chars().count().saturating_sub(self.place.column - 1);
            let carets = "^".repeat(self.place.length.min(left).max(1));
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
    fn a_misspelt_name_finds_its_neighbour() {
        assert_eq!(nearest("scoer", ["score", "id"]), Some("score"));
        assert_eq!(nearest("zzz", ["score", "id"]), None);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
