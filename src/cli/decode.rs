//! `tapis decode`: PDUs as JSON, one a line.

use std::path::PathBuf;

use serde_json::{Map, Value};

use super::{Exit, Format, fail, say, traffic};
use crate::capture::Record;
use crate::explain::visible;
use crate::wire::capture::{self, Piece};
use crate::wire::json;

/// Prints the PDUs of a file: lines of hexadecimal digits, a pcap, or a capture.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Files; - is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The key that captures were encrypted with.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// How to answer.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs it.
pub(super) fn run(args: &Args) -> Exit {
    let mut exit = Exit::Fine;
    for file in &args.files {
        let name = file.display();
        let content = match traffic::content(file) {
            Ok(content) => content,
            Err(error) => {
                exit = fail(Exit::Usage, format_args!("{name}: {error}"));
                continue;
            }
        };
        if crate::capture::is_capture(&content) {
            match traffic::captured(&name.to_string(), &content, args.key.as_deref()) {
                Ok(records) => records.into_iter().for_each(|record| show_captured(record, args.format)),
                Err(why) => exit = fail(Exit::Usage, format_args!("{name}: {why}")),
            }
            continue;
        }
        let pieces = match capture::pieces(&content) {
            Some(Ok(pieces)) => pieces,
            Some(Err(why)) => {
                exit = fail(Exit::Usage, format_args!("{name}: {why}"));
                continue;
            }
            None => {
                let (pieces, faults) = lines(&content);
                for (line, why) in faults {
                    exit = fail(Exit::Usage, format_args!("{name}:{line}: {why}"));
                }
                pieces
            }
        };
        pieces.iter().for_each(|piece| show(piece, args.format));
    }
    exit
}

/// A PDU of a capture, with its session, account, leg and time.
fn show_captured(record: Record, format: Format) {
    let Record::Pdu { at, leg, session, account, octets } = record else { return };
    let from = format!("{account} {session:x} {}", leg.name());
    show(&Piece { octets: Ok(octets), from: Some(from), at: Some(at) }, format);
}

fn show(piece: &Piece, format: Format) {
    let mut object = match &piece.octets {
        Ok(pdu) => json::object(pdu),
        Err((octets, why)) => json::no_pdu(octets, why),
    };
    if let Ok(pdu) = &piece.octets {
        object.extend(crate::explain::carried(pdu));
    }
    if let Some(from) = &piece.from {
        object.insert("from".into(), from.as_str().into());
    }
    if let Some(at) = piece.at {
        object.insert("time".into(), at.to_string().into());
    }
    match format {
        Format::Json => say(Value::Object(object)),
        Format::Text => say(as_text(&object)),
    }
}

fn as_text(object: &Map<String, Value>) -> String {
    let mut out = String::new();
    for (key, value) in object {
        let shown = match value {
            Value::Null => continue,
            Value::String(text) if text.is_empty() => continue,
            Value::String(text) => visible(text),
            Value::Array(all) if all.is_empty() => continue,
            other => other.to_string(),
        };
        out.push_str(&format!("{key:<24}{shown}\n"));
    }
    out
}

/// One PDU a line, or several one behind the other; octets that are no text are taken as they are. What is no hexadecimal
/// digit comes with its line, from 1.
pub(super) fn lines(content: &[u8]) -> (Vec<Piece>, Vec<(usize, String)>) {
    if content.contains(&0) {
        return (capture::pdus(content, None), Vec::new());
    }
    let text = String::from_utf8_lossy(content);
    let (mut pieces, mut faults) = (Vec::new(), Vec::new());
    for (n, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        match octets(line) {
            Ok(octets) => pieces.extend(capture::pdus(&octets, None)),
            Err(why) => faults.push((n + 1, why)),
        }
    }
    (pieces, faults)
}

/// Octets of hexadecimal digits; spaces, colons and a leading 0x do not count.
///
/// # Errors
/// What is no hexadecimal digit, and where.
pub(super) fn octets(hex: &str) -> Result<Vec<u8>, String> {
    let hex = hex.trim().trim_start_matches("0x");
    let mut digits = Vec::with_capacity(hex.len());
    for (n, c) in hex.chars().enumerate().filter(|(_, c)| !c.is_whitespace() && *c != ':') {
        let digit = c.to_digit(16).ok_or_else(|| format!("`{c}` at column {} is no hexadecimal digit", n + 1))?;
        digits.push(u8::try_from(digit).unwrap_or_default());
    }
    if digits.len() % 2 == 1 {
        return Err(format!("{} hexadecimal digits do not make octets", digits.len()));
    }
    Ok(digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |octet, digit| octet << 4 | digit)).collect())
}
