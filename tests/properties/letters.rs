//! Messages: made up of words, links and numbers that rules ask for, and a sample of real ones. Each is read like one
//! of the wire.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use proptest::prelude::*;
use proptest::sample::select;
use tapis::message::{AccountFacts, Direction, Envelope, Message, ReadAs};
use tapis::policy::Policy;
use tapis::text::encode;
use tapis::time::Timestamp;
use tapis::wire::body::{BroadcastSm, DataSm, ReplaceSm, Sm, SubmitMulti};
use tapis::wire::command::{CommandId, DataCoding, EsmClass, Tag};
use tapis::wire::encode as wire;
use tapis::wire::field::Address;
use tapis::wire::tlv::Tlvs;

/// 2026-11-18T05:06:40Z, a Wednesday.
pub const NOW: Timestamp = Timestamp(1_795_000_000_000_000);

const SENDERS: &[&str] = &[
    "DBS",
    "dbs",
    "D8S",
    "SingPost",
    "S1ngPost",
    "SingPosst",
    "gov.sg",
    "KBank",
    "INFO",
    "+6581112222",
    "6281234567890",
    "0812345678",
    "62033",
    "",
    "ИНФО",
    "999",
];
const RECIPIENTS: &[&str] = &[
    "+6591234567",
    "+66898765432",
    "+639171234567",
    "+84901234567",
    "+60123456789",
    "91234567",
    "0812345678",
    "7726",
    "88811",
    "",
    "+9991234567",
    "+7726",
];
pub const ACCOUNTS: &[&str] = &["", "dbs-direct", "agg-1", "sim-gw", "AGG-1"];

/// Pieces of texts; what stands in front of a word, and what follows it, decides whether it is one.
const PIECES: &[&str] = &[
    "bank",
    "KBank",
    "kbank",
    "K-Bank",
    "Kbаnk",
    "ｋｂａｎｋ",
    "bankers",
    "otp",
    "OTP 482913",
    "code",
    "c0de",
    "never",
    "send",
    "please",
    "casino",
    "CAS1NO",
    "slot",
    "S!ot",
    "slots",
    "kta",
    "faktanya",
    "pinjam",
    "P1njaman",
    "meminjam",
    "dana tunai",
    "dana-tunai",
    "free   spin",
    "กสิกร",
    "ธนาคารกสิกรไทย",
    "วันละ",
    "银行",
    "中国银行",
    "milk",
    "mllk",
    "[QC]",
    "(QC)",
    "abc",
    "aabbcc",
    "abcabc",
    "123",
    "4829137",
    "dbs.com",
    "www.dbs.com.sg/login",
    "https://kbnk-th.xyz/a",
    "bit.ly/3xYz",
    "wa.me/6581112222",
    "d8s.top",
    "dbs-login.top",
    "singposst.com",
    "http://192.0.2.7/x",
    "xn--80ak6aa92e.com",
    "evil.apk",
    "http://dl.top/a.apk",
    "kasikornbank.com",
    "co.uk",
    "singpost-parcel.top",
    "kbank-login.top",
    "+65 6000 1111",
    "03-2345 6789",
    "0812-3456-7890",
    "call 6591112222",
    "+66 2 888 8888",
    "LINE ID : @job88x",
    "WA 0812-3456-7890",
    "telegram @abc_def",
    "t.me/abc_def",
    "zalo 0901234567",
    "@casino",
    "2,000 บาท",
    "RM1,250.00",
    "$12.00",
    "Rp 500.000",
    "SGD 99",
    "S$5",
    ".",
    ",",
    "!",
    "-",
    "\n",
    "  ",
    "«",
    "»",
    "'",
    "'s",
    "\u{200b}",
    "é",
    "ß",
    "😀",
];

/// One message, before it is read.
#[derive(Clone, Debug)]
pub struct Letter {
    pub operation: CommandId,
    pub mo: bool,
    pub from: String,
    pub to: String,
    pub text: String,
    pub account: &'static str,
    /// The narrowest that carries the text when none.
    pub data_coding: Option<u8>,
    pub parts: Option<u8>,
    pub tlv: Option<u16>,
    /// It has a header with ports.
    pub ports: bool,
    pub payload: bool,
    pub peer: Option<IpAddr>,
    pub now: Timestamp,
    pub schedule: &'static str,
}

