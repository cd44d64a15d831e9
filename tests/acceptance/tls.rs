//! SMPP inside TLS on both legs, certificates that change, and lists over https. ESMEs and SMSCs of the tests speak TCP;
//! tunnels put TLS on it.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, Issuer, KeyPair};
use tapis::wire::command::CommandStatus;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::lists;
use super::node::{Folder, Node, RULES, until};
use super::peer::{OK, Peer, Smsc, bind, bound};
use super::served::server;
use super::{TRX, wire};

/// An authority.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate and its key.
#[derive(Clone)]
struct Identity {
    certificate: String,
    key: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    fn issue(&self) -> Identity {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap().pem();
        Identity { certificate, key: key.serialize_pem() }
    }
}

fn chain(identity: &Identity) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes()).unwrap();
    (vec![certificate], PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap())
}

/// An address where TCP is taken on to an address inside TLS, by somebody who trusts an authority and shows a certificate.
fn into_tls(runtime: &Runtime, to: &str, trusts: &Authority, shows: Option<&Identity>) -> String {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(trusts.pem.as_bytes()).unwrap()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots);
    let config = match shows.map(chain) {
        Some((certificates, key)) => builder.with_client_auth_cert(certificates, key).unwrap(),
        None => builder.with_no_client_auth(),
    };
    let (connector, to) = (TlsConnector::from(Arc::new(config)), to.to_owned());
    tunnel(runtime, move |mut tcp| {
        let (connector, to) = (connector.clone(), to.clone());
        async move {
            let Ok(far) = TcpStream::connect(&to).await else { return };
            let name = ServerName::try_from("localhost").unwrap();
            let Ok(mut tls) = connector.connect(name, far).await else { return };
            let _ = tokio::io::copy_bidirectional(&mut tcp, &mut tls).await;
        }
    })
}

/// An address where what comes inside TLS is taken on to an address as TCP, by somebody who shows a certificate.
fn out_of_tls(runtime: &Runtime, to: &str, shows: &Identity) -> String {
    let (certificates, key) = chain(shows);
    let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let acceptor = TlsAcceptor::from(Arc::new(builder.with_single_cert(certificates, key).unwrap()));
    let to = to.to_owned();
    tunnel(runtime, move |tcp| {
        let (acceptor, to) = (acceptor.clone(), to.clone());
        async move {
            let Ok(mut tls) = acceptor.accept(tcp).await else { return };
            let Ok(mut far) = TcpStream::connect(&to).await else { return };
            let _ = tokio::io::copy_bidirectional(&mut tls, &mut far).await;
        }
    })
}

fn tunnel<F: Future<Output = ()> + Send + 'static>(
    runtime: &Runtime,
    each: impl Fn(TcpStream) -> F + Send + 'static,
) -> String {
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    runtime.spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            tokio::spawn(each(tcp));
        }
    });
    address
}

fn write(folder: &Folder, name: &str, identity: &Identity) {
    folder.write(&format!("{name}.pem"), &identity.certificate);
    folder.write(&format!("{name}.key"), &identity.key);
}

fn configure(folder: &Folder, smsc: &str) -> PathBuf {
    folder.write("rules.yaml", RULES);
    folder.write(
        "tapis.yaml",
        &format!(
            "listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\nrules: [rules.yaml]\ntimers: {{ drain: 3s, linger: 500ms }}\n\
             listen_tls: {{ address: 127.0.0.1:0, certificate: tapis.pem, key: tapis.key, client_ca: partners.pem }}\n\
             smsc:\n  - {{ id: a, address: \"{smsc}\", tls: {{ ca: smsc-ca.pem, name: localhost }} }}\n"
        ),
    )
}

fn start(config: &PathBuf) -> Node {
    Node::spawn(Command::new(env!("CARGO_BIN_EXE_tapis")).arg("run").arg("--config").arg(config))
}

#[test]
fn messages_pass_inside_tls_on_both_legs_as_they_are() {
    let runtime = Runtime::new().unwrap();
    let (ours, partners, smscs) = (Authority::new(), Authority::new(), Authority::new());
    let (folder, smsc) = (Folder::new(), Smsc::new());
    write(&folder, "tapis", &ours.issue());
    folder.write("partners.pem", &partners.pem);
    folder.write("smsc-ca.pem", &smscs.pem);
    let node = start(&configure(&folder, &out_of_tls(&runtime, &smsc.address(), &smscs.issue())));

    let partner = into_tls(&runtime, &node.smpp_tls, &ours, Some(&partners.issue()));
    let (mut esme, mut centre) = bound(&partner, &smsc, TRX, "esme");
    esme.submit(2, "tapisblock");
    assert_eq!(esme.expect_any().status(), CommandStatus::ESME_RINVSRCADR);

    // Far more than TLS buffers, in both directions, while the other side does not read.
    let mut sent = Vec::new();
    for number in 3..3_003 {
        super::submit(&mut sent, number, &format!("{number} {}", "of many words ".repeat(9)), 0);
    }
    let (mut writer, octets) = (Peer::new(esme.0.try_clone().unwrap()), sent.clone());
    let writing = std::thread::spawn(move || writer.send(&octets));
    let mut came = Vec::new();
    let mut answers = Vec::new();
    for _ in 3..3_003 {
        let pdu = centre.expect_any();
        came.extend_from_slice(&pdu.octets);
        wire::response(&mut answers, pdu.id().response(), OK, pdu.number(), Some(b"id"));
        if answers.len() > 20_000 {
            centre.send(&std::mem::take(&mut answers));
        }
    }
    centre.send(&answers);
    writing.join().unwrap();
    assert!(came.len() == sent.len() && came.iter().zip(&sent).filter(|(a, b)| a != b).count() <= 4 * 3_000);
    for number in 3..3_003 {
        let answer = esme.expect_any();
        assert_eq!((answer.number(), answer.status()), (number, OK));
    }

    // Beside it TCP alone goes on.
    let (mut plain, mut plain_centre) = bound(&node.smpp, &smsc, TRX, "esme");
    plain.submit(2, "hello");
    let pdu = plain_centre.expect_any();
    assert_eq!(pdu.sm().short_message, b"hello");
    node.stop();
}

