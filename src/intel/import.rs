//! What other carriers tell, read from a STIX 2.1 bundle.
//!
//! A bundle that is none is refused whole. Of a bundle each indicator that can be used is taken, and every other is told of with
//! its place and why it is not; where nothing can even be read, the bundle is refused as well: its source changed its form.
//! Objects that are no indicators are passed over.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::id::Uuid;
use super::pattern::{Subject, short, subjects};
use super::{identity, indicator};
use crate::time::Timestamp;

/// What is taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    /// The name of this carrier: what it said itself is not heard.
    pub own: String,
    /// The least confidence.
    pub confidence_min: u8,
    /// An indicator ends so long after it was last changed, or when it says, whichever comes first.
    pub expires: Duration,
    /// More indicators are refused.
    pub most: usize,
}

/// A warning of another carrier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Indicator {
    /// Its identifier.
    pub id: String,
    /// What it warns of: any one of these.
    pub subjects: Vec<Subject>,
    /// How sure it is, from 1 to 100.
    pub confidence: u8,
    /// When it ends.
    pub until: Timestamp,
}

/// An indicator that is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Its place among the objects of the bundle, from 0.
    pub at: usize,
    /// Its identifier, where it has one.
    pub id: String,
    /// Why.
    pub why: String,
    /// Whether it is no indicator as the standard has them; else it is one that is not for us.
    pub is_broken: bool,
}

/// What a bundle came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// What is taken, by identifier.
    pub indicators: Vec<Indicator>,
    /// What is not.
    pub skipped: Vec<Skipped>,
}

/// The confidence of an indicator that names none.
const CONFIDENCE: u8 = 50;

/// Reads a bundle.
///
/// # Errors
/// Why it is refused.
pub fn read(octets: &[u8], terms: &Terms, now: Timestamp) -> Result<Taken, String> {
    let bundle = parse(octets)?;
    let objects = objects(&bundle)?;
    let is_indicator = |object: &&Value| text(object, "type") == Some("indicator");
    let count = objects.iter().filter(is_indicator).count();
    if count > terms.most {
        return Err(format!("it has {count} indicators, at most {}", terms.most));
    }
    let newest = newest(objects);
    let own = identity(&terms.own);
    let mut taken = Taken::default();
    for (at, object) in objects.iter().enumerate().filter(|(_, object)| is_indicator(object)) {
        let id = text(object, "id").unwrap_or_default();
        let read = match Uuid::parse(id, "indicator") {
            None => Err(Why::Broken(format!("`id` is `{}`, not indicator-- and a UUID", short(id)))),
            Some(_) if newest.get(id).is_some_and(|newest| *newest != at) => {
                Err(Why::Ours("a later version of it is in the bundle".into()))
            }
            Some(_) => one(object, id, own, terms, now),
        };
        match read {
            Ok(indicator) => taken.indicators.push(indicator),
            Err(why) => {
                let (why, is_broken) = match why {
                    Why::Broken(why) => (why, true),
                    Why::Ours(why) => (why, false),
                };
                taken.skipped.push(Skipped { at, id: short(id), why, is_broken });
            }
        }
    }
    let broken = taken.skipped.iter().filter(|skipped| skipped.is_broken).count();
    if broken == count
        && let Some(first) = taken.skipped.first()
    {
        return Err(format!("none of its {count} indicators can be read; objects[{}]: {}", first.at, first.why));
    }
    taken.indicators.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(taken)
}

fn parse(octets: &[u8]) -> Result<Value, String> {
    let bundle: Value = serde_json::from_slice(octets).map_err(|error| format!("it is no JSON: {error}"))?;
    match text(&bundle, "type") {
        Some("bundle") => Ok(bundle),
        Some(other) => Err(format!("it is no STIX bundle: its `type` is `{}`", short(other))),
        None => Err("it is no STIX bundle: it has no `type`".into()),
    }
}

fn objects(bundle: &Value) -> Result<&[Value], String> {
    match bundle.get("objects") {
        None => Ok(&[]),
        Some(Value::Array(objects)) => Ok(objects),
        Some(_) => Err("it is no STIX bundle: its `objects` are no list".into()),
    }
}

fn text<'v>(of: &'v Value, key: &str) -> Option<&'v str> {
    of.get(key).and_then(Value::as_str)
}

fn modified(object: &Value) -> Option<Timestamp> {
    text(object, "modified").and_then(Timestamp::of_utc)
}

