//! What the demo shows: one line a decision, what a reload changed, what can be tried, and a summary.

use std::collections::BTreeMap;
use std::io::IsTerminal;

use jiff::tz::TimeZone;

use super::{count, say};
use crate::config::diagnostic::columns;
use crate::explain::visible;
use crate::runtime::live::{Line, LineFinding};
use crate::runtime::reload::Report;

/// Decisions between two reminders of what can be tried.
const LINES_BETWEEN_REMINDERS: u64 = 120;
/// Columns for a sender or a recipient: `+66890…123`, or eleven characters of a name.
const PARTY_COLUMNS: usize = 12;
/// Columns for a text, and for one word of it.
const TEXT_COLUMNS: usize = 60;
const WORD_COLUMNS: usize = 24;
/// Findings of one line, and words of one finding.
const FINDINGS_MAX: usize = 2;
const WORDS_MAX: usize = 2;
/// Rules in the summary.
const RULES_MAX: usize = 12;

const RED: &str = "\u{1b}[31m";
const YELLOW: &str = "\u{1b}[33m";
const CYAN: &str = "\u{1b}[36m";
const DIM: &str = "\u{1b}[2m";
const OFF: &str = "\u{1b}[0m";

/// What is on the screen, and the counts behind it.
#[derive(Debug)]
pub(super) struct Screen {
    admin: String,
    colour: bool,
    shown: u64,
    actions: BTreeMap<&'static str, u64>,
    countries: BTreeMap<String, [u64; 3]>,
    rules: BTreeMap<(String, &'static str), u64>,
}

impl Screen {
    /// A screen of a node whose admin server is at `admin`.
    pub(super) fn new(admin: String) -> Self {
        Self {
            admin,
            colour: super::has_colour(std::io::stdout().is_terminal()),
            shown: 0,
            actions: BTreeMap::new(),
            countries: BTreeMap::new(),
            rules: BTreeMap::new(),
        }
    }

    /// What is there before the first decision.
    pub(super) fn head(&self, smpp: &str, rules: &str) {
        say(format_args!("tapis demo   SMPP {smpp}   admin http://{}   rules {rules} (watched)", self.admin));
        say(format_args!(
            "             ESMEs of six countries write through Tapis to an SMSC. Yours may bind too, as anybody: {smpp}"
        ));
        self.try_these();
        let (from, to) = (fit("from", PARTY_COLUMNS), fit("to", PARTY_COLUMNS));
        say(self
            .dim(&format!("\ntime     action score    {from}   {to} rules that fired and what they saw, or the text")));
    }

    /// Takes a decision into the summary.
    pub(super) fn count(&mut self, line: &Line) {
        *self.actions.entry(line.action).or_default() += 1;
        let column = match line.action {
            "pass" => 0,
            "tag" => 1,
            _ => 2,
        };
        if let Some(n) = self.countries.entry(line.country.clone()).or_default().get_mut(column) {
            *n += 1;
        }
        for finding in &line.findings {
            *self.rules.entry((finding.rule.clone(), finding.mode)).or_default() += 1;
        }
    }

    /// Shows a decision.
    pub(super) fn decision(&mut self, line: &Line) {
        self.count(line);
        self.shown += 1;
        let (action, colour) = match line.action {
            "pass" => ("pass", ""),
            "tag" => ("TAG", YELLOW),
            _ => ("BLOCK", RED),
        };
        let action = self.coloured(colour, &fit(action, 6));
        let score = if line.action != "pass" && line.score == "0" { "–" } else { &line.score };
        let country = if line.country.is_empty() { "--" } else { &line.country };
        let (from, to) = (fit(&masked(&line.from), PARTY_COLUMNS), fit(&masked(&line.to), PARTY_COLUMNS));
        let (time, what) = (time(line.at), self.what(line));
        say(format_args!("{time} {action} {score:>5} {country} {from} → {to} {what}"));
        if self.shown.is_multiple_of(LINES_BETWEEN_REMINDERS) {
            say(format_args!("\n{} so far; Ctrl-C ends with a summary", self.total()));
            self.try_these();
            say("");
        }
    }

    /// The rules that fired and the words they saw, else the beginning of the text.
    fn what(&self, line: &Line) -> String {
        if line.findings.is_empty() {
            return self.dim(&cut(&visible(&line.text), TEXT_COLUMNS));
        }
        let mut shown: Vec<String> = line.findings.iter().take(FINDINGS_MAX).map(|f| self.finding(f)).collect();
        if line.findings.len() > FINDINGS_MAX {
            shown.push(format!("+{}", line.findings.len() - FINDINGS_MAX));
        }
        if let Some(answer) = &line.answer {
            shown.push(format!("→ {answer}"));
        }
        shown.join("  ")
    }

    fn finding(&self, finding: &LineFinding) -> String {
        let words = finding.words.iter().take(WORDS_MAX).map(|w| format!(" «{}»", cut(&visible(w), WORD_COLUMNS)));
        let words: String = words.collect();
        match finding.mode {
            "live" => format!("{}{words}", finding.rule),
            mode => self.dim(&format!("{} ({mode}){words}", finding.rule)),
        }
    }

