//! A YAML file as a tree in which every key and value keeps its place.
//!
//! Typed deserialization stops at the first value of the wrong shape; this tree takes any shape, so that all mistakes of
//! a file can be told at once. Scalars are what stands in the source: `0812` stays `0812`.

use std::fmt;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::Spanned;

use super::diagnostic::Diagnostics;
use super::source::{Place, Source};
use super::stretch::{Stretch, stretches};

/// One value with its place.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where it stands.
    pub place: Place,
    /// What stands there.
    pub value: Value,
}

/// What a value is.
#[derive(Clone, Debug)]
pub enum Value {
    /// Nothing, `~` or `null`.
    Null,
    /// A scalar, as text.
    Scalar {
        /// The text without its quotes.
        text: String,
        /// Whether it stood in quotes, or as a block.
        quoted: bool,
        /// Where its characters stand, unless they stand one behind the other from its place on.
        stretches: Box<[Stretch]>,
    },
    /// A sequence.
    Sequence(Vec<Node>),
    /// Keys and values, in their order.
    Map(Vec<(Node, Node)>),
}

impl Value {
    fn plain(text: &str) -> Self {
        Self::Scalar { text: text.to_owned(), quoted: false, stretches: Box::default() }
    }

    /// The word for messages.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Scalar { .. } => "a value",
            Self::Sequence(_) => "a list",
            Self::Map(_) => "a map",
        }
    }
}

impl Node {
    /// The scalar's text.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|(k, _)| k.text() == Some(key)).map(|(_, v)| v),
            _ => None,
        }
    }

    /// Everything that it says, without places, comments and style: equal texts mean equal values.
    pub fn canonical(&self, out: &mut String) {
        match &self.value {
            Value::Null => out.push('~'),
            Value::Scalar { text, .. } => {
                out.push_str(&format!("{}:{text}", text.len()));
            }
            Value::Sequence(items) => {
                out.push('[');
                items.iter().for_each(|i| i.canonical(out));
                out.push(']');
            }
            Value::Map(entries) => {
                out.push('{');
                for (key, value) in entries {
                    key.canonical(out);
                    value.canonical(out);
                }
                out.push('}');
            }
        }
    }
}

/// What serde shows of a value: its shape, and its text where it has one.
enum Shape {
    Null,
    Text(String),
    /// A number or boolean: its text is in the source.
    Plain,
    Sequence(Vec<Raw>),
    Map(Vec<(Raw, Raw)>),
}

struct Raw(Spanned<Shape>);

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Spanned::deserialize(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyShape)
    }
}

struct AnyShape;

impl<'de> Visitor<'de> for AnyShape {
    type Value = Shape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Shape, E> {
        Ok(Shape::Null)
    }

