//! What operators ask of reputation, and do to it, through the admin server: `/api/reputation/…`.
//!
//! A key is written as `kind:name` (`sender:+85291234567`, `domain:kbnk-th.xyz`, `account:acme`, `phone:whatsapp:123`), or as
//! its kind and hash, the way answers name it. Whatever is changed leaves a control record, which names numbers only by their
//! hash.

use std::pin::Pin as Pinned;
use std::sync::Arc;
use std::task::{Context, Poll};

use http_body_util::{BodyExt, Either, Limited};
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::header::ORIGIN;
use hyper::{Method, Request, StatusCode};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

use super::Node;
use super::console::{Answer, Query, Reply, beside, json_answer, text};
use crate::reputation::{Counts, Explanation, Key, Kind, Names, Pin, Reputation};
use crate::time::Timestamp;

/// Before every path.
pub(super) const PATH: &str = "/api/reputation/";

/// Octets of one import.
const IMPORT_MAX: usize = 16 << 20;

/// Lines that are told when an import refuses many.
const REFUSED_TOLD: usize = 20;

/// Octets that wait for who reads an export.
const BLOCK: usize = 1 << 16;

/// Keys of a list, and campaigns, unless the operator says how many.
const MOST: usize = 20;

/// Answers a request.
pub(super) async fn answer(node: Arc<Node>, request: Request<Incoming>) -> Reply {
    let query = Query::read(request.uri().query());
    let what = request.uri().path().strip_prefix(PATH).unwrap_or_default().to_owned();
    let is_read = matches!(what.as_str(), "show" | "list" | "campaigns" | "export");
    match (request.method(), what.as_str()) {
        (&Method::GET, "export") => export(node),
        (&Method::GET, _) if is_read => beside(move || read(&node, &what, &query)).await,
        (&Method::POST, "reset" | "pin" | "unpin" | "unblock" | "import") if request.headers().contains_key(ORIGIN) => {
            json_answer(StatusCode::FORBIDDEN, &json!({ "error": "web pages may not change reputation" }))
        }
        (&Method::POST, "reset" | "pin" | "unpin" | "unblock") => beside(move || change(&node, &what, &query)).await,
        (&Method::POST, "import") => match Limited::new(request.into_body(), IMPORT_MAX).collect().await {
            Ok(body) => {
                let lines = body.to_bytes();
                beside(move || import(&node, &lines, &query)).await
            }
            Err(error) => {
                let error = format!("at most {IMPORT_MAX} octets at a time: {error}");
                json_answer(StatusCode::PAYLOAD_TOO_LARGE, &json!({ "error": error }))
            }
        },
        (_, "reset" | "pin" | "unpin" | "unblock" | "import") => not_allowed(),
        _ if is_read => not_allowed(),
        _ => json_answer(StatusCode::NOT_FOUND, &json!({ "error": format!("there is no {PATH}{what}") })),
    }
}

fn not_allowed() -> Reply {
    json_answer(StatusCode::METHOD_NOT_ALLOWED, &json!({ "error": "method not allowed" }))
}

/// The key that somebody wrote, and the plain name where it is one.
///
/// # Errors
/// What is wrong with it.
pub fn key(memory: &Reputation, written: &str) -> Result<(Key, Option<String>), String> {
    let kinds = Kind::ALL.map(Kind::name).join(", ");
    let (kind, name) =
        written.split_once(':').ok_or_else(|| format!("`{written}` is no key: write KIND:NAME; kinds are {kinds}"))?;
    let kind = Kind::named(kind).ok_or_else(|| format!("there is no kind `{kind}`: there are {kinds}"))?;
    match (kind, Key::parse(written)) {
        (Kind::Recipient | Kind::Range, _) => Err("recipients have no standing".into()),
        (_, Some(key)) => Ok((key, None)),
        (Kind::Campaign, None) => Err("a campaign is written by its hash, as the list of campaigns has it".into()),
        _ if name.trim().is_empty() => Err(format!("which {}?", kind.name())),
        _ => {
            let mut names = Names::default();
            let name = names.written(kind, name.trim());
            Ok((memory.key(kind, name), Some(name.to_owned())))
        }
    }
}

/// A standing and how it came about, as JSON.
#[must_use]
pub fn told(of: &Explanation, neutral: f32) -> Value {
    let terms: Vec<Value> =
        of.terms.iter().map(|t| json!({ "name": t.name, "nats": round(t.nats, 1e3), "about": t.about })).collect();
    json!({
        "key": of.key.to_string(), "name": of.name, "known": of.first.is_some(),
        "standing": round(of.standing, 10.0), "neutral": neutral, "pin": pin_name(of.pin), "terms": terms,
        "counts": counts(&of.counts), "distinct": of.distinct, "reporters": of.reporters,
        "first": of.first.map(|t| t.to_string()), "last": of.last.map(|t| t.to_string()),
    })
}

/// A number with so many parts of one.
fn round(number: f32, parts: f32) -> f64 {
    f64::from((number * parts).round()) / f64::from(parts)
}

