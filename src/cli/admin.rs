//! A running node's admin server, asked: what the commands that ask it share.

use std::io::Write;
use std::time::Duration;

use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode};
use serde_json::Value;

use super::{Exit, Format, fail, say, tell};
use crate::runtime::http;

/// Where the node is, who asks and why.
#[derive(Debug, clap::Args)]
pub(super) struct Asker {
    /// The node's admin address.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9090")]
    pub(super) admin: String,
    /// Only if this policy is in force: guards against two editors.
    #[arg(long, value_name = "DIGEST")]
    if_digest: Option<String>,
    /// Who asks, for the record.
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// Why, for the record.
    #[arg(long, value_name = "TEXT")]
    comment: Option<String>,
    /// Only say what would change.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// How to answer.
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
}

/// Where the node is that is asked, and how to tell what it answers.
#[derive(Debug, clap::Args)]
pub(super) struct Node {
    /// The node's admin address.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9090")]
    pub(super) admin: String,
    /// How to answer.
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
}

impl Node {
    /// Asks, and tells the answer; `shown` does it for people.
    pub(super) fn ask(&self, method: &Method, path: &str, shown: impl FnOnce(&Value)) -> Exit {
        match request(&self.admin, method, path) {
            Ok((status, answer)) => show(self.format, status, &answer, shown),
            Err(exit) => exit,
        }
    }
}

/// Tells an answer: as it is, or as `shown` does where it is no error.
pub(super) fn show(format: Format, status: StatusCode, answer: &Value, shown: impl FnOnce(&Value)) -> Exit {
    if format == Format::Json {
        say(answer);
    } else if status.is_success() {
        shown(answer);
    } else {
        error(answer);
    }
    if status.is_success() { Exit::Fine } else { Exit::Config }
}

impl Asker {
    /// The parameters of a request, with others before them.
    pub(super) fn query(&self, others: &[(&str, Option<String>)]) -> String {
        let own = [
            ("dry_run", Some(self.dry_run.to_string())),
            ("if_digest", self.if_digest.clone()),
            ("actor", self.actor.clone()),
            ("comment", self.comment.clone()),
        ];
        let all = others.iter().chain(&own).filter_map(|(key, value)| Some((key, value.as_ref()?)));
        all.map(|(key, value)| format!("{key}={}", escaped(value))).collect::<Vec<_>>().join("&")
    }
}

/// A value as it may stand in a query or path (RFC 3986 §2.1).
pub(super) fn escaped(value: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~".contains(&b);
    value.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// A node that takes longer is not waited for.
const PATIENCE: Duration = Duration::from_secs(120);

/// Asks; the answer is JSON.
///
/// # Errors
/// How the command ends when there is none; it has been told.
pub(super) fn request(admin: &str, method: &Method, path: &str) -> Result<(StatusCode, Value), Exit> {
    answered(admin, ask(admin, method, path, Full::default()))
}

/// The same with a body, to `POST`.
///
/// # Errors
/// How the command ends when there is no answer; it has been told.
pub(super) fn send(admin: &str, path: &str, body: Vec<u8>) -> Result<(StatusCode, Value), Exit> {
    answered(admin, ask(admin, &Method::POST, path, Full::from(body)))
}

fn answered(
    admin: &str,
    ask: impl Future<Output = Result<(StatusCode, Value), String>>,
) -> Result<(StatusCode, Value), Exit> {
    let runtime = super::runtime().map_err(|error| fail(Exit::Config, error))?;
    let asked = runtime.block_on(async { tokio::time::timeout(PATIENCE, ask).await });
    match asked {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(why)) => Err(fail(Exit::Config, format_args!("{admin}: {why}"))),
        Err(_) => Err(fail(Exit::Config, format_args!("{admin} does not answer"))),
    }
}

async fn ask(admin: &str, method: &Method, path: &str, body: Full<Bytes>) -> Result<(StatusCode, Value), String> {
    let request =
        Request::builder().method(method).uri(path).header("host", admin).body(body).map_err(|e| e.to_string())?;
    http::ask(admin, false, request, async |response| {
        let status = response.status();
        let body = response.into_body().collect().await.map_err(|e| e.to_string())?.to_bytes();
        let answer = serde_json::from_slice(&body).map_err(|_| format!("{status} is no answer of a node"))?;
        Ok((status, answer))
    })
    .await
}

