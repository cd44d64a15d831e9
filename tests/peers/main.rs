//! Clients and SMSCs that nobody here wrote, with a Tapis process between them: npm smpp, smpplib, aiosmpplib, smpp34,
//! Net::SMPP, rusmppc and Kannel against the SMSCs that npm smpp and Net::SMPP make, each client in each mode it has.
//!
//! `tests/peers/install` puts them in place; then `TAPIS_PEERS=1 cargo test --test peers` runs this. Without the variable
//! it says so and does nothing: plain `cargo test` needs nothing installed. With it, a peer that is missing is a failure.
//!
//! Each session is looked at from every side: the client's report, the SMSC's, all octets before Tapis against all octets
//! behind it, the metrics, and at the end the journal.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stderr,
    clippy::cast_possible_truncation,
    reason = "a test may fail loudly, and it may wait for other processes"
)]

#[path = "../acceptance/node.rs"]
#[allow(dead_code, reason = "the acceptance test asks a node for more")]
mod node;
mod peers;
mod rust_client;
mod tee;
mod wire;

use std::collections::BTreeMap;
use std::io::Write;
use std::thread;
use std::time::Instant;

use node::{Folder, Node, journal, until};
use peers::{BLOCKED, CLIENTS, Client, Mode, Smsc, Then, check_smsc};
use tee::Tee;
use wire::{Counts, compare};

const RULES: &str = r#"
rules:
  - { id: block-me, category: other, about: what every peer expects to be refused, action: block, status: ESME_RSUBMITFAIL, when: { text: { words: [tapis-block-me] } } }
  - { id: tag-me, category: other, about: what every peer gets a receipt for, action: tag, when: { text: { words: [tapis-tag-me] } } }
"#;

/// All clients send under one name: what was blocked of one must not tag the messages of the next.
const NO_MEMORY: &str = "reputation: { weights: { rule: 0 } }";

#[test]
fn every_client_through_tapis_to_the_smsc_of_npm_smpp() {
    if is_on() {
        run("npm_smpp", Smsc::npm());
    }
}

#[test]
fn every_client_through_tapis_to_the_smsc_of_net_smpp() {
    if is_on() {
        run("net_smpp", Smsc::net_smpp());
    }
}

#[test]
fn kannel_comes_back_when_tapis_and_then_the_smsc_start_again() {
    if !is_on() {
        return;
    }
    let (folder, smsc, start) = (Folder::new(), Smsc::npm(), Instant::now());
    let node = Node::start(&folder, std::slice::from_ref(&smsc.address), RULES, "");
    // Between its messages Kannel waits for this test.
    let (asked, done) = (folder.0.join("asked"), folder.0.join("done"));
    let command = format!("touch {}; until [ -e {} ]; do sleep 0.1; done", asked.display(), done.display());
    let then = Then { command, blocked: BLOCKED };
    let address = node.smpp.clone();
    let report = thread::scope(|scope| {
        let kannel = scope.spawn(|| Client::Kannel.run(&address, Mode::Trx, Some(&then)));
        until("Kannel has sent its messages", || asked.exists() || kannel.is_finished());
        let bound = smsc.binds();
        let node = node.restart(&folder);
        until("Kannel is bound again", || smsc.binds() > bound || kannel.is_finished());
        let smsc = smsc.npm_again();
        until("Kannel is bound once more", || smsc.binds() > 0 || kannel.is_finished());
        std::fs::write(&done, "").unwrap();
        let report = kannel.join().unwrap();
        node.stop();
        smsc.stop();
        report
    });
    let ms = start.elapsed().as_millis();
    let verdict = if report.is_ok() { "ok" } else { "FAILED" };
    say(&format!(
        "peers: npm_smpp  kannel      trx    {verdict:<7} {ms:>6} ms  over a restart of Tapis and of the SMSC"
    ));
    let report = report.unwrap();
    let submits = report["submits"].as_array().unwrap();
    assert_eq!(submits.last().unwrap()["status"], BLOCKED, "{report}");
    assert!(report["unbound"] == true && report["receipts"].as_u64() >= Some(2), "{report}");
    assert_eq!(report["receipts_to"], serde_json::json!(["12345", "12345"]), "{report}");
}

fn is_on() -> bool {
    let on = std::env::var("TAPIS_PEERS").is_ok_and(|v| v == "1");
    if !on {
        say("peers: not run: install them with tests/peers/install and set TAPIS_PEERS=1");
    }
    on
}

/// A line of the table, also when the test passes: the harness keeps what `eprintln!` says.
fn say(line: &str) {
    writeln!(std::io::stderr().lock(), "{line}").unwrap();
}

fn run(smsc_name: &str, smsc: Smsc) {
    let folder = Folder::new();
    let back = Tee::new(&smsc.address);
    let node = Node::start(&folder, std::slice::from_ref(&back.address), RULES, NO_MEMORY);
    let place = Place { smsc_name, front: Tee::new(&node.smpp), back, node, smsc };
    let mut totals: BTreeMap<Client, Counts> = BTreeMap::new();
    let mut failed = Vec::new();
    for client in CLIENTS {
        let mut own = None;
        for mode in client.modes() {
            failed.extend(place.row(client, *mode, None, &mut own, totals.entry(client).or_default()));
        }
    }
    // A reload while Kannel is bound: the next message is judged by the new rules, on the same bind.
    let other = folder.write("other.yaml", &RULES.replace("ESME_RSUBMITFAIL", "ESME_RINVDSTADR"));
    let (rules, admin) = (folder.0.join("rules.yaml"), &place.node.admin);
    let command =
        format!("cp {} {} && {} reload --admin {admin}", other.display(), rules.display(), env!("CARGO_BIN_EXE_tapis"));
    let then = Then { command, blocked: 0x0b };
    let kannel = totals.entry(Client::Kannel).or_default();
    failed.extend(place.row(Client::Kannel, Mode::Trx, Some(&then), &mut None, kannel));
    if place.node.metric("tapis_config_reloads_total", &["success"]) != 1 {
        failed.push("the reload is not counted".into());
    }

    let Place { node, smsc, .. } = place;
    node.stop();
    smsc.stop();
    if failed.is_empty() {
        failed.extend(check_journal(&folder, &totals).err());
    }
    assert!(failed.is_empty(), "{} of {smsc_name} failed:\n{}", failed.len(), failed.join("\n"));
}

