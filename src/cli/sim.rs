//! `tapis sim`: an SMSC and ESMEs to load something with, and a day of made-up traffic.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::{Exit, asked_to_end, fail, say, tell};
use crate::runtime::clock::Clock;
use crate::runtime::peer::{self, Load, Smsc};
use crate::sim::corpus::{self, Letter};
use crate::sim::esme::Report;
use crate::sim::smsc::{Behaviour, Centre};
use crate::wire::command::{CommandId, RegisteredDelivery};

/// An SMSC or ESMEs to test with, each of which ends with a report in JSON; or a day of a carrier in one process.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    peer: Peer,
}

#[derive(Debug, Subcommand)]
enum Peer {
    /// An SMSC that takes everything, until SIGTERM.
    Smsc {
        /// Where ESMEs connect.
        #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:2776")]
        listen: String,
        /// It ends after so many seconds.
        #[arg(long)]
        seconds: Option<u64>,
        /// It sends no receipts.
        #[arg(long)]
        no_receipts: bool,
    },
    /// ESMEs that bind, submit, and unbind.
    Esme(EsmeArgs),
    Day(super::day::Args),
}

#[derive(Debug, clap::Args)]
struct EsmeArgs {
    /// Where the SMSC, or Tapis, listens.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:2775")]
    connect: String,
    /// Sessions side by side.
    #[arg(long, default_value_t = 1)]
    sessions: usize,
    /// Submits outstanding at a time, in each session.
    #[arg(long, default_value_t = 10)]
    window: usize,
    /// Messages in all.
    #[arg(long, default_value_t = 1_000)]
    messages: u64,
    /// Messages a second in all; as fast as they are answered when not given.
    #[arg(long)]
    rate: Option<f64>,
    /// A table of messages: tab-separated, its first line names the columns, one of them `text`, perhaps `from` and `to`.
    #[arg(long, value_name = "FILE")]
    corpus: Option<PathBuf>,
    /// The account; session n is NAME-n when there are several.
    #[arg(long, value_name = "NAME", default_value = "esme")]
    system_id: String,
    /// How to bind.
    #[arg(long, value_enum, default_value_t)]
    bind: Bind,
    /// Ask for receipts.
    #[arg(long)]
    receipts: bool,
    /// Seconds to stay after the last answer, for receipts.
    #[arg(long, value_name = "SECONDS", default_value_t = 0.0)]
    stay: f64,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Bind {
    #[default]
    Transceiver,
    Transmitter,
    Receiver,
}

/// Runs it.
pub(super) fn run(args: Args) -> Exit {
    if let Peer::Day(args) = &args.peer {
        return super::day::run(args);
    }
    let runtime = match super::runtime() {
        Ok(runtime) => runtime,
        Err(error) => return fail(Exit::Config, error),
    };
    match args.peer {
        Peer::Smsc { listen, seconds, no_receipts } => runtime.block_on(smsc(&listen, seconds, !no_receipts)),
        Peer::Esme(args) => runtime.block_on(esmes(args)),
        Peer::Day(args) => super::day::run(&args),
    }
}

async fn listener(address: &str) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address).await?;
    let bound = listener.local_addr()?;
    Ok((listener, bound))
}

async fn smsc(listen: &str, seconds: Option<u64>, receipts: bool) -> Exit {
    let (listener, bound) = match listener(listen).await {
        Ok(bound) => bound,
        Err(error) => return fail(Exit::Config, format_args!("cannot listen at {listen}: {error}")),
    };
    tell(format_args!("listening smpp {bound}"));
    tell("ready");
    let behaviour = Behaviour { receipts, ..Behaviour::default() };
    let smsc = Smsc::new(Centre::new(behaviour));
    tokio::select! {
        () = smsc.clone().serve(listener) => {}
        () = asked_to_end() => {}
        () = tokio::time::sleep(Duration::from_secs(seconds.unwrap_or(u64::MAX / 4))) => {}
    }
    say(smsc.with(|centre| json!({ "messages": centre.messages, "pdus": centre.received })));
    Exit::Fine
}

async fn esmes(args: EsmeArgs) -> Exit {
    let letters: Arc<[Letter]> = match &args.corpus {
        None => corpus::demo().into(),
        Some(file) => {
            let table = std::fs::read_to_string(file).map_err(|e| e.to_string());
            match table.and_then(|t| corpus::read(&t)) {
                Ok(letters) => letters.into(),
                Err(why) => return fail(Exit::Usage, format_args!("{}: {why}", file.display())),
            }
        }
    };
    let sessions = args.sessions.max(1);
    let count = u64::try_from(sessions).unwrap_or(1);
    let mut running = JoinSet::new();
    let clock = Clock::start();
    let start = clock.now();
    for n in 0..sessions {
        let nth = u64::try_from(n).unwrap_or(0);
        let load = Load {
            connect: args.connect.clone(),
            system_id: if sessions == 1 { args.system_id.clone() } else { format!("{}-{n}", args.system_id) },
            bind: match args.bind {
                Bind::Transceiver => CommandId::BIND_TRANSCEIVER,
                Bind::Transmitter => CommandId::BIND_TRANSMITTER,
                Bind::Receiver => CommandId::BIND_RECEIVER,
            },
            window: args.window.max(1),
            messages: Some(match args.bind {
                Bind::Receiver => 0,
                _ => args.messages / count + u64::from(nth < args.messages % count),
            }),
            rate: args.rate.map(|rate| rate / f64::from(u32::try_from(sessions).unwrap_or(1))),
            first: n,
            registered_delivery: RegisteredDelivery(u8::from(args.receipts)),
            stay: Duration::try_from_secs_f64(args.stay).unwrap_or_default(),
        };
        running.spawn(peer::esme(load, Arc::clone(&letters)));
    }
    let mut total = Report { bound: true, unbound: true, ..Report::default() };
    let mut errors: Vec<String> = Vec::new();
    while let Some(ended) = running.join_next().await {
        match ended {
            Ok(Ok(report)) => total.add(&report),
            Ok(Err(error)) => errors.push(error.to_string()),
            Err(error) => errors.push(error.to_string()),
        }
    }
    let seconds = clock.now().since(start).as_secs_f64();
    total.bound &= errors.is_empty();
    total.unbound &= errors.is_empty();
    let failed = !total.bound;
    say(report(&total, seconds, sessions, &errors));
    if failed { Exit::Failed } else { Exit::Fine }
}

fn report(total: &Report, seconds: f64, sessions: usize, errors: &[String]) -> Value {
    let answered = total.answered();
    let per_second = f64::from(u32::try_from(answered).unwrap_or(u32::MAX)) / seconds.max(1e-6);
    json!({
        "sessions": sessions, "bound": total.bound, "unbound": total.unbound, "submitted": total.submitted,
        "answered": answered, "answers": total.answers, "unanswered": total.submitted.saturating_sub(answered),
        "strays": total.strays, "receipts": total.receipts, "messages": total.messages, "errors": errors,
        "seconds": (seconds * 1_000.0).round() / 1_000.0, "messages_per_second": per_second.round(),
    })
}