impl Letter {
    /// One that says only what it must.
    pub fn plain(from: &str, to: &str, text: &str) -> Self {
        Self {
            operation: CommandId::SUBMIT_SM,
            mo: false,
            from: from.into(),
            to: to.into(),
            text: text.into(),
            account: "",
            data_coding: None,
            parts: None,
            tlv: None,
            ports: false,
            payload: false,
            peer: None,
            now: NOW,
            schedule: "",
        }
    }

    /// Reads it as its account's policy says, and shows it as rules see it.
    pub fn read<T>(&self, policy: &Policy, see: impl FnOnce(&Message<'_>) -> T) -> T {
        let account = policy.account(self.account);
        let (data_coding, text) = match self.data_coding {
            None => encode::narrowest(&self.text),
            Some(coding) => {
                let mut octets = Vec::new();
                // What an alphabet lacks, and what no alphabet is known for, goes as it is: it must not confuse anybody.
                if encode::encode(&self.text, DataCoding(coding), account.alphabet, &mut octets).is_err() {
                    octets = self.text.clone().into_bytes();
                }
                (DataCoding(coding), octets)
            }
        };
        let mut octets = if self.ports { vec![6, 5, 4, 0x0b, 0x84, 0x23, 0xf0] } else { Vec::new() };
        octets.extend(text);
        let esm_class = EsmClass(if self.ports { 0x40 } else { 0 });
        let no_short_message = matches!(self.operation, CommandId::DATA_SM | CommandId::BROADCAST_SM);
        let payload = self.payload || no_short_message || octets.len() > 254;
        let mut tlvs = Vec::new();
        if payload && !octets.is_empty() {
            wire::tlv(&mut tlvs, Tag::MESSAGE_PAYLOAD, &octets);
        }
        if let Some(parts) = self.parts {
            wire::tlv(&mut tlvs, Tag::SAR_MSG_REF_NUM, &[0, 7]);
            wire::tlv(&mut tlvs, Tag::SAR_TOTAL_SEGMENTS, &[parts]);
            wire::tlv(&mut tlvs, Tag::SAR_SEGMENT_SEQNUM, &[1]);
        }
        if let Some(tag) = self.tlv {
            wire::tlv(&mut tlvs, Tag(tag), b"1101");
        }
        let (source, destination) = (Address::of_writing(&self.from), Address::of_writing(&self.to));
        let tlvs = Tlvs::new(&tlvs);
        let short_message: &[u8] = if payload { &[] } else { &octets };
        let schedule_delivery_time = self.schedule.as_bytes();
        let read_as = ReadAs { alphabet: account.alphabet, home: account.home, now: self.now, unasked: false };
        let mut envelope = Envelope::default();
        match self.operation {
            CommandId::DATA_SM => {
                let sm = DataSm { source, destination, esm_class, data_coding, tlvs, ..DataSm::default() };
                envelope.read_data_sm(&sm, read_as);
            }
            CommandId::SUBMIT_MULTI => {
                let sm = SubmitMulti {
                    source,
                    esm_class,
                    data_coding,
                    short_message,
                    tlvs,
                    schedule_delivery_time,
                    ..SubmitMulti::default()
                };
                envelope.read_submit_multi(&sm, read_as);
                envelope.set_destination(&destination);
            }
            CommandId::REPLACE_SM => {
                let sm = ReplaceSm { source, short_message, tlvs, schedule_delivery_time, ..ReplaceSm::default() };
                envelope.read_replace_sm(&sm, data_coding, read_as);
            }
            CommandId::BROADCAST_SM => {
                let sm = BroadcastSm { source, data_coding, tlvs, schedule_delivery_time, ..BroadcastSm::default() };
                envelope.read_broadcast_sm(&sm, read_as);
            }
            operation => {
                let sm = Sm {
                    source,
                    destination,
                    esm_class,
                    data_coding,
                    short_message,
                    tlvs,
                    schedule_delivery_time,
                    ..Sm::default()
                };
                envelope.read_sm(operation, &sm, read_as);
            }
        }
        let facts = AccountFacts { id: self.account, class: account.class, home: account.home };
        let direction = if self.mo { Direction::Mo } else { Direction::Mt };
        see(&envelope.message(direction, facts, self.peer, self.now))
    }
}

/// A text of some of the pieces, parted by something or nothing, or of anything at all.
pub fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![9 => select(PIECES).prop_map(ToOwned::to_owned), 1 => "\\PC{0,12}"];
    let gap = select(&["", " ", " ", " ", ". ", "_"][..]);
    prop::collection::vec((piece, gap), 0..14).prop_map(|all| all.into_iter().map(|(p, g)| p + g).collect())
}

