//! `tapis explain`: which rules fire on a message, on which words, and why the verdict.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;

use super::{Exit, Format, check, fail, say};
use crate::case::Sample;
use crate::config::decode::duration;
use crate::config::spec::{Before, CaseMemory, Key, Known};
use crate::explain::{self, Explanation, Way};
use crate::message::Direction;
use crate::policy::Policy;
use crate::runtime::clock::Clock;
use crate::runtime::files::Origin;
use crate::wire::command::Tag;

/// Says why a message would be passed, tagged or blocked.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The sender.
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    from: String,
    /// The recipient.
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    to: String,
    /// The text.
    #[arg(long, conflicts_with = "pdu", required_unless_present = "pdu", allow_hyphen_values = true)]
    text: Option<String>,
    /// A whole PDU in hexadecimal, in place of the three.
    #[arg(long, value_name = "HEX")]
    pdu: Option<String>,
    /// The account (system_id) that it comes through.
    #[arg(long, default_value = "")]
    account: String,
    /// Which way it goes; mt unless the PDU is a deliver_sm.
    #[arg(long, value_enum)]
    direction: Option<Towards>,
    /// The data_coding of the text; the narrowest when not given.
    #[arg(long)]
    data_coding: Option<u8>,
    /// An optional parameter that it carries, as 0x1400=text, 0x1401=0x0aff or alert_on_message_delivery: its tag or the
    /// standard's name for it, and its value as text or, behind 0x, in hexadecimal. As often as there are some.
    #[arg(long, value_name = "TAG=VALUE", value_parser = tlv, conflicts_with = "pdu")]
    tlv: Vec<(Tag, Vec<u8>)>,
    /// When it is judged, as 2026-11-23T22:00+07:00; now when not given.
    #[arg(long)]
    at: Option<jiff::Timestamp>,
    /// How long things have been known, as sender=7d, account=1d, domain=3d or table=30d; a year when not said.
    #[arg(long, value_name = "WHAT=AGE", value_parser = known)]
    known: Vec<(Known, Duration)>,
    /// What came before, as messages=300,every=10s,recipients=distinct: messages like this one.
    #[arg(long, value_name = "MESSAGES", value_parser = before, conflicts_with = "pdu")]
    before: Option<Before>,
    /// Standings, as sender=12; 50, neither good nor bad, when not said.
    #[arg(long, value_name = "KEY=N", value_parser = standing)]
    standing: Vec<(Key, u8)>,
    /// A rule file or a folder of them, or a tapis.yaml; config/tapis.yaml when not given.
    #[arg(long, value_name = "PATH")]
    rules: Vec<PathBuf>,
    /// Also the tree of this rule, fired or not.
    #[arg(long, value_name = "ID")]
    rule: Option<String>,
    /// How to answer.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Towards {
    Mt,
    Mo,
}

impl Towards {
    pub(super) fn direction(self) -> Direction {
        match self {
            Self::Mt => Direction::Mt,
            Self::Mo => Direction::Mo,
        }
    }
}

/// The configuration that commands use when none is named.
pub(super) const DEFAULT_CONFIG: &str = "config/tapis.yaml";

/// Runs it.
pub(super) fn run(args: &Args) -> Exit {
    let origin = match origin(&args.rules) {
        Ok(origin) => origin,
        Err(why) => return fail(Exit::Usage, why),
    };
    let policy = match check::policy(&origin) {
        Ok(loaded) => loaded.policy,
        Err(exit) => return exit,
    };
    if let Some(id) = &args.rule
        && policy.rules.rule_of(id).is_none()
        && !policy.rules.exemptions.iter().any(|e| *e.id == **id)
    {
        return fail(Exit::Usage, format_args!("there is no rule `{id}`"));
    }
    match explain(args, &policy) {
        Ok(all) => {
            for one in all {
                match args.format {
                    Format::Json => say(one.json),
                    Format::Text => say(one.text.trim_end()),
                }
            }
            Exit::Fine
        }
        Err(why) => fail(Exit::Usage, why),
    }
}

/// Rules that were named, else the configuration that stands here.
///
/// # Errors
/// When there is neither.
pub(super) fn origin(rules: &[PathBuf]) -> Result<Origin, String> {
    match rules.is_empty() {
        false => Ok(check::origin(rules)),
        true if Path::new(DEFAULT_CONFIG).is_file() => {
            Ok(Origin { main: Some(DEFAULT_CONFIG.into()), ..Origin::default() })
        }
        true => Err(format!("there is no {DEFAULT_CONFIG} here: name rules with --rules")),
    }
}

