//! 446 PDUs of other people's test suites and captures, with an independent decoding of each.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value};
use tapis::limits::PDU_OCTETS_MAX;
use tapis::wire::frame::{Frame, frame};
use tapis::wire::json;

struct Vector {
    name: String,
    octets: Vec<u8>,
    expect: String,
    oracle: Value,
}

fn vectors() -> Vec<Vector> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/vectors/oracle.jsonl");
    let file = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}: the vectors are needed", path.display()));
    let field = |row: &Value, name: &str| row[name].as_str().unwrap_or_else(|| panic!("no {name}")).to_owned();
    file.lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|row| Vector {
            name: field(&row, "name"),
            octets: unhex(&field(&row, "hex")),
            expect: field(&row, "expect"),
            oracle: row["fields"].clone(),
        })
        .collect()
}

fn unhex(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect()
}

/// The first PDU of the row, when it is whole.
fn whole(octets: &[u8]) -> Option<&[u8]> {
    match frame(octets, PDU_OCTETS_MAX) {
        Ok(Frame::Whole { header }) => Some(&octets[..header.command_length as usize]),
        _ => None,
    }
}

/// Every value that stands under a name, in order, inside lists too.
fn values(object: &Map<String, Value>) -> BTreeMap<String, Vec<Value>> {
    let mut all = BTreeMap::<String, Vec<Value>>::new();
    for (name, value) in object {
        match value {
            Value::Array(items) if name != "tlvs" => {
                for (name, more) in items.iter().filter_map(Value::as_object).flat_map(values) {
                    all.entry(name).or_default().extend(more);
                }
            }
            _ => all.entry(name.clone()).or_default().push(value.clone()),
        }
    }
    all
}

const INTEGERS: [&str; 20] = [
    "command_length",
    "sequence_number",
    "source_addr_ton",
    "source_addr_npi",
    "dest_addr_ton",
    "dest_addr_npi",
    "esme_addr_ton",
    "esme_addr_npi",
    "addr_ton",
    "addr_npi",
    "registered_delivery",
    "sm_default_msg_id",
    "sm_length",
    "data_coding",
    "esm_class",
    "protocol_id",
    "priority_flag",
    "replace_if_present_flag",
    "interface_version",
    "message_state",
];
const TEXTS: [&str; 11] = [
    "source_addr",
    "destination_addr",
    "esme_addr",
    "service_type",
    "system_id",
    "password",
    "system_type",
    "message_id",
    "address_range",
    "dl_name",
    "final_date",
];

/// Where the independent decoding is not what the standard says, and what is right.
const ORACLE_ERRS: [(&str, &str); 3] = [
    ("message_state", "shown as a TLV by the oracle in deliver_sm; compared there as a TLV"),
    ("final_date", "shown by the oracle as a calendar date"),
    ("interface_version", "shown by the oracle as text"),
];

fn number(value: &Value) -> Option<u64> {
    let text = value.as_str()?;
    text.strip_prefix("0x").map_or_else(|| text.parse().ok(), |hex| u64::from_str_radix(hex, 16).ok())
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_else(|| vec![value.clone()])
}

#[test]
fn every_ok_row_parses_to_the_fields_of_the_oracle() {
    let mut wrong = Vec::new();
    let mut compared = 0;
    for vector in vectors().iter().filter(|v| v.expect == "ok") {
        let Some(pdu) = whole(&vector.octets) else {
            wrong.push(format!("{}: no whole PDU", vector.name));
            continue;
        };
        let object = json::object(pdu);
        if object["outcome"] != "understood" {
            wrong.push(format!("{}: {} {}", vector.name, object["outcome"], object["fault"]));
            continue;
        }
        let ours = values(&object);
        for (name, theirs) in vector.oracle.as_object().into_iter().flatten() {
            let name = name.as_str();
            if ORACLE_ERRS.iter().any(|(n, _)| *n == name) {
                continue;
            }
            let same = if INTEGERS.contains(&name) {
                let theirs: Vec<_> = list(theirs).iter().map(number).collect();
                // The oracle shows registered_delivery without its reserved bits.
                let kept = if name == "registered_delivery" { 0x1f } else { u64::MAX };
                let ours: Vec<_> = ours.get(name).into_iter().flatten().map(|n| n.as_u64().map(|n| n & kept)).collect();
                theirs == ours
            } else if TEXTS.contains(&name) {
                ours.get(name).cloned().unwrap_or_default() == list(theirs)
            } else if name == "short_message_hex" {
                ours.get("short_message") == Some(&vec![theirs.clone()])
            } else if name == "tlvs" {
                let ours: Vec<_> =
                    object["tlvs"].as_array().into_iter().flatten().map(|t| t["value"].clone()).collect();
                let theirs: Vec<_> = theirs.as_array().unwrap().iter().map(|t| t[2].clone()).collect();
                ours == theirs
            } else {
                continue;
            };
            compared += 1;
            if !same {
                wrong.push(format!("{}: {name}: ours {:?}, theirs {theirs}", vector.name, ours.get(name)));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {compared} fields differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(compared > 2500, "only {compared} fields compared");
}

/// Error rows that are understood here, and why that harms nobody.
const UNDERSTOOD_ALL_THE_SAME: [(&str, &str); 0] = [];

#[test]
fn every_error_row_is_refused_or_kept_opaque() {
    let mut wrong = Vec::new();
    for vector in vectors().iter().filter(|v| v.expect == "error") {
        let Some(pdu) = whole(&vector.octets) else { continue };
        // Octets behind a PDU are the next one's: the first is judged by itself.
        let object = json::object(pdu);
        let alone = pdu.len() == vector.octets.len();
        let known = UNDERSTOOD_ALL_THE_SAME.iter().any(|(n, _)| *n == vector.name);
        if alone && !known && object["outcome"] == "understood" {
            wrong.push(vector.name.clone());
        }
    }
    assert!(wrong.is_empty(), "understood: {wrong:?}");
}
