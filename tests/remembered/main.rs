//! What a node remembers of senders, links and texts, over restarts, between nodes, and under an operator's hand: real
//! processes, real sockets and, where nodes share, a real Redis.
//!
//! The tests of [`nodes`] need Debian's `redis-server`, and one of [`intel`] PyPI's `stix2`: `tests/peers/install` puts them in
//! place, and `TAPIS_PEERS=1` says that they must be there. Without the variable they say so and do nothing.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stderr,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a test may fail loudly, and it may wait for other processes"
)]

mod intel;
#[path = "../acceptance/node.rs"]
#[allow(dead_code, reason = "the acceptance test asks a node for more")]
mod node;
mod nodes;
mod operators;
#[path = "../acceptance/peer.rs"]
#[allow(dead_code, reason = "the acceptance test asks a peer for more")]
mod peer;
mod restart;
#[path = "../acceptance/served.rs"]
mod served;
mod store;

use std::io::Write;
use std::process::Command;

use node::{Folder, Node};
use peer::{OK, Peer};
use serde_json::Value;
use tapis::wire::command::CommandId;

const TRX: CommandId = CommandId::BIND_TRANSCEIVER;

/// A rule that blocks by itself, so that what it blocks is evidence.
const RULES: &str = r#"
rules:
  - { id: scam-word, category: other, about: a word, action: block, when: { text: { words: [tapisscam] } } }
"#;

/// The settings of memory, with a secret that is made beside them.
fn reputation(folder: &Folder, more: &str) -> String {
    let path = folder.write("secret.key", &"5a".repeat(32));
    assert!(Command::new("chmod").arg("600").arg(path).status().unwrap().success());
    format!("reputation: {{ secret: secret.key{more} }}\n")
}

/// What a node says of a key.
fn show(node: &Node, key: &str) -> Value {
    let (status, body) = node.http("GET", &format!("/api/reputation/show?key={key}"));
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

fn standing(node: &Node, key: &str) -> f64 {
    show(node, key)["standing"].as_f64().unwrap()
}

/// Sends a message that is blocked; each is another one, since a retry of what was refused counts no more.
fn blocked(esme: &mut Peer, number: u32, text: &str) {
    esme.submit(number, &format!("{text} {number}"));
    assert_ne!(esme.expect(CommandId::SUBMIT_SM_RESP).status(), OK);
}

/// Sends a message that passes.
fn passed(esme: &mut Peer, centre: &mut Peer, number: u32, text: &str) {
    esme.submit(number, text);
    let got = centre.expect(CommandId::SUBMIT_SM);
    centre.answer(&got, OK, Some(b"1\0"));
    assert_eq!(esme.expect(CommandId::SUBMIT_SM_RESP).status(), OK);
}

/// A line also when the test passes: the harness keeps what `eprintln!` says.
fn say(line: &str) {
    writeln!(std::io::stderr().lock(), "{line}").unwrap();
}
