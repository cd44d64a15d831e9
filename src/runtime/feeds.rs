//! Lists that are fetched: asked for when they are due, checked, and taken only when the policy still holds with them.
//!
//! The last good copy stands on disk, so that a node starts with it, and a feed that is down, too long, altered or breaks a
//! case changes nothing. Nothing waits for a feed.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ETAG, HOST, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use hyper::{Request, Response, StatusCode};
use serde_json::{Value, json};

use super::{Node, http, metrics, sha256};
use crate::limits::FEED_OCTETS_MAX;
use crate::policy::Feed;

/// How often it is looked which feeds are due.
const TICK: Duration = Duration::from_secs(1);
/// A feed that takes longer is down.
const PATIENCE: Duration = Duration::from_secs(60);
/// A feed that failed is asked again after this, or after its own time when that is less.
const AGAIN: Duration = Duration::from_secs(60);

/// Where copies of feeds stand.
#[must_use]
pub fn copy(state: &Path, url: &str) -> PathBuf {
    let name = blake3::hash(url.as_bytes()).to_hex();
    state.join("feeds").join(format!("{}.txt", name.get(..16).unwrap_or_default()))
}

/// What a server said of the copy that stands on disk.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    etag: Option<String>,
    last_modified: Option<String>,
}

impl Seen {
    /// As it is kept beside the copy.
    pub(super) fn json(&self, url: &str) -> Value {
        json!({ "url": url, "etag": self.etag, "last_modified": self.last_modified })
    }

    /// What is kept of a copy that came from this address.
    pub(super) fn remembered(path: &Path, url: &str) -> Self {
        let says: Value = std::fs::read(path).ok().and_then(|o| serde_json::from_slice(&o).ok()).unwrap_or_default();
        let text = |key: &str| says.get(key).and_then(Value::as_str).map(ToOwned::to_owned);
        if text("url").as_deref() != Some(url) {
            return Self::default();
        }
        Self { etag: text("etag"), last_modified: text("last_modified") }
    }
}

pub(super) enum Fetched {
    /// It is as it was.
    Same,
    New(String, Seen),
}

/// Fetches what is due, until it is aborted.
pub async fn follow(node: Arc<Node>) {
    let mut due: HashMap<String, tokio::time::Instant> = HashMap::new();
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let policy = node.policy.load_full();
        for feed in policy.feeds() {
            let now = tokio::time::Instant::now();
            if due.get(&feed.url).is_some_and(|at| now < *at) {
                continue;
            }
            let (result, next) = match once(&node, feed).await {
                Ok(result) => (result, feed.every),
                Err(error) => {
                    tracing::error!(list = feed.list, url = feed.url, error, "a list keeps its last good copy");
                    ("failed", feed.every.min(AGAIN))
                }
            };
            metrics::list_fetched(&feed.list, result, super::seconds(node.clock));
            due.insert(feed.url.clone(), now + next);
        }
    }
}

/// Fetches one feed and offers it: `changed`, `same` or `refused`.
async fn once(node: &Arc<Node>, feed: &Feed) -> Result<&'static str, String> {
    let state = node.reloader.state().ok_or("a fetched list is kept in `state`, and there is none")?;
    let path = copy(&state, &feed.url);
    let beside = path.with_extension("json");
    let seen = if path.exists() { Seen::remembered(&beside, &feed.url) } else { Seen::default() };
    let fetched = fetch(&feed.url, &seen, FEED_OCTETS_MAX).await?;
    let Fetched::New(text, seen) = fetched else { return Ok("same") };
    accept(feed, &text)?;
    let (node, url) = (Arc::clone(node), feed.url.clone());
    let offered = tokio::task::spawn_blocking(move || {
        let report = node.reloader.offer_feed(&node, &url, &text);
        if report.ok
            && let Err(error) = std::fs::write(&beside, seen.json(&url).to_string())
        {
            tracing::error!(path = %beside.display(), %error, "what is known of a list cannot be kept");
        }
        report
    });
    let report = offered.await.map_err(|e| e.to_string())?;
    Ok(match (report.ok, report.new.as_deref() == Some(&report.old)) {
        (true, true) => "same",
        (true, false) => "changed",
        (false, _) => "refused",
    })
}

/// Whether the text is what the configuration says it must be.
fn accept(feed: &Feed, text: &str) -> Result<(), String> {
    if let Some(wanted) = &feed.sha256 {
        let is = sha256::hex(text.as_bytes());
        if !wanted.eq_ignore_ascii_case(&is) {
            return Err(format!("its SHA-256 is {is}"));
        }
    }
    let is_entry = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let entries = text.lines().filter(is_entry).count() as u64;
    if entries > feed.entries_max {
        return Err(format!("it has {entries} entries, at most {}", feed.entries_max));
    }
    Ok(())
}

/// Asks a server for what it has, unless it is as it was seen.
///
/// # Errors
/// When it does not answer, or has something else than a text of at most so many octets.
pub(super) async fn fetch(url: &str, seen: &Seen, octets_max: usize) -> Result<Fetched, String> {
    tokio::time::timeout(PATIENCE, ask(url, seen, octets_max)).await.map_err(|_| "it does not answer")?
}

async fn ask(url: &str, seen: &Seen, octets_max: usize) -> Result<Fetched, String> {
    let inside_tls = url.starts_with("https://");
    let rest = url.strip_prefix("https://").or(url.strip_prefix("http://")).ok_or("only http is fetched")?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let address =
        if host.contains(':') { host.to_owned() } else { format!("{host}:{}", if inside_tls { 443 } else { 80 }) };
    let mut request = Request::get(format!("/{path}")).header(HOST, host);
    for (name, value) in [(IF_NONE_MATCH, &seen.etag), (IF_MODIFIED_SINCE, &seen.last_modified)] {
        if let Some(value) = value {
            request = request.header(name, value);
        }
    }
    let request = request.body(Empty::<Bytes>::new()).map_err(|e| e.to_string())?;
    let read = async |response: Response<Incoming>| {
        match response.status() {
            StatusCode::NOT_MODIFIED => return Ok(Fetched::Same),
            StatusCode::OK => {}
            other => return Err(format!("it answers {other}")),
        }
        let header =
            |name: HeaderName| response.headers().get(name).and_then(|v| v.to_str().ok()).map(ToOwned::to_owned);
        let seen = Seen { etag: header(ETAG), last_modified: header(LAST_MODIFIED) };
        let body = Limited::new(response.into_body(), octets_max).collect().await;
        let octets = body.map_err(|e| format!("after at most {octets_max} octets: {e}"))?.to_bytes();
        let text = String::from_utf8(octets.to_vec()).map_err(|_| "it is not UTF-8")?;
        Ok(Fetched::New(text, seen))
    };
    http::ask(&address, inside_tls, request, read).await.map_err(|e| format!("{address}: {e}"))
}
