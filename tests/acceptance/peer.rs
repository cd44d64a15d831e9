//! Peers that do exactly what a test says: an ESME and an SMSC on blocking sockets.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use tapis::wire::body::{self, Body, Parsed, Sm};
use tapis::wire::command::{CommandId, CommandStatus, InterfaceVersion, RegisteredDelivery};
use tapis::wire::encode as wire;
use tapis::wire::field::Address;
use tapis::wire::frame::{Header, header};

pub const OK: CommandStatus = CommandStatus::ESME_ROK;

/// A whole PDU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pdu {
    pub header: Header,
    pub octets: Vec<u8>,
}

impl Pdu {
    pub fn id(&self) -> CommandId {
        self.header.command_id
    }

    pub fn status(&self) -> CommandStatus {
        self.header.command_status
    }

    pub fn number(&self) -> u32 {
        self.header.sequence_number
    }

    pub fn sm(&self) -> Sm<'_> {
        match body::parse(&self.octets) {
            Parsed::Understood(_, Body::SubmitSm(sm) | Body::DeliverSm(sm)) => sm,
            other => panic!("no message: {other:?}"),
        }
    }

    /// The message_id of a submit_sm_resp.
    pub fn message_id(&self) -> &[u8] {
        self.octets[16..].split(|b| *b == 0).next().unwrap()
    }
}

/// One end of a connection.
pub struct Peer(pub TcpStream);

impl Peer {
    pub fn connect(address: &str) -> Self {
        Self::new(TcpStream::connect(address).unwrap())
    }

    pub fn try_connect(address: &str) -> std::io::Result<TcpStream> {
        TcpStream::connect(address)
    }

    pub fn new(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(15))).unwrap();
        Self(stream)
    }

    pub fn send(&mut self, octets: &[u8]) {
        self.0.write_all(octets).unwrap();
    }

    pub fn write(&mut self, build: impl FnOnce(&mut Vec<u8>)) {
        let mut octets = Vec::new();
        build(&mut octets);
        self.send(&octets);
    }

    /// The next PDU; none when the other side has closed.
    pub fn receive(&mut self) -> Option<Pdu> {
        let mut octets = vec![0; 16];
        match self.0.read_exact(&mut octets) {
            Ok(()) => {}
            Err(e) if matches!(e.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) => return None,
            Err(e) => panic!("no PDU within 15 s: {e}"),
        }
        let header = header(&octets).unwrap();
        octets.resize(header.command_length as usize, 0);
        self.0.read_exact(&mut octets[16..]).unwrap();
        Some(Pdu { header, octets })
    }

    pub fn expect(&mut self, id: CommandId) -> Pdu {
        let pdu = self.receive().unwrap_or_else(|| panic!("closed instead of {id}"));
        assert_eq!(pdu.id(), id, "{pdu:?}");
        pdu
    }

    pub fn expect_any(&mut self) -> Pdu {
        self.receive().expect("closed instead of a PDU")
    }

    /// Sends a bind, and answers its response.
    pub fn bind(&mut self, id: CommandId, system_id: &str) -> Pdu {
        self.write(|out| bind(out, id, 1, system_id));
        self.expect(id.response())
    }

    pub fn submit(&mut self, number: u32, text: &str) {
        self.write(|out| submit(out, number, text, 0));
    }

    pub fn answer(&mut self, request: &Pdu, status: CommandStatus, body: Option<&[u8]>) {
        self.write(|out| wire::response(out, request.id().response(), status, request.number(), body));
    }
}

pub fn bind(out: &mut Vec<u8>, id: CommandId, number: u32, system_id: &str) {
    wire::pdu(out, id, OK, number, |out| {
        wire::c_octet_string(out, system_id.as_bytes());
        wire::c_octet_string(out, b"pw");
        wire::c_octet_string(out, b"");
        out.push(InterfaceVersion::V3_4.0);
        wire::address(out, &Address::default());
    });
}

pub fn submit(out: &mut Vec<u8>, number: u32, text: &str, registered_delivery: u8) {
    let sm = Sm {
        source: Address::of_writing("INFO"),
        destination: Address::of_writing("+6591234567"),
        registered_delivery: RegisteredDelivery(registered_delivery),
        short_message: text.as_bytes(),
        ..Sm::default()
    };
    wire::sm(out, CommandId::SUBMIT_SM, number, &sm);
}

/// An SMSC that a test answers for.
pub struct Smsc(TcpListener);

impl Smsc {
    pub fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    pub fn address(&self) -> String {
        self.0.local_addr().unwrap().to_string()
    }

    pub fn accept(&self) -> Peer {
        Peer::new(self.0.accept().unwrap().0)
    }

    /// Accepts a connection and its bind.
    pub fn accept_bind(&self) -> Peer {
        let mut peer = self.accept();
        let bind = peer.receive().unwrap();
        peer.answer(&bind, OK, Some(b"smsc"));
        peer
    }
}

/// Binds an ESME through Tapis to an SMSC that accepts it.
pub fn bound(smpp: &str, smsc: &Smsc, id: CommandId, system_id: &str) -> (Peer, Peer) {
    let mut esme = Peer::connect(smpp);
    esme.write(|out| bind(out, id, 1, system_id));
    let centre = smsc.accept_bind();
    assert_eq!(esme.expect(id.response()).status(), OK);
    (esme, centre)
}
