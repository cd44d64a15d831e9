//! Early warning through the admin server: `/api/intel/…`.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::ORIGIN;
use hyper::{Method, Request, StatusCode};
use serde_json::{Value, json};

use super::super::Node;
use super::super::console::{Answer, Query, Reply, beside, json_answer, text};
use super::By;
use crate::config::intel::BY_HAND;
use crate::intel::{Ask, Tlp, export};
use crate::limits::INTEL_OCTETS_MAX;

/// Before every path.
pub(in crate::runtime) const PATH: &str = "/api/intel/";

/// Indicators that are not taken and told of, of many.
const SKIPPED_TOLD: usize = 1_000;

/// Answers a request.
pub(in crate::runtime) async fn answer(node: Arc<Node>, request: Request<Incoming>) -> Reply {
    let query = Query::read(request.uri().query());
    let what = request.uri().path().strip_prefix(PATH).unwrap_or_default();
    match (request.method(), what) {
        (&Method::GET, "feeds") => json_answer(StatusCode::OK, &node.intel.json()),
        (&Method::GET, "export") => match ask(&node, &query) {
            Ok(ask) => match tokio::task::spawn_blocking(move || tell(&node, &ask, &query)).await {
                Ok(bundle) => text(StatusCode::OK, "application/stix+json;version=2.1", format!("{bundle:#}\n")),
                Err(_) => json_answer(StatusCode::INTERNAL_SERVER_ERROR, &json!({ "error": "the request erred" })),
            },
            Err(why) => json_answer(StatusCode::BAD_REQUEST, &json!({ "error": why })),
        },
        (&Method::POST, "import") if request.headers().contains_key(ORIGIN) => {
            json_answer(StatusCode::FORBIDDEN, &json!({ "error": "web pages may not put bundles in" }))
        }
        (&Method::POST, "import") => match Limited::new(request.into_body(), INTEL_OCTETS_MAX).collect().await {
            Ok(body) => {
                let octets = body.to_bytes();
                beside(move || put(&node, &octets, &query)).await
            }
            Err(error) => {
                let error = format!("at most {INTEL_OCTETS_MAX} octets: {error}");
                json_answer(StatusCode::PAYLOAD_TOO_LARGE, &json!({ "error": error }))
            }
        },
        (_, "feeds" | "export" | "import") => {
            json_answer(StatusCode::METHOD_NOT_ALLOWED, &json!({ "error": "method not allowed" }))
        }
        (_, what) => json_answer(StatusCode::NOT_FOUND, &json!({ "error": format!("there is no {PATH}{what}") })),
    }
}

/// What is asked for: `confidence_min=…`, `days=…`, `most=…`, `tlp=…`, `numbers=true`, `templates=false`.
fn ask(node: &Node, query: &Query) -> Result<Ask, String> {
    let mut ask = Ask::of(node.intel.source());
    let number = |key: &str, min: u64, max: u64| match query.get(key).map(str::parse::<u64>) {
        None => Ok(None),
        Some(Ok(n)) if (min..=max).contains(&n) => Ok(Some(n)),
        Some(_) => Err(format!("`{key}` is a number from {min} to {max}")),
    };
    if let Some(least) = number("confidence_min", 1, 100)? {
        ask.confidence_min = u8::try_from(least).unwrap_or(ask.confidence_min);
    }
    if let Some(days) = number("days", 1, 366)? {
        ask.keep = Duration::from_secs(days * 86_400);
    }
    if let Some(most) = number("most", 1, 1_000_000)? {
        ask.most = usize::try_from(most).unwrap_or(ask.most);
    }
    if let Some(word) = query.get("tlp") {
        ask.tlp = Tlp::named(word).ok_or_else(|| format!("`tlp` is white, green, amber or red, not `{word}`"))?;
    }
    ask.numbers = query.get("numbers") == Some("true");
    ask.templates = query.get("templates") != Some("false");
    Ok(ask)
}

/// The bundle. That it was asked for is recorded: it may leave the house.
fn tell(node: &Node, ask: &Ask, query: &Query) -> Value {
    let (bundle, count) = export::bundle(&node.memory.reputation, ask, node.clock.now());
    node.control(
        "intel-export",
        json!({
            "source": ask.source, "indicators": count, "bundle": bundle.get("id"), "tlp": ask.tlp.name(),
            "confidence_min": ask.confidence_min, "numbers": ask.numbers, "templates": ask.templates,
            "actor": query.get("actor").unwrap_or("api"), "comment": query.get("comment"),
        }),
    );
    bundle
}

/// Puts a bundle in: `feed=…`, `dry_run=true`; `actor=…` and `comment=…` are recorded.
fn put(node: &Node, octets: &[u8], query: &Query) -> Answer {
    let refused = |why: String| (StatusCode::UNPROCESSABLE_ENTITY, json!({ "ok": false, "error": why }));
    let Ok(text) = std::str::from_utf8(octets) else { return refused("it is not UTF-8".into()) };
    let feed = query.get("feed").unwrap_or(BY_HAND);
    let by = By {
        actor: query.get("actor").unwrap_or("api").to_owned(),
        comment: query.get("comment").map(ToOwned::to_owned),
    };
    let dry_run = query.get("dry_run") == Some("true");
    let report = match node.intel.put(node, feed, text, &by, dry_run) {
        Ok(report) => report,
        Err(why) => return refused(why),
    };
    let taken = report.taken.indicators.iter().map(|one| {
        let subjects: Vec<Value> =
            one.subjects.iter().map(|s| json!({ "kind": s.word(), "value": s.value() })).collect();
        json!({ "id": one.id, "confidence": one.confidence, "until": one.until.to_string(), "subjects": subjects })
    });
    let skipped = report.taken.skipped.iter().take(SKIPPED_TOLD);
    let skipped = skipped.map(|one| json!({ "at": format!("objects[{}]", one.at), "id": one.id, "why": one.why }));
    let answer = json!({
        "ok": true, "feed": feed, "dry_run": dry_run, "taken": report.taken.indicators.len(),
        "skipped": report.taken.skipped.len(), "indicators": taken.take(SKIPPED_TOLD).collect::<Vec<_>>(),
        "why": skipped.collect::<Vec<_>>(),
    });
    (StatusCode::OK, answer)
}