/// Writes what is answered as it comes, however much it is.
///
/// # Errors
/// When there is no answer, or no place for it.
pub(super) fn fetch(admin: &str, path: &str, out: &mut dyn Write) -> Result<(), String> {
    let runtime = super::runtime().map_err(|e| e.to_string())?;
    let request = Request::get(path).header("host", admin).body(Empty::<Bytes>::new()).map_err(|e| e.to_string())?;
    let read = http::ask(admin, false, request, async |response| {
        if !response.status().is_success() {
            return Err(format!("it answers {}", response.status()));
        }
        let mut body = response.into_body();
        while let Some(frame) = body.frame().await {
            if let Ok(octets) = frame.map_err(|e| e.to_string())?.into_data() {
                out.write_all(&octets).map_err(|e| e.to_string())?;
            }
        }
        Ok(())
    });
    runtime.block_on(read).map_err(|why| format!("{admin}: {why}"))
}

/// Shows what an attempt to change the policy came to.
pub(super) fn report(asker: &Asker, status: StatusCode, answer: &Value) -> Exit {
    let exit = if status.is_success() { Exit::Fine } else { Exit::Config };
    if asker.format == Format::Json {
        say(answer);
        return exit;
    }
    error(answer);
    diagnostics(answer);
    let digest = |key: &str| answer.get(key).and_then(Value::as_str).unwrap_or("none").to_owned();
    let (old, new) = (digest("old_digest"), digest("new_digest"));
    let trial = answer.get("canary").filter(|c| c.is_object());
    match (exit, asker.dry_run) {
        (Exit::Fine, true) if old == new => say(format_args!("nothing would change; {old} is in force")),
        (Exit::Fine, false) if old == new => say(format_args!("nothing changed; {old} is in force")),
        (Exit::Fine, true) => say(format_args!("would change {old} to {new}")),
        (Exit::Fine, false) if trial.is_some() => say(format_args!("{new} is on trial; {old} is in force")),
        (Exit::Fine, false) => say(format_args!("changed {old} to {new}")),
        _ if answer.get("old_digest").is_some() => tell(format_args!("{old} stays in force")),
        _ => {}
    }
    if let Some(trial) = trial {
        let share = trial.get("share").and_then(Value::as_str).unwrap_or_default();
        let seconds = trial.get("for_seconds").and_then(Value::as_f64).unwrap_or_default();
        say(format_args!("  on {share} of the sessions, for {seconds} s"));
    }
    difference(answer, "  ");
    exit
}

/// What the node could not do.
pub(super) fn error(answer: &Value) {
    if let Some(error) = answer.get("error").and_then(Value::as_str) {
        tell(format_args!("tapis: {error}"));
    }
}

/// What is wrong, or doubtful.
pub(super) fn diagnostics(answer: &Value) {
    for diagnostic in answer.get("diagnostics").and_then(Value::as_array).into_iter().flatten() {
        let text = |key: &str| diagnostic.get(key).and_then(Value::as_str).unwrap_or_default();
        let number = |key: &str| diagnostic.get(key).and_then(Value::as_u64).unwrap_or_default();
        let (file, line, column) = (text("file"), number("line"), number("column"));
        tell(format_args!("{file}:{line}:{column}: {}[{}]: {}", text("severity"), text("code"), text("message")));
        if !text("help").is_empty() {
            tell(format_args!("   help: {}", text("help")));
        }
    }
}

/// Rules that came, went and changed.
pub(super) fn difference(of: &Value, indent: &str) {
    for what in ["added", "removed", "changed"] {
        let ids = of.get(what).and_then(Value::as_array).into_iter().flatten();
        ids.filter_map(Value::as_str).for_each(|id| say(format_args!("{indent}{what} {id}")));
    }
    if of.get("other_changed").and_then(Value::as_bool) == Some(true) {
        say(format_args!("{indent}changed lists, registries, profiles, accounts or tags"));
    }
}
