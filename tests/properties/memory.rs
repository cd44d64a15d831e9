//! A memory for tests: what it says of a message is a hash of the question, so that the engine and the oracle, which ask in
//! different words, hear the same.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value;
use tapis::config::decode::duration;
use tapis::message::Message;
use tapis::policy::Policy;
use tapis::rules::{Facts, Question};

/// The memory before one message.
#[derive(Clone, Copy)]
pub struct Memory(u64);

const SECOND: u64 = 1_000_000;
const DAY: u64 = 86_400 * SECOND;

impl Memory {
    pub fn of(message: &Message<'_>) -> Self {
        let mut hasher = DefaultHasher::new();
        (message.sender.id, message.recipient.id, message.now.0, message.reading.text().len()).hash(&mut hasher);
        Self(hasher.finish())
    }

    fn draw(self, question: &str) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.0, question).hash(&mut hasher);
        hasher.finish()
    }

    /// For how long the nth of a key has been known, in µs; none when memory is too young to say.
    pub fn age(self, key: &str, nth: usize) -> Option<u64> {
        [None, Some(0), Some(5 * SECOND), Some(60 * SECOND), Some(3_600 * SECOND), Some(2 * DAY), Some(30 * DAY)]
            [usize::try_from(self.draw(&format!("age {key} {nth}")) % 7).unwrap()]
    }

    /// From 0 to 100.
    pub fn standing(self, key: &str) -> Option<u64> {
        let drawn = self.draw(&format!("standing {key}"));
        drawn.is_multiple_of(3).then_some(drawn / 3 % 101)
    }

    /// A count, by what is counted.
    pub fn rate(self, told: &str) -> Option<u64> {
        let drawn = self.draw(told);
        (!drawn.is_multiple_of(5)).then_some(drawn / 5 % 70)
    }

    /// Lends it to the engine.
    pub fn lend<T>(self, policy: &Policy, with: impl FnOnce(&Facts<'_>) -> T) -> T {
        let ask = |question: &Question, nth: usize| match question {
            Question::Age { of, .. } => self.age(of.name(), nth),
            Question::Standing(of) => self.standing(of.name()),
            Question::Neutral => Some(50),
            Question::Rate(n) => {
                let rate = &policy.rules.rates[*n];
                let of = rate.of.map(|n| &*policy.rules.rules[usize::try_from(n).unwrap()].id);
                let per = rate.per.iter().map(|key| key.name()).collect();
                self.rate(&told(rate.count.name(), per, rate.over.as_secs(), of, rate.passed))
            }
        };
        with(&Facts::Memory(&ask))
    }
}

fn told(count: &str, mut per: Vec<&str>, over: u64, of: Option<&str>, passed: bool) -> String {
    per.sort_unstable();
    format!("{count} per {per:?} over {over} of {of:?} {passed}")
}

/// What a rate counts, as written; `of` by its full id.
pub fn told_as_written(rate: &Value, of: Option<&str>) -> String {
    let text = |key: &str| rate[key].as_str().unwrap_or_default();
    let per = match &rate["per"] {
        Value::String(one) => vec![one.as_str()],
        many => many.as_array().into_iter().flatten().filter_map(Value::as_str).collect(),
    };
    told(text("count"), per, duration(text("over")).unwrap().as_secs(), of, text("counted") == "passed")
}

/// What standings add to the score, in hundredths: the worst of them by the doublings of its odds, at most 6.
pub fn points(memory: Memory) -> i64 {
    let known = ["sender", "account", "domain", "phone", "campaign"].map(|key| memory.standing(key));
    let Some(worst) = known.into_iter().flatten().min() else { return 0 };
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "small numbers")]
    let points = ((100.0 - worst as f64) / (worst as f64).max(0.001)).log2().clamp(0.0, 6.0) * 100.0;
    #[allow(clippy::cast_possible_truncation, reason = "at most 600")]
    let points = points.round() as i64;
    points
}
