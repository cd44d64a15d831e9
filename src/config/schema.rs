//! A JSON Schema of the YAML, for editors to complete and check by, written from the tables that the decoder reads.
//!
//! It is of draft 2020-12, and knows shapes only: that a name exists, that a regex compiles and that a case holds is for
//! `tapis check` to tell.

use serde_json::{Map, Value, json};

use super::condition::FORMS;
use super::facts::{By, FACTS, FieldSpec, Shape, THINGS};
use super::keys::{AT_LEAST, Kind, MAIN_FILE, RULE_FILE, Section};
use crate::text::entity::CURRENCIES;
use crate::wire::command::CommandStatus;

/// The schema of rule files, or of `tapis.yaml`.
#[must_use]
pub fn schema(main: bool) -> Value {
    let (section, title) = if main { (&MAIN_FILE, "Tapis: tapis.yaml") } else { (&RULE_FILE, "Tapis: a rule file") };
    let mut schema = Map::new();
    schema.insert("$schema".into(), json!("https://json-schema.org/draft/2020-12/schema"));
    schema.insert("title".into(), json!(title));
    if let Value::Object(of_section) = map(section) {
        schema.extend(of_section);
    }
    schema.insert("$defs".into(), json!({ "condition": condition() }));
    Value::Object(schema)
}

fn map(section: &Section) -> Value {
    let mut properties = Map::new();
    for key in section.keys {
        let example = Some(key.example).filter(|e| !e.is_empty());
        properties.insert(key.name.into(), told(kind(&key.kind), key.about, example));
    }
    let needed: Vec<&str> = section.keys.iter().filter(|k| k.needed).map(|k| k.name).collect();
    let mut schema = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if let Some(object) = schema.as_object_mut().filter(|_| !needed.is_empty()) {
        object.insert("required".into(), json!(needed));
    }
    if section.name == super::keys::LIST.name
        && let Some(object) = schema.as_object_mut()
    {
        object.insert("minProperties".into(), json!(1));
        object.insert("maxProperties".into(), json!(1));
    }
    schema
}

/// With what an editor shows beside it.
fn told(mut schema: Value, about: &str, example: Option<&str>) -> Value {
    if let Some(object) = schema.as_object_mut() {
        let example = example.map(|e| format!(": {e}")).unwrap_or_default();
        object.insert("description".into(), json!(format!("{about}{example}")));
    }
    schema
}

fn condition() -> Value {
    let own = json!({ "$ref": "#/$defs/condition" });
    let several = json!({ "type": "array", "items": own, "minItems": 1 });
    let mut properties = Map::new();
    for form in FORMS {
        let (schema, about) = match form {
            "all" => (several.clone(), "all of these are"),
            "any" => (several.clone(), "at least one of these is"),
            "not" => (json!({ "allOf": [own] }), "this is not"),
            "at_least" => (map(&AT_LEAST), "so many of these are"),
            "has" => (json!({ "enum": THINGS }), "there is such a thing"),
            _ => (text(), "another rule has fired"),
        };
        properties.insert(form.into(), told(schema, about, None));
    }
    for fact in FACTS {
        let fields: Map<String, Value> = fact.fields.iter().map(|f| (f.name.into(), field(f))).collect();
        let schema =
            json!({ "type": "object", "properties": fields, "additionalProperties": false, "minProperties": 1 });
        properties.insert(fact.name.into(), told(schema, fact.about, None));
    }
    json!({
        "description": "a map with exactly one key", "type": "object", "properties": properties,
        "additionalProperties": false, "minProperties": 1, "maxProperties": 1,
    })
}

fn field(field: &FieldSpec) -> Value {
    let unknown = if field.by == By::Nobody { " (unknown in this version)" } else { "" };
    let about = format!("{}{unknown}", field.about);
    told(value(&field.shape), &about, Some(field.example))
}

fn kind(kind: &Kind) -> Value {
    match kind {
        Kind::Value(shape) => value(shape),
        Kind::Id => json!({ "type": "string", "pattern": "^[a-z0-9-]{1,64}$" }),
        Kind::Points(max) => json!({ "type": "number", "minimum": 0, "maximum": max }),
        Kind::Date => json!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" }),
        Kind::Moment => json!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}" }),
        Kind::Size => json!({ "type": "string", "pattern": "^[0-9]+(B|KiB|MiB|GiB)$" }),
        Kind::Condition => json!({ "allOf": [{ "$ref": "#/$defs/condition" }] }),
        Kind::Conditions => json!({ "type": "array", "items": { "$ref": "#/$defs/condition" }, "minItems": 1 }),
        Kind::Status => json!({ "enum": CommandStatus::names() }),
        Kind::Section(section) => map(section),
        Kind::Sections(section) => json!({ "type": "array", "items": map(section) }),
        Kind::Named(section) => json!({ "type": "object", "additionalProperties": map(section) }),
        Kind::Each(of) => json!({ "type": "object", "additionalProperties": self::kind(of) }),
        Kind::Either(kinds) => json!({ "anyOf": kinds.iter().map(self::kind).collect::<Vec<_>>() }),
    }
}

/// What looks like a number is a text all the same: `id: 7726`.
fn text() -> Value {
    json!({ "type": ["string", "number"] })
}

fn value(shape: &Shape) -> Value {
    let list = |items: Value| json!({ "type": "array", "items": items, "minItems": 1 });
    let country = || json!({ "type": "string", "pattern": "^[A-Z]{2}$" });
    match shape {
        Shape::Text
        | Shape::List(_)
        | Shape::ListOrRegistry(_)
        | Shape::Registry
        | Shape::Regex
        | Shape::Zone
        | Shape::Tag
        | Shape::Finding => text(),
        Shape::Texts | Shape::Tags => json!({ "type": "array", "items": text() }),
        Shape::Choice(words) => words_of(words),
        Shape::Choices(words) => json!({ "anyOf": [words_of(words), list(words_of(words))] }),
        Shape::Country => country(),
        Shape::Countries => list(country()),
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::Count(max) => json!({ "type": "integer", "minimum": 0, "maximum": max }),
        Shape::Currency => json!({ "enum": CURRENCIES }),
        Shape::Money | Shape::Number => json!({ "type": "number", "minimum": 0 }),
        Shape::Duration => json!({ "type": "string", "pattern": "^[0-9]+(ms|s|m|h|d)$" }),
        Shape::Within => json!({ "type": "string", "pattern": "^[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$" }),
    }
}

/// A word that YAML reads as a number may be written so.
fn words_of(words: &[&str]) -> Value {
    let numbers = words.iter().filter_map(|w| w.parse::<u64>().ok()).map(Value::from);
    let all: Vec<Value> = words.iter().map(|w| Value::from(*w)).chain(numbers).collect();
    json!({ "enum": all })
}
