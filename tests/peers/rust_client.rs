//! An ESME made of the crate rusmppc: binds, submits, receives, unbinds, and reports as the scripts beside it do.

use std::str::FromStr;
use std::time::Duration;

use rusmppc::error::Error;
use rusmppc::{Client, ConnectionBuilder, Event};
use serde_json::{Value, json};
use smpp::pdus::{BindReceiver, BindTransceiver, BindTransmitter, DeliverSmResp, SubmitSm};
use smpp::tlvs::MessageSubmissionRequestTlvValue;
use smpp::types::{AnyOctetString, COctetString, OctetString};
use smpp::values::{DataCoding, EsmClass, MessagePayload, RegisteredDelivery, Ton};
use smpp::{Pdu, values::Npi};
use tokio::sync::watch;
use tokio_stream::StreamExt;

use crate::peers::Mode;

/// What has come from the SMSC.
#[derive(Clone, Debug, Default)]
struct Received {
    mo: u64,
    receipts_to: Vec<String>,
    lost: Option<String>,
}

/// Runs it to its end, within half a minute.
pub fn run(address: &str, mode: Mode, blocked: u64) -> Result<Value, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let whole = tokio::time::timeout(Duration::from_secs(30), session(address, mode, blocked));
        whole.await.unwrap_or_else(|_| Err("not done within 30 s".into()))
    })
}

async fn session(address: &str, mode: Mode, blocked: u64) -> Result<Value, String> {
    let connect = ConnectionBuilder::new().connect(format!("smpp://{address}"));
    let (client, mut events) = connect.await.map_err(|e| e.to_string())?;
    let (tell, mut received) = watch::channel(Received::default());
    let answering = client.clone();
    let listening = async move {
        while let Some(event) = events.next().await {
            match event {
                Event::Incoming(command) => {
                    if let Some(Pdu::DeliverSm(sm)) = command.pdu() {
                        let text = String::from_utf8_lossy(sm.short_message().as_ref()).into_owned();
                        let receipt = u8::from(sm.esm_class) & 0x3c == 4 && text.contains("stat:DELIVRD");
                        let to = sm.destination_addr.to_string();
                        let answer = DeliverSmResp::default();
                        let _ = answering.deliver_sm_resp(command.sequence_number(), answer).await;
                        tell.send_modify(|r| match receipt {
                            true => r.receipts_to.push(to),
                            false => r.mo += u64::from(text.contains("mo hello")),
                        });
                    }
                }
                Event::Error(error) => tell.send_modify(|r| r.lost = Some(error.to_string())),
            }
        }
    };
    let talking = async {
        let submits = talk(&client, mode, blocked, &mut received).await?;
        let Received { mo, receipts_to, .. } = received.borrow().clone();
        client.enquire_link().await.map_err(|e| format!("enquire_link: {e}"))?;
        client.unbind().await.map_err(|e| format!("unbind: {e}"))?;
        let _ = client.close().await;
        Ok(json!({
            "peer": "rusmppc", "mode": mode.name(), "bound": true, "submits": submits, "mo": mo,
            "receipts": receipts_to.len(), "receipts_to": receipts_to, "enquire_link": true, "unbound": true,
        }))
    };
    // The events end when the connection does, which is after what is said.
    let (said, ()) = tokio::join!(talking, listening);
    said
}

