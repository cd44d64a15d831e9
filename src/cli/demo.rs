//! `tapis demo`: an SMSC, ESMEs with lifelike traffic, and Tapis between them, in one process.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::explain::DEFAULT_CONFIG;
use super::{Exit, asked_to_end, fail, run, say, tell_all};
use crate::config::settings::SmscSettings;
use crate::explain::visible;
use crate::runtime::clock::Clock;
use crate::runtime::files::Origin;
use crate::runtime::peer::{self, Load, Smsc};
use crate::runtime::{Line, Node, Start, reload};
use crate::sim::corpus::{self, Letter};
use crate::sim::smsc::Centre;
use crate::wire::command::{CommandId, RegisteredDelivery};

/// Shows the job: an SMSC, traffic and Tapis in one process, one line a decision; any SMPP client can join.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where SMPP clients connect; the next free port when 2775 is taken.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Where /metrics and the API are; the next free port when 9090 is taken.
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<String>,
    /// It ends after so many seconds, with a summary.
    #[arg(long)]
    seconds: Option<u64>,
}

/// Messages a second of all accounts together.
const RATE: f64 = 6.0;
/// Decisions shown before what can be tried is said.
const LINES_BEFORE_TRY: u64 = 20;
/// Lines that may wait for a slow terminal; later ones are not shown.
const LINES_MAX: usize = 1_024;

/// Runs it.
pub(super) fn run(args: &Args) -> Exit {
    let main = PathBuf::from(DEFAULT_CONFIG);
    if !main.is_file() {
        return fail(
            Exit::Usage,
            format_args!("there is no {DEFAULT_CONFIG} here: run the demo in its folder's parent"),
        );
    }
    let origin = Origin { main: Some(main), ..Origin::default() };
    let (loaded, sources, _) = match reload::load(&origin, Clock::start().now()) {
        Ok(loaded) => loaded,
        Err((diagnostics, sources)) => {
            tell_all(&diagnostics, &sources);
            return Exit::Config;
        }
    };
    tell_all(&loaded.warnings, &sources);
    let (lines, shown) = mpsc::channel(LINES_MAX);
    let start = Start { loaded, origin, base: PathBuf::new(), lines: Some(lines) };
    match super::runtime() {
        Ok(runtime) => runtime.block_on(demo(args, start, shown)),
        Err(error) => fail(Exit::Config, error),
    }
}

async fn demo(args: &Args, mut start: Start, mut lines: mpsc::Receiver<Line>) -> Exit {
    let settings = &mut start.loaded.settings;
    let smsc = Smsc::new(Centre::default());
    let Ok(listener) = TcpListener::bind("127.0.0.1:0").await else {
        return fail(Exit::Config, "the embedded SMSC cannot listen");
    };
    let address = listener.local_addr().map(|a| a.to_string()).unwrap_or_default();
    settings.smsc = vec![SmscSettings { id: "embedded".into(), address }];
    settings.listen = free(args.listen.as_deref(), "127.0.0.1:2775").await;
    settings.admin = Some(free(args.admin.as_deref(), "127.0.0.1:9090").await);
    let folder = std::env::temp_dir().join(format!("tapis-demo-{}", std::process::id()));
    settings.journal.dir = Some(folder.join("journal").display().to_string());
    settings.state = None;
    let rules = settings.rules.iter().map(|r| Path::new("config").join(r).display().to_string());
    let rules = rules.collect::<Vec<_>>().join(" ");
    let (esme_listener, admin) = match run::bind(settings).await {
        Ok(bound) => bound,
        Err(why) => return fail(Exit::Config, why),
    };
    let bound = |listener: &TcpListener| listener.local_addr().map(|a| a.to_string()).unwrap_or_default();
    let (smpp, http) = (bound(&esme_listener), admin.as_ref().map(bound).unwrap_or_default());
    let node = match Node::open(start) {
        Ok(node) => node,
        Err(error) => return fail(Exit::Config, error),
    };
    if let Err(error) = reload::watch(Arc::clone(&node)) {
        return fail(Exit::Config, format_args!("rule files cannot be watched: {error}"));
    }
    super::tell("ready");
    say(format_args!("tapis demo   SMPP {smpp}   admin http://{http}   rules {rules} (watched)"));
    let mut peers = JoinSet::new();
    peers.spawn(smsc.clone().serve(listener));
    traffic(&mut peers, &smsc, &smpp);
    let mut serving = JoinSet::new();
    let served = Arc::clone(&node);
    serving.spawn(async move { served.serve(esme_listener, admin).await });
    let mut view = View::new(http);
    let end = tokio::time::sleep(Duration::from_secs(args.seconds.unwrap_or(u64::MAX / 4)));
    tokio::pin!(end);
    let ends = asked_to_end();
    tokio::pin!(ends);
    loop {
        tokio::select! {
            Some(line) = lines.recv() => view.line(&line),
            () = &mut end => break,
            () = &mut ends => break,
        }
    }
    node.drain();
    peers.shutdown().await;
    serving.join_next().await;
    while let Ok(line) = lines.try_recv() {
        view.count(&line);
    }
    view.summary();
    say(format_args!("journal {}", folder.join("journal").display()));
    node.close();
    Exit::Fine
}

/// The address wanted; else the usual one, or any free port when that is taken.
async fn free(wanted: Option<&str>, usual: &str) -> String {
    match wanted {
        Some(wanted) => wanted.into(),
        None if TcpListener::bind(usual).await.is_ok() => usual.into(),
        None => "127.0.0.1:0".into(),
    }
}

