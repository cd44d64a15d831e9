//! Reputation shared between nodes, through a stream of a Valkey or Redis that all of them reach.
//!
//! ```text
//!  memory ──what changed──▶ one entry of the stream, or a few ──▶ every other node adds it to its own memory
//! ```
//!
//! One task of each node does everything, each `every`: it writes what changed here since the last time (`XADD`) and reads
//! what others wrote since (`XREAD`), in one round trip. Nothing else ever waits for it. A stream was chosen over counters in
//! hashes (`HINCRBYFLOAT`) because a node then hears each change once, in order, with one read however many keys there are, and
//! because what fades cannot be added up in the store without the store knowing how it fades.
//!
//! - **A store that is away, or slow**: changes go on being added up in memory, so that a key that changed a thousand times is
//!   told once, and what waits is bounded by the number of keys (see [`Reputation::take_deltas`]). Each node goes on with what it
//!   knows. A connection that does not answer in time is given up and made anew.
//! - **Once and only once**: an entry carries its writer, its boot and a number. What may have been written when a connection
//!   broke is written again under the same number; who has heard it skips it.
//! - **A restart**: a node knows from its snapshot up to where it has heard the others, and goes on there. The stream holds
//!   what was told for `keep`; who was away for longer, or begins without a snapshot, knows what is left in the stream.
//! - **A store that forgot everything**: positions are the store's own time, so nodes go on with what is written from now on;
//!   where the new stream is behind a node's position, it begins at the stream's beginning.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{RedisError, Value};
use serde_json::json;

use super::{Node, metrics};
use crate::config::reputation::SharedSettings;
use crate::reputation::Reputation;
use crate::time::Timestamp;

/// A store that takes longer to answer is taken to be away.
const PATIENCE: Duration = Duration::from_secs(2);

/// Deltas of one entry.
const DELTAS_MAX: usize = 2_000;

/// Entries that are read at a time.
const ENTRIES_MAX: usize = 64;

/// The longest that is waited before the store is tried again.
const AGAIN_MAX: Duration = Duration::from_secs(1);

/// What a node knows of the stream.
#[derive(Debug)]
pub struct Shared {
    settings: SharedSettings,
    place: Mutex<Place>,
}

/// Up to where others were heard.
#[derive(Clone, Debug, Default)]
struct Place {
    /// Who this node is to the others, for as long as it has a snapshot to go by.
    me: String,
    /// The last entry that was read.
    position: String,
    /// Of each writer the boot and the number of the last entry heard.
    heard: HashMap<String, (u64, u64)>,
}

/// While this is held, nothing that others told is taken in.
#[derive(Debug)]
pub struct Still<'s>(MutexGuard<'s, Place>);

impl Still<'_> {
    /// One line: up to where others were heard.
    #[must_use]
    pub fn position(&self) -> String {
        let Place { me, position, heard } = &*self.0;
        json!({ "me": me, "position": position, "heard": heard }).to_string()
    }
}

/// One entry of the stream; what is told by it, where it is one of ours.
struct Entry {
    id: String,
    told: Option<Told>,
}

struct Told {
    writer: String,
    boot: u64,
    number: u64,
    /// When it was written, by the writer's clock, in µs.
    at: u64,
    deltas: Vec<u8>,
}

impl Shared {
    /// Goes on from the line of a snapshot; without one, as a node that nobody knows and that has heard nothing.
    #[must_use]
    pub fn new(settings: SharedSettings, beside: &str, fresh: &str) -> Self {
        let said: serde_json::Value = serde_json::from_str(beside).unwrap_or_default();
        let text = |key: &str| said.get(key).and_then(serde_json::Value::as_str).map(ToOwned::to_owned);
        let heard = said.get("heard").cloned().and_then(|heard| serde_json::from_value(heard).ok());
        let place = Place {
            me: text("me").filter(|me| !me.is_empty()).unwrap_or_else(|| fresh.to_owned()),
            position: text("position").filter(|id| milliseconds(id).is_some()).unwrap_or_else(|| START.into()),
            heard: heard.unwrap_or_default(),
        };
        Self { settings, place: Mutex::new(place) }
    }