    /// Shows what became of a change of the rules.
    pub(super) fn reload(&self, report: &Report) {
        if report.ok && report.new.as_deref() == Some(&report.old) {
            return;
        }
        let now = time(crate::runtime::clock::Clock::start().now());
        if !report.ok {
            let errors = report.diagnostics.len();
            let head = format!("{now} rules  not taken: {}; the old ones stay", count(errors, "problem"));
            say(self.coloured(RED, &head));
            report.rendered.iter().for_each(|one| say(indented(one)));
            return;
        }
        let changed = &report.difference;
        let mut what = Vec::new();
        for (how, ids) in [("new", &changed.added), ("gone", &changed.removed), ("changed", &changed.changed)] {
            if !ids.is_empty() {
                what.push(format!("{how}: {}", ids.join(", ")));
            }
        }
        if what.is_empty() {
            what.push("lists, profiles or settings changed".into());
        }
        let cases = count(report.cases.held, "case");
        say(self.coloured(CYAN, &format!("{now} rules  {}; {cases} held; in force from here on", what.join("; "))));
    }

    /// What a newcomer can do now. Each line works as it stands.
    fn try_these(&self) {
        let (tapis, admin) = (super::program(), &self.admin);
        say(format_args!("  try   {tapis} explain --from KBank --to +66898765432 --text 'KBank: ยืนยันที่ kbnk-th.xyz'"));
        say("        edit config/rules/my-first.yaml, save, and watch the next line about coffee change");
        say(format_args!("        curl -s {admin}/metrics | grep tapis_messages_total"));
    }

    fn total(&self) -> String {
        let n = |action: &str| self.actions.get(action).copied().unwrap_or(0);
        let (pass, tag, block) = (n("pass"), n("tag"), n("block"));
        format!("{} messages: {pass} passed, {tag} tagged, {block} blocked", pass + tag + block)
    }

    /// What it came to.
    pub(super) fn summary(&self) {
        say(format_args!("\n{}", self.total()));
        say("to         pass    tag  block");
        for (country, [pass, tag, block]) in &self.countries {
            let country = if country.is_empty() { "--" } else { country };
            say(format_args!("{country:<8} {pass:>6} {tag:>6} {block:>6}"));
        }
        let mut rules: Vec<_> = self.rules.iter().collect();
        rules.sort_by_key(|(id, n)| (std::cmp::Reverse(**n), (*id).clone()));
        say("rule                                    fired");
        for ((id, mode), n) in rules.iter().take(RULES_MAX) {
            let id = if *mode == "live" { id.clone() } else { format!("{id} ({mode})") };
            say(format_args!("{id:<38} {n:>6}"));
        }
    }

    fn coloured(&self, colour: &str, text: &str) -> String {
        if self.colour && !colour.is_empty() { format!("{colour}{text}{OFF}") } else { text.to_owned() }
    }

    fn dim(&self, text: &str) -> String {
        self.coloured(DIM, text)
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

fn time(at: crate::time::Timestamp) -> String {
    let at = i64::try_from(at.0).ok().and_then(|us| jiff::Timestamp::from_microsecond(us).ok()).unwrap_or_default();
    TimeZone::system().to_datetime(at).strftime("%H:%M:%S").to_string()
}

/// The middle of a number is nobody's business, even in a demo.
fn masked(party: &str) -> String {
    let digits = party.strip_prefix('+').unwrap_or(party);
    if digits.len() < 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return visible(party);
    }
    let (head, tail) = (party.get(..6).unwrap_or_default(), party.get(party.len() - 3..).unwrap_or_default());
    format!("{head}…{tail}")
}

/// A text on one line, of at most so many columns of a terminal.
fn cut(text: &str, most: usize) -> String {
    if columns(text) <= most {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 1;
    for c in text.chars() {
        let width = columns(c.encode_utf8(&mut [0; 4]));
        if used + width > most {
            break;
        }
        used += width;
        out.push(c);
    }
    format!("{}…", out.trim_end())
}

/// A text of exactly so many columns of a terminal.
fn fit(text: &str, exactly: usize) -> String {
    let cut = cut(text, exactly);
    let missing = exactly.saturating_sub(columns(&cut));
    format!("{cut}{}", " ".repeat(missing))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_as_wide_as_it_says_in_every_script() {
        for text in
            ["DBS", "ธนาคารกสิกรไทย", "ที่นี่", "星展银行有限公司", "ｆｕｌｌｗｉｄｔｈ", "Việt Nam", "🎂🎂🎂🎂🎂🎂🎂", ""]
        {
            assert_eq!(columns(&fit(text, 12)), 12, "{text}");
            assert!(columns(&cut(text, 5)) <= 5, "{text}");
        }
        assert_eq!((cut("coffee", 6), cut("coffee", 5)), ("coffee".into(), "coff…".into()));
    }

    #[test]
    fn only_numbers_are_masked() {
        assert_eq!(
            (masked("+66812345678"), masked("DBS"), masked("62033")),
            ("+66812…678".into(), "DBS".into(), "62033".into())
        );
        assert_eq!(masked("evil\u{1b}[2J"), "evil\u{fffd}[2J");
    }
}
