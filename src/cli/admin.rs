//! Asking a running node: one request to its admin server, and its answer.

use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use super::tell;

/// Posts to a path with its query.
///
/// # Errors
/// When there is no node, or no answer of one.
pub(super) async fn post(admin: &str, path: &str) -> Result<(StatusCode, Value), String> {
    let stream = TcpStream::connect(admin).await.map_err(|e| e.to_string())?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|e| e.to_string())?;
    let request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header("host", admin)
        .body(Empty::<Bytes>::new())
        .map_err(|e| e.to_string())?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(|e| e.to_string())?;
        let status = response.status();
        let body = response.into_body().collect().await.map_err(|e| e.to_string())?.to_bytes();
        let answer = serde_json::from_slice(&body).map_err(|_| format!("{status} is no answer of a node"))?;
        Ok((status, answer))
    };
    let mut connection = std::pin::pin!(connection);
    let mut answer = std::pin::pin!(answer);
    tokio::select! {
        answered = &mut answer => answered,
        ended = &mut connection => match ended {
            Ok(()) => answer.await,
            Err(error) => Err(error.to_string()),
        },
    }
}

/// A value as it may stand in a query or path (RFC 3986 §2.1).
pub(super) fn escaped(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~".contains(&b);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// The diagnostics of an answer, on stderr.
pub(super) fn tell_diagnostics(answer: &Value) {
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