    /// Keeps what others tell waiting for as long as the answer lives.
    #[must_use]
    pub fn hold_still(&self) -> Still<'_> {
        Still(self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in entries, each once; how many deltas, and the time of the newest.
    fn take_in(&self, entries: &[Entry], memory: &Reputation, now: Timestamp) -> (u64, Option<u64>) {
        let mut place = self.lock();
        let (mut received, mut newest) = (0, None);
        for entry in entries {
            place.position.clone_from(&entry.id);
            let Some(told) = &entry.told else { continue };
            let is_heard = place.heard.get(&told.writer).is_some_and(|heard| *heard >= (told.boot, told.number));
            if told.writer == place.me || is_heard {
                continue;
            }
            place.heard.insert(told.writer.clone(), (told.boot, told.number));
            match memory.decode(&told.deltas) {
                Ok(deltas) => {
                    deltas.iter().for_each(|delta| memory.merge(delta, now));
                    received += u64::try_from(deltas.len()).unwrap_or(0);
                    newest = Some(told.at);
                }
                Err(error) => {
                    metrics::shared_refused();
                    tracing::error!(node = told.writer, %error, "what another node told of reputation is not taken");
                }
            }
        }
        (received, newest)
    }
}

/// Before every entry.
const START: &str = "0-0";

/// The store's time of an entry.
fn milliseconds(id: &str) -> Option<u64> {
    id.split_once('-')?.0.parse().ok()
}

/// Tells and hears, until it is aborted.
pub async fn follow(node: Arc<Node>, shared: Arc<Shared>) {
    node.memory.reputation.share(true);
    let boot = node.clock.now().as_micros();
    let mut teller = Teller { node, shared, boot, number: 0, waiting: VecDeque::new(), connection: None };
    let every = teller.shared.settings.every;
    let mut again = every;
    let mut is_up = None;
    loop {
        let exchanged = match tokio::time::timeout(PATIENCE * 2, teller.exchange()).await {
            Ok(exchanged) => exchanged.map_err(|e| e.to_string()),
            Err(_) => Err("it does not answer".to_owned()),
        };
        metrics::shared_up(exchanged.is_ok());
        match exchanged {
            Ok(more) => {
                if is_up == Some(false) {
                    tracing::info!(store = teller.name(), "reputation is shared again");
                }
                (is_up, again) = (Some(true), every);
                if !more {
                    tokio::time::sleep(every).await;
                }
            }
            Err(error) => {
                if is_up != Some(false) {
                    tracing::error!(
                        store = teller.name(),
                        error,
                        "reputation is not shared: this node goes on with what it knows"
                    );
                }
                is_up = Some(false);
                teller.connection = None;
                tokio::time::sleep(again).await;
                again = (again * 2).min(AGAIN_MAX);
            }
        }
    }
}

/// One node's side of the exchange.
struct Teller {
    node: Arc<Node>,
    shared: Arc<Shared>,
    boot: u64,
    number: u64,
    /// What is to be written: nothing more is taken from memory, where it adds up, before this is.
    waiting: VecDeque<Waiting>,
    /// The store, and how far its clock is ahead of this node's, in ms.
    connection: Option<(MultiplexedConnection, i64)>,
}

struct Waiting {
    number: u64,
    count: usize,
    deltas: Vec<u8>,
}

impl Teller {
    /// The store without a password that may stand in its address.
    fn name(&self) -> String {
        let store = &self.shared.settings.store;
        store.rsplit_once('@').map_or_else(|| store.clone(), |(_, host)| format!("redis://{host}"))
    }