async fn talk(
    client: &Client,
    mode: Mode,
    blocked: u64,
    received: &mut watch::Receiver<Received>,
) -> Result<Vec<Value>, String> {
    let (id, password) = (c_octets::<16>("peer-rusmppc"), COctetString::from_str("pw").unwrap());
    let bound = match mode {
        Mode::Tx => {
            let bind = BindTransmitter::builder().system_id(id).password(password).build();
            client.bind_transmitter(bind).await.map(drop)
        }
        Mode::Rx => {
            let bind = BindReceiver::builder().system_id(id).password(password).build();
            client.bind_receiver(bind).await.map(drop)
        }
        _ => {
            let bind = BindTransceiver::builder().system_id(id).password(password).build();
            client.bind_transceiver(bind).await.map(drop)
        }
    };
    bound.map_err(|e| format!("bind: {e}"))?;
    let mut submits = Vec::new();
    if mode.submits() {
        for (what, expected, messages) in messages(blocked) {
            let mut status = 0;
            for message in messages {
                let answer = match client.submit_sm(message).await {
                    Ok(_) => 0,
                    Err(Error::UnexpectedResponse { response }) => u64::from(u32::from(response.status())),
                    Err(error) => return Err(format!("{what}: {error}")),
                };
                status = if status == 0 { answer } else { status };
            }
            if status != expected {
                return Err(format!("{what}: status {status}, expected {expected}"));
            }
            submits.push(json!({ "what": what, "status": status }));
        }
    }
    if mode.receives() {
        let receipts = if mode == Mode::Trx { 2 } else { 1 };
        let all = |r: &Received| r.lost.is_some() || (r.mo > 0 && r.receipts_to.len() >= receipts);
        let wait = tokio::time::timeout(Duration::from_secs(10), received.wait_for(all)).await;
        let now = wait.map_err(|_| "no MO message and receipts within 10 s")?.map_err(|e| e.to_string())?;
        if let Some(lost) = &now.lost {
            return Err(format!("the connection was lost: {lost}"));
        }
    }
    Ok(submits)
}

/// What it submits: a name, the status expected, and the parts.
fn messages(blocked: u64) -> Vec<(&'static str, u64, Vec<SubmitSm>)> {
    let long = "tapis long message ".repeat(16);
    // The words to be blocked lie across the cut.
    let blocked_long = ["blocked long ".repeat(11), "tapis-block-me".into(), " blocked long".repeat(5)].concat();
    let utf16: Vec<u8> = "ทดสอบ 测试".encode_utf16().flat_map(u16::to_be_bytes).collect();
    let registered = |text: &[u8]| {
        let mut message = message(text);
        message.registered_delivery = RegisteredDelivery::from(1);
        message
    };
    let mut payload = message(b"");
    let text = ["tapis long message ".repeat(9).as_bytes(), b"please tapis-block-me now"].concat();
    let text = MessagePayload::new(AnyOctetString::from_vec(text));
    payload.push_tlv(MessageSubmissionRequestTlvValue::MessagePayload(text));
    vec![
        // The text is in GSM 03.38, where the euro is 1b 65 and the at sign is 00.
        ("short", 0, vec![registered(b"tapis short 5\x1b\x65 \x00 noon")]),
        ("long", 0, parts(&long, 42)),
        ("ucs2", 0, vec![message(&utf16).with_data_coding(DataCoding::Ucs2)]),
        ("binary", 0, vec![message(b"\x00\x01\x02\xfe\xff").with_data_coding(DataCoding::OctetUnspecified2)]),
        ("tagged", 0, vec![registered(b"please tapis-tag-me now")]),
        ("blocked", blocked, vec![message(b"please tapis-block-me now")]),
        ("blocked long", blocked, parts(&blocked_long, 43)),
        ("blocked in message_payload", blocked, vec![payload]),
    ]
}

/// A text in two parts.
fn parts(text: &str, reference: u8) -> Vec<SubmitSm> {
    let part = |(n, part): (u8, &[u8])| {
        let mut message = message(&[&[5, 0, 3, reference, 2, n][..], part].concat());
        message.esm_class = EsmClass::from(0x40);
        message
    };
    (1..).zip(text.as_bytes().chunks(153)).map(part).collect()
}

/// A message as the library makes it: its own default for esm_class is 0x08, and that is left as it is.
fn message(text: &[u8]) -> SubmitSm {
    SubmitSm::builder()
        .source_addr(c_octets::<21>("12345"))
        .dest_addr_ton(Ton::International)
        .dest_addr_npi(Npi::Isdn)
        .destination_addr(c_octets::<21>("66812345678"))
        .short_message(OctetString::from_slice(text).unwrap())
        .build()
}

fn c_octets<const MAX: usize>(text: &str) -> COctetString<1, MAX> {
    COctetString::from_str(text).unwrap()
}
