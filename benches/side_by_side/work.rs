//! What is sent: real texts where there are some, else made-up ones; none so often that caches flatter.

use std::fs;
use std::path::{Path, PathBuf};

use tapis::case::Sample;
use tapis::message::Envelope;
use tapis::policy::{self, Policy};
use tapis::rules::Facts;
use tapis::runtime::files::Origin;
use tapis::sim::corpus::{self, Letter};
use tapis::time::Timestamp;
use tapis::verdict::{Action, Verdict};
use tapis::wire::command::{CommandId, RegisteredDelivery};
use tapis::wire::encode as wire;

/// Of what is known to be fraud, one message in so many is sent among the others.
const FRAUDS_ONE_IN: usize = 100;
/// Different messages when they are made up.
const MADE_UP: usize = 20_000;
/// Noon in Singapore, so that no rule about the night counts by chance.
const NOON: Timestamp = Timestamp(1_795_492_800_000_000);
const COUNTRIES: [&str; 6] = ["+6591", "+6681", "+62812", "+63917", "+8490", "+6012"];
const NAMES: [&str; 6] = ["TAPIS", "INFO", "KopiRun", "Klinik", "MyShop", "88222"];

pub struct Work {
    pub letters: Vec<Letter>,
    /// Each as a submit_sm with the sequence_number 0.
    pub submits: Vec<Vec<u8>>,
    source: &'static str,
}

/// SplitMix64.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n as u64) as usize
    }
}

impl Work {
    /// Of the texts in a folder, or of made-up ones.
    pub fn new(folder: &Path) -> Self {
        let mut chance = Chance(7);
        let mut judge = Judge::new();
        let real = real(folder, &mut chance);
        let source = if real.is_empty() { "made up" } else { "real" };
        let mut texts = if real.is_empty() { made_up(&mut judge, &mut chance) } else { real };
        // In no order, so that languages are mixed.
        for n in (1..texts.len()).rev() {
            texts.swap(n, chance.below(n + 1));
        }
        let letters: Vec<Letter> = texts
            .iter()
            .map(|text| {
                let country = chance.below(COUNTRIES.len());
                let mut number = || format!("{}{:06}", COUNTRIES[country], chance.below(1_000_000));
                let (to, from) = (number(), number());
                // In Singapore every name is registered, or a rule says so.
                let is_named = country > 0 && chance.below(2) == 0;
                let named = if is_named { NAMES[chance.below(NAMES.len())] } else { from.as_str() };
                let letter = Letter::new("", named, &to, text);
                // Who sends what is stopped sends nothing else.
                if is_named && !judge.passes(&letter) { Letter::new("", &from, &to, text) } else { letter }
            })
            .collect();
        let submits = letters
            .iter()
            .map(|letter| {
                let mut pdu = Vec::new();
                wire::sm(&mut pdu, CommandId::SUBMIT_SM, 0, &letter.sm(RegisteredDelivery(0)));
                pdu
            })
            .collect();
        Self { letters, submits, source }
    }

    pub fn about(&self) -> String {
        let octets: usize = self.submits.iter().map(Vec::len).sum();
        format!(
            "{} different {} messages in no order; submit_sm of {} octets on average",
            self.submits.len(),
            self.source,
            octets / self.submits.len()
        )
    }
}

/// What the starter rules say of a message by itself.
struct Judge {
    policy: Policy,
    envelope: Envelope,
    scratch: policy::Scratch,
    verdict: Verdict,
}

impl Judge {
    fn new() -> Self {
        let main = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/tapis.yaml");
        let policy = policy::load(&Origin { main: Some(main), ..Origin::default() }.read_once()).unwrap().policy;
        let (envelope, scratch, verdict) = Default::default();
        Self { policy, envelope, scratch, verdict }
    }

    fn passes(&mut self, letter: &Letter) -> bool {
        let (from, to, text) = (letter.from.as_str(), letter.to.as_str(), letter.text.as_str());
        let sample = Sample { from, to, text, account: "esme", now: NOON, ..Sample::default() };
        sample.read(&self.policy, &mut self.envelope);
        let message = sample.message(&self.policy, &self.envelope);
        self.policy.judge(&message, &Facts::Nothing, &mut self.scratch, &mut self.verdict);
        self.verdict.action == Action::Pass
    }
}

/// Honest messages that people received, with few frauds among them.
fn real(folder: &Path, chance: &mut Chance) -> Vec<String> {
    let files = fs::read_dir(folder).into_iter().flatten().flatten().map(|f| f.path());
    let mut tables: Vec<PathBuf> = files.filter(|f| f.extension().is_some_and(|e| e == "tsv")).collect();
    tables.sort();
    let mut texts = Vec::new();
    for table in tables {
        let table = String::from_utf8_lossy(&fs::read(table).unwrap()).into_owned();
        for line in table.lines().skip(1) {
            let mut fields = line.splitn(3, '\t');
            let (Some(label), Some(_), Some(text)) = (fields.next(), fields.next(), fields.next()) else { continue };
            if label == "ham" || chance.below(FRAUDS_ONE_IN) == 0 {
                texts.push(text.to_owned());
            }
        }
    }
    texts
}

/// Each put together of thirds of three of the demo's messages to one country, with numbers of its own, so that few are alike;
/// and as few frauds as among the real ones.
fn made_up(judge: &mut Judge, chance: &mut Chance) -> Vec<String> {
    let (honest, frauds): (Vec<Letter>, Vec<Letter>) =
        corpus::demo().into_iter().filter(|l| !l.mo).partition(|l| judge.passes(l));
    let mut texts = Vec::new();
    while texts.len() < MADE_UP {
        let text = if chance.below(FRAUDS_ONE_IN) == 0 {
            frauds[chance.below(frauds.len())].text.clone()
        } else {
            let first = &honest[chance.below(honest.len())];
            let alike: Vec<&Letter> = honest.iter().filter(|l| l.to.get(..4) == first.to.get(..4)).collect();
            let thirds = (0..3).map(|n| third(&alike[chance.below(alike.len())].text, n));
            let text = thirds.collect::<String>();
            if !judge.passes(&Letter::new("", &first.from, &first.to, &text)) {
                continue;
            }
            text
        };
        let digit = |c: char| if c.is_ascii_digit() { char::from(b'0' + chance.below(10) as u8) } else { c };
        texts.push(text.chars().map(digit).collect());
    }
    texts
}

/// One of three parts of a text, which end where words do, where it has any.
fn third(text: &str, n: usize) -> &str {
    let cut = |n: usize| {
        let from = (0..=text.len() * n / 3).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        match n {
            3 => text.len(),
            _ => text[..from].rfind(' ').map_or(from, |blank| blank + 1),
        }
    };
    &text[cut(n)..cut(n + 1)]
}
