//! The only layer with sockets, tasks, clocks and disks.
//!
//! A [`Node`] is what all sessions of a process share. Each session is one task that drives one gate ([`link`]); a panic
//! in it closes that session and no other.

mod amend;
pub mod beside;
pub mod canary;
pub mod capture;
pub mod clock;
pub mod console;
mod durations;
pub mod edits;
pub mod feeds;
pub mod files;
pub mod history;
pub mod http;
pub mod intel;
pub mod journal;
mod keeper;
mod key;
pub mod link;
mod listen;
pub mod live;
pub mod load;
pub mod metrics;
pub mod peer;
pub mod reload;
pub mod remember;
pub mod reputation;
mod rule_times;
mod sha256;
pub mod shared;
pub mod snapshot;
pub mod store;
mod stream;
mod tls;
pub mod upstream;

use std::collections::HashMap;
use std::hash::RandomState;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ::metrics::counter;
use arc_swap::{ArcSwap, ArcSwapOption};
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::{Map, Value, json};
use tokio::net::TcpStream;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinSet;

use crate::account::{Keeping, Memory, SessionId};
use crate::audit::record::Recorder;
use crate::audit::shadow::ShadowChanges;
use crate::audit::tally::Tally;
use crate::config::settings::Settings;
use crate::gate::{self, Texts};
use crate::policy::{Loaded, Policy};
use crate::reputation::Reputation;
use crate::session::{Bounds, Durations};
use canary::Canary;
use capture::Capture;
use clock::Clock;
use intel::Intel;
use journal::Journal;
pub use listen::Listeners;
use live::Watcher;
use reload::Reloader;
use rule_times::RuleTimes;
use shared::Shared;
use snapshot::Snapshots;
use store::Store;
use tls::Acceptor;
use upstream::Upstream;

/// What all sessions of a process share.
#[derive(Debug)]
pub struct Node {
    /// What it was started with.
    pub settings: Settings,
    /// The policy in force.
    pub policy: ArcSwap<Policy>,
    /// The policy on trial, when one is.
    pub canary: ArcSwapOption<Canary>,
    /// What sessions share.
    pub memory: Memory,
    /// What other carriers tell.
    pub intel: Intel,
    /// Time.
    pub clock: Clock,
    gate: Arc<gate::Settings>,
    upstream: Upstream,
    acceptor: Option<Acceptor>,
    journal: Journal,
    capture: Option<Capture>,
    recorder: ArcSwap<Recorder>,
    master_key: [u8; 32],
    /// Chooses the passes that are written, so that nobody outside can tell which.
    sampling: RandomState,
    tally: Mutex<Tally>,
    shadow: Mutex<ShadowChanges>,
    rule_times: RuleTimes,
    accounts: metrics::Accounts,
    /// A trial is to be looked at.
    settle: Notify,
    wakes: Mutex<HashMap<SessionId, Arc<Notify>>>,
    drain: watch::Sender<bool>,
    next_session: AtomicU64,
    watcher: Option<Watcher>,
    prometheus: PrometheusHandle,
    store: Option<Store>,
    snapshots: Option<Snapshots>,
    shared: Option<Arc<Shared>>,
    /// Loads policies.
    pub reloader: Reloader,
}

/// How a node is started.
#[derive(Debug)]
pub struct Start {
    /// What was loaded.
    pub loaded: Loaded,
    /// Where it came from.
    pub origin: files::Origin,
    /// Relative folders of the settings are below this one.
    pub base: PathBuf,
    /// Who watches what happens.
    pub watcher: Option<Watcher>,
}

/// Certificates are looked at this often.
const RENEW_EVERY: Duration = Duration::from_secs(2);
/// Tally records come this often.
const TALLY_EVERY: Duration = Duration::from_secs(60);
/// What is remembered is written this often when it has changed.
const SAVE_EVERY: Duration = Duration::from_millis(500);

