//! A relay that remembers what went through it: one stands on either side of Tapis, so that what goes in can be compared
//! with what comes out, octet for octet.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::node::until;

/// What went through one connection.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    /// What the side that connected sent.
    pub esme: Vec<u8>,
    /// What the side that it connected to sent.
    pub smsc: Vec<u8>,
    ended: u8,
}

/// See the module's documentation. It relays until the process ends.
pub struct Tee {
    pub address: String,
    connections: Arc<Mutex<Vec<Arc<Mutex<Recorded>>>>>,
}

impl Tee {
    /// A relay to `target` on a port of its own.
    pub fn new(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let connections: Arc<Mutex<Vec<Arc<Mutex<Recorded>>>>> = Arc::default();
        let (target, all) = (target.to_owned(), Arc::clone(&connections));
        thread::spawn(move || {
            for front in listener.incoming().flatten() {
                let Ok(back) = TcpStream::connect(&target) else { continue };
                let recorded = Arc::default();
                all.lock().unwrap().push(Arc::clone(&recorded));
                for stream in [&front, &back] {
                    stream.set_nodelay(true).unwrap();
                }
                let (front_too, back_too) = (front.try_clone().unwrap(), back.try_clone().unwrap());
                let recorded_too = Arc::clone(&recorded);
                thread::spawn(move || relay(front, back, &recorded, |r| &mut r.esme));
                thread::spawn(move || relay(back_too, front_too, &recorded_too, |r| &mut r.smsc));
            }
        });
        Self { address, connections }
    }

    /// Takes what was recorded since the last time, once all of it is over.
    pub fn take(&self) -> Vec<Recorded> {
        let over = |r: &Arc<Mutex<Recorded>>| r.lock().unwrap().ended == 2;
        until("all connections are over", || self.connections.lock().unwrap().iter().all(over));
        let all = std::mem::take(&mut *self.connections.lock().unwrap());
        all.iter().map(|r| r.lock().unwrap().clone()).collect()
    }
}

fn relay(mut from: TcpStream, mut to: TcpStream, recorded: &Mutex<Recorded>, side: fn(&mut Recorded) -> &mut Vec<u8>) {
    let mut octets = [0; 16 * 1024];
    while let Ok(n) = from.read(&mut octets) {
        if n == 0 {
            break;
        }
        side(&mut recorded.lock().unwrap()).extend_from_slice(&octets[..n]);
        if to.write_all(&octets[..n]).is_err() {
            let _ = from.shutdown(Shutdown::Read);
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
    recorded.lock().unwrap().ended += 1;
}

/// The PDUs of a stream, which must hold whole ones only.
pub fn pdus(mut octets: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let mut pdus = Vec::new();
    while !octets.is_empty() {
        let length = octets.first_chunk().map(|w| u32::from_be_bytes(*w) as usize);
        let pdu = length.filter(|n| *n >= 16).and_then(|n| octets.get(..n));
        let pdu = pdu.ok_or_else(|| format!("a stream ends inside a PDU: {octets:02x?}"))?;
        pdus.push(pdu.to_vec());
        octets = &octets[pdu.len()..];
    }
    Ok(pdus)
}