    fn visit_none<E>(self) -> Result<Shape, E> {
        Ok(Shape::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Shape, D::Error> {
        Shape::deserialize(deserializer)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Shape, E> {
        Ok(Shape::Plain)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Shape, E> {
        Ok(Shape::Plain)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Shape, E> {
        Ok(Shape::Plain)
    }

    fn visit_i128<E>(self, _: i128) -> Result<Shape, E> {
        Ok(Shape::Plain)
    }

    fn visit_u128<E>(self, _: u128) -> Result<Shape, E> {
        Ok(Shape::Plain)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Shape, E> {
        Ok(Shape::Plain)
    }

    fn visit_str<E>(self, text: &str) -> Result<Shape, E> {
        Ok(Shape::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Shape, E> {
        Ok(Shape::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Shape, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element()? {
            all.push(item);
        }
        Ok(Shape::Sequence(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Shape, A::Error> {
        let mut all = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            all.push(entry);
        }
        Ok(Shape::Map(all))
    }
}

/// Parses a file. A syntax error ends it, and is told; the other files go on.
pub fn parse(source: &Source, diagnostics: &mut Diagnostics) -> Option<Node> {
    let file: Arc<str> = source.name.as_str().into();
    let mut options = serde_yaml::Options::default();
    options.strict_booleans = true;
    options.duplicate_keys = serde_yaml::options::DuplicateKeyPolicy::LastWins;
    match serde_yaml::from_str_with_options::<Option<Raw>>(&source.text, options) {
        Ok(Some(raw)) => Some(Reader { file, text: &source.text, diagnostics }.node(raw)),
        Ok(None) => Some(Node { place: Place::start(&source.name), value: Value::Map(Vec::new()) }),
        Err(error) => {
            let error = error.without_snippet();
            let mut place = Place::start(&source.name);
            if let Some(location) = error.location() {
                place.line = usize::try_from(location.line()).unwrap_or(1).max(1);
                place.column = usize::try_from(location.column()).unwrap_or(1).max(1);
            }
            let message = error.to_string();
            let message = message.lines().next().unwrap_or("cannot be read").trim_start_matches("error: ");
            let here = format!(" at line {}, column {}", place.line, place.column);
            let message = message.trim_end_matches(here.as_str());
            if message.contains("tab")
                && let Some((line, column)) = first_tab(&source.text, place.line)
            {
                place = Place { line, column, ..place };
            }
            let diagnostic = diagnostics.error(&place, "yaml", message);
            if let Some(help) = syntax_help(message) {
                diagnostic.help(help);
            }
            None
        }
    }
}

/// The tab that indents a line, of the lines that the parser may mean: it tells where it was when it saw it.
fn first_tab(text: &str, line: usize) -> Option<(usize, usize)> {
    let lines = super::diagnostic::lines(text).enumerate().skip(line.saturating_sub(1)).take(2);
    let mut tabs = lines.filter_map(|(n, l)| {
        let blank = l.chars().take_while(|c| c.is_whitespace());
        Some((n + 1, blank.take_while(|c| *c != '\t').count() + 1))
            .filter(|(_, at)| l.chars().nth(at - 1) == Some('\t'))
    });
    tabs.next()
}

/// What is meant by a complaint of the parser, for those who do not write parsers.
fn syntax_help(message: &str) -> Option<&'static str> {
    let says = |words: &str| message.contains(words);
    Some(if says("tab") {
        "YAML is indented by spaces only: take the tab out"
    } else if says("mapping values are not allowed") {
        "a text that has a colon and a space in it must be quoted; else this line is indented too far"
    } else if says("'-' indicator") || says("block mapping") || says("block collection") || says("indent") {
        "lines of one list or map begin at the same column"
    } else if says("anchor") || says("alias") {
        "a word that begins with * or & must be quoted"
    } else if says("flow mapping") || says("flow sequence") || says("bracket") {
        "a bracket before this is not closed, or a comma is missing"
    } else if says("quote") {
        "end it with the quote that it began with"
    } else if says("cannot start any token") || says("reserved") || says("directive") {
        "a word that begins with @, `, % or another sign must be quoted"
    } else {
        return None;
    })
}

struct Reader<'a> {
    file: Arc<str>,
    text: &'a str,
    diagnostics: &'a mut Diagnostics,
}

impl Reader<'_> {
    fn node(&mut self, Raw(spanned): Raw) -> Node {
        let location = spanned.referenced;
        let number = |n: u64| usize::try_from(n).unwrap_or(1).max(1);
        let place = Place {
            file: Arc::clone(&self.file),
            line: number(location.line()),
            column: number(location.column()),
            length: number(location.span().len()),
        };
        let source = self.source(&spanned.defined).to_owned();
        let tag = self.refuse_tag(&place, &location);
        let value = match spanned.value {
            // What was meant is told; it is not missing as well.
            Shape::Null if tag.is_some() => Value::plain(&tag.unwrap_or_default()),
            Shape::Null => Value::Null,
            Shape::Plain => Value::plain(source.trim()),
            Shape::Text(text) => {
                let quoted = source.starts_with(['"', '\'', '|', '>']);
                let stretches = stretches(&source, &text, &place);
                Value::Scalar { text, quoted, stretches }
            }
            Shape::Sequence(items) => Value::Sequence(items.into_iter().map(|i| self.node(i)).collect()),
            Shape::Map(entries) => {
                let mut seen: Vec<(Node, Node)> = Vec::with_capacity(entries.len());
                for (key, value) in entries {
                    let (key, value) = (self.node(key), self.node(value));
                    if let Some((first, _)) = seen.iter().find(|(k, _)| k.text().is_some() && k.text() == key.text()) {
                        let message = format!("the key `{}` stands here twice", key.text().unwrap_or_default());
                        let help = format!("the first is at line {}", first.place.line);
                        self.diagnostics.error(&key.place, "duplicate-key", message).help(help);
                    } else {
                        seen.push((key, value));
                    }
                }
                Value::Map(seen)
            }
        };
        Node { place, value }
    }

    fn source(&self, location: &serde_yaml::Location) -> &str {
        let span = location.span();
        let range = span.byte_offset().zip(span.byte_len()).and_then(|(at, len)| {
            let at = usize::try_from(at).ok()?;
            Some(at..at + usize::try_from(len).ok()?)
        });
        range.and_then(|r| self.text.get(r)).unwrap_or_default()
    }

    /// serde never shows a tag: `!slot` in a list of words would silently be the empty word. Answers the tag.
    fn refuse_tag(&mut self, place: &Place, location: &serde_yaml::Location) -> Option<String> {
        let start = location.span().byte_offset().and_then(|at| usize::try_from(at).ok()).unwrap_or(0);
        let before = self.text.get(..start).unwrap_or_default();
        let line_start = memchr::memrchr2(b'\n', b'\r', before.as_bytes()).map_or(0, |n| n + 1);
        let line = before.get(line_start..).unwrap_or_default();
        let word = line.rsplit([' ', '\t', '[', '{', ',']).find(|w| !w.is_empty()).unwrap_or_default();
        let here = self.text.get(start..).unwrap_or_default();
        let gap_only_spaces = line.trim_end().ends_with(word) && !word.is_empty();
        let tag = if here.starts_with('!') {
            here.split([' ', '\t', ',', ']', '}', '\n', '\r']).next()
        } else if gap_only_spaces && word.starts_with('!') && !line.contains('#') {
            Some(word)
        } else {
            None
        };
        let tag = tag?.to_owned();
        let at = line.rfind(&tag).and_then(|at| line.get(..at)).map(|before| before.chars().count() + 1);
        let place = Place { column: at.unwrap_or(place.column), length: tag.chars().count(), ..place.clone() };
        self.diagnostics
            .error(&place, "yaml-tag", format!("`{tag}` is a YAML tag, not text"))
            .help(format!("quote it: \"{tag}\""));
        Some(tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<Node>, Vec<String>) {
        let mut all = Diagnostics::default();
        let node = parse(&Source { name: "t.yaml".into(), text: text.into() }, &mut all);
        (node, all.sorted().iter().map(|d| format!("{}:{} {}", d.place.line, d.place.column, d.code)).collect())
    }

    #[test]
    fn scalars_are_what_stands_in_the_source() {
        let (node, problems) = read("a: 0812\nb: \"0812\"\nc: yes\nd: 1.50\ne: ~\nf: [x y, 'z']\ng: true\nh: 0x10\n");
        assert!(problems.is_empty(), "{problems:?}");
        let node = node.unwrap();
        let text = |key: &str| node.get(key).and_then(Node::text).map(ToOwned::to_owned);
        assert_eq!(text("a").as_deref(), Some("0812"));
        assert_eq!(text("b").as_deref(), Some("0812"));
        assert_eq!(text("c").as_deref(), Some("yes"));
        assert_eq!(text("d").as_deref(), Some("1.50"));
        assert!(matches!(node.get("e").unwrap().value, Value::Null));
        assert_eq!(text("g").as_deref(), Some("true"));
        assert_eq!(text("h").as_deref(), Some("0x10"));
        let f = node.get("f").unwrap();
        assert_eq!((f.place.line, f.place.column), (6, 4));
        let Value::Sequence(items) = &f.value else { panic!("{f:?}") };
        assert_eq!((items[0].text(), items[0].place.column, items[0].place.length), (Some("x y"), 5, 3));
        assert_eq!((items[1].text(), items[1].place.column), (Some("z"), 10));
    }

    #[test]
    fn tags_and_duplicate_keys_are_told_with_their_place() {
        assert_eq!(read("words: [!x y, ok]\n").1, ["1:9 yaml-tag"]);
        assert_eq!(read("words: [!nfo]\n").1, ["1:9 yaml-tag"]);
        assert_eq!(read("a: 1\nb: 2\na: 3\n").1, ["3:1 duplicate-key"]);
        assert_eq!(read("a: [\"!x\", b]   # !y z\nc: d\n").1, [""; 0]);
    }

    #[test]
    fn a_syntax_error_has_its_place() {
        let (node, problems) = read("a: 1\nb: [1, 2\nc: 3\n");
        assert!(node.is_none());
        assert!(problems[0].ends_with("yaml"), "{problems:?}");
    }
}