/// A configuration, its rules those that were named if any; without one, rules that were named, else what stands here.
///
/// # Errors
/// How the command ends when there is none of them; it has been told.
pub(super) fn configured(config: Option<&Path>, rules: &[PathBuf]) -> Result<Origin, Exit> {
    match config {
        Some(main) => Ok(Origin { main: Some(main.into()), rules: rules.to_vec(), ..Origin::default() }),
        None => origin(rules).map_err(|why| fail(Exit::Usage, why)),
    }
}

/// `sender=7d`
fn known(written: &str) -> Result<(Known, Duration), String> {
    let (what, age) = written.split_once('=').ok_or("write sender=7d")?;
    let what = match what {
        "table" => Known::Table,
        "sender" | "account" | "domain" => Known::Key(Key::from_name(what).ok_or("no such key")?),
        _ => return Err(format!("`{what}` is none of sender, account, domain, table")),
    };
    Ok((what, duration(age).ok_or("write its age with its unit: 7d")?))
}

/// `0x1400=text`, `0x1401=0x0aff`, `alert_on_message_delivery`
fn tlv(written: &str) -> Result<(Tag, Vec<u8>), String> {
    let (name, value) = written.split_once('=').unwrap_or((written, ""));
    let number = match name.strip_prefix("0x").or_else(|| name.strip_prefix("0X")) {
        Some(hex) => u16::from_str_radix(hex, 16).ok(),
        None => name.parse().ok(),
    };
    let tag = number.map(Tag).or_else(|| Tag::from_name(name));
    let tag = tag.ok_or_else(|| format!("`{name}` is no tag: write its number, as 0x1400, or the standard's name"))?;
    if tag == Tag::MESSAGE_PAYLOAD {
        return Err("the text is given with --text, and stands in message_payload where it is long".into());
    }
    let value = if value.starts_with("0x") { super::decode::octets(value)? } else { value.as_bytes().to_vec() };
    if value.len() > TLV_MAX {
        return Err(format!("a value has at most {TLV_MAX} octets"));
    }
    Ok((tag, value))
}

/// Octets of a value at most: with them all a message still fits into a PDU.
const TLV_MAX: usize = 1_024;

/// `messages=300,every=10s,recipients=distinct`
fn before(written: &str) -> Result<Before, String> {
    let mut before = Before { messages: 0, every: Duration::from_secs(60), to_others: false, from_others: false };
    for one in written.split(',') {
        match one.split_once('=') {
            Some(("messages", n)) => before.messages = n.parse().map_err(|_| format!("`{n}` is no number"))?,
            Some(("every", time)) => before.every = duration(time).ok_or("write `every` with its unit: 10s")?,
            Some(("recipients", whom @ ("same" | "distinct"))) => before.to_others = whom == "distinct",
            Some(("senders", who @ ("same" | "distinct"))) => before.from_others = who == "distinct",
            _ => {
                let help = "messages=N, every=TIME, recipients=distinct, senders=distinct";
                return Err(format!("`{one}` is none of {help}"));
            }
        }
    }
    if before.messages == 0 || before.messages > 1_000_000 {
        return Err("say how many: messages=300, at most 1000000".into());
    }
    Ok(before)
}

/// `sender=12`
fn standing(written: &str) -> Result<(Key, u8), String> {
    let (key, standing) = written.split_once('=').ok_or("write sender=12")?;
    let key = Key::from_name(key).filter(|key| !matches!(key, Key::Recipient | Key::Range));
    let key = key.ok_or("the keys are sender, account, domain, phone and campaign")?;
    let standing = standing.parse().ok().filter(|n| *n <= 100).ok_or("a standing is from 0 to 100")?;
    Ok((key, standing))
}

fn explain(args: &Args, policy: &Policy) -> Result<Vec<Explanation>, String> {
    let at = args.at.and_then(|at| u64::try_from(at.as_microsecond()).ok()).map(crate::time::Timestamp);
    let now = at.unwrap_or_else(|| Clock::start().now());
    let direction = args.direction.map(Towards::direction);
    let rule = args.rule.as_deref();
    let memory = CaseMemory { known: args.known.clone(), before: args.before, standing: args.standing.clone() };
    if let Some(hex) = &args.pdu {
        let octets = super::decode::octets(hex)?;
        return explain::pdu(policy, &octets, Way { account: &args.account, direction, now, rule, memory: &memory });
    }
    let sample = Sample {
        from: &args.from,
        to: &args.to,
        text: args.text.as_deref().unwrap_or_default(),
        account: &args.account,
        mo: direction == Some(Direction::Mo),
        data_coding: args.data_coding,
        parts: None,
        tlvs: &args.tlv,
        now,
        delivery: None,
        memory: Some(&memory),
    };
    Ok(vec![explain::sample(policy, &sample, rule)])
}