#[test]
fn nobody_is_let_in_or_connected_to_who_is_not_who_they_should_be() {
    let runtime = Runtime::new().unwrap();
    let (ours, partners, others) = (Authority::new(), Authority::new(), Authority::new());
    let (folder, smsc) = (Folder::new(), Smsc::new());
    write(&folder, "tapis", &ours.issue());
    folder.write("partners.pem", &partners.pem);
    folder.write("smsc-ca.pem", &partners.pem);
    let node = start(&configure(&folder, &out_of_tls(&runtime, &smsc.address(), &others.issue())));
    let failed = || node.metric("tapis_tls_handshakes_failed_total", &[]);
    for shows in [None, Some(others.issue())] {
        let before = failed();
        let mut esme = Peer::connect(&into_tls(&runtime, &node.smpp_tls, &ours, shows.as_ref()));
        // It may be gone before the bind is written.
        let mut octets = Vec::new();
        bind(&mut octets, TRX, 1, "esme");
        let _ = std::io::Write::write_all(&mut esme.0, &octets);
        assert!(esme.receive().is_none(), "closed without an answer");
        until("it is counted", || failed() > before);
    }
    // An SMSC with a certificate of somebody else's is as good as none.
    let mut esme = Peer::connect(&into_tls(&runtime, &node.smpp_tls, &ours, Some(&partners.issue())));
    assert_eq!(esme.bind(TRX, "esme").status(), CommandStatus::ESME_RBINDFAIL);
    node.stop();
}

#[test]
fn certificates_that_change_are_used_and_broken_ones_change_nothing() {
    let runtime = Runtime::new().unwrap();
    let (ours, next, partners) = (Authority::new(), Authority::new(), Authority::new());
    let (folder, smsc) = (Folder::new(), Smsc::new());
    write(&folder, "tapis", &ours.issue());
    folder.write("partners.pem", &partners.pem);
    folder.write("smsc-ca.pem", &partners.pem);
    let node = start(&configure(&folder, &out_of_tls(&runtime, &smsc.address(), &partners.issue())));
    let shows = partners.issue();
    let (mut early, mut centre) = bound(&into_tls(&runtime, &node.smpp_tls, &ours, Some(&shows)), &smsc, TRX, "esme");
    let renewals = |result: &str| node.metric("tapis_tls_renewals_total", &[result]);

    folder.write("tapis.pem", "-----BEGIN CERTIFICATE-----\nbroken\n");
    until("what is broken is told", || renewals("failed") > 0);
    drop(bound(&into_tls(&runtime, &node.smpp_tls, &ours, Some(&shows)), &smsc, TRX, "esme"));

    write(&folder, "tapis", &next.issue());
    until("what is new is taken", || renewals("taken") > 0);
    drop(bound(&into_tls(&runtime, &node.smpp_tls, &next, Some(&shows)), &smsc, TRX, "esme"));
    // Who was there before stays.
    early.submit(2, "hello");
    assert_eq!(centre.expect_any().sm().short_message, b"hello");
    assert_eq!(renewals("failed"), 1, "the same trouble is told once");
    node.stop();
}

#[test]
fn a_list_is_fetched_over_https_from_whom_the_machine_trusts() {
    let runtime = Runtime::new().unwrap();
    let (authority, other) = (Authority::new(), Authority::new());
    let (address, served) = server();
    served.lock().unwrap().text = "bad.top\nworse.top\n".into();
    for (trusted, is_fetched) in [(&authority, true), (&other, false)] {
        let (folder, smsc) = (Folder::new(), Smsc::new());
        let https = out_of_tls(&runtime, &address, &authority.issue());
        folder.write("rules.yaml", &lists::rules(&https).replace("http://", "https://"));
        let authorities = folder.write("authorities.pem", &trusted.pem);
        let config = folder.write(
            "tapis.yaml",
            &format!(
                "listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\nsmsc: [\"{}\"]\nrules: [rules.yaml]\nstate: state\n",
                smsc.address()
            ),
        );
        let mut command = Command::new(env!("CARGO_BIN_EXE_tapis"));
        command.env("SSL_CERT_FILE", authorities).env_remove("SSL_CERT_DIR");
        let node = Node::spawn(command.arg("run").arg("--config").arg(config));
        let result = if is_fetched { "changed" } else { "failed" };
        until("it is asked for", || node.metric("tapis_list_fetches_total", &["bad", result]) > 0);
        assert_eq!(node.metric("tapis_list_entries", &["bad"]), if is_fetched { 2 } else { 0 });
        node.stop();
    }
}
