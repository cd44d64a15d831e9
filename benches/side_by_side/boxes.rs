//! The boxes in the middle: processes of their own, each with its configuration, and the processor time they took.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::made::{Made, Size, vocabulary};
use crate::work::Work;

/// Of the rules, how many are regexes; and entries of the longest list.
const RULES: usize = 10_000;
const REGEXES: usize = 1_000;
const ENTRIES: usize = 1_000_000;
/// Passes of which one is written to the journal.
const PASSES_ONE_IN: usize = 1_000;

/// A folder that is gone when the bench ends.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        let path = std::env::temp_dir().join(format!("tapis-side-by-side-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[derive(Clone, Copy)]
pub struct Ports {
    pub listen: u16,
    pub smsc: u16,
}

/// A box that can be started.
pub struct Middle {
    pub name: String,
    config: PathBuf,
    kind: Kind,
    pub swallows: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    HaProxy,
    Tapis { journal: bool },
}

/// A box that runs.
pub struct Running {
    pub name: String,
    pub swallows: bool,
    child: Child,
}

pub fn haproxy_version() -> Option<String> {
    let out = Command::new("haproxy").arg("-v").output().ok()?;
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    Some(text.split_whitespace().nth(2).unwrap_or("").split('-').next().unwrap_or("").to_owned())
}

/// All boxes, with their configurations written.
pub fn all(folder: &Folder, work: &Work, haproxy: &str) -> Vec<Middle> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let write = |name: &str, text: &str| {
        let path = folder.0.join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let starter = top.join("config/rules");
    let tapis = |rules: &str, journal: &str| {
        format!(
            "version: 1\nadmin: off\nhome: {{ country: SG }}\nrules: [{rules}]\njournal: {journal}\non_journal_full: block\n\
             profiles: [{{ id: default, thresholds: {{ tag: 5, block: 10 }}, status: ESME_RSUBMITFAIL, tag: likely-scam }}]\n"
        )
    };
    let journal = |name: &str| {
        format!("{{ dir: {}, passes_one_in: {PASSES_ONE_IN} }}", folder.0.join(format!("journal-{name}")).display())
    };
    fs::create_dir_all(folder.0.join("large")).unwrap();
    let many = large(&folder.0.join("large"), work);
    let starter = starter.display().to_string();
    let none = write("none.yaml", &tapis("", "\"off\""));
    let some = write("starter.yaml", &tapis(&starter, &journal("starter")));
    let rules = format!("{starter}, {}", many.display());
    let large = write("large.yaml", &tapis(&rules, &journal("large")));
    let journal = format!("journal with 1 in {PASSES_ONE_IN} passes");
    let tapis =
        |name: String, config, journal, swallows| Middle { name, config, kind: Kind::Tapis { journal }, swallows };
    vec![
        Middle {
            name: format!("HAProxy {haproxy}, TCP, one thread"),
            config: folder.0.join("haproxy.cfg"),
            kind: Kind::HaProxy,
            swallows: false,
        },
        tapis("Tapis, no rules".into(), none, false, false),
        tapis(format!("Tapis, starter rules, {journal}"), some, true, true),
        tapis(format!("Tapis, {RULES} rules more, {ENTRIES} entries, journal"), large, true, true),
    ]
}

