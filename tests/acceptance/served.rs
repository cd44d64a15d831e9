//! A server of one text, which nodes fetch.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

/// What a server has to say, and what it was asked.
#[derive(Default)]
pub struct Served {
    pub text: String,
    pub etag: String,
    pub asked: Vec<String>,
}

/// A server of one text, with ETags.
pub fn server() -> (String, Arc<Mutex<Served>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let served = Arc::new(Mutex::new(Served::default()));
    let shared = Arc::clone(&served);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = Vec::new();
            let mut octets = [0; 1024];
            while !request.windows(4).any(|w| w == b"\r\n\r\n") {
                let n = stream.read(&mut octets).unwrap_or(0);
                if n == 0 {
                    break;
                }
                request.extend_from_slice(&octets[..n]);
            }
            let request = String::from_utf8_lossy(&request).into_owned();
            let mut served = shared.lock().unwrap();
            let is_known = !served.etag.is_empty() && request.contains(&format!("if-none-match: {}", served.etag));
            let answer = if is_known {
                "HTTP/1.1 304 Not Modified\r\nconnection: close\r\n\r\n".to_owned()
            } else {
                let (etag, text) = (&served.etag, &served.text);
                let length = text.len();
                format!(
                    "HTTP/1.1 200 OK\r\nconnection: close\r\netag: {etag}\r\ncontent-length: {length}\r\n\r\n{text}"
                )
            };
            served.asked.push(request);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (address, served)
}
