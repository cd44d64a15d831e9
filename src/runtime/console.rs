//! The admin server: `/metrics`, `/healthz`, `/readyz`, and the API.
//!
//! It has no users: bind it to an address that only operators reach. What changes something refuses requests of web
//! pages (those with an `Origin`).

use std::convert::Infallible;
use std::sync::Arc;

use http_body_util::{Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue, ORIGIN};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::Node;
use super::history::{self, Change};
use super::intel;
use super::metrics;
use super::reload::{Ask, Report, Trial};
use super::reputation;
use crate::config::canary::{CANARY_KEYS, CanarySettings};
use crate::config::source::ListEdit;
use crate::config::spec::Mode;

/// Answers operators until it is aborted.
pub async fn serve(node: Arc<Node>, listener: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let node = Arc::clone(&node);
                connections.spawn(async move {
                    let service = service_fn(|request| answer(Arc::clone(&node), request));
                    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn answer(node: Arc<Node>, request: Request<Incoming>) -> Result<Reply, Infallible> {
    let path = request.uri().path();
    Ok(match (request.method(), path) {
        (&Method::GET, "/metrics") => text(StatusCode::OK, "text/plain; version=0.0.4", metrics(&node)),
        (&Method::GET, "/healthz") => text(StatusCode::OK, "text/plain", "ok\n".into()),
        (&Method::GET, "/readyz") if node.is_draining() => {
            text(StatusCode::SERVICE_UNAVAILABLE, "text/plain", "draining\n".into())
        }
        (&Method::GET, "/readyz") => text(StatusCode::OK, "text/plain", "ready\n".into()),
        (&Method::GET, "/api/policy") => json_answer(StatusCode::OK, &policy(&node)),
        (&Method::GET, "/api/policies") => json_answer(StatusCode::OK, &policies(&node)),
        (&Method::GET, _) if path.starts_with("/api/policies/") => {
            let digest = path.trim_start_matches("/api/policies/").to_owned();
            beside(move || one_policy(&node, &digest)).await
        }
        (&Method::POST, "/api/reload" | "/api/rollback") if request.headers().contains_key(ORIGIN) => {
            json_answer(StatusCode::FORBIDDEN, &json!({ "error": "web pages may not change the policy" }))
        }
        (&Method::POST, "/api/reload") => {
            let query = Query::read(request.uri().query());
            beside(move || reload(&node, &query)).await
        }
        (&Method::POST, "/api/rollback") => {
            let query = Query::read(request.uri().query());
            beside(move || roll_back(&node, &query)).await
        }
        (&Method::POST, _) if path.starts_with(LISTS) && request.headers().contains_key(ORIGIN) => {
            json_answer(StatusCode::FORBIDDEN, &json!({ "error": "web pages may not edit lists" }))
        }
        (&Method::POST, _) if path.starts_with(LISTS) => {
            let list = unescape(path.strip_prefix(LISTS).unwrap_or_default());
            let query = Query::read(request.uri().query());
            beside(move || edit(&node, list, &query)).await
        }
        _ if path.starts_with(intel::api::PATH) => intel::api::answer(node, request).await,
        _ if path.starts_with(reputation::PATH) => reputation::answer(node, request).await,
        (
            _,
            "/metrics" | "/healthz" | "/readyz" | "/api/policy" | "/api/policies" | "/api/reload" | "/api/rollback",
        ) => json_answer(StatusCode::METHOD_NOT_ALLOWED, &json!({ "error": "method not allowed" })),
        _ => json_answer(StatusCode::NOT_FOUND, &json!({ "error": format!("there is no {path}") })),
    })
}

/// Works where no session waits for it.
pub(super) async fn beside(work: impl FnOnce() -> Answer + Send + 'static) -> Reply {
    match tokio::task::spawn_blocking(work).await {
        Ok((status, body)) => json_answer(status, &body),
        Err(_) => json_answer(StatusCode::INTERNAL_SERVER_ERROR, &json!({ "error": "the request erred" })),
    }
}

/// What a request came to, as JSON.
pub(super) type Answer = (StatusCode, Value);

/// The answer on its way.
pub(super) type Reply = Response<Either<Full<Bytes>, reputation::Lines>>;

/// Before the full name of a list.
const LISTS: &str = "/api/lists/";

/// The parameters of a request.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn read(query: Option<&str>) -> Self {
        let pairs = query.unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
        Self(pairs.map(|(key, value)| (unescape(key), unescape(value))).collect())
    }

    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(k, _)| k == key).map(|(_, value)| value.as_str())
    }

    fn is(&self, key: &str) -> bool {
        self.get(key).is_some_and(|v| v == "true" || v == "1")
    }

    /// `dry_run=true` only tries; `if_digest=…` refuses when another policy is in force; `actor=…` and `comment=…` are
    /// recorded.
    fn ask(&self) -> Ask {
        let text = |key: &str| self.get(key).map(ToOwned::to_owned);
        Ask {
            dry_run: self.is("dry_run"),
            actor: text("actor").unwrap_or_else(|| "api".into()),
            comment: text("comment"),
            if_digest: text("if_digest"),
            trial: Trial::AsConfigured,
        }
    }
}

