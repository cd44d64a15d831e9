//! The reference of the language, written from the tables that the decoder reads: every fact and every key with its
//! type, its unit, an example and what it says.

use super::facts::{By, FACTS, FieldSpec, ListKind, Shape};
use super::keys::{Kind, SECTIONS};

/// The page, in Markdown.
#[must_use]
pub fn page() -> String {
    let mut page = String::from(PREFACE);
    for fact in FACTS {
        let many = if fact.many { "; there may be several: all keys must hold of the same one" } else { "" };
        page.push_str(&format!("\n### {}\n\n{}{many}.\n\n", fact.name, capitalized(fact.about)));
        page.push_str("| key | type | unit | example | true when, or what it says |\n|---|---|---|---|---|\n");
        for field in fact.fields {
            let unknown = if field.by == By::Nobody { " (*unknown in this version*)" } else { "" };
            page.push_str(&format!(
                "| `{}` | {} | {} | `{}` | {}{unknown} |\n",
                field.name,
                escaped(&type_of(&field.shape)),
                unit_of(field),
                escaped(field.example),
                escaped(field.about),
            ));
        }
    }
    page.push_str("\n## Keys\n\nA key with a star must be there.\n");
    for (name, section) in SECTIONS {
        page.push_str(&format!("\n### {name}\n\n| key | type | example | what it says |\n|---|---|---|---|\n"));
        for key in section.keys {
            let star = if key.needed { " *" } else { "" };
            let example = if key.example.is_empty() { String::new() } else { format!("`{}`", escaped(key.example)) };
            let kind = escaped(&kind_of(&key.kind));
            page.push_str(&format!("| `{}`{star} | {kind} | {example} | {} |\n", key.name, escaped(key.about)));
        }
    }
    page
}

const PREFACE: &str = "# Facts and keys

Every fact that a condition may ask for, and every key of the YAML. `tapis rules facts` prints this page, which is written
from the tables that Tapis itself reads its files by; `tapis rules schema` writes a JSON Schema from the same tables. How
conditions, lists and cases work together is told by `tapis help rules`.

## Facts

The ends of a key say how it compares: `x` is this value; `xs` is one of these; `x_in` is in that list or registry, by
name; `x_not_in` is not; `x_like` looks like an entry and is none; `x_above` and `x_below` are strict. What is *unknown in
this version* needs a model: a rule that needs it stays silent. Ages, rates and standing need memory of earlier messages:
what it says, and what it cannot know, is told by `tapis help rules`.
";

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// A pipe ends a cell.
fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
}

fn kinds(all: &[ListKind]) -> String {
    all.iter().map(|k| k.name()).collect::<Vec<_>>().join(" or ")
}

/// The type of a fact's key, in words.
#[must_use]
pub fn type_of(shape: &Shape) -> String {
    match shape {
        Shape::Text => "text".into(),
        Shape::Texts => "list of texts".into(),
        Shape::Choice(words) => words.join(", "),
        Shape::Choices(words) => format!("list of {}", words.join(", ")),
        Shape::Country => "country (ISO 3166-1, two capital letters)".into(),
        Shape::Countries => "list of countries".into(),
        Shape::List(of) => format!("name of a list of {}", kinds(of)),
        Shape::ListOrRegistry(of) => format!("name of a registry, or of a list of {} or words", of.name()),
        Shape::Registry => "name of a registry".into(),
        Shape::Regex => "regular expression".into(),
        Shape::Flag => "true, false".into(),
        Shape::Count(max) => format!("whole number, at most {max}"),
        Shape::Currency => "currency (ISO 4217)".into(),
        Shape::Money => "amount, at most two decimals".into(),
        Shape::Number => "number, at most two decimals".into(),
        Shape::Duration => "duration".into(),
        Shape::Within => "from-to of a day".into(),
        Shape::Zone => "time zone (IANA)".into(),
        Shape::Finding => "id of a rule".into(),
        Shape::Tag => "tag of a TLV".into(),
        Shape::Tags => "list of tags of TLVs".into(),
    }
}

fn unit_of(field: &FieldSpec) -> &'static str {
    match field.shape {
        Shape::Duration => "ms, s, m, h, d",
        Shape::Within => "hours:minutes",
        _ => field.unit,
    }
}