/// Where the latest version of each identifier stands; of two that are alike the first.
fn newest(objects: &[Value]) -> BTreeMap<&str, usize> {
    let mut newest: BTreeMap<&str, (Option<Timestamp>, usize)> = BTreeMap::new();
    for (at, object) in objects.iter().enumerate() {
        let Some(id) = text(object, "id") else { continue };
        let entry = newest.entry(id).or_insert((modified(object), at));
        if modified(object) > entry.0 {
            *entry = (modified(object), at);
        }
    }
    newest.into_iter().map(|(id, (_, at))| (id, at)).collect()
}

/// Why an indicator is not taken.
enum Why {
    /// It is none.
    Broken(String),
    /// It is not for us.
    Ours(String),
}

fn one(object: &Value, id: &str, own: Uuid, terms: &Terms, now: Timestamp) -> Result<Indicator, Why> {
    let broken = |why: &str| Why::Broken(why.to_owned());
    let ours = |why: String| Err(Why::Ours(why));
    let moment = |key: &str| match object.get(key) {
        None => Ok(None),
        Some(value) => match value.as_str().and_then(Timestamp::of_utc) {
            Some(at) => Ok(Some(at)),
            None => Err(Why::Broken(format!("`{key}` is no moment in UTC, as 2026-11-30T12:00:00Z"))),
        },
    };
    if text(object, "spec_version") != Some("2.1") {
        return Err(broken("`spec_version` is not 2.1"));
    }
    let (Some(_), Some(modified)) = (moment("created")?, moment("modified")?) else {
        return Err(broken("it needs `created` and `modified`"));
    };
    let Some(from) = moment("valid_from")? else { return Err(broken("it needs `valid_from`")) };
    let says = moment("valid_until")?;
    if says.is_some_and(|until| until <= from) {
        return Err(broken("`valid_until` is not after `valid_from`"));
    }
    let Some(pattern) = text(object, "pattern") else { return Err(broken("it needs `pattern`")) };
    let Some(language) = text(object, "pattern_type") else { return Err(broken("it needs `pattern_type`")) };
    let confidence = match object.get("confidence") {
        None => CONFIDENCE,
        Some(value) => match value.as_u64().and_then(|n| u8::try_from(n).ok()).filter(|n| *n <= 100) {
            Some(confidence) => confidence,
            None => return Err(broken("`confidence` is no whole number from 0 to 100")),
        },
    };
    if object.get("revoked").is_some_and(|revoked| revoked.as_bool() != Some(false)) {
        return ours("it was revoked".into());
    }
    if text(object, "created_by_ref") == Some(&own.id("identity")) {
        return ours("it is this carrier's own".into());
    }
    if language != "stix" {
        return ours(format!("its pattern is in `{}`, not stix", short(language)));
    }
    let types = object.get("indicator_types").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if types.iter().any(|kind| kind.as_str() == Some("benign")) {
        return ours("it says that something is benign".into());
    }
    let until = says.map_or(modified + terms.expires, |says| says.min(modified + terms.expires));
    if until <= now {
        return ours(format!("it ended at {until}"));
    }
    if from > now {
        return ours(format!("it begins at {from}"));
    }
    if confidence < terms.confidence_min.max(1) {
        return ours(format!("its confidence is {confidence}, less than {}", terms.confidence_min.max(1)));
    }
    let subjects = match subjects(pattern) {
        Ok(subjects) => subjects,
        Err(why) => return ours(why),
    };
    if subjects.iter().any(|subject| indicator(own, subject).id("indicator") == id) {
        return ours("it is this carrier's own, told on by another".into());
    }
    Ok(Indicator { id: id.to_owned(), subjects, confidence, until })
}

/// A bundle of what two have: of one identifier the latest version, and where both are of the same moment the second one's.
/// Indicators that have ended are left out.
///
/// # Errors
/// When one of them is no bundle.
pub fn merge(first: &[u8], second: &[u8], now: Timestamp) -> Result<String, String> {
    let (first, second) = (parse(first)?, parse(second)?);
    let mut all: Vec<Value> = objects(&second)?.to_vec();
    all.extend(objects(&first)?.iter().cloned());
    let has_ended =
        |object: &Value| text(object, "valid_until").and_then(Timestamp::of_utc).is_some_and(|until| until <= now);
    let newest: HashSet<usize> = newest(&all).into_values().collect();
    let kept: Vec<Value> = all
        .into_iter()
        .enumerate()
        .filter(|(at, object)| newest.contains(at) && !has_ended(object))
        .map(|(_, object)| object)
        .collect();
    let mut bundle = Map::new();
    bundle.insert("type".into(), "bundle".into());
    bundle.insert("id".into(), second.get("id").cloned().unwrap_or_else(|| json!(null)));
    bundle.insert("objects".into(), kept.into());
    Ok(Value::Object(bundle).to_string())
}