/// Where a session takes place.
struct Place<'a> {
    smsc_name: &'a str,
    front: Tee,
    back: Tee,
    node: Node,
    smsc: Smsc,
}

impl Place<'_> {
    /// One session, and its line of the table.
    fn row(
        &self,
        client: Client,
        mode: Mode,
        then: Option<&Then>,
        own: &mut Option<[u8; 2]>,
        total: &mut Counts,
    ) -> Option<String> {
        let start = Instant::now();
        let result = self.session(client, mode, then, own, total);
        let note = if then.is_some() { "with a reload" } else { "" };
        let row = format!("{:<9} {:<11} {:<6}", self.smsc_name, client.name(), mode.name());
        let ms = start.elapsed().as_millis();
        let verdict = if result.is_ok() { "ok" } else { "FAILED" };
        say(&format!("peers: {row} {verdict:<7} {ms:>6} ms  {note}"));
        result.err().map(|why| format!("{row}: {why}"))
    }

    fn session(
        &self,
        client: Client,
        mode: Mode,
        then: Option<&Then>,
        own: &mut Option<[u8; 2]>,
        total: &mut Counts,
    ) -> Result<(), String> {
        // Nothing that an earlier session left behind may stain this one.
        self.smsc.take(0);
        let before = self.counted(client);
        let report = client.run(&self.front.address, mode, then);
        let (mut front, mut back) = (self.front.take(), self.back.take());
        client.check(mode, &report?, then)?;

        let links = if mode == Mode::TxAndRx { 2 } else { 1 };
        if (front.len(), back.len()) != (links, links) {
            return Err(format!("{} connections before Tapis and {} behind", front.len(), back.len()));
        }
        // Two connections may be made in any order: each is known by its bind, and the transmitter's messages come first.
        for side in [&mut front, &mut back] {
            side.sort_by_key(|r| (r.esme.get(7) != Some(&2), r.esme.get(7).copied()));
        }
        let mut counts = Counts::default();
        for (front, back) in front.iter().zip(&back) {
            counts += compare(front, back, own)?;
        }
        check_smsc(mode, &self.smsc.take(counts.at_smsc))?;

        *total += counts;
        // Metrics say what went by: a session hands in its counts at its end.
        let expected: Vec<u64> = before.iter().zip(by_action(&counts)).map(|(n, (_, more))| n + more).collect();
        until("metrics tell of every message", || self.counted(client).iter().zip(&expected).all(|(n, e)| n >= e));
        let counted = self.counted(client);
        if counted != expected {
            return Err(format!("{expected:?} messages are counted as {counted:?}"));
        }
        Ok(())
    }

    fn counted(&self, client: Client) -> Vec<u64> {
        let account = format!("\"{}\"", client.account());
        let count = |((direction, action), _)| {
            let labels = [account.as_str(), &format!("\"{direction}\""), &format!("\"{action}\"")];
            self.node.metric("tapis_messages_total", &labels)
        };
        by_action(&Counts::default()).into_iter().map(count).collect()
    }
}

fn by_action(counts: &Counts) -> [((&'static str, &'static str), u64); 5] {
    [
        (("mt", "pass"), counts.mt_pass),
        (("mt", "tag"), counts.mt_tag),
        (("mt", "block"), counts.mt_block),
        (("mo", "pass"), counts.mo_pass),
        (("mo", "block"), counts.mo_block),
    ]
}

/// Each message has one decision in the journal, and the tallies say the same.
fn check_journal(folder: &Folder, totals: &BTreeMap<Client, Counts>) -> Result<(), String> {
    type Cells = BTreeMap<(String, String, String), u64>;
    let (mut expected, mut written, mut tallied) = (Cells::new(), Cells::new(), Cells::new());
    for (client, counts) in totals {
        for ((direction, action), n) in by_action(counts) {
            expected.insert((client.account(), direction.into(), action.into()), n);
        }
    }
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let cell = |r: &serde_json::Value| (text(&r["account"]), text(&r["direction"]), text(&r["action"]));
    let mut reloads = 0;
    for record in journal(&folder.0) {
        match record["kind"].as_str() {
            Some("decision") => *written.entry(cell(&record)).or_default() += 1,
            Some("tally") => {
                for row in record["counts"].as_array().into_iter().flatten() {
                    *tallied.entry(cell(row)).or_default() += row["count"].as_u64().unwrap_or(0);
                }
            }
            Some("control") => reloads += u64::from(record["what"] == "reload"),
            Some("gap") => return Err(format!("records were lost: {record}")),
            _ => {}
        }
    }
    if written != expected || tallied != expected {
        return Err(format!("expected {expected:?}\nwritten {written:?}\ntallied {tallied:?}"));
    }
    if reloads == 0 {
        return Err("the reload is not in the journal".into());
    }
    Ok(())
}