/// A message of any kind.
pub fn letter() -> impl Strategy<Value = Letter> {
    let operations = select(vec![
        CommandId::SUBMIT_SM,
        CommandId::SUBMIT_SM,
        CommandId::DELIVER_SM,
        CommandId::DATA_SM,
        CommandId::SUBMIT_MULTI,
        CommandId::REPLACE_SM,
        CommandId::BROADCAST_SM,
    ]);
    let address = |plain: &'static [&'static str]| prop_oneof![19 => select(plain).prop_map(ToOwned::to_owned), 1 => "\\+?[0-9]{1,16}"];
    let codings = prop_oneof![
        6 => Just(None),
        3 => select(&[0_u8, 1, 3, 8][..]).prop_map(Some),
        2 => any::<u8>().prop_map(Some),
        3 => select(&[0x11_u8, 0x12, 0x51, 0xf0, 0xf1][..]).prop_map(Some),
    ];
    let peer =
        prop::option::of(select(&[[10, 1, 2, 3], [192, 0, 2, 7]][..]).prop_map(|a| IpAddr::V4(Ipv4Addr::from(a))));
    // Four weeks, so that every hour and day of a week comes, and days of registries and rules pass.
    let now = (0..4 * 7 * 24 * 60_u64).prop_map(|minutes| Timestamp(NOW.0 + minutes * 60_000_000));
    let schedule = select(&["", "", "000001120000000R", "261123223000028+"][..]);
    let envelope = (operations, any::<bool>(), address(SENDERS), address(RECIPIENTS), select(ACCOUNTS));
    let tlv = prop::option::weighted(0.3, select(&[0x1400_u16, 0x1401, 0x3fff][..]));
    let dress = (codings, prop::option::weighted(0.2, 0..5_u8), tlv, prop::bool::weighted(0.2), any::<bool>());
    (envelope, text(), dress, peer, now, schedule).prop_map(|(envelope, text, dress, peer, now, schedule)| {
        let (operation, mo, from, to, account) = envelope;
        let (data_coding, parts, tlv, ports, payload) = dress;
        Letter { operation, mo, from, to, text, account, data_coding, parts, tlv, ports, payload, peer, now, schedule }
    })
}

/// Every `nth` real message of each set, sent by one of the senders to one of the recipients in turn.
pub fn real(nth: usize) -> Vec<Letter> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/messages");
    let entries =
        fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}: the messages are needed", folder.display()));
    let mut files: Vec<_> =
        entries.flatten().map(|e| e.path()).filter(|p| p.extension().is_some_and(|x| x == "tsv")).collect();
    files.sort();
    assert!(files.len() >= 10, "{}: most of the sets are missing", folder.display());
    let mut letters = Vec::new();
    for file in files {
        let table = fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let texts = table.lines().skip(1).filter_map(|line| line.splitn(3, '\t').nth(2));
        for text in texts.step_by(nth) {
            let n = letters.len();
            let from = SENDERS[n % SENDERS.len()];
            let to = RECIPIENTS[n / 3 % RECIPIENTS.len()];
            letters.push(Letter { account: ACCOUNTS[n % ACCOUNTS.len()], ..Letter::plain(from, to, text) });
        }
    }
    letters
}