/// Ten thousand rules, a thousand of them of regexes, and a list of a million domains: each asked, and none weighs so much
/// that the same messages would not pass.
fn large(folder: &Path, work: &Work) -> PathBuf {
    use std::fmt::Write;
    let words = vocabulary(&work.letters);
    let made = Made::new(Size { literals: RULES - REGEXES - 1, regexes: REGEXES, domains: ENTRIES }, &words);
    let mut rules = String::from(
        "lists:\n  hosts: { domains: { file: hosts.txt } }\nrules:\n  - { id: hosts, score: 0.01, category: other, when: { link: { domain_in: hosts } } }\n",
    );
    for (n, literal) in made.literals.iter().enumerate() {
        let and = ["", ", { has: link }", ", { any: [ { has: phone }, { recipient: { country: SG } } ] }"][n % 3];
        let _ = writeln!(
            rules,
            "  - {{ id: word-{n}, about: made, score: 0.01, category: other, when: {{ all: [ {{ text: {{ words: ['{literal}'] }} }}{and} ] }} }}"
        );
    }
    for (n, regex) in made.regexes.iter().enumerate() {
        let _ = writeln!(
            rules,
            "  - {{ id: regex-{n}, about: made, score: 0.01, category: other, when: {{ text: {{ regex: '{regex}' }} }} }}"
        );
    }
    fs::write(folder.join("hosts.txt"), made.domains.join("\n")).unwrap();
    let path = folder.join("large.yaml");
    fs::write(&path, rules).unwrap();
    path
}

impl Middle {
    /// Starts it on the first processor, and waits until it accepts.
    pub fn start(&self, ports: Ports, tapis: &str) -> Running {
        let (listen, smsc) = (format!("127.0.0.1:{}", ports.listen), format!("127.0.0.1:{}", ports.smsc));
        let (program, args): (&str, Vec<String>) = match self.kind {
            Kind::HaProxy => {
                let config = format!(
                    "global\n  nbthread 1\n  maxconn 1000\ndefaults\n  mode tcp\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\nlisten smpp\n  bind {listen}\n  server smsc {smsc}\n"
                );
                fs::write(&self.config, config).unwrap();
                ("haproxy", vec!["-db".into(), "-f".into(), self.config.display().to_string()])
            }
            Kind::Tapis { .. } => (
                tapis,
                ["run", "--config", &self.config.display().to_string(), "--listen", &listen, "--smsc", &smsc]
                    .map(String::from)
                    .to_vec(),
            ),
        };
        let mut command = match is_pinning() {
            true => {
                let mut command = Command::new("taskset");
                command.args(["-c", "0", program]);
                command
            }
            false => Command::new(program),
        };
        let log = fs::File::create(self.config.with_extension("log")).unwrap();
        let child = command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let mut running = Running { name: self.name.clone(), swallows: self.swallows, child };
        let patience = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(&listen).is_err() {
            let log = || fs::read_to_string(self.config.with_extension("log")).unwrap_or_default();
            assert!(running.child.try_wait().unwrap().is_none(), "{} has ended: {}", self.name, log());
            assert!(Instant::now() < patience, "{} does not accept: {}", self.name, log());
            std::thread::sleep(Duration::from_millis(20));
        }
        std::thread::sleep(Duration::from_millis(50));
        running
    }
}

impl Running {
    /// Seconds of processor time that it has taken, in itself and in the kernel.
    pub fn cpu(&self) -> f64 {
        cpu(&self.child.id().to_string())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Seconds of processor time that the peers have taken.
pub fn own_cpu() -> f64 {
    cpu("self")
}

fn cpu(process: &str) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // What stands before the last parenthesis may hold anything; utime and stime are the 14th and 15th field.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u32 = [11, 12].iter().map(|n| fields[*n].parse::<u32>().unwrap()).sum();
    f64::from(ticks) / 100.0
}

fn is_pinning() -> bool {
    let has_taskset = Command::new("taskset").arg("-V").output().is_ok_and(|out| out.status.success());
    has_taskset && std::thread::available_parallelism().is_ok()
}

/// Moves this process to the second processor, where there are two; whether that is so.
pub fn pin_peers() -> bool {
    let cpus = fs::read_to_string("/proc/cpuinfo").map_or(1, |t| t.matches("\nprocessor").count() + 1);
    if cpus < 2 || !is_pinning() {
        return false;
    }
    let me = std::process::id().to_string();
    Command::new("taskset").args(["-cp", "1", &me]).stdout(Stdio::null()).status().is_ok_and(|status| status.success())
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
