//! A PDU as one line of JSON: every field by the standard's name (SMPP 3.4 §4), octets in hexadecimal.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::body::{Body, Destination, Destinations, Parsed, Unsuccess, parse};
use super::frame::Header;

/// A field as it is shown.
#[derive(Clone, Copy, Debug)]
pub(super) enum Show<'a> {
    Integer(u64),
    Text(&'a [u8]),
    Octets(&'a [u8]),
    Destinations(Destinations<'a>),
    Unsuccess(Unsuccess<'a>),
}

/// Octets in lower-case hexadecimal.
#[must_use]
pub fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::with_capacity(octets.len() * 2), |mut out, octet| {
        let _ = write!(out, "{octet:02x}");
        out
    })
}

/// A C-octet string: as text where it is ASCII, else octet by octet as Latin-1, so that nothing is hidden.
#[must_use]
pub fn text(octets: &[u8]) -> String {
    octets.iter().map(|b| char::from(*b)).collect()
}

/// The PDU as an object: header, `outcome` (`understood`, `opaque` or `malformed`), `fault`, fields, `tlvs`.
#[must_use]
pub fn object(pdu: &[u8]) -> Map<String, Value> {
    let mut object = Map::new();
    let (header, outcome, fault) = match parse(pdu) {
        Parsed::Understood(header, body) => {
            head(&mut object, header);
            fields(&mut object, &body);
            return object;
        }
        Parsed::Opaque(header) => (header, "opaque", Value::Null),
        Parsed::Malformed(header, e) => {
            (header, "malformed", json!({ "field": e.field, "offset": e.offset, "fault": e.fault.name() }))
        }
    };
    head(&mut object, header);
    object.insert("body".into(), hex(pdu.get(16..).unwrap_or_default()).into());
    object.insert("tlvs".into(), json!([]));
    object.insert("outcome".into(), outcome.into());
    object.insert("fault".into(), fault);
    object
}

/// Octets that are no PDU, in the same form.
#[must_use]
pub fn no_pdu(octets: &[u8], why: &str) -> Map<String, Value> {
    let mut object = Map::new();
    if let Some(header) = super::frame::header(octets) {
        head(&mut object, header);
    }
    object.insert("body".into(), hex(octets).into());
    object.insert("tlvs".into(), json!([]));
    object.insert("outcome".into(), "malformed".into());
    object.insert("fault".into(), json!({ "field": "command_length", "offset": 0, "fault": why }));
    object
}

fn head(object: &mut Map<String, Value>, header: Header) {
    object.insert("command_length".into(), header.command_length.into());
    object.insert("command_id".into(), header.command_id.to_string().into());
    object.insert("command_status".into(), header.command_status.to_string().into());
    object.insert("sequence_number".into(), header.sequence_number.into());
}

fn fields(object: &mut Map<String, Value>, body: &Body<'_>) {
    body.show(&mut |name, value| {
        object.insert(name.into(), show(value));
    });
    let tlvs: Vec<Value> = body
        .tlvs()
        .iter()
        .map(|t| json!({ "tag": format!("0x{:04X}", t.tag.0), "name": t.tag.name(), "value": hex(t.value) }))
        .collect();
    object.insert("tlvs".into(), tlvs.into());
    object.insert("outcome".into(), "understood".into());
    object.insert("fault".into(), Value::Null);
}

fn show(value: Show<'_>) -> Value {
    match value {
        Show::Integer(n) => n.into(),
        Show::Text(octets) => text(octets).into(),
        Show::Octets(octets) => hex(octets).into(),
        Show::Destinations(all) => all
            .iter()
            .map(|(one, _)| match one {
                Destination::Sme(a) => json!({
                    "dest_flag": 1, "dest_addr_ton": a.ton.0, "dest_addr_npi": a.npi.0,
                    "destination_addr": text(a.address),
                }),
                Destination::DistributionList(name) => json!({ "dest_flag": 2, "dl_name": text(name) }),
            })
            .collect(),
        Show::Unsuccess(all) => all
            .iter()
            .map(|one| {
                json!({
                    "dest_addr_ton": one.destination.ton.0, "dest_addr_npi": one.destination.npi.0,
                    "destination_addr": text(one.destination.address),
                    "error_status_code": one.error_status_code.to_string(),
                })
            })
            .collect(),
    }
}