fn pin_name(pin: Pin) -> Option<&'static str> {
    match pin {
        Pin::None => None,
        Pin::Good => Some("good"),
        Pin::Bad => Some("bad"),
    }
}

/// The counts that are not nothing.
fn counts(of: &Counts) -> Value {
    let some = of.named().into_iter().filter(|(_, number)| *number >= 0.001);
    Value::Object(some.map(|(name, number)| (name.to_owned(), json!(round(number, 1e3)))).collect())
}

fn read(node: &Node, what: &str, query: &Query) -> Answer {
    let memory = &node.memory.reputation;
    let now = node.clock.now();
    let most = query.get("most").and_then(|n| n.parse().ok()).unwrap_or(MOST).min(1_000);
    match what {
        "show" => match key(memory, query.get("key").unwrap_or_default()) {
            Ok((key, name)) => {
                let mut of = memory.explain(key, now);
                of.name = of.name.or(name);
                (StatusCode::OK, told(&of, memory.settings().cold_start))
            }
            Err(why) => (StatusCode::BAD_REQUEST, json!({ "error": why })),
        },
        "list" => {
            let kind = query.get("kind").map(|kind| Kind::named(kind).ok_or(kind));
            match kind.transpose() {
                Ok(kind) => (StatusCode::OK, worst(memory, kind, most, now)),
                Err(kind) => (StatusCode::BAD_REQUEST, json!({ "error": format!("there is no kind `{kind}`") })),
            }
        }
        _ => (StatusCode::OK, campaigns(memory, most, now)),
    }
}

/// The keys of the lowest standing.
fn worst(memory: &Reputation, kind: Option<Kind>, most: usize, now: Timestamp) -> Value {
    let mut all: Vec<(f32, Key)> = Vec::with_capacity(2 * most + 1);
    let mut known = 0_u64;
    memory.for_each(now, |key, standing| {
        if kind.is_some_and(|kind| kind != key.kind) {
            return;
        }
        known += 1;
        all.push((standing, key));
        if all.len() > 2 * most {
            all.sort_by(|a, b| a.0.total_cmp(&b.0));
            all.truncate(most);
        }
    });
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    all.truncate(most);
    let keys = all.into_iter().map(|(standing, key)| {
        json!({ "key": key.to_string(), "name": memory.name_of(key), "standing": round(standing, 10.0) })
    });
    json!({ "known": known, "keys": keys.collect::<Vec<_>>() })
}

fn campaigns(memory: &Reputation, most: usize, now: Timestamp) -> Value {
    let all = memory.campaigns(most).into_iter().map(|one| {
        json!({
            "key": one.key.to_string(), "messages": one.messages, "senders": one.senders,
            "standing": round(memory.standing(one.key, now), 10.0), "first": one.first.to_string(),
            "last": one.last.to_string(), "sample": one.sample,
        })
    });
    json!({ "campaigns": all.collect::<Vec<_>>() })
}

/// `key=…`, of `pin` also `as=good` or `as=bad`; `actor=…` and `comment=…` are recorded.
fn change(node: &Node, what: &str, query: &Query) -> Answer {
    let bad = |why: String| (StatusCode::BAD_REQUEST, json!({ "error": why }));
    let memory = &node.memory.reputation;
    let (key, name) = match key(memory, query.get("key").unwrap_or_default()) {
        Ok(key) => key,
        Err(why) => return bad(why),
    };
    let now = node.clock.now();
    let old = memory.standing(key, now);
    let pin = match (what, query.get("as")) {
        ("pin", Some("good")) => Pin::Good,
        ("pin", Some("bad")) => Pin::Bad,
        ("pin", _) => return bad("write as=good or as=bad".into()),
        _ => Pin::None,
    };
    let name = name.or_else(|| memory.name_of(key));
    let done = match what {
        "reset" => {
            memory.reset(key);
            true
        }
        "unblock" => unblock(memory, key, now),
        _ => memory.pin(key, pin, now),
    };
    if !done {
        return (StatusCode::CONFLICT, json!({ "error": "there is no room for another pin beside this key's" }));
    }
    if let Some(name) = name.as_ref().filter(|_| what == "pin") {
        memory.name(key, name, now);
    }
    let new = memory.explain(key, now);
    let mut details = Map::new();
    details.insert("key".into(), key.to_string().into());
    // Who sends may be a subscriber.
    if let Some(name) = name.filter(|name| !name.starts_with('+')) {
        details.insert("name".into(), name.into());
    }
    details.insert("pin".into(), json!(pin_name(new.pin)));
    details.insert("old_standing".into(), json!(round(old, 10.0)));
    details.insert("new_standing".into(), json!(round(new.standing, 10.0)));
    who(&mut details, query);
    node.control(&format!("reputation-{what}"), Value::Object(details.clone()));
    (StatusCode::OK, Value::Object(details))
}

/// Forgets what speaks against a key, an operator's word too; one that something else still weighs on is pinned good.
fn unblock(memory: &Reputation, key: Key, now: Timestamp) -> bool {
    memory.reset(key);
    memory.standing(key, now) >= memory.settings().cold_start || memory.pin(key, Pin::Good, now)
}