/// Each account is one ESME that sends its letters round and round; subscribers write to accounts now and then.
fn traffic(peers: &mut JoinSet<()>, smsc: &Smsc, smpp: &str) {
    let mut accounts: BTreeMap<String, Vec<Letter>> = BTreeMap::new();
    let mut mo = Vec::new();
    let letters = corpus::demo();
    let all = f64::from(u32::try_from(letters.len()).unwrap_or(1));
    for letter in letters {
        if letter.mo {
            mo.push(letter);
        } else {
            accounts.entry(letter.account.clone()).or_default().push(letter);
        }
    }
    for (account, letters) in accounts {
        let share = f64::from(u32::try_from(letters.len()).unwrap_or(1)) / all;
        let load = Load {
            connect: smpp.to_owned(),
            system_id: account,
            bind: CommandId::BIND_TRANSCEIVER,
            window: 10,
            messages: None,
            rate: Some(RATE * share),
            first: 0,
            registered_delivery: RegisteredDelivery(1),
            stay: Duration::ZERO,
        };
        let letters: Arc<[Letter]> = letters.into();
        peers.spawn(async move {
            loop {
                let _ = peer::esme(load.clone(), Arc::clone(&letters)).await;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
    }
    let smsc = smsc.clone();
    peers.spawn(async move {
        for letter in mo.iter().cycle() {
            tokio::time::sleep(Duration::from_secs(2)).await;
            smsc.leave(&letter.account, letter);
        }
    });
}

/// What is on the screen.
struct View {
    admin: String,
    colour: bool,
    shown: u64,
    actions: BTreeMap<&'static str, u64>,
    countries: BTreeMap<String, [u64; 3]>,
    rules: BTreeMap<String, u64>,
}

impl View {
    fn new(admin: String) -> Self {
        Self {
            admin,
            colour: super::has_colour(std::io::stdout().is_terminal()),
            shown: 0,
            actions: BTreeMap::new(),
            countries: BTreeMap::new(),
            rules: BTreeMap::new(),
        }
    }

    fn count(&mut self, line: &Line) {
        *self.actions.entry(line.action).or_default() += 1;
        let column = match line.action {
            "pass" => 0,
            "tag" => 1,
            _ => 2,
        };
        if let Some(n) = self.countries.entry(line.country.clone()).or_default().get_mut(column) {
            *n += 1;
        }
        for (rule, _) in &line.findings {
            *self.rules.entry(rule.clone()).or_default() += 1;
        }
    }

    fn line(&mut self, line: &Line) {
        self.count(line);
        self.shown += 1;
        let (action, colour) = match line.action {
            "pass" => ("pass", ""),
            "tag" => ("TAG", "\u{1b}[33m"),
            _ => ("BLOCK", "\u{1b}[31m"),
        };
        let (on, off) = if self.colour && !colour.is_empty() { (colour, "\u{1b}[0m") } else { ("", "") };
        let country = if line.country.is_empty() { "--" } else { &line.country };
        let findings: Vec<String> = line
            .findings
            .iter()
            .map(|(rule, words)| {
                let words: Vec<String> = words.iter().take(3).map(|w| format!(" «{}»", visible(w))).collect();
                format!("{rule}{}", words.concat())
            })
            .collect();
        let status = line.status.as_deref().map(|s| format!("  {s}")).unwrap_or_default();
        let (time, score) = (time(line), &line.score);
        let (from, to) = (masked(&line.from), masked(&line.to));
        say(format_args!(
            "{time} {on}{action:<5}{off} {score:>3}  {country} {from:<13} → {to:<13} {}{status}",
            findings.join("  ")
        ));
        if self.shown == LINES_BEFORE_TRY {
            self.try_these();
        }
    }

    fn try_these(&self) {
        let admin = &self.admin;
        say("  try   tapis explain --from KBank --to +66898765432 --text 'KBank: ยืนยันที่ kbnk-th.xyz'");
        say("        edit config/rules/my-first.yaml and watch the next line change");
        say(format_args!("        curl -s {admin}/metrics | grep tapis_messages_total"));
    }

    fn summary(&self) {
        let n = |action: &str| self.actions.get(action).copied().unwrap_or(0);
        let (pass, tag, block) = (n("pass"), n("tag"), n("block"));
        say(format_args!("\n{} messages: {pass} passed, {tag} tagged, {block} blocked", pass + tag + block));
        say("country    pass    tag  block");
        for (country, [pass, tag, block]) in &self.countries {
            let country = if country.is_empty() { "--" } else { country };
            say(format_args!("{country:<8} {pass:>6} {tag:>6} {block:>6}"));
        }
        let mut rules: Vec<_> = self.rules.iter().collect();
        rules.sort_by_key(|(id, n)| (std::cmp::Reverse(**n), (*id).clone()));
        say("rule                              fired");
        rules.iter().take(12).for_each(|(id, n)| say(format_args!("{id:<32} {n:>6}")));
        self.try_these();
    }
}

fn time(line: &Line) -> String {
    let at =
        i64::try_from(line.at.0).ok().and_then(|us| jiff::Timestamp::from_microsecond(us).ok()).unwrap_or_default();
    TimeZone::system().to_datetime(at).strftime("%H:%M:%S").to_string()
}

/// The middle of a number is nobody's business, even in a demo.
fn masked(party: &str) -> String {
    let digits = party.strip_prefix('+').unwrap_or(party);
    if digits.len() < 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return visible(party);
    }
    let (head, tail) = (party.get(..6).unwrap_or_default(), party.get(party.len() - 3..).unwrap_or_default());
    format!("{head}…{tail}")
}