impl Node {
    /// Opens journal, capture and store, and takes the policy into force.
    ///
    /// # Errors
    /// When journal, capture, store, certificates or the secret of memory cannot be opened.
    pub fn open(start: Start) -> io::Result<Arc<Self>> {
        let clock = Clock::start();
        let Loaded { policy, settings, .. } = start.loaded;
        let boot_seconds = clock.now().0 / 1_000_000;
        let boot = format!("{:x}", clock.now().0 / 1_000);
        let master_key = key::of_node(settings.journal.dir.as_ref().map(|d| start.base.join(d)).as_deref())?;
        let upstream = Upstream::open(settings.smsc.clone(), &start.base, settings.timers.connect, clock)?;
        let acceptor = settings.listen_tls.as_ref().map(|tls| Acceptor::open(tls, &start.base)).transpose()?;
        let recorder = Recorder {
            node: settings.node.clone(),
            boot,
            key: key::of_day(&master_key, clock),
            text: settings.journal.text,
            smscs: upstream.names(),
        };
        let journal = match &settings.journal.dir {
            Some(dir) => Journal::open(&settings.journal, &start.base.join(dir), recorder.clone(), clock)?,
            None => Journal::off(),
        };
        let capture = match &settings.capture {
            Some(capture) => Some(Capture::open(capture, &start.base, &settings.node, clock)?),
            None => None,
        };
        let prometheus = metrics::install().map_err(io::Error::other)?;
        let kept = remember::settings(&settings.reputation, &start.base, &master_key)?;
        let passed_max = remember::passed_max(&settings.reputation);
        let reputation = Reputation::new(kept, clock.now());
        let memory = Memory::with(boot_seconds.saturating_mul(1_000_000), reputation, passed_max);
        let store = settings.state.as_ref().map(|dir| Store::open(&start.base.join(dir))).transpose()?;
        let restored = store.as_ref().map_or(0, |s| s.restore(&memory));
        let state = settings.state.as_ref().map(|dir| start.base.join(dir));
        let snapshots = Snapshots::open(&settings.reputation, state.as_deref(), &start.base)?;
        let known = snapshots.as_ref().map(|s| s.restore(&memory.reputation)).unwrap_or_default();
        let said = &settings.reputation.intel;
        let folders = (state.as_deref(), start.base.as_path());
        let intel = Intel::open(said, &settings.node, folders, &memory.reputation, clock.now())?;
        let shared = settings.reputation.shared.clone();
        let shared = shared
            .map(|s| key::random().map(|me| Arc::new(Shared::new(s, &known.beside, &key::hex(&me)))))
            .transpose()?;
        let policies = settings.journal.dir.as_ref().map(|d| start.base.join(d).join("policies"));
        metrics::policy(None, &policy, seconds(clock));
        // Without a journal and a watcher nobody looks at a text but rules.
        let texts = if journal.is_on() || start.watcher.is_some() { Texts::Read } else { Texts::ReadForRules };
        let node = Arc::new(Self {
            gate: Arc::new(gate::Settings { texts, ..gate_settings(&settings) }),
            accounts: metrics::Accounts::new(settings.limits.accounts),
            reloader: Reloader::new(start.origin, policies),
            settings,
            policy: ArcSwap::from_pointee(policy),
            canary: ArcSwapOption::empty(),
            memory,
            intel,
            clock,
            upstream,
            acceptor,
            journal,
            capture,
            recorder: ArcSwap::from_pointee(recorder),
            master_key,
            sampling: RandomState::new(),
            tally: Mutex::default(),
            shadow: Mutex::default(),
            rule_times: RuleTimes::default(),
            settle: Notify::new(),
            wakes: Mutex::default(),
            drain: watch::Sender::new(false),
            next_session: AtomicU64::new(boot_seconds << 20),
            watcher: start.watcher,
            prometheus,
            store,
            snapshots,
            shared,
        });
        let keys = known.restored.map_or(0, |r| r.keys);
        let policy = node.policy.load().digest().to_owned();
        node.control("start", json!({ "policy": policy, "remembered": restored, "reputation": keys }));
        if let Some(snapshots) = &node.snapshots {
            snapshots.follow(&node)?;
        }
        node.reloader.started(&node);
        Ok(node)
    }

