//! `tapis run`: production.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::{Exit, asked_to_end, fail, tell, tell_all};
use crate::config::settings::{Settings, SmscSettings};
use crate::runtime::clock::Clock;
use crate::runtime::files::Origin;
use crate::runtime::{Listeners, Node, Start, load, reload};

/// Runs the proxy until SIGTERM; SIGHUP reloads the rules.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The configuration, as config/tapis.yaml.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where ESMEs connect, as 0.0.0.0:2775.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// An SMSC, as 10.0.0.1:2775; tried in the order given.
    #[arg(long, value_name = "ADDRESS")]
    smsc: Vec<String>,
    /// Where operators and Prometheus connect, as 127.0.0.1:9090, or off.
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<String>,
    /// A rule file or a folder of them, in place of those the configuration names; an empty folder passes all.
    #[arg(long, value_name = "PATH")]
    rules: Vec<PathBuf>,
    /// The folder of the journal.
    #[arg(long, value_name = "DIR")]
    journal: Option<PathBuf>,
    /// The folder that remembers tagged and swallowed messages over a restart.
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
}

/// Runs it.
pub(super) fn run(args: Args) -> Exit {
    let state = args.state.as_deref().and_then(|dir| std::path::absolute(dir).ok());
    let origin = Origin { main: args.config.clone(), rules: args.rules.clone(), state };
    let (mut loaded, sources, _) = match load::load(&origin, Clock::start().now()) {
        Ok(loaded) => loaded,
        Err((diagnostics, sources)) => {
            tell_all(&diagnostics, &sources);
            return fail(Exit::Config, format_args!("{} diagnostics; nothing was started", diagnostics.len()));
        }
    };
    tell_all(&loaded.warnings, &sources);
    apply(args, &mut loaded.settings);
    if loaded.settings.smsc.is_empty() {
        return fail(Exit::Config, "no SMSC is named: write `smsc:` in the configuration, or --smsc ADDRESS");
    }
    let base = origin.main.as_deref().and_then(Path::parent).unwrap_or(Path::new("")).to_owned();
    let start = Start { loaded, origin, base, watcher: None };
    match super::runtime() {
        Ok(runtime) => runtime.block_on(serve(start)),
        Err(error) => fail(Exit::Config, error),
    }
}

/// What the command line says counts more than what the file says.
fn apply(args: Args, settings: &mut Settings) {
    if let Some(listen) = args.listen {
        settings.listen = listen;
    }
    if let Some(admin) = args.admin {
        settings.admin = Some(admin).filter(|a| a != "off");
    }
    if !args.smsc.is_empty() {
        let named = |(n, address): (usize, String)| SmscSettings { id: format!("smsc-{}", n + 1), address, tls: None };
        settings.smsc = args.smsc.into_iter().enumerate().map(named).collect();
    }
    let here = |dir: PathBuf| std::path::absolute(&dir).unwrap_or(dir).display().to_string();
    if let Some(dir) = args.journal {
        settings.journal.dir = Some(here(dir));
    }
    if let Some(dir) = args.state {
        settings.state = Some(here(dir));
    }
}

async fn serve(start: Start) -> Exit {
    // Signals are caught from the beginning: whoever reads "ready" may send one at once.
    let mut hangup = signal(SignalKind::hangup()).ok();
    let ends = asked_to_end();
    tokio::pin!(ends);
    let listeners = match bind(&start.loaded.settings).await {
        Ok(listeners) => listeners,
        Err(why) => return fail(Exit::Config, why),
    };
    let node = match Node::open(start) {
        Ok(node) => node,
        Err(error) => return fail(Exit::Config, format_args!("journal, capture, state or certificates: {error}")),
    };
    if node.settings.watch
        && let Err(error) = reload::watch(Arc::clone(&node))
    {
        tracing::error!(%error, "rule files are not watched");
    }
    let served = Arc::clone(&node);
    tell("ready");
    let serving = async move { served.serve(listeners).await };
    tokio::pin!(serving);
    let mut draining = false;
    loop {
        let reload = async {
            match &mut hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = &mut serving => break,
            () = &mut ends, if !draining => {
                tracing::info!("draining");
                draining = true;
                node.drain();
            }
            Some(()) = reload => {
                let node = Arc::clone(&node);
                tokio::task::spawn_blocking(move || node.reloader.reload(&node, &reload::Ask::by("SIGHUP")));
            }
        }
    }
    node.close();
    Exit::Fine
}

/// Binds what is listened at, and tells the addresses.
///
/// # Errors
/// Which address cannot be bound, and why.
pub(super) async fn bind(settings: &Settings) -> Result<Listeners, String> {
    let listen = async |what: &str, address: &str| {
        let cannot = |error: std::io::Error| format!("cannot listen at {address}: {error}");
        let listener = TcpListener::bind(address).await.map_err(cannot)?;
        let bound = listener.local_addr().map_err(cannot)?;
        tell(format_args!("listening {what} {bound}"));
        Ok::<_, String>(listener)
    };
    let smpp = listen("smpp", &settings.listen).await?;
    let smpp_tls = match &settings.listen_tls {
        Some(tls) => Some(listen("smpp over TLS", &tls.address).await?),
        None => None,
    };
    let admin = match &settings.admin {
        Some(address) => Some(listen("admin", address).await?),
        None => None,
    };
    Ok(Listeners { smpp, smpp_tls, admin })
}
