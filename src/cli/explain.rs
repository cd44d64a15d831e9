//! `tapis explain`: which rules fire on a message, on which words, and why the verdict.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::{Exit, Format, check, fail, say};
use crate::case::Sample;
use crate::explain::{self, Explanation, Way};
use crate::message::Direction;
use crate::policy::Policy;
use crate::runtime::clock::Clock;
use crate::runtime::files::Origin;

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
    /// When it is judged, as 2026-11-23T22:00+07:00; now when not given.
    #[arg(long)]
    at: Option<jiff::Timestamp>,
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

fn explain(args: &Args, policy: &Policy) -> Result<Vec<Explanation>, String> {
    let at = args.at.and_then(|at| u64::try_from(at.as_microsecond()).ok()).map(crate::time::Timestamp);
    let now = at.unwrap_or_else(|| Clock::start().now());
    let direction = args.direction.map(Towards::direction);
    let rule = args.rule.as_deref();
    if let Some(hex) = &args.pdu {
        let octets = super::decode::octets(hex)?;
        return explain::pdu(policy, &octets, Way { account: &args.account, direction, now, rule });
    }
    let sample = Sample {
        from: &args.from,
        to: &args.to,
        text: args.text.as_deref().unwrap_or_default(),
        account: &args.account,
        mo: direction == Some(Direction::Mo),
        data_coding: args.data_coding,
        parts: None,
        tlvs: &[],
        now,
        delivery: None,
    };
    Ok(vec![explain::sample(policy, &sample, rule)])
}