fn kind_of(kind: &Kind) -> String {
    match kind {
        Kind::Value(shape) => type_of(shape),
        Kind::Id => "small letters, digits, hyphens".into(),
        Kind::Points(max) => format!("points from 0 to {max}, at most two decimals"),
        Kind::Date => "day".into(),
        Kind::Moment => "moment (RFC 3339)".into(),
        Kind::Size => "size: B, KiB, MiB, GiB".into(),
        Kind::Condition => "condition".into(),
        Kind::Conditions => "list of conditions".into(),
        Kind::Status => "name of a command_status".into(),
        Kind::Section(section) => format!("map: {}", section.names().join(", ")),
        Kind::Sections(section) => format!("list, each {}", section.name),
        Kind::Named(section) => format!("map of names, each {}", section.name),
        Kind::Each(kind) => format!("map of names to {}", kind_of(kind)),
        Kind::Either(kinds) => kinds.iter().map(kind_of).collect::<Vec<_>>().join("; or "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::diagnostic::Diagnostics;
    use crate::config::source::{Source, Sources};

    /// What the decoder says of rule files and of a main file.
    fn told(main: bool, text: &str) -> Vec<String> {
        let source = Source { name: "t.yaml".into(), text: text.into() };
        let mut sources = Sources::default();
        if main {
            sources.main = Some(source)
        } else {
            sources.rules.push(source)
        }
        let mut all = Diagnostics::default();
        drop(crate::config::read(&sources, &mut all));
        all.sorted()
            .iter()
            .map(|d| format!("{} {}", d.code, d.message))
            .filter(|d| !d.starts_with("no-advice"))
            .collect()
    }

    #[test]
    fn every_example_of_a_fact_is_taken() {
        for fact in FACTS {
            for field in fact.fields {
                let neighbours = match (fact.name, field.name) {
                    ("text", "except") => "regex: never, ",
                    ("time", "zone") => "days: [mon], ",
                    ("standing", "of") => "below: 20, ",
                    ("standing", "below") => "of: sender, ",
                    ("rate", "of" | "counted") => "count: messages, per: sender, over: 1h, above: 3, ",
                    ("rate", name) => match name {
                        "count" => "per: sender, over: 1h, above: 3, ",
                        "per" => "count: messages, over: 1h, above: 3, ",
                        "over" => "count: messages, per: sender, above: 3, ",
                        _ => "count: messages, per: sender, over: 1h, ",
                    },
                    _ => "",
                };
                let when = format!("{{ {}: {{ {neighbours}{}: {} }} }}", fact.name, field.name, field.example);
                let text = format!("rules: [ {{ id: a, score: 1, when: {when} }} ]");
                assert_eq!(told(false, &text), [""; 0], "{text}");
            }
        }
    }

    #[test]
    fn every_example_of_a_key_is_taken() {
        let rule = |keys: &str| format!("rules: [ {{ id: a, score: 1, when: {{ has: link }}, {keys} }} ]");
        for (name, section) in SECTIONS {
            for key in section.keys.iter().filter(|k| !k.example.is_empty()) {
                let pair = format!("{}: {}", key.name, key.example);
                let (main, text) = match *name {
                    "A rule" if ["id", "when", "score"].contains(&key.name) => (
                        false,
                        "rules: [ { id: b, score: 2, when: { has: code } } ]".replace(
                            match key.name {
                                "id" => "id: b",
                                "when" => "when: { has: code }",
                                _ => "score: 2",
                            },
                            &pair,
                        ),
                    ),
                    "A rule" => (false, rule(&pair)),
                    "A rule file" => (false, pair),
                    "tapis.yaml" => (true, pair),
                    "smsc" if key.name != "address" => (true, format!("smsc: [ {{ address: a:1, {pair} }} ]")),
                    "smsc" => (true, format!("smsc: [ {{ {pair} }} ]")),
                    "tls, of an smsc" => {
                        let other = match key.name {
                            "certificate" => ", key: x",
                            "key" => ", certificate: x",
                            _ => "",
                        };
                        (true, format!("smsc: [ {{ address: a:1, tls: {{ {pair}{other} }} }} ]"))
                    }
                    "listen_tls" => {
                        let others = [("address", "a:1"), ("certificate", "x"), ("key", "x")];
                        let others = others.iter().filter(|(k, _)| *k != key.name).map(|(k, v)| format!("{k}: {v}"));
                        (true, format!("listen_tls: {{ {}, {pair} }}", others.collect::<Vec<_>>().join(", ")))
                    }
                    "journal" if key.name == "dir" => (true, format!("journal: {{ {pair} }}")),
                    "journal" => (true, format!("journal: {{ dir: x, {pair} }}")),
                    "capture" if ["dir", "key"].contains(&key.name) => {
                        let both = "dir: x, key: x".replacen(&format!("{}: x", key.name), &pair, 1);
                        (true, format!("capture: {{ {both} }}"))
                    }
                    "capture" => (true, format!("capture: {{ dir: x, key: x, {pair} }}")),
                    "canary" => {
                        let others = [("share", "1%"), ("for", "1m"), ("block_above", "1%")];
                        let others = others.iter().filter(|(k, _)| *k != key.name).map(|(k, v)| format!("{k}: {v}"));
                        (true, format!("canary: {{ {}, {pair} }}", others.collect::<Vec<_>>().join(", ")))
                    }
                    "timers" | "parts" | "limits" | "reputation" => (true, format!("{name}: {{ {pair} }}")),
                    "shared, of reputation" => {
                        let store = if key.name == "store" { "" } else { "store: \"redis://a:1\", " };
                        (true, format!("reputation: {{ secret: x, shared: {{ {store}{pair} }} }}"))
                    }
                    "intel, of reputation" => (true, format!("reputation: {{ intel: {{ {pair} }} }}")),
                    "a feed, of intel" => {
                        let id = if key.name == "id" { "" } else { "id: x, " };
                        (true, format!("reputation: {{ intel: {{ feeds: [ {{ {id}{pair} }} ] }} }}"))
                    }
                    "weights, of reputation" => (true, format!("reputation: {{ weights: {{ {pair} }} }}")),
                    "known, of a case" | "before, of a case" | "standing, of a case" => {
                        let (section, needed) = match name.split_once(',') {
                            Some(("before", _)) if key.name != "messages" => ("before", "messages: 1, "),
                            Some((section, _)) => (section, ""),
                            None => continue,
                        };
                        let memory = format!("{section}: {{ {needed}{pair} }}");
                        (false, rule(&format!("cases: [ {{ from: A, to: B, text: C, expect: fires, {memory} }} ]")))
                    }
                    "An account" => (false, format!("accounts: {{ a: {{ {pair} }} }}")),
                    "A group" => (false, format!("groups: {{ a: {{ {pair} }} }}")),
                    "An override" => (false, format!("overrides: {{ a: {{ {pair} }} }}")),
                    "A profile" if key.name != "id" => (false, format!("profiles: [ {{ id: x, {pair} }} ]")),
                    "thresholds, of a profile" => {
                        (false, format!("profiles: [ {{ id: x, thresholds: {{ {pair} }} }} ]"))
                    }
                    "for, of a profile" => (false, format!("profiles: [ {{ id: x, for: {{ {pair} }} }} ]")),
                    "A registry's entry" if key.name != "sender" => {
                        (false, format!("registries: {{ a: {{ entries: [ {{ sender: A, {pair} }} ] }} }}"))
                    }
                    "A case" if !["from", "to", "text", "expect"].contains(&key.name) => {
                        (false, rule(&format!("cases: [ {{ from: A, to: B, text: C, expect: fires, {pair} }} ]")))
                    }
                    "A tag" => (false, format!("tags: {{ a: {{ {pair} }} }}")),
                    "home" => (false, format!("home: {{ {pair} }}")),
                    _ => continue,
                };
                assert_eq!(told(main, &text), [""; 0], "{text}");
            }
        }
    }

    #[test]
    fn every_key_that_is_marked_must_be_there() {
        let whole = [
            ("A rule", "rules: [ { id: a, score: 1, when: { has: link } } ]"),
            (
                "An exemption",
                "exemptions: [ { id: a, silences: [b], owner: c, expires: 2030-01-01, when: { account: { id: a } } } ]",
            ),
            ("A group", "groups: { a: { cap: 1 } }"),
            ("home", "home: { country: SG }"),
            ("A registry's entry", "registries: { a: { entries: [ { sender: A } ] } }"),
            ("tlv, of a tag", "tags: { a: { tlv: { tag: 0x1500, value: x } } }"),
            ("pack", "pack: { id: a }"),
            ("A profile", "profiles: [ { id: a } ]"),
        ];
        for (name, text) in whole {
            assert_eq!(told(false, text), [""; 0], "{text}");
            let (_, section) = SECTIONS.iter().find(|(n, _)| *n == name).unwrap();
            for key in section.keys.iter().filter(|k| k.needed) {
                let without = text.replacen(&format!("{}: ", key.name), "about: ", 1);
                let missing = format!("needs `{}`", key.name);
                assert!(
                    told(false, &without).iter().any(|t| t.contains(&missing)),
                    "{without}: {:?}",
                    told(false, &without)
                );
            }
        }
    }
}
