//! What was read, and where in it a value stands.

use std::fmt;
use std::sync::Arc;

/// One file as it was read: nothing here opens it.
#[derive(Clone, Debug)]
pub struct Source {
    /// The name it is shown by in diagnostics.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// Everything a policy is made of: the main file, the rule files, and the files that lists and registries name.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// `tapis.yaml`, when there is one.
    pub main: Option<Source>,
    /// Rule files, in any order.
    pub rules: Vec<Source>,
    /// Names of files that should be here and could not be read, each with the reason.
    pub unread: Vec<(String, String)>,
    /// Files that lists and registries name: by the name as written in the rule file named first.
    pub lists: Vec<ListFile>,
    /// Entries that were added and removed at run time, in their order.
    pub edits: Vec<ListEdit>,
}

/// An entry of a list that was added or removed at run time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListEdit {
    /// The list by its full name.
    pub list: String,
    /// The entry as it would be written.
    pub entry: String,
    /// Whether it was added.
    pub added: bool,
}

/// A file that a list or registry names.
#[derive(Clone, Debug)]
pub struct ListFile {
    /// The rule file that names it.
    pub named_in: String,
    /// The name as written there.
    pub name: String,
    /// Its text, or why it could not be read.
    pub text: Result<String, String>,
}

/// A stretch of one line of a source.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file's name.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Characters, at least 1.
    pub length: usize,
}

impl Place {
    /// The first character of a file.
    #[must_use]
    pub fn start(file: &str) -> Self {
        Self { file: file.into(), line: 1, column: 1, length: 1 }
    }

    /// `offset` characters further on the same line.
    #[must_use]
    pub fn shifted(&self, offset: usize) -> Self {
        Self { column: self.column + offset, length: 1, ..self.clone() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
