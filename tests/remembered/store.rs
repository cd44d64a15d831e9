//! A real Redis, and a door before it that can be held shut.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::node::until;

/// A Redis of this test's own, which keeps nothing on the disk.
pub struct Redis {
    child: Option<Child>,
    folder: PathBuf,
    pub port: u16,
}

impl Redis {
    pub fn start(folder: PathBuf) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut redis = Self { child: None, folder, port };
        redis.again();
        redis
    }

    /// Starts it, with nothing in it.
    pub fn again(&mut self) {
        let port = self.port.to_string();
        let mut command = Command::new("redis-server");
        command.args(["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir"]);
        let child = command.arg(&self.folder).stdout(Stdio::null()).spawn();
        self.child = Some(child.expect("redis-server is needed: tests/peers/install puts it in place"));
        until("redis answers", || self.ask(&["PING"]).is_some_and(|answer| answer.starts_with("+PONG")));
    }

    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// The beginning of an answer.
    pub fn ask(&self, words: &[&str]) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        let words: String = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len())).collect();
        let count = words.matches('$').count();
        stream.write_all(format!("*{count}\r\n{words}").as_bytes()).ok()?;
        let mut answer = [0; 256];
        let read = stream.read(&mut answer).ok()?;
        Some(String::from_utf8_lossy(&answer[..read]).into_owned())
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A door before a store: while it is shut, connections stand, and no octet comes through.
pub struct Door {
    pub address: String,
    shut: Arc<AtomicBool>,
}

impl Door {
    pub fn before(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let shut = Arc::new(AtomicBool::new(false));
        let is_shut = Arc::clone(&shut);
        thread::spawn(move || {
            for front in listener.incoming().map_while(Result::ok) {
                let Ok(back) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                for (from, to) in [(&front, &back), (&back, &front)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let is_shut = Arc::clone(&is_shut);
                    thread::spawn(move || carry(from, to, &is_shut));
                }
            }
        });
        Self { address, shut }
    }

    pub fn shut(&self, is_shut: bool) {
        self.shut.store(is_shut, Ordering::SeqCst);
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, is_shut: &AtomicBool) {
    let mut octets = [0; 4096];
    while let Ok(read @ 1..) = from.read(&mut octets) {
        while is_shut.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(10));
        }
        if to.write_all(&octets[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Both);
    let _ = from.shutdown(std::net::Shutdown::Both);
}
