//! TLS on both legs, and for lists that are fetched: certificates, keys and authorities from files, read again when they
//! change. Files that cannot be used change nothing, and are told.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arc_swap::ArcSwap;
use tokio::net::TcpStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::stream::Stream;
use crate::config::tls::{ListenTls, SmscTls};

/// Files of which a configuration is made, as they were read.
type Files = Vec<(PathBuf, Vec<u8>)>;

/// Makes a configuration of files.
type Make<C> = Box<dyn Fn(&Files) -> io::Result<C> + Send + Sync>;

/// A configuration that is made of files, and made again when they change.
struct Kept<C> {
    paths: Vec<PathBuf>,
    make: Make<C>,
    made: ArcSwap<C>,
    /// The digest of the files that it was made of, and what was wrong with those that came after.
    of: Mutex<(blake3::Hash, String)>,
}

impl<C> Kept<C> {
    fn open(paths: Vec<PathBuf>, make: impl Fn(&Files) -> io::Result<C> + Send + Sync + 'static) -> io::Result<Self> {
        let files = read(&paths)?;
        let made = ArcSwap::from_pointee(make(&files)?);
        Ok(Self { paths, make: Box::new(make), made, of: Mutex::new((digest(&files), String::new())) })
    }

    /// Takes the files again when they have changed; whether they had. The same trouble is told once.
    fn renew(&self) -> io::Result<bool> {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        let renewed = read(&self.paths).and_then(|files| {
            let digest = digest(&files);
            if digest == of.0 {
                return Ok(false);
            }
            self.made.store(Arc::new((self.make)(&files)?));
            of.0 = digest;
            Ok(true)
        });
        let trouble = renewed.as_ref().err().map(ToString::to_string).unwrap_or_default();
        let is_known = trouble == of.1;
        of.1 = trouble;
        if is_known && renewed.is_err() { Ok(false) } else { renewed }
    }
}

impl<C> fmt::Debug for Kept<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("paths", &self.paths).finish_non_exhaustive()
    }
}

/// What ESMEs are accepted with.
#[derive(Debug)]
pub struct Acceptor(Kept<ServerConfig>);

impl Acceptor {
    /// Reads the files, which are below `base`.
    ///
    /// # Errors
    /// Which file cannot be used, and why.
    pub fn open(settings: &ListenTls, base: &Path) -> io::Result<Self> {
        let names = [Some(&settings.certificate), Some(&settings.key), settings.client_ca.as_ref()];
        Kept::open(names.into_iter().flatten().map(|name| base.join(name)).collect(), server).map(Self)
    }

    /// Takes the files again when they have changed; whether they had.
    ///
    /// # Errors
    /// Which file cannot be used, and why, once; what was read before stays in force.
    pub fn renew(&self) -> io::Result<bool> {
        self.0.renew()
    }

    /// Shakes hands with an ESME.
    ///
    /// # Errors
    /// When it wants something else.
    pub async fn accept(&self, tcp: TcpStream) -> io::Result<Stream> {
        let acceptor = TlsAcceptor::from(self.0.made.load_full());
        Ok(Stream::Tls(Box::new(acceptor.accept(tcp).await?.into())))
    }
}

/// What an SMSC is connected to with.
#[derive(Debug)]
pub struct Connector {
    name: ServerName<'static>,
    kept: Kept<ClientConfig>,
}

impl Connector {
    /// Reads the files, which are below `base`, for an SMSC at `address`.
    ///
    /// # Errors
    /// Which file cannot be used, and why.
    pub fn open(settings: &SmscTls, address: &str, base: &Path) -> io::Result<Self> {
        let name = server_name(settings.name.as_deref().unwrap_or_else(|| host(address)))?;
        let (certificate, key) = settings.identity.as_ref().map(|(c, k)| (c, k)).unzip();
        let names = [settings.ca.as_ref(), certificate, key];
        let has_ca = settings.ca.is_some();
        let paths = names.into_iter().flatten().map(|name| base.join(name)).collect();
        Ok(Self { name, kept: Kept::open(paths, move |files| client(has_ca, files))? })
    }

    /// Takes the files again when they have changed; whether they had.
    ///
    /// # Errors
    /// Which file cannot be used, and why, once; what was read before stays in force.
    pub fn renew(&self) -> io::Result<bool> {
        self.kept.renew()
    }

