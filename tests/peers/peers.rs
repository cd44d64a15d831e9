//! The peers that nobody here wrote: how each is started, what it says of itself, and what it must say.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::node::until;
use crate::rust_client;
use crate::wire::is_blocked_part;

/// How a client binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Trx,
    Tx,
    Rx,
    /// A transmitter and a receiver side by side.
    TxAndRx,
}

impl Mode {
    pub fn name(self) -> &'static str {
        match self {
            Self::Trx => "trx",
            Self::Tx => "tx",
            Self::Rx => "rx",
            Self::TxAndRx => "tx+rx",
        }
    }

    pub fn submits(self) -> bool {
        self != Self::Rx
    }

    pub fn receives(self) -> bool {
        self != Self::Tx
    }
}

/// A client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Client {
    Npm,
    Smpplib,
    Aiosmpplib,
    Smpp34,
    NetSmpp,
    Rusmppc,
    Kannel,
}

/// All of them. Each is a transmitter before it is a receiver, so that receipts come to a later session.
pub const CLIENTS: [Client; 7] = [
    Client::Npm,
    Client::Smpplib,
    Client::Aiosmpplib,
    Client::Smpp34,
    Client::NetSmpp,
    Client::Rusmppc,
    Client::Kannel,
];

impl Client {
    pub fn name(self) -> &'static str {
        match self {
            Self::Npm => "npm_smpp",
            Self::Smpplib => "smpplib",
            Self::Aiosmpplib => "aiosmpplib",
            Self::Smpp34 => "smpp34",
            Self::NetSmpp => "net_smpp",
            Self::Rusmppc => "rusmppc",
            Self::Kannel => "kannel",
        }
    }

    /// The system_id that it binds with.
    pub fn account(self) -> String {
        format!("peer-{}", self.name())
    }

    pub fn modes(self) -> &'static [Mode] {
        match self {
            Self::Kannel => &[Mode::Trx, Mode::Tx, Mode::Rx, Mode::TxAndRx],
            _ => &[Mode::Trx, Mode::Tx, Mode::Rx],
        }
    }

    /// Runs it against `address`, and answers its report.
    pub fn run(self, address: &str, mode: Mode, then: Option<&Then>) -> Result<Value, String> {
        if self == Self::Rusmppc {
            return rust_client::run(address, mode, BLOCKED);
        }
        let (host, port) = address.rsplit_once(':').unwrap();
        let mut command = match self {
            Self::Npm => script("node", "npm_smpp.js"),
            Self::NetSmpp => script("/usr/bin/perl", "net_smpp_client.pl"),
            Self::Kannel => script("bash", "kannel"),
            _ => script(&home().join("venv/bin/python").to_string_lossy(), &format!("{}_client.py", self.name())),
        };
        command.args([host, port, mode.name()]).env("EXPECT_BLOCKED", BLOCKED.to_string());
        if let Some(then) = then {
            command.env("THEN", &then.command).env("THEN_BLOCKED", then.blocked.to_string());
        }
        let output = command.output().map_err(|e| format!("{command:?}: {e}: run tests/peers/install first"))?;
        let said = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            return Err(format!("{}: {}", output.status, said.trim()));
        }
        serde_json::from_slice(&output.stdout).map_err(|e| format!("its report: {e}; {}", said.trim()))
    }

    /// What is wrong with a report.
    pub fn check(self, mode: Mode, report: &Value, then: Option<&Then>) -> Result<(), String> {
        let mut submits: Vec<(&str, u64)> = Vec::new();
        if mode.submits() {
            submits.extend([
                ("short", 0),
                ("long", 0),
                ("ucs2", 0),
                ("binary", 0),
                ("tagged", 0),
                ("blocked", BLOCKED),
                (if self == Self::Kannel { "blocked_long" } else { "blocked long" }, BLOCKED),
            ]);
            // Kannel has no way to be told to send a message_payload.
            if self != Self::Kannel {
                submits.push(("blocked in message_payload", BLOCKED));
            }
            if let Some(then) = then {
                submits.push(("then_blocked", then.blocked));
            }
        }
        let said = |key: &str| report[key].as_u64();
        let said_submits: Option<Vec<_>> = report["submits"].as_array().map(|all| {
            all.iter()
                .map(|s| (s["what"].as_str().unwrap_or_default(), s["status"].as_u64().unwrap_or(u64::MAX)))
                .collect()
        });
        // Before this client was a receiver it was a transmitter, whose receipts waited for it.
        let receipts = if mode.receives() { 2 } else { 0 };
        let receipts = if mode == Mode::TxAndRx { said("receipts").unwrap_or(0).max(receipts) } else { receipts };
        let to = vec![Value::from("12345"); usize::try_from(receipts).unwrap()];
        let enquired = report["enquire_link"] == true || (self == Self::Smpp34 && report["enquire_link"].is_string());
        let wrong = [
            (report["bound"] != true, "bound"),
            (said_submits != Some(submits), "submits"),
            (said("mo") != Some(u64::from(mode.receives())), "mo"),
            (said("receipts") != Some(receipts), "receipts"),
            (report["receipts_to"] != Value::from(to), "receipts_to"),
            (!enquired, "enquire_link"),
            (report["unbound"] != true, "unbound"),
        ];
        match wrong.iter().find(|(wrong, _)| *wrong) {
            Some((_, what)) => Err(format!("{what}: {report}")),
            None => Ok(()),
        }
    }
}