    /// Serves until drained.
    pub async fn serve(self: &Arc<Self>, mut listeners: Listeners) {
        let permits = Arc::new(Semaphore::new(self.settings.limits.sessions));
        let mut sessions = JoinSet::new();
        let mut helpers = JoinSet::new();
        if let Some(admin) = listeners.admin.take() {
            helpers.spawn(console::serve(Arc::clone(self), admin));
        }
        helpers.spawn(Arc::clone(self).keep_house());
        helpers.spawn(feeds::follow(Arc::clone(self)));
        helpers.spawn(intel::follow(Arc::clone(self)));
        if let Some(shared) = &self.shared {
            helpers.spawn(shared::follow(Arc::clone(self), Arc::clone(shared)));
        }
        let mut draining = self.drain.subscribe();
        while !*draining.borrow() {
            let permit = tokio::select! {
                permit = Arc::clone(&permits).acquire_owned() => permit.ok(),
                _ = draining.changed() => break,
                Some(ended) = sessions.join_next() => { Self::ended(ended); continue }
            };
            tokio::select! {
                accepted = listeners.accept() => match accepted {
                    Ok((tcp, peer, inside_tls)) => {
                        let node = Arc::clone(self);
                        sessions.spawn(async move { node.session(tcp, peer, inside_tls).await; drop(permit) });
                    }
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                },
                _ = draining.changed() => break,
                Some(ended) = sessions.join_next() => Self::ended(ended),
            }
        }
        drop(listeners);
        let timers = &self.settings.timers;
        let patience = timers.drain + timers.linger + Duration::from_secs(1);
        let all = async {
            while let Some(ended) = sessions.join_next().await {
                Self::ended(ended)
            }
        };
        if tokio::time::timeout(patience, all).await.is_err() {
            tracing::warn!("some sessions did not end in time");
        }
        helpers.shutdown().await;
    }

    /// The last records, and what is remembered. Nothing is served any more.
    pub fn close(&self) {
        self.reloader.wait();
        self.tell_tally();
        self.control("stop", json!({}));
        self.save();
        if let Some(snapshots) = &self.snapshots {
            snapshots.end();
            self.save_reputation();
        }
        if let Some(capture) = &self.capture {
            capture.close();
        }
        self.journal.close();
    }

    /// Refuses what is new, and ends once outstanding answers have come home.
    pub fn drain(&self) {
        self.drain.send_replace(true);
    }

