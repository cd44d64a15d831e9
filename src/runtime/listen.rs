//! Where a node is connected to, and how a connection becomes a stream: TLS is put on it, with certificates that may change.

use std::io;
use std::net::SocketAddr;

use ::metrics::counter;
use tokio::net::{TcpListener, TcpStream};

use super::stream::Stream;
use super::tls::{Acceptor, Connector};
use super::{Node, metrics};

/// Where a node is connected to.
#[derive(Debug)]
pub struct Listeners {
    /// By ESMEs.
    pub smpp: TcpListener,
    /// By ESMEs inside TLS.
    pub smpp_tls: Option<TcpListener>,
    /// By operators and Prometheus.
    pub admin: Option<TcpListener>,
}

impl Listeners {
    /// The next ESME, and whether it speaks TLS.
    pub(super) async fn accept(&self) -> io::Result<(TcpStream, SocketAddr, bool)> {
        let inside_tls = async {
            match &self.smpp_tls {
                Some(listener) => listener.accept().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            accepted = self.smpp.accept() => accepted.map(|(tcp, peer)| (tcp, peer, false)),
            accepted = inside_tls => accepted.map(|(tcp, peer)| (tcp, peer, true)),
        }
    }
}

impl Node {
    /// What an ESME is spoken to through; none when it does not come to that.
    pub(super) async fn shake_hands(&self, tcp: TcpStream, peer: SocketAddr, inside_tls: bool) -> Option<Stream> {
        let Some(acceptor) = self.acceptor.as_ref().filter(|_| inside_tls) else { return Some(Stream::Plain(tcp)) };
        let why = match tokio::time::timeout(self.settings.timers.session_init, acceptor.accept(tcp)).await {
            Ok(Ok(stream)) => return Some(stream),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it takes too long".into(),
        };
        counter!("tapis_tls_handshakes_failed_total").increment(1);
        tracing::info!(%peer, why, "no TLS with an ESME");
        None
    }

    /// Reads certificates and keys again that have changed.
    pub(super) fn renew_certificates(&self) {
        let acceptor = self.acceptor.iter().map(Acceptor::renew);
        let connectors = self.upstream.connectors().map(Connector::renew);
        for renewed in acceptor.chain(connectors) {
            match renewed {
                Ok(false) => {}
                Ok(true) => {
                    metrics::certificates_renewed("taken");
                    tracing::info!("certificates have changed: new connections use them");
                }
                Err(error) => {
                    metrics::certificates_renewed("failed");
                    tracing::error!(%error, "certificates have changed and cannot be used: the old ones stay");
                }
            }
        }
    }
}
