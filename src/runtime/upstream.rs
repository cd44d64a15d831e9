//! Which SMSC: the one that the account's other binds use, else the first of the list that can be connected to.
//!
//! The next is tried only when connecting fails or takes too long, never after an answer to a bind. One that failed a
//! moment ago is tried last.

use std::io;
use std::path::Path;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::clock::Clock;
use super::stream::Stream;
use super::tls::Connector;
use crate::account::{Memory, SmscId};
use crate::config::settings::SmscSettings;
use crate::time::Timestamp;

/// How long an SMSC that failed stands behind the others.
const BACK_OFF: Duration = Duration::from_secs(2);

/// Connections being made to one SMSC at a time: an accept queue is finite, and five hundred ESMEs that come back
/// together would overflow it, each then waiting for its lost SYN to be sent again.
const CONNECTING_MAX: usize = 32;

/// The SMSCs.
#[derive(Debug)]
pub struct Upstream {
    smscs: Vec<SmscSettings>,
    /// How each is spoken to inside TLS, if it is.
    tls: Vec<Option<Connector>>,
    /// Turns at connecting, one set for each SMSC.
    turns: Vec<Semaphore>,
    failed: Mutex<Vec<Option<Timestamp>>>,
    connect: Duration,
    clock: Clock,
}

impl Upstream {
    /// SMSCs in the order in which they are tried; files of their settings are below `base`.
    ///
    /// # Errors
    /// When a certificate or a key cannot be used.
    pub fn open(smscs: Vec<SmscSettings>, base: &Path, connect: Duration, clock: Clock) -> io::Result<Self> {
        let connector =
            |smsc: &SmscSettings| smsc.tls.as_ref().map(|tls| Connector::open(tls, &smsc.address, base)).transpose();
        let tls = smscs.iter().map(connector).collect::<io::Result<_>>()?;
        let failed = Mutex::new(vec![None; smscs.len()]);
        let turns = smscs.iter().map(|_| Semaphore::new(CONNECTING_MAX)).collect();
        Ok(Self { smscs, tls, turns, failed, connect, clock })
    }

    /// Their names.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.smscs.iter().map(|s| s.id.clone()).collect()
    }

    /// Connects for an account.
    pub async fn connect(&self, memory: &Memory, account: &str) -> Option<(Stream, SmscId)> {
        for at in self.order(memory.smsc_of(account)) {
            let (Some(smsc), Some(turns)) = (self.smscs.get(at), self.turns.get(at)) else { continue };
            let Ok(_turn) = timeout(self.connect, turns.acquire()).await else { continue };
            let stream = async {
                let tcp = TcpStream::connect(&smsc.address).await?;
                let _ = tcp.set_nodelay(true);
                match self.tls.get(at).and_then(Option::as_ref) {
                    Some(tls) => tls.connect(tcp).await,
                    None => Ok(Stream::Plain(tcp)),
                }
            };
            match timeout(self.connect, stream).await {
                Ok(Ok(stream)) => {
                    self.mark(at, None);
                    return Some((stream, SmscId(u16::try_from(at).ok()?)));
                }
                Ok(Err(error)) => tracing::warn!(smsc = smsc.id, address = smsc.address, %error, "cannot connect"),
                Err(_) => tracing::warn!(smsc = smsc.id, address = smsc.address, "connecting takes too long"),
            }
            self.mark(at, Some(self.clock.now()));
        }
        None
    }

    /// What each is spoken to inside TLS with.
    pub fn connectors(&self) -> impl Iterator<Item = &Connector> {
        self.tls.iter().flatten()
    }

    fn order(&self, own: Option<SmscId>) -> Vec<usize> {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let now = self.clock.now();
        let lately = |at: &usize| failed.get(*at).copied().flatten().is_some_and(|t| now.since(t) < BACK_OFF);
        let mut order: Vec<usize> = (0..self.smscs.len()).collect();
        order.sort_by_key(|at| (Some(*at) != own.map(|o| usize::from(o.0)), lately(at), *at));
        order
    }

    fn mark(&self, at: usize, failed: Option<Timestamp>) {
        let mut all = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = all.get_mut(at) {
            *slot = failed;
        }
    }
}
