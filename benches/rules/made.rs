//! Words, regexes and domains made up from a fixed seed, as an operator's lists of years have them: most are of words that
//! messages have too, a fifth of them common ones, the rest are names that nobody else writes.

use std::collections::HashMap;
use std::fmt::Write;

use tapis::config::source::{ListFile, Source, Sources};
use tapis::sim::corpus::Letter;
use tapis::text::fold;

/// How many of each a set has.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub literals: usize,
    pub regexes: usize,
    pub domains: usize,
}

/// Words of the messages, the commonest first.
pub struct Vocabulary {
    words: Vec<String>,
    /// Stretches of texts without spaces.
    unspaced: Vec<String>,
}

/// Words of all messages in their matching form.
pub fn vocabulary(letters: &[Letter]) -> Vocabulary {
    let mut counts: HashMap<String, usize> = HashMap::new();
    let mut unspaced = Vec::new();
    for letter in letters {
        let mut folded = String::new();
        fold::fold(&letter.text, &mut folded);
        for word in folded.split(' ').filter(|w| w.len() > 2) {
            if word.bytes().all(|octet| octet.is_ascii_lowercase()) {
                *counts.entry(word.to_owned()).or_default() += 1;
            } else if word.chars().all(fold::is_unspaced) && word.chars().count() > 5 {
                unspaced.push(word.chars().take(8).collect());
            }
        }
    }
    let mut words: Vec<(usize, String)> = counts.into_iter().map(|(word, count)| (count, word)).collect();
    words.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    Vocabulary { words: words.into_iter().map(|(_, word)| word).collect(), unspaced }
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

    /// A name that nobody else has: syllables.
    fn name(&mut self) -> String {
        const SYLLABLES: &[&str] = &[
            "ka", "ri", "to", "ven", "lux", "mar", "do", "pay", "bon", "zi", "quo", "fer", "nal", "tek", "wis", "ora",
            "pix", "glo", "ham", "jet", "cre", "dit", "sol", "uni", "mega", "easy", "fin", "tur", "bo", "lo",
        ];
        (0..3 + self.below(2)).map(|_| SYLLABLES[self.below(SYLLABLES.len())]).collect()
    }

    fn word(&mut self, words: &Vocabulary) -> String {
        // Common words one time in five.
        let most = if self.below(5) == 0 { 300.min(words.words.len()) } else { words.words.len() };
        words.words[self.below(most)].clone()
    }
}

/// A set as it is made.
pub struct Made {
    pub size: Size,
    pub literals: Vec<String>,
    pub regexes: Vec<String>,
    pub domains: Vec<String>,
}

/// Words of one list.
const TOGETHER: usize = 100;

/// The id of the rule of a regex.
pub fn regex_id(n: usize) -> String {
    format!("regex-{n}")
}

impl Made {
    pub fn new(size: Size, words: &Vocabulary) -> Self {
        let mut chance = Chance(0x7a91);
        let literals = (0..size.literals).map(|n| literal(n, words, &mut chance)).collect();
        let regexes = (0..size.regexes).map(|n| regex(n, words, &mut chance)).collect();
        let domains = (0..size.domains).map(|n| domain(n, &mut chance)).collect();
        Self { size, literals, regexes, domains }
    }

    /// The same with one in a hundred exchanged of the regexes and of the lists of words.
    pub fn changed(mut self, words: &Vocabulary) -> Self {
        let mut chance = Chance(0x1991);
        for (n, list) in self.literals.chunks_mut(TOGETHER).enumerate().step_by(100) {
            list.iter_mut().for_each(|l| *l = literal(n, words, &mut chance));
        }
        self.regexes.iter_mut().enumerate().step_by(100).for_each(|(n, r)| *r = regex(n, words, &mut chance));
        self
    }

    /// The same with one in a hundred of the domains exchanged.
    pub fn with_other_domains(mut self) -> Self {
        let mut chance = Chance(0x2991);
        self.domains.iter_mut().enumerate().step_by(100).for_each(|(n, d)| *d = domain(n + 77, &mut chance));
        self
    }

