//! TLS on both sides of a box: an authority of this run's own, and connections inside TLS for threads.

use std::fs;
use std::io::{Read, Result, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
};

/// What the certificates are for.
pub const NAME: &str = "localhost";

/// Certificates as files for boxes, and as the peers use them.
pub struct Tls {
    /// The authority.
    pub ca: PathBuf,
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// Certificate and key in one file.
    pub both: PathBuf,
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
}

impl Tls {
    /// Writes them into a folder.
    pub fn new(folder: &Path) -> Self {
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // A certificate whose issuer has its own name is taken for its own issuer.
        authority.distinguished_name.push(DnType::CommonName, "authority");
        let key = KeyPair::generate().unwrap();
        let ca = authority.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(authority, key);
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec![NAME.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap().pem();
        let key = key.serialize_pem();

        let der = |pem: &str| CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(der(&ca)).unwrap();
        let client = ClientConfig::builder_with_provider(Arc::new(default_provider()));
        let client = client.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots);
        let server = ServerConfig::builder_with_provider(Arc::new(default_provider()));
        let server = server.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let private = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        Self {
            ca: write("ca.pem", &ca),
            certificate: write("certificate.pem", &certificate),
            key: write("key.pem", &key),
            both: write("both.pem", &format!("{certificate}{key}")),
            client: Arc::new(client.with_no_client_auth()),
            server: Arc::new(server.with_single_cert(vec![der(&certificate)], private).unwrap()),
        }
    }

    /// The side that has connected.
    pub fn client(&self, tcp: TcpStream) -> Stream {
        let name = ServerName::try_from(NAME).unwrap();
        let connection = ClientConnection::new(Arc::clone(&self.client), name).unwrap();
        Stream::Client(Box::new(StreamOwned::new(connection, tcp)))
    }

    /// The side that has accepted.
    pub fn server(&self, tcp: TcpStream) -> Stream {
        let connection = ServerConnection::new(Arc::clone(&self.server)).unwrap();
        Stream::Server(Box::new(StreamOwned::new(connection, tcp)))
    }
}

/// A connection with or without TLS.
pub enum Stream {
    Plain(TcpStream),
    Client(Box<StreamOwned<ClientConnection, TcpStream>>),
    Server(Box<StreamOwned<ServerConnection, TcpStream>>),
}

impl Stream {
    /// The same connection once more, for another thread; TLS has only one.
    pub fn again(&self) -> TcpStream {
        match self {
            Self::Plain(tcp) => tcp.try_clone().unwrap(),
            Self::Client(_) | Self::Server(_) => panic!("what is inside TLS is read and written by one thread"),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, octets: &mut [u8]) -> Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.read(octets),
            Self::Client(tls) => tls.read(octets),
            Self::Server(tls) => tls.read(octets),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, octets: &[u8]) -> Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.write(octets),
            Self::Client(tls) => tls.write(octets),
            Self::Server(tls) => tls.write(octets),
        }
    }

    fn flush(&mut self) -> Result<()> {
        match self {
            Self::Plain(tcp) => tcp.flush(),
            Self::Client(tls) => tls.flush(),
            Self::Server(tls) => tls.flush(),
        }
    }
}
