//! The boxes in the middle: processes of their own, each with its configuration, and the processor time they took.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::known;
use crate::made::{Made, Size, vocabulary};
use crate::peers::Smsc;
use crate::tls::{NAME, Tls};
use crate::work::Work;

/// Of the rules, how many are regexes; and entries of the longest list.
const RULES: usize = 10_000;
const REGEXES: usize = 1_000;
const ENTRIES: usize = 1_000_000;
/// Passes of which one is written to the journal.
const PASSES_ONE_IN: usize = 1_000;

/// A folder that is gone when the bench ends.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        let path = std::env::temp_dir().join(format!("tapis-side-by-side-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
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

impl Ports {
    /// Where a box listens, and where it finds the SMSC.
    pub fn of(one: &Middle, smsc: &Smsc) -> Self {
        Self { listen: free_port(), smsc: if one.tls.is_some() { smsc.tls_port } else { smsc.port } }
    }
}

/// A box that can be started.
pub struct Middle {
    pub name: String,
    config: PathBuf,
    kind: Kind,
    pub swallows: bool,
    /// Both of its sides are inside TLS.
    pub tls: Option<Arc<Tls>>,
}

enum Kind {
    HaProxy,
    /// With this configuration, to which addresses are added.
    Tapis(String),
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

/// A configuration without addresses.
fn settings(rules: &str, journal: &str) -> String {
    format!(
        "version: 1\nadmin: off\nhome: {{ country: SG }}\nrules: [{rules}]\njournal: {journal}\non_journal_full: block\n\
         profiles: [{{ id: default, thresholds: {{ tag: 5, block: 10 }}, status: ESME_RSUBMITFAIL, tag: likely-scam }}]\n"
    )
}

fn starter() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config/rules").display().to_string()
}

/// What a box of Tapis has beside the starter rules.
#[derive(Clone, Copy, Default)]
pub struct Scale {
    /// So many rules more, among them one of a list of so many domains.
    pub rules: usize,
    pub entries: usize,
    /// Senders that are known when it starts; as of a new node where there are none.
    pub senders: usize,
    /// Which of several nodes it is, from 0.
    pub node: usize,
}

/// Tapis with the starter rules, and more.
pub fn scaled(folder: &Folder, work: &Work, scale: Scale) -> Middle {
    let Scale { rules, entries, senders, node } = scale;
    let name = format!("scaled-{rules}-{entries}-{senders}-{node}");
    let own = folder.path().join(&name);
    let is_new = !own.exists();
    fs::create_dir_all(&own).unwrap();
    let mut all = starter();
    if rules > 0 {
        if is_new {
            large(&own, work, Size { literals: rules - rules / 10, regexes: rules / 10, domains: entries });
        }
        all = format!("{all}, {}", own.join("large.yaml").display());
    }
    let journal = format!(
        "{{ dir: {}, passes_one_in: {PASSES_ONE_IN} }}",
        folder.path().join(format!("journal-{node}")).display()
    );
    let mut settings = settings(&all, &journal);
    if senders > 0 {
        settings.push_str(&known::reputation(&own, work, senders, is_new));
    }
    Middle {
        config: folder.path().join(format!("{name}.yaml")),
        name,
        kind: Kind::Tapis(settings),
        swallows: true,
        tls: None,
    }
}