/// Text of a URI: `%C3%A9` is é (RFC 3986 §2.1).
fn unescape(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        let digits = behind.get(..2).and_then(|d| std::str::from_utf8(d).ok());
        match (first, digits.and_then(|d| u8::from_str_radix(d, 16).ok())) {
            (b'%', Some(octet)) => {
                out.push(octet);
                rest = behind.get(2..).unwrap_or_default();
            }
            _ => out.push(*first),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Takes what the files say: for all with `now=true`, on trial with `share=10%` and the other keys of `canary:`, else as
/// the configuration says.
fn reload(node: &Node, query: &Query) -> Answer {
    let mut ask = query.ask();
    if query.is("now") {
        ask.trial = Trial::Now;
    } else if CANARY_KEYS.iter().any(|key| query.get(key).is_some()) {
        match CanarySettings::of_words(node.settings.canary, |key| query.get(key)) {
            Ok(settings) => ask.trial = Trial::Canary(settings),
            Err(why) => return (StatusCode::BAD_REQUEST, json!({ "error": why })),
        }
    }
    changed(&node.reloader.reload(node, &ask), &ask)
}

/// Takes the policy `digest=…` of the history.
fn roll_back(node: &Node, query: &Query) -> Answer {
    let ask = query.ask();
    let Some(digest) = query.get("digest").filter(|d| !d.is_empty()) else {
        return (StatusCode::BAD_REQUEST, json!({ "error": "which policy? digest=…" }));
    };
    match node.reloader.roll_back(node, digest, &ask) {
        Ok(report) => changed(&report, &ask),
        Err(why) => (StatusCode::NOT_FOUND, json!({ "error": why })),
    }
}

fn changed(report: &Report, ask: &Ask) -> Answer {
    if report.conflict {
        let expected = ask.if_digest.as_deref().unwrap_or_default();
        let error = format!("the policy in force is {}, not {expected}", report.old);
        return (StatusCode::CONFLICT, json!({ "error": error, "old_digest": report.old }));
    }
    (if report.ok { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY }, report.json())
}

/// `add=ENTRY` or `remove=ENTRY`; `actor=…` is recorded.
fn edit(node: &Node, list: String, query: &Query) -> Answer {
    let (entry, added) = match (query.get("add"), query.get("remove")) {
        (Some(entry), None) if !entry.trim().is_empty() => (entry, true),
        (None, Some(entry)) if !entry.trim().is_empty() => (entry, false),
        _ => return (StatusCode::BAD_REQUEST, json!({ "error": "write ?add=ENTRY or ?remove=ENTRY" })),
    };
    let policy = node.policy.load_full();
    if !policy.has_list(&list) {
        let mut known: Vec<_> = policy.lists().collect();
        known.sort_unstable();
        return (StatusCode::NOT_FOUND, json!({ "error": format!("there is no list `{list}`"), "lists": known }));
    }
    let edit = ListEdit { list, entry: entry.trim().to_owned(), added };
    let report = node.reloader.edit(node, &edit, query.get("actor").unwrap_or("api"));
    (if report.ok { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY }, report.json())
}

fn metrics(node: &Node) -> String {
    let mut out = metrics::render(&node.prometheus);
    node.rule_times().render(&mut out);
    out
}

/// What is in force, what is on trial, what the last attempt to change it came to, and what was in force before.
fn policies(node: &Node) -> Value {
    let changes = node.reloader.history().changes();
    let canary = node.canary.load();
    json!({
        "in_force": node.policy.load().digest(), "since": changes.first().map(|c| &c.time),
        "canary": canary.as_ref().map(|c| c.json()), "last_canary": node.reloader.last_trial(),
        "last_reload": node.reloader.last().map(|a| a.json()),
        "policies": changes,
    })
}

/// One policy of the history: when it was in force, what it is made of, and what it changes of what is in force.
fn one_policy(node: &Node, begins: &str) -> Answer {
    let history = node.reloader.history();
    let digest = match history.digest(begins) {
        Ok(digest) => digest,
        Err(why) => return (StatusCode::NOT_FOUND, json!({ "error": why })),
    };
    let changes: Vec<Change> = history.changes().into_iter().filter(|c| c.digest == digest).collect();
    let in_force = node.policy.load_full();
    let (files, difference) = match history.sources(&digest) {
        Ok(sources) => {
            let loaded = crate::policy::load(&sources).ok();
            (json!(history::files(&sources)), loaded.map(|l| in_force.difference(&l.policy)))
        }
        Err(_) => (Value::Null, None),
    };
    let difference = difference
        .map(|d| json!({ "added": d.added, "removed": d.removed, "changed": d.changed, "other_changed": d.other }));
    let is_in_force = in_force.digest() == digest;
    let body = json!({
        "digest": digest, "in_force": is_in_force, "changes": changes, "difference": difference, "files": files,
    });
    (StatusCode::OK, body)
}

fn policy(node: &Node) -> Value {
    let policy = node.policy.load();
    let times = node.rule_times();
    let rules: Vec<Value> = policy
        .rules
        .rules
        .iter()
        .map(|r| {
            let mode = match r.mode {
                Mode::Live => "live",
                Mode::Shadow => "shadow",
                Mode::Off => "off",
            };
            json!({
                "id": &*r.id, "at": r.place.to_string(), "mode": mode, "score": r.score.json(),
                "action": r.action.map(|a| a.name()), "category": r.category.as_deref(), "digest": &*r.digest,
                "would_have_changed": node.shadow_changes(&r.id),
                "time": times.of(&r.id),
            })
        })
        .collect();
    json!({ "name": policy.name(), "digest": policy.digest(), "rules": rules, "lists": policy.rules.list_entries })
}

pub(super) fn text(status: StatusCode, kind: &'static str, body: String) -> Reply {
    let mut response = Response::new(Either::Left(Full::new(Bytes::from(body))));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

pub(super) fn json_answer(status: StatusCode, body: &Value) -> Reply {
    text(status, "application/json", format!("{body}\n"))
}