/// The status that the rules of this test refuse with: ESME_RSUBMITFAIL.
pub const BLOCKED: u64 = 0x45;

/// What Kannel is to do while it is bound, and what the blocked text is answered with afterwards.
pub struct Then {
    pub command: String,
    pub blocked: u64,
}

/// An SMSC.
pub struct Smsc {
    child: Child,
    pub address: String,
    lines: Arc<Mutex<Vec<Value>>>,
}

impl Smsc {
    pub fn npm() -> Self {
        Self::start(script("node", "npm_smsc.js"), "0")
    }

    pub fn net_smpp() -> Self {
        Self::start(script("/usr/bin/perl", "net_smpp_smsc.pl"), "0")
    }

    /// Another one of npm smpp, where this one was.
    pub fn npm_again(self) -> Self {
        let port = self.address.rsplit_once(':').unwrap().1.to_owned();
        self.stop();
        Self::start(script("node", "npm_smsc.js"), &port)
    }

    fn start(mut command: Command, port: &str) -> Self {
        let child = command.arg(port).stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut child = child.unwrap_or_else(|e| panic!("{command:?}: {e}: run tests/peers/install first"));
        let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = out.next().and_then(Result::ok).unwrap_or_default();
        let port = first
            .strip_prefix("listening ")
            .unwrap_or_else(|| panic!("the SMSC {command:?} did not start (run tests/peers/install first): {first}"));
        let (address, lines) = (format!("127.0.0.1:{port}"), Arc::<Mutex<Vec<Value>>>::default());
        let kept = Arc::clone(&lines);
        thread::spawn(move || {
            for line in out.map_while(Result::ok) {
                let line = serde_json::from_str(&line).unwrap_or_else(|_| Value::from(line));
                kept.lock().unwrap().push(line);
            }
        });
        Self { child, address, lines }
    }

    /// What it wrote down since the last time, once these are `n` PDUs.
    pub fn take(&self, n: usize) -> Vec<Value> {
        until("the SMSC has written down what it received", || self.lines.lock().unwrap().len() >= n);
        std::mem::take(&mut *self.lines.lock().unwrap())
    }

    /// How many binds it has written down since the last time.
    pub fn binds(&self) -> usize {
        self.lines.lock().unwrap().iter().filter(|l| l["got"] == "bind_transceiver").count()
    }