fn who(details: &mut Map<String, Value>, query: &Query) {
    details.insert("actor".into(), query.get("actor").unwrap_or("api").into());
    if let Some(comment) = query.get("comment") {
        details.insert("comment".into(), comment.into());
    }
}

/// One key a line: `{"key":"domain:x.top","pin":"bad","counts":{"proven":3}}`. Counts are added to what is known.
fn import(node: &Node, lines: &Bytes, query: &Query) -> Answer {
    let memory = &node.memory.reputation;
    let now = node.clock.now();
    let (mut taken, mut refused, mut told) = (0_u64, 0_u64, Vec::new());
    for (n, line) in lines.split(|octet| *octet == b'\n').enumerate().filter(|(_, line)| !line.trim_ascii().is_empty())
    {
        match take(memory, line, now) {
            Ok(()) => taken += 1,
            Err(why) => {
                refused += 1;
                if told.len() < REFUSED_TOLD {
                    told.push(json!({ "line": n + 1, "error": why }));
                }
            }
        }
    }
    let mut details = Map::new();
    details.insert("taken".into(), taken.into());
    details.insert("refused".into(), refused.into());
    who(&mut details, query);
    node.control("reputation-import", Value::Object(details.clone()));
    details.insert("why".into(), told.into());
    (StatusCode::OK, Value::Object(details))
}

/// Takes in one line.
///
/// # Errors
/// What is wrong with it; nothing is taken then.
fn take(memory: &Reputation, line: &[u8], now: Timestamp) -> Result<(), String> {
    let value: Value = serde_json::from_slice(line).map_err(|e| e.to_string())?;
    let written = value.get("key").and_then(Value::as_str).ok_or("it has no `key`")?;
    let (key, name) = key(memory, written)?;
    let name = name.as_deref().or_else(|| value.get("name").and_then(Value::as_str));
    // What another node calls by its hash has another one under another secret.
    let key = match name.filter(|_| key.kind != Kind::Campaign) {
        Some(name) => memory.key(key.kind, name),
        None => key,
    };
    let pin = match value.get("pin") {
        None | Some(Value::Null) => None,
        Some(Value::String(pin)) if pin == "good" => Some(Pin::Good),
        Some(Value::String(pin)) if pin == "bad" => Some(Pin::Bad),
        Some(other) => return Err(format!("`pin` is good or bad, not {other}")),
    };
    let mut sums = Counts::default();
    if let Some(given) = value.get("counts") {
        let given = given.as_object().ok_or("`counts` is a map")?;
        let mut numbers = sums.numbers();
        for (name, count) in given {
            let place = sums.named().iter().position(|(known, _)| known == name);
            let place = place.and_then(|n| numbers.get_mut(n)).ok_or_else(|| format!("there is no count `{name}`"))?;
            let count = count.as_f64().filter(|n| (0.0..=1e9).contains(n));
            #[allow(clippy::cast_possible_truncation, reason = "counts are kept so")]
            let count = count.ok_or_else(|| format!("`{name}` is no count"))? as f32;
            *place = count;
        }
        sums = Counts::of(numbers);
    }
    if pin.is_none() && sums == Counts::default() {
        return Err("it says nothing: write `pin` or `counts`".into());
    }
    let full = || "there is no room for it".to_owned();
    if sums != Counts::default() && !memory.credit(key, &sums, now) {
        return Err(full());
    }
    if pin.is_some_and(|pin| !memory.pin(key, pin, now)) {
        return Err(full());
    }
    if let Some(name) = name {
        memory.name(key, name, now);
    }
    Ok(())
}

/// Every key, one a line, while whoever asked reads.
fn export(node: Arc<Node>) -> Reply {
    let (lines, read) = mpsc::channel(4);
    tokio::task::spawn_blocking(move || {
        let memory = &node.memory.reputation;
        let now = node.clock.now();
        let (mut block, mut is_read) = (Vec::with_capacity(BLOCK + 1024), true);
        memory.for_each(now, |key, _| {
            if !is_read {
                return;
            }
            let of = memory.explain(key, now);
            let line = json!({
                "key": key.to_string(), "name": of.name, "standing": round(of.standing, 10.0), "pin": pin_name(of.pin),
                "counts": counts(&of.counts), "reporters": of.reporters, "distinct": of.distinct,
                "first": of.first.map(|t| t.to_string()), "last": of.last.map(|t| t.to_string()),
            });
            block.extend_from_slice(line.to_string().as_bytes());
            block.push(b'\n');
            if block.len() >= BLOCK {
                is_read = lines.blocking_send(Bytes::from(std::mem::take(&mut block))).is_ok();
            }
        });
        let _ = lines.blocking_send(Bytes::from(block));
    });
    let mut response = text(StatusCode::OK, "application/x-ndjson", String::new());
    *response.body_mut() = Either::Right(Lines(read));
    response
}

/// A body that is written while it is read.
#[derive(Debug)]
pub struct Lines(mpsc::Receiver<Bytes>);

impl Body for Lines {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pinned<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        self.0.poll_recv(cx).map(|block| block.map(|block| Ok(Frame::data(block))))
    }
}
