//! What went in on one side of Tapis against what came out on the other: everything must be there, in its order and octet
//! for octet, but for what the rules of this test order, and that parts of a message wait for it.

use std::collections::HashSet;

use crate::tee::{Recorded, pdus};

/// What every peer sends as its own address, and what a tagged message shows instead.
const OWN: &[u8] = b"12345";
const SHOWN: &[u8] = b"Likely-SCAM";
/// The words of the rules, in the coding of every peer.
const BLOCKED: &[u8] = b"tapis-block-me";
const TAGGED: &[u8] = b"tapis-tag-me";

const SUBMIT_SM: u32 = 0x0000_0004;
const SUBMIT_SM_RESP: u32 = 0x8000_0004;
const DELIVER_SM: u32 = 0x0000_0005;
const DELIVER_SM_RESP: u32 = 0x8000_0005;
const UNBIND: u32 = 0x0000_0006;
const ESME_RX_R_APPN: u32 = 0x66;
/// What the rules of this test refuse with: ESME_RSUBMITFAIL, and ESME_RINVDSTADR after the reload.
const REFUSALS: [u32; 2] = [0x45, 0x0b];

/// How many messages of each kind went by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub mt_pass: u64,
    pub mt_tag: u64,
    pub mt_block: u64,
    pub mo_pass: u64,
    pub mo_block: u64,
    /// PDUs that reached the SMSC.
    pub at_smsc: usize,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, more: Self) {
        self.mt_pass += more.mt_pass;
        self.mt_tag += more.mt_tag;
        self.mt_block += more.mt_block;
        self.mo_pass += more.mo_pass;
        self.mo_block += more.mo_block;
        self.at_smsc += more.at_smsc;
    }
}

/// Compares one session's two connections. `own` is the type of number and numbering plan that the peer gives its own
/// address, learnt from its first tagged message: a receipt may come to a later session.
pub fn compare(front: &Recorded, back: &Recorded, own: &mut Option<[u8; 2]>) -> Result<Counts, String> {
    let mut counts = Counts::default();
    let (mut sent, mut got) = (pdus(&front.esme)?, pdus(&back.esme)?);
    let (mut delivered, mut received) = (pdus(&back.smsc)?, pdus(&front.smsc)?);

    // What Tapis answered itself, and what it therefore did not pass on.
    let refused = take_answers(&mut received, SUBMIT_SM_RESP, &REFUSALS);
    counts.mt_block = take_requests(&mut sent, SUBMIT_SM, &refused)?;
    let refused = take_answers(&mut got, DELIVER_SM_RESP, &[ESME_RX_R_APPN]);
    counts.mo_block = take_requests(&mut delivered, DELIVER_SM, &refused)?;

    for pdu in sent.iter_mut().filter(|pdu| word(pdu, 4) == SUBMIT_SM) {
        if contains(pdu, TAGGED) {
            counts.mt_tag += 1;
            *own = Some(readdress(pdu, OWN, SHOWN, [5, 0])?);
        } else {
            counts.mt_pass += 1;
        }
    }
    for pdu in delivered.iter_mut().filter(|pdu| word(pdu, 4) == DELIVER_SM) {
        if !contains(pdu, b"stat:DELIVRD") {
            counts.mo_pass += 1;
        } else if contains(pdu, SHOWN) {
            let own = own.ok_or("a receipt for a tagged message that was not sent")?;
            readdress(pdu, SHOWN, OWN, own)?;
        }
    }
    counts.at_smsc = got.len() + refused.len();
    if let Some(unbind) = got.iter().position(|pdu| word(pdu, 4) == UNBIND)
        && got[unbind..].iter().any(|pdu| word(pdu, 4) == SUBMIT_SM)
    {
        return Err("an unbind overtook a message".into());
    }
    // A part waits for its message; answers and enquire_link go by meanwhile.
    let ((sent, others_sent), (got, others_got)) = (split(sent), split(got));
    same("messages at the SMSC", &sent, &got)?;
    same("other PDUs at the SMSC", &others_sent, &others_got)?;
    same("at the ESME", &delivered, &received)?;
    Ok(counts)
}

fn split(pdus: Vec<Vec<u8>>) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    pdus.into_iter().partition(|pdu| word(pdu, 4) == SUBMIT_SM)
}

fn same(place: &str, expected: &[Vec<u8>], found: &[Vec<u8>]) -> Result<(), String> {
    if let Some(at) = (0..expected.len().max(found.len())).find(|at| expected.get(*at) != found.get(*at)) {
        let [expected, found] = [expected, found].map(|side| side.get(at).map_or("nothing".into(), |pdu| hex(pdu)));
        return Err(format!("{place}, PDU {at}:\n  expected {expected}\n  found    {found}"));
    }
    Ok(())
}

/// Takes out answers with one of these statuses; their numbers.
fn take_answers(pdus: &mut Vec<Vec<u8>>, id: u32, statuses: &[u32]) -> HashSet<u32> {
    let ours = |pdu: &Vec<u8>| word(pdu, 4) == id && statuses.contains(&word(pdu, 8));
    let numbers = pdus.iter().filter(|p| ours(p)).map(|p| word(p, 12)).collect();
    pdus.retain(|pdu| !ours(pdu));
    numbers
}

/// Takes out the requests of these numbers, which must be the ones to be blocked, and no others may be.
fn take_requests(pdus: &mut Vec<Vec<u8>>, id: u32, numbers: &HashSet<u32>) -> Result<u64, String> {
    let mut taken = 0;
    for pdu in pdus.iter().filter(|p| word(p, 4) == id) {
        let refused = numbers.contains(&word(pdu, 12));
        let must_be = match is_blocked_part(pdu) {
            None => contains(pdu, BLOCKED),
            // The last part never passes; the first one may, where its peer does not send the other before it is answered.
            Some(1) => refused,
            Some(_) => true,
        };
        if refused != must_be {
            return Err(format!("refused is {refused}: {}", hex(pdu)));
        }
        taken += u64::from(refused);
    }
    if taken != numbers.len() as u64 {
        return Err(format!("{taken} messages have {} refusals", numbers.len()));
    }
    pdus.retain(|pdu| word(pdu, 4) != id || !numbers.contains(&word(pdu, 12)));
    Ok(taken)
}

/// Writes another address over one; answers the type of number and numbering plan that it had.
fn readdress(pdu: &mut Vec<u8>, from: &[u8], to: &[u8], kind: [u8; 2]) -> Result<[u8; 2], String> {
    let from = [from, b"\0"].concat();
    let at = pdu.windows(from.len()).position(|w| w == from).filter(|at| *at >= 18);
    let at = at.ok_or_else(|| format!("no such address: {}", hex(pdu)))?;
    let was = [pdu[at - 2], pdu[at - 1]];
    pdu.splice(at - 2..at + from.len(), [&kind[..], to, b"\0"].concat());
    let length = u32::try_from(pdu.len()).unwrap().to_be_bytes();
    pdu[..4].copy_from_slice(&length);
    Ok(was)
}

/// As `tapis decode` reads it.
fn hex(pdu: &[u8]) -> String {
    pdu.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// The number of a part of the long text that is to be blocked.
pub fn is_blocked_part(octets: &[u8]) -> Option<u8> {
    let udh = octets.windows(6).find(|w| w[..3] == [5, 0, 3] && w[4] == 2);
    contains(octets, b"blocked long").then_some(udh?[5])
}

fn contains(pdu: &[u8], text: &[u8]) -> bool {
    pdu.windows(text.len()).any(|w| w == text)
}

fn word(pdu: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(pdu[at..at + 4].try_into().unwrap())
}
