//! What stands in a text, as a table: every row of `entities.tsv` is a text and everything that must be found in it.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use tapis::text::number::Country;
use tapis::text::{ReadContext, Reading};

mod facts;
mod properties;

struct Row {
    line: usize,
    home: Option<Country>,
    text: String,
    expected: Vec<String>,
}

fn rows() -> Vec<Row> {
    include_str!("entities.tsv")
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(n, line)| {
            let fields: Vec<&str> = line.split('\t').collect();
            let [home, text, expected] = fields[..] else { panic!("entities.tsv:{}: three fields: {line}", n + 1) };
            let expected = expected.split("; ").filter(|e| *e != "-").map(ToOwned::to_owned).collect();
            Row { line: n + 1, home: Country::parse(home), text: unescape(text), expected }
        })
        .collect()
}

/// `\n` and `\u{…}`; any other backslash is itself.
fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(hex) = rest.strip_prefix("u{") {
            let (hex, after) = hex.split_once('}').unwrap();
            out.push(char::from_u32(u32::from_str_radix(hex, 16).unwrap()).unwrap());
            rest = after;
        } else if let Some(after) = rest.strip_prefix('n') {
            out.push('\n');
            rest = after;
        } else {
            out.push('\\');
        }
    }
    out + rest
}

fn found(reading: &Reading) -> Vec<String> {
    let mut all = Vec::new();
    for link in reading.links() {
        let kinds: Vec<_> = link.kinds().map(|k| k.name()).collect();
        all.push(format!("link {} {}", reading.link_host(link), kinds.join("+")).replace(" plain", ""));
    }
    for phone in reading.phones() {
        let country = phone.number.country().map_or(String::new(), |c| format!(" {c}"));
        all.push(format!("phone {}{country}", phone.number.digits()));
    }
    for handle in reading.handles() {
        all.push(format!("handle {} {}", handle.app.name(), reading.handle_id(handle)));
    }
    for amount in reading.amounts() {
        let currency = std::str::from_utf8(&amount.currency).unwrap();
        let (whole, hundredths) = (amount.value / 100, amount.value % 100);
        let decimals = if hundredths == 0 { String::new() } else { format!(".{hundredths:02}") };
        all.push(format!("amount {currency} {whole}{decimals}"));
    }
    for code in reading.codes() {
        all.push(format!("code {}", code.len));
    }
    all
}

#[test]
fn every_row_of_the_table_holds() {
    let rows = rows();
    assert!(rows.len() >= 150, "{} rows", rows.len());
    let mut reading = Reading::default();
    let mut wrong = Vec::new();
    for row in &rows {
        reading.read_text(&row.text, &ReadContext { home: row.home, ..ReadContext::default() });
        let found = found(&reading);
        if found != row.expected {
            let (line, text) = (row.line, &row.text);
            wrong.push(format!("entities.tsv:{line}: {text}\n  expected {:?}\n  found    {found:?}", row.expected));
        }
    }
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}
