//! The JSON Schema that editors complete from: what is shipped is valid by it, and mistakes of shape are not.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tapis::config::is_main;
use tapis::config::schema::schema;
use tapis::config::source::Source;

/// What of a value a schema does not allow, as a path into it; the part of draft 2020-12 that the schema uses.
fn faults(schema: &Value, value: &Value, root: &Value, at: &str) -> Vec<String> {
    let mut all = Vec::new();
    for (word, says) in schema.as_object().unwrap() {
        let wrong = |is_right: bool| if is_right { Vec::new() } else { vec![format!("{at}: {word} {says}")] };
        let number = |v: &Value| v.as_f64().unwrap();
        let size = || value.as_object().map_or(0, serde_json::Map::len) as u64;
        all.extend(match word.as_str() {
            "$schema" | "title" | "description" | "$defs" | "properties" => Vec::new(),
            "$ref" => faults(root.pointer(says.as_str().unwrap().trim_start_matches('#')).unwrap(), value, root, at),
            "allOf" => says.as_array().unwrap().iter().flat_map(|s| faults(s, value, root, at)).collect(),
            "anyOf" => wrong(says.as_array().unwrap().iter().any(|s| faults(s, value, root, at).is_empty())),
            "enum" => wrong(says.as_array().unwrap().contains(value)),
            "type" => {
                let types: Vec<&str> = match says {
                    Value::Array(all) => all.iter().map(|t| t.as_str().unwrap()).collect(),
                    one => vec![one.as_str().unwrap()],
                };
                wrong(types.iter().any(|t| match *t {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "boolean" => value.is_boolean(),
                    "integer" => value.is_u64() || value.is_i64(),
                    "number" => value.is_number(),
                    other => panic!("type {other}"),
                }))
            }
            "minimum" => wrong(!value.is_number() || number(value) >= number(says)),
            "maximum" => wrong(!value.is_number() || number(value) <= number(says)),
            "pattern" => {
                let pattern = regex_automata::meta::Regex::new(says.as_str().unwrap()).unwrap();
                wrong(value.as_str().is_none_or(|text| pattern.is_match(text)))
            }
            "minItems" => wrong(value.as_array().is_none_or(|a| a.len() as u64 >= says.as_u64().unwrap())),
            "minProperties" => wrong(!value.is_object() || size() >= says.as_u64().unwrap()),
            "maxProperties" => wrong(!value.is_object() || size() <= says.as_u64().unwrap()),
            "required" => wrong(says.as_array().unwrap().iter().all(|k| value.get(k.as_str().unwrap()).is_some())),
            "items" => {
                let items = value.as_array().into_iter().flatten().enumerate();
                items.flat_map(|(n, item)| faults(says, item, root, &format!("{at}/{n}"))).collect()
            }
            "additionalProperties" => {
                let known = &schema["properties"];
                let entries = value.as_object().into_iter().flatten();
                let of = |(key, item): (&String, &Value)| match (known.get(key), says) {
                    (Some(own), _) => faults(own, item, root, &format!("{at}/{key}")),
                    (None, Value::Bool(false)) => vec![format!("{at}/{key}: there is no such key")],
                    (None, others) => faults(others, item, root, &format!("{at}/{key}")),
                };
                entries.flat_map(of).collect()
            }
            other => panic!("the schema says {other}, which this test does not know"),
        });
    }
    all
}

fn check(name: &str, text: &str) -> Vec<String> {
    let mut options = serde_yaml::Options::default();
    options.strict_booleans = true;
    let value: Value = serde_yaml::from_str_with_options(text, options).unwrap_or_else(|e| panic!("{name}: {e}"));
    let schema = schema(is_main(&Source { name: name.into(), text: text.into() }));
    faults(&schema, &value, &schema, "")
}

fn yaml_files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            yaml_files(&path, out);
        } else if path.extension().is_some_and(|e| e == "yaml") {
            out.push(path);
        }
    }
}

#[test]
fn what_is_shipped_is_valid() {
    let mut files = Vec::new();
    yaml_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("config"), &mut files);
    assert!(files.len() > 10, "{files:?}");
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(check("config.yaml", &text), [""; 0], "{}", file.display());
    }
}

#[test]
fn mistakes_of_shape_are_not() {
    let rule = "rules: [ { id: a, score: 1, when: { has: link } } ]";
    assert_eq!(check("t.yaml", rule), [""; 0]);
    for (from, to) in [
        ("score", "scoer"),
        ("score: 1", "score: 21"),
        ("score: 1", "score: high"),
        ("id: a", "id: Capital"),
        ("has: link", "has: lnik"),
        ("has: link", "has: link, finding: b"),
        ("{ has: link }", "{}"),
        ("has: link", "link: { kind: zip }"),
        ("has: link", "link: {}"),
        ("has: link", "all: []"),
        ("has: link", "not: { recipient: { country: Singapore } }"),
        ("has: link", "sender: { age_below: 7 days }"),
        ("when: { has: link }", "about: nothing"),
        ("when:", "firm: yes, when:"),
        ("when:", "category: gamblng, when:"),
        ("when:", "status: 88, when:"),
        ("rules: [", "lists: { a: { words: [b], domains: [c] } }\nrules: ["),
    ] {
        assert_ne!(check("t.yaml", &rule.replacen(from, to, 1)), [""; 0], "{from} → {to}");
    }
    assert_ne!(check("tapis.yaml", "listen: a:1\nwatch: sometimes"), [""; 0]);
}

#[test]
fn every_key_is_explained_to_who_writes_it() {
    fn silent(schema: &Value, at: &str, out: &mut Vec<String>) {
        for (key, own) in schema["properties"].as_object().into_iter().flatten() {
            if own["description"].as_str().is_none_or(str::is_empty) {
                out.push(format!("{at}/{key}"));
            }
        }
        for (key, inner) in schema.as_object().into_iter().flatten() {
            silent(inner, &format!("{at}/{key}"), out);
        }
    }
    for main in [true, false] {
        let mut all = Vec::new();
        silent(&schema(main), "", &mut all);
        assert_eq!(all, [""; 0]);
    }
}