    /// Whether it ends.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        *self.drain.borrow()
    }

    async fn session(self: &Arc<Self>, tcp: TcpStream, peer: SocketAddr, inside_tls: bool) {
        let _ = tcp.set_nodelay(true);
        let Some(stream) = self.shake_hands(tcp, peer, inside_tls).await else { return };
        let id = SessionId(self.next_session.fetch_add(1, Ordering::Relaxed));
        let wake = Arc::new(Notify::new());
        self.wakes().insert(id, Arc::clone(&wake));
        counter!("tapis_sessions_total").increment(1);
        let _registered = Registered { node: self, id };
        link::Link::new(Arc::clone(self), id, stream, peer, wake).run().await;
    }

    fn ended(ended: Result<(), tokio::task::JoinError>) {
        if ended.is_err_and(|e| e.is_panic()) {
            counter!("tapis_session_panics_total").increment(1);
            tracing::error!("a session erred and was closed");
        }
    }

    /// The policy that judges a session: the one in force, or the one that is tried on a share of them.
    #[must_use]
    pub fn policy_of(&self, session: SessionId) -> Arc<Policy> {
        match &*self.canary.load() {
            Some(canary) if canary.takes(session) => Arc::clone(&canary.policy),
            _ => self.policy.load_full(),
        }
    }

    fn wakes(&self) -> std::sync::MutexGuard<'_, HashMap<SessionId, Arc<Notify>>> {
        self.wakes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self, session: SessionId) {
        if let Some(wake) = self.wakes().get(&session) {
            wake.notify_one();
        }
    }

    /// What happens by the clock: tallies, snapshots, and the day's key.
    async fn keep_house(self: Arc<Self>) {
        let mut save = tokio::time::interval(SAVE_EVERY);
        let mut tally = tokio::time::interval_at(tokio::time::Instant::now() + TALLY_EVERY, TALLY_EVERY);
        let mut renew = tokio::time::interval(RENEW_EVERY);
        let mut saved = self.memory.changes();
        loop {
            tokio::select! {
                _ = save.tick() => {
                    let changes = self.memory.changes();
                    if changes != saved && self.store.is_some() {
                        let node = Arc::clone(&self);
                        let _ = tokio::task::spawn_blocking(move || node.save()).await;
                        saved = changes;
                    }
                    metrics::reputation(self.memory.reputation.fill().entries, self.memory.reputation.untold());
                    self.prometheus.run_upkeep();
                    self.settle_canary().await;
                    let node = Arc::clone(&self);
                    let _ = tokio::task::spawn_blocking(move || node.reloader.free_retired()).await;
                }
                _ = renew.tick() => {
                    let node = Arc::clone(&self);
                    let _ = tokio::task::spawn_blocking(move || node.renew_certificates()).await;
                }
                () = self.settle.notified() => self.settle_canary().await,
                _ = tally.tick() => {
                    self.tell_tally();
                    let key = key::of_day(&self.master_key, self.clock);
                    if self.recorder.load().key.1 != key.1 {
                        let recorder = Recorder { key, ..Recorder::clone(&self.recorder.load()) };
                        self.recorder.store(Arc::new(recorder));
                    }
                }
            }
        }
    }

    async fn settle_canary(self: &Arc<Self>) {
        if self.canary.load().is_some() {
            let node = Arc::clone(self);
            let _ = tokio::task::spawn_blocking(move || node.reloader.settle(&node)).await;
        }
    }

    fn save(&self) {
        if let Some(store) = &self.store
            && let Err(error) = store.save(&self.memory)
        {
            tracing::error!(%error, "what is remembered cannot be written");
        }
    }

    fn merge(&self, tally: Tally) {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner).merge(tally);
    }

    fn merge_shadow(&self, changes: ShadowChanges) {
        let policy = self.policy.load();
        let is_known = |rule: &str| policy.rules.rule_of(rule).is_some();
        self.shadow.lock().unwrap_or_else(PoisonError::into_inner).merge(changes, is_known);
    }

    /// What a rule in shadow would have changed since the start.
    fn shadow_changes(&self, rule: &str) -> Value {
        self.shadow.lock().unwrap_or_else(PoisonError::into_inner).of(rule)
    }

    /// What rules have cost, up to now.
    fn rule_times(&self) -> &RuleTimes {
        self.rule_times.take(&self.policy.load());
        if let Some(trial) = &*self.canary.load() {
            self.rule_times.take(&trial.policy);
        }
        &self.rule_times
    }

    fn tell_tally(&self) {
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        if let Value::Object(body) = tally.take() {
            self.journal.write("tally", self.clock.now(), body);
        }
    }

    /// Records what somebody did to the node.
    pub fn control(&self, what: &str, details: Value) {
        let mut body = Map::new();
        body.insert("what".into(), what.into());
        body.insert("details".into(), details);
        self.journal.write("control", self.clock.now(), body);
    }
}

/// A session's place in the list of those that can be woken.
struct Registered<'a> {
    node: &'a Node,
    id: SessionId,
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        self.node.wakes().remove(&self.id);
    }
}

fn seconds(clock: Clock) -> f64 {
    Duration::from_micros(clock.now().0).as_secs_f64()
}

/// How gates are set by a configuration.
#[must_use]
pub fn gate_settings(settings: &Settings) -> gate::Settings {
    let (timers, limits) = (&settings.timers, &settings.limits);
    gate::Settings {
        bounds: Bounds {
            pdu_octets_max: limits.pdu,
            leg_octets_max: limits.leg_buffer,
            outstanding_max: limits.outstanding,
        },
        durations: Durations {
            session_init: timers.session_init,
            response: timers.response,
            enquire_link: timers.enquire_link,
            linger: timers.linger,
            drain: timers.drain,
        },
        message_ids: if settings.message_ids_hexadecimal {
            gate::MessageIds::Hexadecimal
        } else {
            gate::MessageIds::Decimal
        },
        mo_refusals_max: settings.mo_refusals,
        parts: gate::Parts {
            hold: settings.parts.hold,
            quiet: settings.parts.quiet,
            hold_mo: settings.parts.hold_mo,
            keeping: Keeping {
                verdict_ttl: settings.parts.verdict_ttl,
                octets_max: limits.parts,
                join_singles: settings.parts.join_singles,
            },
        },
        texts: Texts::Read,
    }
}
