//! What is sent: real texts where there are some, else made-up ones; none so often that caches flatter.

use std::fs;
use std::path::{Path, PathBuf};

use tapis::sim::corpus::{self, Letter};
use tapis::wire::command::{CommandId, RegisteredDelivery};
use tapis::wire::encode as wire;

/// Of what is known to be fraud, one message in so many is sent among the others.
const FRAUDS_ONE_IN: usize = 100;
/// Different messages when they are made up.
const MADE_UP: usize = 20_000;
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
    pub fn new() -> Self {
        let mut chance = Chance(7);
        let real = real(&mut chance);
        let source = if real.is_empty() { "made up" } else { "real" };
        let mut texts = if real.is_empty() { made_up(&mut chance) } else { real };
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
                let from = if is_named { NAMES[chance.below(NAMES.len())].to_owned() } else { from };
                Letter::new("", &from, &to, text)
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

/// Honest messages that people received, with few frauds among them.
fn real(chance: &mut Chance) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/messages");
    let files = fs::read_dir(&folder).into_iter().flatten().flatten().map(|f| f.path());
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

/// The demo's messages, each with numbers of its own.
fn made_up(chance: &mut Chance) -> Vec<String> {
    let demo: Vec<Letter> = corpus::demo().into_iter().filter(|l| !l.mo).collect();
    (0..MADE_UP)
        .map(|n| {
            let digit = |c: char| if c.is_ascii_digit() { char::from(b'0' + chance.below(10) as u8) } else { c };
            demo[n % demo.len()].text.chars().map(digit).collect()
        })
        .collect()
}