    /// SIGTERM: it must end well.
    pub fn stop(mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let end = Instant::now() + Duration::from_secs(10);
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None if Instant::now() > end => panic!("the SMSC does not end"),
                None => thread::sleep(Duration::from_millis(20)),
            }
        };
        assert!(status.success(), "the SMSC ended with {status}");
    }
}

impl Drop for Smsc {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What an SMSC must have written down of a client's session.
pub fn check_smsc(mode: Mode, lines: &[Value]) -> Result<(), String> {
    let text = |line: &Value| {
        let key = if line["message_payload_hex"].is_string() { "message_payload_hex" } else { "short_message_hex" };
        octets(line[key].as_str().unwrap_or_default())
    };
    // A peer that sends one part at a time gets the first one through, before anybody can know.
    let is_early = |line: &Value| is_blocked_part(&text(line)) == Some(1);
    let messages: Vec<_> = lines.iter().filter(|l| l["got"] == "submit_sm" && !is_early(l)).collect();
    if mode.submits() {
        let [short, first, second, ucs2, binary, tagged] = messages[..] else {
            return Err(format!("six messages should have reached the SMSC: {messages:?}"));
        };
        let parts = [text(first), text(second)];
        let [first_text, second_text] = parts.each_ref().map(|p| p.get(6..).unwrap_or_default());
        let utf16: Vec<u8> = "ทดสอบ 测试".encode_utf16().flat_map(u16::to_be_bytes).collect();
        let wrong = [
            (!text(short).starts_with(b"tapis short 5\x1be"), "short"),
            (short["registered_delivery"].as_u64().is_none_or(|r| r & 1 == 0), "registered_delivery"),
            (first["esm_class"].as_u64().is_none_or(|c| c & 0x40 == 0), "UDH indicator"),
            ([first_text, second_text].concat() != "tapis long message ".repeat(16).as_bytes(), "long"),
            (text(ucs2) != utf16 || ucs2["data_coding"] != 8, "ucs2"),
            (text(binary) != b"\x00\x01\x02\xfe\xff", "binary"),
            (text(tagged) != b"please tapis-tag-me now" || tagged["source_addr"] != "Likely-SCAM", "tagged"),
        ];
        if let Some((_, what)) = wrong.iter().find(|(wrong, _)| *wrong) {
            return Err(format!("at the SMSC, {what}: {messages:?}"));
        }
    } else if !messages.is_empty() {
        return Err(format!("a receiver submitted: {messages:?}"));
    }
    let refused = lines.iter().filter(|l| l["got"] == "deliver_sm_resp" && l["command_status"] == 0x66).count();
    let answered = lines.iter().filter(|l| l["got"] == "deliver_sm_resp" && l["command_status"].is_null()).count();
    if mode.receives() && (refused, answered > 2) != (1, true) {
        return Err(format!("at the SMSC, {refused} deliver_sm refused and {answered} accepted"));
    }
    let unbinds = lines.iter().filter(|l| l["got"] == "unbind").count();
    if unbinds != if mode == Mode::TxAndRx { 2 } else { 1 } {
        return Err(format!("at the SMSC, {unbinds} unbinds"));
    }
    Ok(())
}

fn octets(hex: &str) -> Vec<u8> {
    let digit = |b: &u8| char::from(*b).to_digit(16).unwrap() as u8;
    hex.as_bytes().chunks(2).map(|pair| digit(&pair[0]) << 4 | digit(&pair[1])).collect()
}

fn script(program: &str, name: &str) -> Command {
    let mut command = Command::new(program);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers").join(name));
    command.env("TAPIS_PEERS_HOME", home());
    command
}

/// Where `install` puts them.
fn home() -> PathBuf {
    let own = std::env::var_os("TAPIS_PEERS_HOME").map(PathBuf::from);
    own.unwrap_or_else(|| Path::new(&std::env::var_os("HOME").unwrap_or_default()).join(".cache/tapis-peers"))
}