    /// One round; whether more waits to be read.
    async fn exchange(&mut self) -> Result<bool, RedisError> {
        let (mut connection, ahead) = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let (me, position) = self.collect().await;
        let settings = &self.shared.settings;
        let now = self.node.clock.now();
        let keep = i64::try_from(settings.keep.as_millis()).unwrap_or(i64::MAX);
        let oldest = milliseconds_of(now).saturating_add(ahead).saturating_sub(keep).max(0);
        let mut all = redis::pipe();
        for one in &self.waiting {
            all.cmd("XADD").arg(&settings.stream).arg("MINID").arg("~").arg(oldest).arg("*");
            all.arg("w").arg(&me).arg("b").arg(self.boot).arg("n").arg(one.number);
            all.arg("t").arg(now.as_micros()).arg("d").arg(one.deltas.as_slice()).ignore();
        }
        all.cmd("XREAD").arg("COUNT").arg(ENTRIES_MAX).arg("STREAMS").arg(&settings.stream).arg(&position);
        let answers: Vec<Value> = all.query_async(&mut connection).await?;
        self.connection = Some((connection, ahead));
        self.waiting.drain(..).for_each(|one| metrics::shared_sent(one.count));
        let entries = answers.first().map(entries).unwrap_or_default();
        if entries.is_empty() {
            metrics::shared_lag(Duration::ZERO);
            return Ok(false);
        }
        let more = entries.len() >= ENTRIES_MAX;
        let (node, shared) = (Arc::clone(&self.node), Arc::clone(&self.shared));
        beside(move || {
            let now = node.clock.now();
            let (received, newest) = shared.take_in(&entries, &node.memory.reputation, now);
            metrics::shared_received(received);
            if let Some(at) = newest {
                metrics::shared_lag(now.since(Timestamp(at)));
            }
        })
        .await;
        Ok(more)
    }

    /// Takes from memory what changed, where nothing waits; who this node is, and up to where it has heard the others.
    async fn collect(&mut self) -> (String, String) {
        let (node, shared) = (Arc::clone(&self.node), Arc::clone(&self.shared));
        let takes = self.waiting.is_empty();
        let taken = beside(move || {
            let memory = &node.memory.reputation;
            let deltas = if takes { memory.take_deltas() } else { Vec::new() };
            let some = deltas.chunks(DELTAS_MAX).map(|some| (some.len(), memory.encode(some)));
            let place = shared.lock();
            (some.collect::<Vec<_>>(), place.me.clone(), place.position.clone())
        });
        let (some, me, position) = taken.await.unwrap_or_default();
        for (count, deltas) in some {
            self.number += 1;
            self.waiting.push_back(Waiting { number: self.number, count, deltas });
        }
        (me, position)
    }

    /// Connects, and looks whether the stream is still the one that this node has read.
    async fn connect(&self) -> Result<(MultiplexedConnection, i64), RedisError> {
        let settings = &self.shared.settings;
        let config = redis::AsyncConnectionConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE));
        let client = redis::Client::open(settings.store.as_str())?;
        let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        let (seconds, micros): (i64, i64) = redis::cmd("TIME").query_async(&mut connection).await?;
        let ahead = (seconds * 1_000 + micros / 1_000) - milliseconds_of(self.node.clock.now());
        let mut last = redis::cmd("XREVRANGE");
        last.arg(&settings.stream).arg("+").arg("-").arg("COUNT").arg(1);
        let answer: Value = last.query_async(&mut connection).await?;
        if let Some(id) = list(&answer).first().and_then(|entry| text(list(entry).first()?)) {
            let (shared, name) = (Arc::clone(&self.shared), self.name());
            beside(move || {
                let mut place = shared.lock();
                if milliseconds(&id) < milliseconds(&place.position) {
                    tracing::warn!(store = name, "the stream of reputation begins anew");
                    place.position = START.into();
                }
            })
            .await;
        }
        Ok((connection, ahead))
    }
}

/// Works where no session waits for it: memory may be held still while a snapshot is taken.
async fn beside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}

fn milliseconds_of(at: Timestamp) -> i64 {
    i64::try_from(at.as_micros() / 1_000).unwrap_or(i64::MAX)
}

fn list(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) => items,
        _ => &[],
    }
}

fn octets(value: &Value) -> Option<&[u8]> {
    match value {
        Value::BulkString(octets) => Some(octets),
        _ => None,
    }
}

fn text(value: &Value) -> Option<String> {
    octets(value).and_then(|octets| String::from_utf8(octets.to_vec()).ok())
}

