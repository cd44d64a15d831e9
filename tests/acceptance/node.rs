//! A Tapis process under test, and what can be asked of it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A folder of its own for each test, removed at its end.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("tapis-test-{}-{n}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub struct Node {
    child: Child,
    pub smpp: String,
    pub smpp_tls: String,
    pub admin: String,
}

/// Rules of most tests: a word that blocks, and one that tags.
pub const RULES: &str = r#"
rules:
  - { id: blocked-word, category: other, about: a word, action: block, status: ESME_RINVSRCADR, when: { text: { words: [tapisblock] } } }
  - { id: swallowed-word, category: other, about: a word, action: block, answer: accept, when: { text: { words: [tapisswallow] } } }
  - { id: tagged-word, category: other, about: a word, action: tag, when: { text: { words: [tapistag] } } }
"#;

impl Node {
    /// Starts with a configuration that has short timers, and these rules.
    pub fn start(folder: &Folder, smscs: &[String], rules: &str, more: &str) -> Self {
        Self::start_with(folder, smscs, rules, &format!("timers: {{ drain: 3s, linger: 500ms }}\n{more}"))
    }

    /// Starts with timers, and whatever else there is to say, of the test's own.
    pub fn start_with(folder: &Folder, smscs: &[String], rules: &str, more: &str) -> Self {
        folder.write("rules.yaml", rules);
        let smscs = smscs.iter().map(|s| format!("\"{s}\"")).collect::<Vec<_>>().join(", ");
        let config = folder.write(
            "tapis.yaml",
            &format!(
                "listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\nsmsc: [{smscs}]\nrules: [rules.yaml]\nstate: state\n\
                 journal: {{ dir: journal, passes_one_in: 1, text: on }}\n{more}"
            ),
        );
        Self::spawn(Command::new(env!("CARGO_BIN_EXE_tapis")).arg("run").arg("--config").arg(config))
    }

    /// Stops it and starts it again at the same addresses.
    pub fn restart(self, folder: &Folder) -> Self {
        let (smpp, admin) = (self.smpp.clone(), self.admin.clone());
        self.stop();
        let mut command = Command::new(env!("CARGO_BIN_EXE_tapis"));
        command.args(["run", "--listen", &smpp, "--admin", &admin, "--config"]).arg(folder.0.join("tapis.yaml"));
        Self::spawn(&mut command)
    }

    /// Starts a command that runs a node, and waits until it is ready.
    pub fn spawn(command: &mut Command) -> Self {
        let child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let mut node = Self { child, smpp: String::new(), smpp_tls: String::new(), admin: String::new() };
        let mut lines = BufReader::new(node.child.stderr.take().unwrap()).lines();
        let mut said = Vec::new();
        for line in lines.by_ref() {
            let line = line.unwrap();
            if let Some(address) = line.strip_prefix("listening smpp over TLS ") {
                node.smpp_tls = address.to_owned();
            } else if let Some(address) = line.strip_prefix("listening smpp ") {
                node.smpp = address.to_owned();
            } else if let Some(address) = line.strip_prefix("listening admin ") {
                node.admin = address.to_owned();
            } else if line == "ready" {
                std::thread::spawn(move || lines.for_each(|line| eprintln!("{}", line.unwrap_or_default())));
                return node;
            }
            said.push(line);
        }
        panic!("tapis did not start: {said:?}");
    }

    /// Status and body of an HTTP request.
    pub fn http(&self, method: &str, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.admin).unwrap();
        write!(stream, "{method} {path} HTTP/1.1\r\nhost: tapis\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.get(9..12).and_then(|s| s.parse().ok()).unwrap();
        (status, answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap())
    }

    /// The sum of all series of a metric whose line holds every one of `labels`.
    pub fn metric(&self, name: &str, labels: &[&str]) -> u64 {
        let (_, text) = self.http("GET", "/metrics");
        text.lines()
            .filter(|l| l.starts_with(&format!("{name} ")) || l.starts_with(&format!("{name}{{")))
            .filter(|l| labels.iter().all(|label| l.contains(label)))
            .map(|l| l.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
            .map(|n| format!("{n:.0}").parse::<u64>().unwrap())
            .sum()
    }

    /// SIGTERM, and how long it took to end well.
    pub fn stop(mut self) -> Duration {
        let start = Instant::now();
        signal(self.child.id(), "TERM");
        let status = self.child.wait().unwrap();
        assert!(status.success(), "tapis ends with {status}");
        start.elapsed()
    }

    /// SIGKILL: as when the machine fails.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn terminate(&self) {
        signal(self.child.id(), "TERM");
    }

    pub fn hang_up(&self) {
        signal(self.child.id(), "HUP");
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn signal(pid: u32, name: &str) {
    assert!(Command::new("kill").arg(format!("-{name}")).arg(pid.to_string()).status().unwrap().success());
}

/// Every record of a journal, in order of writing; each must name the one before it.
pub fn journal(folder: &Path) -> Vec<Value> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder.join("journal")).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "jsonl"));
    files.sort();
    let mut last: BTreeMap<String, (String, u64)> = BTreeMap::new();
    let mut records = Vec::new();
    for file in files {
        for line in BufReader::new(std::fs::File::open(file).unwrap()).lines() {
            let line = line.unwrap();
            let record: Value = serde_json::from_str(&line).unwrap();
            let boot = record["boot"].as_str().unwrap().to_owned();
            let first = ("0".repeat(32), 0);
            let (prev, seq) = last.get(&boot).cloned().unwrap_or(first);
            assert_eq!(record["prev"].as_str(), Some(prev.as_str()), "the chain breaks at {line}");
            assert_eq!(record["seq"].as_u64(), Some(seq + 1));
            last.insert(boot, (blake3::hash(line.as_bytes()).to_hex()[..32].to_owned(), seq + 1));
            records.push(record);
        }
    }
    records
}

/// Waits until it holds: for what another process does in its own time.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(15);
    while !holds() {
        assert!(Instant::now() < end, "not within 15 s: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