    /// Shakes hands with an SMSC.
    ///
    /// # Errors
    /// When it is not who it should be.
    pub async fn connect(&self, tcp: TcpStream) -> io::Result<Stream> {
        connect(self.kept.made.load_full(), self.name.clone(), tcp).await
    }
}

/// Shakes hands with a server whose certificate comes from one of the machine's authorities.
///
/// # Errors
/// When there are none, or it is not who it should be.
pub async fn connect_to(address: &str, tcp: TcpStream) -> io::Result<Stream> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    let config = match CONFIG.get() {
        Some(config) => config,
        None => {
            let made = Arc::new(client(false, &Files::new())?);
            CONFIG.get_or_init(|| made)
        }
    };
    connect(Arc::clone(config), server_name(host(address))?, tcp).await
}

async fn connect(config: Arc<ClientConfig>, name: ServerName<'static>, tcp: TcpStream) -> io::Result<Stream> {
    Ok(Stream::Tls(Box::new(TlsConnector::from(config).connect(name, tcp).await?.into())))
}

fn server_name(host: &str) -> io::Result<ServerName<'static>> {
    ServerName::try_from(host.to_owned()).map_err(|e| other(format!("`{host}`: {e}")))
}

/// The host of `host:port`, without the brackets of an IPv6 address.
fn host(address: &str) -> &str {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host)
}

fn read(paths: &[PathBuf]) -> io::Result<Files> {
    let file = |path: &PathBuf| fs::read(path).map(|octets| (path.clone(), octets)).map_err(|e| at(path, e));
    paths.iter().map(file).collect()
}

fn digest(files: &Files) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    for (_, octets) in files {
        hasher.update(blake3::hash(octets).as_bytes());
    }
    hasher.finalize()
}

fn server(files: &Files) -> io::Result<ServerConfig> {
    let [certificate, key, rest @ ..] = files.as_slice() else { return Err(other("no certificate".into())) };
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(|e| other(e.to_string()))?;
    let builder = match rest.first() {
        Some(ca) => {
            let provider = Arc::new(ring::default_provider());
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(authorities(ca)?), provider);
            builder.with_client_cert_verifier(verifier.build().map_err(|e| at(&ca.0, e))?)
        }
        None => builder.with_no_client_auth(),
    };
    builder.with_single_cert(certificates(certificate)?, private_key(key)?).map_err(|e| at(&certificate.0, e))
}

fn client(has_ca: bool, files: &Files) -> io::Result<ClientConfig> {
    let (ca, identity) = files.split_at(usize::from(has_ca).min(files.len()));
    let roots = match ca.first() {
        Some(ca) => authorities(ca)?,
        None => of_the_machine()?,
    };
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(|e| other(e.to_string()))?;
    let builder = builder.with_root_certificates(roots);
    match identity {
        [certificate, key] => builder
            .with_client_auth_cert(certificates(certificate)?, private_key(key)?)
            .map_err(|e| at(&certificate.0, e)),
        _ => Ok(builder.with_no_client_auth()),
    }
}

fn certificates((path, octets): &(PathBuf, Vec<u8>)) -> io::Result<Vec<CertificateDer<'static>>> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(octets).collect();
    let all = all.map_err(|e| at(path, e))?;
    if all.is_empty() { Err(at(path, "there is no certificate in it (PEM)")) } else { Ok(all) }
}

fn private_key((path, octets): &(PathBuf, Vec<u8>)) -> io::Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_slice(octets).map_err(|_| at(path, "there is no private key in it (PEM)"))
}

fn authorities(file: &(PathBuf, Vec<u8>)) -> io::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file)? {
        roots.add(certificate).map_err(|e| at(&file.0, e))?;
    }
    Ok(roots)
}

fn of_the_machine() -> io::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    let why = found.errors.first().map(ToString::to_string).unwrap_or_default();
    if roots.is_empty() { Err(other(format!("this machine has no certificate authorities: {why}"))) } else { Ok(roots) }
}

fn at(path: &Path, why: impl std::fmt::Display) -> io::Error {
    other(format!("{}: {why}", path.display()))
}

fn other(why: String) -> io::Error {
    io::Error::other(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_what_stands_before_the_port() {
        assert_eq!(
            [host("smsc.example:3550"), host("10.1.2.3:3550"), host("[::1]:3550"), host("smsc")],
            ["smsc.example", "10.1.2.3", "::1", "smsc"]
        );
    }
}
