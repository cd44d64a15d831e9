//! `tapis demo`: an SMSC, ESMEs with lifelike traffic, and Tapis between them, in one process.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::explain::DEFAULT_CONFIG;
use super::screen::Screen;
use super::{Exit, asked_to_end, fail, run, say, tell_all};
use crate::config::settings::SmscSettings;
use crate::runtime::clock::Clock;
use crate::runtime::files::Origin;
use crate::runtime::live::{Seen, Watcher};
use crate::runtime::peer::{self, Load, Smsc};
use crate::runtime::{Node, Start, load, reload};
use crate::sim::corpus::{self, Letter};
use crate::sim::smsc::Centre;
use crate::wire::command::{CommandId, RegisteredDelivery};

/// Shows the job: an SMSC, traffic and Tapis in one process, one line a decision; any SMPP client can join.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where SMPP clients connect; any free port when 2775 is taken.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Where /metrics and the API are; any free port when 9090 is taken.
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<String>,
    /// It ends after so many seconds, with a summary.
    #[arg(long)]
    seconds: Option<u64>,
}

/// Messages a second of all accounts together: a person reads along.
const RATE: f64 = 4.0;
/// Between two messages of subscribers.
const BETWEEN_MO: Duration = Duration::from_secs(3);
/// Things that may wait for a slow terminal; later ones are not shown.
const SEEN_MAX: usize = 1_024;

/// Runs it.
pub(super) fn run(args: &Args) -> Exit {
    let main = PathBuf::from(DEFAULT_CONFIG);
    if !main.is_file() {
        return fail(
            Exit::Usage,
            format_args!("there is no {DEFAULT_CONFIG} here: run the demo at the top of a clone of Tapis"),
        );
    }
    let origin = Origin { main: Some(main), ..Origin::default() };
    let (loaded, sources, _) = match load::load(&origin, Clock::start().now()) {
        Ok(loaded) => loaded,
        Err((diagnostics, sources)) => {
            tell_all(&diagnostics, &sources);
            return Exit::Config;
        }
    };
    tell_all(&loaded.warnings, &sources);
    let (watcher, seen) = Watcher::new(SEEN_MAX);
    let start = Start { loaded, origin, base: PathBuf::new(), watcher: Some(watcher) };
    match super::runtime() {
        Ok(runtime) => runtime.block_on(demo(args, start, seen)),
        Err(error) => fail(Exit::Config, error),
    }
}

async fn demo(args: &Args, mut start: Start, mut seen: mpsc::Receiver<Seen>) -> Exit {
    let settings = &mut start.loaded.settings;
    let smsc = Smsc::new(Centre::default());
    let Ok(listener) = TcpListener::bind("127.0.0.1:0").await else {
        return fail(Exit::Config, "the embedded SMSC cannot listen");
    };
    let address = listener.local_addr().map(|a| a.to_string()).unwrap_or_default();
    settings.smsc = vec![SmscSettings { id: "embedded".into(), address, tls: None }];
    settings.listen = free(args.listen.as_deref(), "127.0.0.1:2775").await;
    settings.admin = Some(free(args.admin.as_deref(), "127.0.0.1:9090").await);
    let folder = std::env::temp_dir().join(format!("tapis-demo-{}", std::process::id()));
    settings.journal.dir = Some(folder.join("journal").display().to_string());
    settings.state = None;
    let rules = settings.rules.iter().map(|r| Path::new("config").join(r).display().to_string());
    let rules = rules.collect::<Vec<_>>().join(" ");
    let listeners = match run::bind(settings).await {
        Ok(bound) => bound,
        Err(why) => return fail(Exit::Config, why),
    };
    let bound = |listener: &TcpListener| listener.local_addr().map(|a| a.to_string()).unwrap_or_default();
    let (smpp, http) = (bound(&listeners.smpp), listeners.admin.as_ref().map(bound).unwrap_or_default());
    let node = match Node::open(start) {
        Ok(node) => node,
        Err(error) => return fail(Exit::Config, error),
    };
    if let Err(error) = reload::watch(Arc::clone(&node)) {
        return fail(Exit::Config, format_args!("rule files cannot be watched: {error}"));
    }
    super::tell("ready");
    let mut screen = Screen::new(http);
    screen.head(&smpp, &rules);
    let mut peers = JoinSet::new();
    peers.spawn(smsc.clone().serve(listener));
    traffic(&mut peers, &smsc, &smpp);
    let mut serving = JoinSet::new();
    let served = Arc::clone(&node);
    serving.spawn(async move { served.serve(listeners).await });
    let end = tokio::time::sleep(Duration::from_secs(args.seconds.unwrap_or(u64::MAX / 4)));
    tokio::pin!(end);
    let ends = asked_to_end();
    tokio::pin!(ends);
    loop {
        tokio::select! {
            Some(seen) = seen.recv() => match seen {
                Seen::Decision(line) => screen.decision(&line),
                Seen::Reload(report) => screen.reload(&report),
            },
            () = &mut end => break,
            () = &mut ends => break,
        }
    }
    node.drain();
    peers.shutdown().await;
    serving.join_next().await;
    while let Ok(seen) = seen.try_recv() {
        if let Seen::Decision(line) = seen {
            screen.count(&line);
        }
    }
    screen.summary();
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
            tokio::time::sleep(BETWEEN_MO).await;
            smsc.leave(&letter.account, letter);
        }
    });
}