/// All boxes.
pub fn all(folder: &Folder, work: &Work, haproxy: &str, tls: &Arc<Tls>) -> Vec<Middle> {
    let starter = starter();
    let journal = |name: &str| {
        format!(
            "{{ dir: {}, passes_one_in: {PASSES_ONE_IN} }}",
            folder.path().join(format!("journal-{name}")).display()
        )
    };
    fs::create_dir_all(folder.path().join("large")).unwrap();
    let size = Size { literals: RULES - REGEXES - 1, regexes: REGEXES, domains: ENTRIES };
    let many = large(&folder.path().join("large"), work, size);
    let one = |name: String, file: &str, kind, swallows| Middle {
        name,
        config: folder.path().join(file),
        kind,
        swallows,
        tls: None,
    };
    let tapis = |name: String, file: &str, settings, swallows| one(name, file, Kind::Tapis(settings), swallows);
    let inside = |one: Middle| Middle { tls: Some(Arc::clone(tls)), ..one };
    let none = settings("", "\"off\"");
    let some = settings(&starter, &journal("starter"));
    let large = settings(&format!("{starter}, {}", many.display()), &journal("large"));
    let some_inside = settings(&starter, &journal("starter-tls"));
    let with = format!("journal with 1 in {PASSES_ONE_IN} passes");
    vec![
        one(format!("HAProxy {haproxy}, TCP, one thread"), "haproxy.cfg", Kind::HaProxy, false),
        tapis("Tapis, no rules".into(), "none.yaml", none.clone(), false),
        tapis(format!("Tapis, starter rules, {with}"), "starter.yaml", some, true),
        tapis(format!("Tapis, {RULES} rules more, {ENTRIES} entries, journal"), "large.yaml", large, true),
        inside(one(format!("HAProxy {haproxy}, TLS, one thread"), "haproxy-tls.cfg", Kind::HaProxy, false)),
        inside(tapis("Tapis, TLS, no rules".into(), "none-tls.yaml", none, false)),
        inside(tapis("Tapis, TLS, starter rules, journal".into(), "starter-tls.yaml", some_inside, true)),
    ]
}

/// Rules of words, rules of regexes, and one of a list of domains: each asked, and none weighs so much that the same
/// messages would not pass.
fn large(folder: &Path, work: &Work, size: Size) -> PathBuf {
    use std::fmt::Write;
    let words = vocabulary(&work.letters);
    let made = Made::new(size, &words);
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
        self.start_on(ports, tapis, 0..=0)
    }

    /// Starts it on some processors.
    pub fn start_on(&self, ports: Ports, tapis: &str, processors: RangeInclusive<usize>) -> Running {
        let (listen, smsc) = (format!("127.0.0.1:{}", ports.listen), format!("127.0.0.1:{}", ports.smsc));
        let config = self.config.display().to_string();
        let (program, args, text) = match (&self.kind, &self.tls) {
            (Kind::HaProxy, tls) => {
                let (bind, server) = tls.as_ref().map_or_else(Default::default, |tls| {
                    let trusts = format!(" ssl verify required ca-file {} verifyhost {NAME}", tls.ca.display());
                    (format!(" ssl crt {}", tls.both.display()), trusts)
                });
                let text = format!(
                    "global\n  nbthread 1\n  maxconn 1000\ndefaults\n  mode tcp\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\nlisten smpp\n  bind {listen}{bind}\n  server smsc {smsc}{server}\n"
                );
                ("haproxy", ["-db", "-f", &config].map(String::from).to_vec(), text)
            }
            (Kind::Tapis(settings), None) => {
                let text = format!("{settings}listen: {listen}\nsmsc: [{{ id: a, address: '{smsc}' }}]\n");
                (tapis, ["run", "--config", &config].map(String::from).to_vec(), text)
            }
            (Kind::Tapis(settings), Some(tls)) => {
                let (certificate, key, ca) = (tls.certificate.display(), tls.key.display(), tls.ca.display());
                let plain = free_port();
                let text = format!(
                    "{settings}listen: 127.0.0.1:{plain}\n\
                     listen_tls: {{ address: '{listen}', certificate: {certificate}, key: {key} }}\n\
                     smsc: [{{ id: a, address: '{smsc}', tls: {{ ca: {ca}, name: {NAME} }} }}]\n"
                );
                (tapis, ["run", "--config", &config].map(String::from).to_vec(), text)
            }
        };
        fs::write(&self.config, text).unwrap();
        let mut command = match is_pinning() {
            true => {
                let mut command = Command::new("taskset");
                command.args(["-c", &format!("{}-{}", processors.start(), processors.end()), program]);
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
