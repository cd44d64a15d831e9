//! The admin server: `/metrics`, `/healthz`, `/readyz`, and the API.
//!
//! It has no users: bind it to an address that only operators reach. What changes something refuses requests of web
//! pages (those with an `Origin`).

use std::convert::Infallible;
use std::sync::Arc;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue, ORIGIN};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::Node;
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

async fn answer(node: Arc<Node>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path();
    Ok(match (request.method(), path) {
        (&Method::GET, "/metrics") => text(StatusCode::OK, "text/plain; version=0.0.4", node.prometheus.render()),
        (&Method::GET, "/healthz") => text(StatusCode::OK, "text/plain", "ok\n".into()),
        (&Method::GET, "/readyz") if node.is_draining() => {
            text(StatusCode::SERVICE_UNAVAILABLE, "text/plain", "draining\n".into())
        }
        (&Method::GET, "/readyz") => text(StatusCode::OK, "text/plain", "ready\n".into()),
        (&Method::GET, "/api/policy") => json_answer(StatusCode::OK, &policy(&node)),
        (&Method::POST, "/api/reload") if request.headers().contains_key(ORIGIN) => {
            json_answer(StatusCode::FORBIDDEN, &json!({ "error": "web pages may not reload" }))
        }
        (&Method::POST, "/api/reload") => reload(node, request.uri().query().unwrap_or_default()).await,
        (&Method::POST, _) if path.starts_with(LISTS) && request.headers().contains_key(ORIGIN) => {
            json_answer(StatusCode::FORBIDDEN, &json!({ "error": "web pages may not edit lists" }))
        }
        (&Method::POST, _) if path.starts_with(LISTS) => {
            let list = decoded(path.strip_prefix(LISTS).unwrap_or_default());
            edit(Arc::clone(&node), list, request.uri().query().unwrap_or_default()).await
        }
        (_, "/metrics" | "/healthz" | "/readyz" | "/api/policy" | "/api/reload") => {
            json_answer(StatusCode::METHOD_NOT_ALLOWED, &json!({ "error": "method not allowed" }))
        }
        _ => json_answer(StatusCode::NOT_FOUND, &json!({ "error": format!("there is no {path}") })),
    })
}

/// Before the full name of a list.
const LISTS: &str = "/api/lists/";

/// `add=ENTRY` or `remove=ENTRY`; `actor=…` is recorded.
async fn edit(node: Arc<Node>, list: String, query: &str) -> Response<Full<Bytes>> {
    let value = |key: &str| query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('=')).map(decoded);
    let (entry, added) = match (value("add"), value("remove")) {
        (Some(entry), None) if !entry.trim().is_empty() => (entry, true),
        (None, Some(entry)) if !entry.trim().is_empty() => (entry, false),
        _ => return json_answer(StatusCode::BAD_REQUEST, &json!({ "error": "write ?add=ENTRY or ?remove=ENTRY" })),
    };
    let policy = node.policy.load_full();
    if !policy.has_list(&list) {
        let mut known: Vec<_> = policy.lists().collect();
        known.sort_unstable();
        return json_answer(
            StatusCode::NOT_FOUND,
            &json!({ "error": format!("there is no list `{list}`"), "lists": known }),
        );
    }
    let actor = value("actor").unwrap_or_else(|| "api".into());
    let edit = ListEdit { list, entry: entry.trim().to_owned(), added };
    let done = tokio::task::spawn_blocking(move || node.reloader.edit(&node, &edit, &actor)).await;
    match done {
        Ok(report) => {
            let status = if report.ok { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
            json_answer(status, &report.json())
        }
        Err(_) => json_answer(StatusCode::INTERNAL_SERVER_ERROR, &json!({ "error": "the edit erred" })),
    }
}

/// Text of a URI: `%C3%A9` is é (RFC 3986 §2.1).
fn decoded(text: &str) -> String {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        let escaped = more.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        match escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(octet) => {
                octets.push(octet);
                rest = more.get(2..).unwrap_or_default();
            }
            None => {
                octets.push(*first);
                rest = more;
            }
        }
    }
    String::from_utf8_lossy(&octets).into_owned()
}

/// `dry_run=true` only tries; `if_digest=…` refuses when another policy is in force; `actor=…` is recorded.
async fn reload(node: Arc<Node>, query: &str) -> Response<Full<Bytes>> {
    let value =
        |key: &str| query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('=')).map(ToOwned::to_owned);
    let dry_run = value("dry_run").is_some_and(|v| v == "true" || v == "1");
    let in_force = node.policy.load().digest().to_owned();
    if let Some(expected) = value("if_digest").filter(|d| *d != in_force) {
        let error = format!("the policy in force is {in_force}, not {expected}");
        return json_answer(StatusCode::CONFLICT, &json!({ "error": error, "old_digest": in_force }));
    }
    let actor = value("actor").unwrap_or_else(|| "api".into());
    let done = tokio::task::spawn_blocking(move || node.reloader.reload(&node, dry_run, &actor)).await;
    match done {
        Ok(report) => {
            let status = if report.ok { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
            json_answer(status, &report.json())
        }
        Err(_) => json_answer(StatusCode::INTERNAL_SERVER_ERROR, &json!({ "error": "the reload erred" })),
    }
}

fn policy(node: &Node) -> Value {
    let policy = node.policy.load();
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
            })
        })
        .collect();
    json!({ "name": policy.name(), "digest": policy.digest(), "rules": rules, "lists": policy.rules.list_entries })
}

fn text(status: StatusCode, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

fn json_answer(status: StatusCode, body: &Value) -> Response<Full<Bytes>> {
    text(status, "application/json", format!("{body}\n"))
}
