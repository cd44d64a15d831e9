//! `listen_tls:` and `tls:` of an smsc: SMPP inside TLS.

use super::decode::{Decoder, Fields};
use super::keys;
use super::tree::{Node, Value};

/// `listen_tls:`, where ESMEs connect over TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenTls {
    /// `host:port`.
    pub address: String,
    /// The file of the certificate and those that lead to its authority (PEM).
    pub certificate: String,
    /// The file of its key (PEM).
    pub key: String,
    /// The file of the authorities of which an ESME must show a certificate (PEM); none asks for none.
    pub client_ca: Option<String>,
}

/// `tls:` of an smsc.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SmscTls {
    /// The file of the authorities that its certificate must come from (PEM); none for those of the machine.
    pub ca: Option<String>,
    /// The name that its certificate must have; none for the host of its address.
    pub name: Option<String>,
    /// The files of the certificate and the key that Tapis shows (PEM).
    pub identity: Option<(String, String)>,
}

impl Decoder<'_> {
    pub(super) fn listen_tls(&mut self, node: &Node) -> Option<ListenTls> {
        if node.text() == Some("off") {
            return None;
        }
        let fields = self.section(node, &keys::LISTEN_TLS)?;
        let [address, certificate, key] =
            ["address", "certificate", "key"].map(|name| self.needed(&fields, "`listen_tls`", name));
        let address = address.filter(|a| self.is_address(a))?;
        let client_ca = fields.get("client_ca").and_then(|n| self.text(n, "`client_ca`")).map(|t| t.value);
        Some(ListenTls { address: address.value, certificate: certificate?.value, key: key?.value, client_ca })
    }

    pub(super) fn smsc_tls(&mut self, node: &Node) -> Option<SmscTls> {
        if !matches!(node.value, Value::Map(_)) {
            let word = self.choice(node, "`tls`", &["on", "off"])?;
            return (word.value == "on").then(SmscTls::default);
        }
        let fields = self.section(node, &keys::SMSC_TLS)?;
        let mut text = |key: &str| fields.get(key).and_then(|n| self.text(n, &format!("`{key}`"))).map(|t| t.value);
        let (ca, name, certificate, key) = (text("ca"), text("name"), text("certificate"), text("key"));
        let identity = match (certificate, key) {
            (None, None) => None,
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (Some(_), None) => {
                self.missing(fields.place, "a `certificate`", "key");
                None
            }
            (None, Some(_)) => {
                self.missing(fields.place, "a `key`", "certificate");
                None
            }
        };
        Some(SmscTls { ca, name, identity })
    }

    fn needed(&mut self, fields: &Fields<'_>, what: &str, key: &str) -> Option<super::decode::Placed<String>> {
        match fields.get(key) {
            Some(node) => self.text(node, &format!("`{key}`")),
            None => {
                self.missing(fields.place, what, key);
                None
            }
        }
    }
}