    pub fn sources(&self) -> Sources {
        let mut rules = String::from("lists:\n  bad-hosts: { domains: { file: hosts.txt } }\n");
        let lists = self.literals.chunks(TOGETHER).enumerate();
        for (n, _) in lists.clone() {
            let _ = writeln!(rules, "  words-{n}: {{ words: {{ file: words-{n}.txt }} }}");
        }
        rules.push_str(
            "rules:\n  - { id: hosts, score: 6, category: other, when: { link: { domain_in: bad-hosts } } }\n",
        );
        for (n, _) in lists.clone() {
            // Two of three ask for more than the words.
            let and = ["", ", { has: link }", ", { any: [ { has: phone }, { recipient: { country: SG } } ] }"][n % 3];
            let _ = writeln!(
                rules,
                "  - {{ id: words-{n}, score: 1, category: other, when: {{ all: [ {{ text: {{ word_in: words-{n} }} }}{and} ] }} }}"
            );
        }
        for (n, regex) in self.regexes.iter().enumerate() {
            let id = regex_id(n);
            let _ = writeln!(
                rules,
                "  - {{ id: {id}, score: 1, category: other, when: {{ text: {{ regex: '{regex}' }} }} }}"
            );
        }
        let file = |name: String, text: String| ListFile { named_in: "rules.yaml".into(), name, text: Ok(text) };
        let mut files: Vec<ListFile> =
            lists.map(|(n, words)| file(format!("words-{n}.txt"), words.join("\n"))).collect();
        files.push(file("hosts.txt".into(), self.domains.join("\n")));
        let rules = vec![Source { name: "rules.yaml".into(), text: rules }];
        Sources { rules, lists: files, ..Sources::default() }
    }
}

fn literal(n: usize, words: &Vocabulary, chance: &mut Chance) -> String {
    match n % 10 {
        // One in a hundred is a single word of the rarer half.
        7 if n % 100 == 7 => words.words[words.words.len() / 2 + chance.below(words.words.len() / 2)].clone(),
        0 if !words.unspaced.is_empty() => words.unspaced[chance.below(words.unspaced.len())].clone() + &chance.name(),
        0..=2 => format!("{} {}", chance.word(words), chance.word(words)),
        3..=4 => format!("{} {} {}", chance.word(words), chance.word(words), chance.word(words)),
        5 => format!("{}{}", chance.word(words), chance.below(1_000)),
        _ => chance.name() + &chance.name(),
    }
}

fn regex(n: usize, words: &Vocabulary, chance: &mut Chance) -> String {
    let mut w = || chance.word(words);
    match n % 12 {
        0 => format!(r"\b{}\s+{}\b.{{0,40}}?\b{}\b", w(), w(), w()),
        1 => format!(r"\b(?:{}|{})\b.{{0,30}}?\b(?:{}|{})\b", w(), w(), w(), w()),
        2 => format!(r"\b{}\W{{1,3}}{}\b", w(), w()),
        3 => format!(r"\b{} {}\b.{{0,20}}?\b\d{{4,6}}\b", w(), w()),
        4 => {
            let name = chance.name();
            name.chars().map(|c| c.to_string()).collect::<Vec<_>>().join(r"[\W_]*")
        }
        5 => format!(r"\b{}\d{{2,4}}\b", chance.name()),
        6 if !words.unspaced.is_empty() => {
            let mut part = || words.unspaced[chance.below(words.unspaced.len())].chars().take(5).collect::<String>();
            format!("{}.{{0,20}}?{}", part(), part())
        }
        7 => format!(r"\b{}(?:an|kan|in|nya)?\b.{{0,25}}?\b(?:rp|rm|sgd|usd) ?\d+", w()),
        8 => format!(r"\b(?:free|get|claim|win)\b.{{0,30}}?\b{}\b", w()),
        9 => format!(r"\b{}\b.{{0,50}}?\b{}\b.{{0,50}}?\b{}\b", w(), w(), w()),
        10 => format!(r"{}(?:com|net|top|xyz)?", chance.name()),
        _ => format!(r"\b{}s?\b.{{0,15}}?\b{}\b", w(), w()),
    }
}

fn domain(n: usize, chance: &mut Chance) -> String {
    const ENDS: &[&str] = &["com", "top", "xyz", "net", "online", "shop", "info", "co.id", "in.th", "vip"];
    let end = ENDS[chance.below(ENDS.len())];
    match n % 4 {
        0 => format!("{}{}.{end}", chance.name(), chance.below(10_000)),
        1 => format!("{}-{}.{end}", chance.name(), chance.name()),
        2 => format!("www.{}{}.{end}", chance.name(), chance.below(100_000)),
        _ => format!("{}{n:x}.{end}", chance.name()),
    }
}