/// The entries of an answer to `XREAD` of one stream.
fn entries(answer: &Value) -> Vec<Entry> {
    let stream = list(answer).first().map(list).unwrap_or_default();
    let all = stream.get(1).map(list).unwrap_or_default();
    let entry = |value: &Value| {
        let [id, fields] = list(value) else { return None };
        Some(Entry { id: text(id)?, told: told(list(fields)) })
    };
    all.iter().filter_map(entry).collect()
}

fn told(fields: &[Value]) -> Option<Told> {
    let pairs = fields.as_chunks::<2>().0;
    let field = |name: &[u8]| pairs.iter().find(|[key, _]| octets(key) == Some(name)).map(|[_, value]| value);
    let number = |name: &[u8]| text(field(name)?)?.parse().ok();
    Some(Told {
        writer: text(field(b"w")?)?,
        boot: number(b"b")?,
        number: number(b"n")?,
        at: number(b"t")?,
        deltas: octets(field(b"d")?)?.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reputation::{Fate, Ground, Key, Kind, Settings, Sighting, Traits};

    const NOW: Timestamp = Timestamp(1_795_000_000_000_000);

    fn shared(beside: &str, fresh: &str) -> Shared {
        let (every, keep) = (Duration::from_millis(20), Duration::from_secs(60));
        Shared::new(SharedSettings { store: "redis://a".into(), stream: "s".into(), every, keep }, beside, fresh)
    }

    fn caught(memory: &Reputation) -> Key {
        let sender = memory.key(Kind::Sender, "dbs");
        let mut traits = Traits::default();
        traits.add(sender);
        memory.observe(
            &Sighting { traits: &traits, fate: Fate::Blocked, ground: Ground::Proof, template: None },
            [],
            NOW,
        );
        sender
    }

    fn entry(id: &str, writer: &str, number: u64, deltas: Vec<u8>) -> Entry {
        Entry { id: id.into(), told: Some(Told { writer: writer.into(), boot: 1, number, at: NOW.0, deltas }) }
    }

    #[test]
    fn what_is_written_twice_is_taken_once_over_a_restart_too() {
        let (a, b) = (Reputation::new(Settings::default(), NOW), Reputation::new(Settings::default(), NOW));
        a.share(true);
        let sender = caught(&a);
        let deltas = a.encode(&a.take_deltas());
        let node = shared("", "b");
        let proven = || b.explain(sender, NOW).counts.proven;
        assert_eq!(node.take_in(&[entry("5-0", "a", 1, deltas.clone())], &b, NOW), (1, Some(NOW.0)));
        assert_eq!((proven(), node.take_in(&[entry("6-0", "a", 1, deltas.clone())], &b, NOW).0), (1.0, 0));
        // Its own, and what is none of ours.
        assert_eq!(node.take_in(&[entry("7-0", "b", 9, deltas.clone())], &b, NOW).0, 0);
        assert_eq!(node.take_in(&[Entry { id: "8-0".into(), told: None }], &b, NOW).0, 0);
        let line = node.hold_still().position();
        let again = shared(&line, "c");
        let place = again.lock().clone();
        assert_eq!((place.me.as_str(), place.position.as_str()), ("b", "8-0"));
        assert_eq!(again.take_in(&[entry("9-0", "a", 1, deltas.clone())], &b, NOW).0, 0);
        assert_eq!(again.take_in(&[entry("10-0", "a", 2, deltas)], &b, NOW).0, 1);
        assert_eq!(proven(), 2.0);
        assert_eq!(again.take_in(&[entry("11-0", "a", 3, b"damaged".to_vec())], &b, NOW).0, 0);
    }

    #[test]
    fn a_line_that_is_damaged_is_one_of_a_new_node() {
        for line in ["", "{", "[]", r#"{"me":"","position":"x","heard":7}"#] {
            let node = shared(line, "fresh");
            let place = node.lock().clone();
            assert_eq!((place.me.as_str(), place.position.as_str(), place.heard.len()), ("fresh", START, 0), "{line}");
        }
    }
}
