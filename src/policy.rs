//! A policy: everything that can change a verdict, compiled, with one digest; swapped whole.

mod difference;
mod doubts;
mod lists;
mod notes;
mod rates;
mod tags;

use std::collections::HashMap;

pub use crate::config::spec::{Exceptions, Failure};
pub use difference::Difference;
pub use doubts::doubts;
pub use lists::{Feed, IntelList};
pub use notes::{Note, notes};
pub(crate) use rates::kind;
pub use tags::TagEdits;

use crate::config;
use crate::config::decode::Placed;
use crate::config::diagnostic::{Diagnostic, Diagnostics, nearest};
use crate::config::settings::Settings;
use crate::config::source::{Place, Sources};
use crate::config::spec::{AccountSpec, Action, AnswerKind, Mode, OverrideSpec, Points, ProfileSpec, Spec, TagSpec};
use crate::message::{Direction, Message};
use crate::reputation::Rate;
use crate::rules::{self, Ahead, Facts, Ruleset};
use crate::text::Alphabet;
use crate::text::number::Country;
use crate::verdict::{Profile, Verdict, Weighing};
use crate::wire::command::CommandStatus;
use tags::Tag;

/// What policy says of an account.
#[derive(Clone, Copy, Debug, Default)]
pub struct AccountSettings<'a> {
    /// Its class.
    pub class: Option<&'a str>,
    /// What data_coding 0 means.
    pub alphabet: Alphabet,
    /// The country of its national numbers.
    pub home: Option<Country>,
}

/// Buffers of judging, reused from message to message.
#[derive(Debug, Default)]
pub struct Scratch {
    /// Of evaluating rules.
    pub rules: rules::Scratch,
    weighing: Weighing,
}

/// See the [module documentation](self).
#[derive(Debug)]
pub struct Policy {
    /// Its evidence.
    pub rules: Ruleset,
    digest: Box<str>,
    name: Box<str>,
    home: Option<Country>,
    accounts: HashMap<String, AccountSpec>,
    profiles: Vec<(ProfileSpec, Profile)>,
    tags: Vec<Tag>,
    exceptions: Exceptions,
    feeds: Vec<Feed>,
    intel: Vec<IntelList>,
    lists: Vec<String>,
    rates: Vec<Rate>,
    /// Parts of the digest, for telling what changed.
    parts: difference::Parts,
}

/// A policy that was loaded, with what it was loaded from.
#[derive(Debug)]
pub struct Loaded {
    /// The policy.
    pub policy: Policy,
    /// What is not part of it.
    pub settings: Settings,
    /// What was written.
    pub spec: Spec,
    /// Warnings.
    pub warnings: Vec<Diagnostic>,
}

/// Reads and compiles. Warnings come with the policy, and errors without one.
///
/// # Errors
/// Everything that is wrong, warnings included.
pub fn load(sources: &Sources) -> Result<Loaded, Vec<Diagnostic>> {
    let (loaded, diagnostics) = read(sources);
    if diagnostics.has_errors() {
        return Err(diagnostics.sorted());
    }
    Ok(Loaded { warnings: diagnostics.sorted(), ..loaded })
}

/// Reads and compiles what can be: where there are errors, the policy lacks what they are about, and is good for nothing
/// but to run the cases of the rest.
#[must_use]
pub fn read(sources: &Sources) -> (Loaded, Diagnostics) {
    read_after(None, sources)
}

/// The same for a policy that follows another: regexes and lists that both have are shared.
#[must_use]
pub fn read_after(before: Option<&Policy>, sources: &Sources) -> (Loaded, Diagnostics) {
    read_ahead(before, sources, &|_, yaml| yaml())
}

/// Does the first, if it can be done beside the second; the second in any case.
pub type Beside<'a> = &'a dyn Fn(&mut (dyn FnMut() + Send), &mut dyn FnMut());

/// The same with long lists that have changed read beside the YAML.
#[must_use]
pub fn read_ahead(before: Option<&Policy>, sources: &Sources, beside: Beside<'_>) -> (Loaded, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let before = before.map(|before| &before.rules);
    let (mut ahead, mut read) = (Ahead::default(), None);
    beside(&mut || ahead = before.map(|before| Ahead::read(before, &sources.lists)).unwrap_or_default(), &mut || {
        read = Some(config::read(sources, &mut diagnostics));
    });
    let (settings, mut spec) = read.unwrap_or_else(|| config::read(sources, &mut diagnostics));
    if sources.main.is_some() {
        lists::unknown_feeds(&spec, &settings.reputation.intel, &mut diagnostics);
    }
    let policy = Policy::compile(&mut spec, sources, (before, ahead), &mut diagnostics);
    (Loaded { policy, settings, spec, warnings: Vec::new() }, diagnostics)
}

/// The policy as the authors of its rules wrote it: without overrides and the mode of the whole, and, for those of a pack,
/// with profiles as if there were none. What is off is in shadow, so that it can be asked whether it fires. What `policy`
/// has compiled of them is not compiled again.
#[must_use]
pub fn as_authored(spec: &Spec, sources: &Sources, of_pack: bool, policy: &Policy) -> Policy {
    let mut spec = spec.clone();
    spec.overrides.clear();
    spec.mode = Mode::Live;
    if of_pack {
        spec.profiles.clear();
    }
    spec.rules.iter_mut().for_each(|rule| rule.mode = rule.mode.max(Mode::Shadow));
    let before = (Some(&policy.rules), Ahead::default());
    Policy::compile(&mut spec, sources, before, &mut Diagnostics::default())
}

impl Policy {
    /// A policy without rules: everything passes.
    #[must_use]
    pub fn pass_all() -> Self {
        let before = (None, Ahead::default());
        Self::compile(&mut Spec::default(), &Sources::default(), before, &mut Diagnostics::default())
    }

    /// The specification is left as it was: edits of lists, and the tag that is always there, are in it meanwhile.
    fn compile(
        spec: &mut Spec,
        sources: &Sources,
        before: (Option<&Ruleset>, Ahead),
        diagnostics: &mut Diagnostics,
    ) -> Self {
        let written = (spec.lists.clone(), spec.tags.clone());
        default_tag(spec);
        lists::edit(spec, &sources.edits, diagnostics);
        let policy = Self::of(spec, sources, before, diagnostics);
        (spec.lists, spec.tags) = written;
        policy
    }

    fn of(
        spec: &mut Spec,
        sources: &Sources,
        before: (Option<&Ruleset>, Ahead),
        diagnostics: &mut Diagnostics,
    ) -> Self {
        let rules = rules::compile(spec, &sources.lists, before, diagnostics);
        let tags: Vec<Tag> = spec.tags.iter().map(|t| Tag::compile(t, diagnostics)).collect();
        let profiles = profiles(spec, diagnostics);
        let mut accounts = HashMap::new();
        for account in &spec.accounts {
            if accounts.insert(account.id.value.clone(), account.clone()).is_some() {
                let message = format!("account `{}` stands here twice", account.id.value);
                diagnostics.error(&account.id.place, "duplicate-id", message);
            }
        }
        overrides(spec, diagnostics);
        tags_of_blocks(spec, &profiles, diagnostics);
        let parts = difference::Parts::new(spec, sources, &rules);
        let rates = rates::rates(&rules);
        let name = sources.main.as_ref().map_or("rules", |m| m.name.rsplit('/').next().unwrap_or(&m.name));
        Self {
            digest: parts.digest(),
            name: name.into(),
            rules,
            home: spec.home.as_ref().map(|h| h.value),
            accounts,
            profiles,
            tags,
            exceptions: spec.exceptions,
            feeds: lists::feeds(spec),
            intel: lists::of_intel(spec),
            lists: spec.lists.iter().map(lists::name).collect(),
            rates,
            parts,
        }
    }

    /// Judges a message that is read.
    pub fn judge(&self, message: &Message<'_>, facts: &Facts<'_>, scratch: &mut Scratch, verdict: &mut Verdict) {
        verdict.clear();
        verdict.profile = self.profile_of(message);
        self.rules.evaluate(message, facts, &mut scratch.rules);
        verdict.findings.extend_from_slice(&scratch.rules.findings);
        verdict.recalled.extend_from_slice(&scratch.rules.recalled);
        if !self.rules.is_report(message) {
            verdict.recall(facts);
        }
        if let Some((_, profile)) = self.profiles.get(verdict.profile) {
            verdict.answer = crate::verdict::Answer::Refuse(profile.status);
            verdict.weigh(&self.rules, profile, &mut scratch.weighing);
        }
    }

    fn profile_of(&self, message: &Message<'_>) -> usize {
        let country = message.recipient.country();
        let fits = |p: &ProfileSpec| {
            p.account.as_deref().is_none_or(|id| id == message.account.id)
                && p.account_class.as_deref().is_none_or(|c| Some(c) == message.account.class)
                && p.mo.is_none_or(|mo| mo == (message.direction == Direction::Mo))
                && p.country.is_none_or(|c| Some(c) == country)
        };
        self.profiles.iter().position(|(spec, _)| fits(spec)).unwrap_or(self.profiles.len().saturating_sub(1))
    }

    /// The profile that a verdict was made by.
    #[must_use]
    pub fn profile(&self, verdict: &Verdict) -> Option<&Profile> {
        self.profiles.get(verdict.profile).map(|(_, profile)| profile)
    }

    /// What it says of an account.
    #[must_use]
    pub fn account(&self, system_id: &str) -> AccountSettings<'_> {
        let account = self.accounts.get(system_id);
        AccountSettings {
            class: account.and_then(|a| a.class.as_deref()),
            alphabet: account.and_then(|a| a.alphabet).unwrap_or_default(),
            home: account.and_then(|a| a.home).or(self.home),
        }
    }

    /// What it counts: the rates of its rules, in their order.
    #[must_use]
    pub fn rates(&self) -> &[Rate] {
        &self.rates
    }

    /// Whether a tag shows this source address: what speaks of it names nobody.
    #[must_use]
    pub fn is_shown(&self, source_addr: &[u8]) -> bool {
        self.tags.iter().any(|tag| tag.source_addr.as_deref() == Some(source_addr))
    }

    /// What is done when judging is not possible.
    #[must_use]
    pub fn exceptions(&self) -> Exceptions {
        self.exceptions
    }

    /// How a tagged message is changed; tags that edit the same field: the first counts.
    #[must_use]
    pub fn tag_edits(&self, verdict: &Verdict, recipient: Option<Country>) -> TagEdits<'_> {
        let mut edits = TagEdits::default();
        for tag in verdict.tags.iter().filter_map(|t| self.tags.get(*t)) {
            edits.add(tag, recipient);
        }
        edits
    }

    /// The name of a tag.
    #[must_use]
    pub fn tag_name(&self, tag: usize) -> Option<&str> {
        self.tags.get(tag).map(|t| &*t.name)
    }

    /// The digest of everything that can change a verdict: 16 hexadecimal digits of BLAKE3.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The name of its main file.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Full names of its lists, registries apart.
    pub fn lists(&self) -> impl Iterator<Item = &str> {
        self.lists.iter().map(String::as_str)
    }

    /// Whether it has a list of this full name.
    #[must_use]
    pub fn has_list(&self, name: &str) -> bool {
        self.lists.iter().any(|l| l == name)
    }

    /// The lists that are fetched.
    #[must_use]
    pub fn feeds(&self) -> &[Feed] {
        &self.feeds
    }

    /// The lists of what other carriers warn of.
    #[must_use]
    pub fn intel_lists(&self) -> &[IntelList] {
        &self.intel
    }

    /// What another policy would change.
    #[must_use]
    pub fn difference(&self, new: &Self) -> Difference {
        self.parts.difference(&new.parts)
    }
}

/// The tag that profiles use when none is defined.
const LIKELY_SCAM: &str = "likely-scam";

/// `likely-scam` is defined unless the operator defines it.
fn default_tag(spec: &mut Spec) {
    if spec.tags.iter().any(|t| t.name.value == LIKELY_SCAM && t.pack.is_none()) {
        return;
    }
    let place = Place::start("built-in");
    let name = Placed { value: LIKELY_SCAM.into(), place: place.clone() };
    let source_addr = Some(Placed { value: "Likely-SCAM".into(), place });
    spec.tags.push(TagSpec { name, pack: None, source_addr, prefix: Vec::new(), tlv: None });
}

/// The profile behind the last, when that is none for everything.
fn built_in() -> ProfileSpec {
    ProfileSpec {
        id: Placed { value: "default".into(), place: Place::start("built-in") },
        account: None,
        account_class: None,
        mo: None,
        country: None,
        tag_from: None,
        block_from: None,
        action_max: None,
        status: None,
        answer: None,
        tag: None,
    }
}

fn profiles(spec: &Spec, diagnostics: &mut Diagnostics) -> Vec<(ProfileSpec, Profile)> {
    let mut specs = spec.profiles.clone();
    if let Some(first) = specs.first()
        && let Some(other) = specs.iter().find(|p| p.id.place.file != first.id.place.file)
    {
        let message = format!("profile `{}` stands in another file than the first", other.id.value);
        diagnostics.error(&other.id.place, "two-files", message).help(format!(
            "profiles are tried in their order, and files have none: all belong beside {}",
            first.id.place
        ));
    }
    for (n, one) in specs.iter().enumerate() {
        if let Some(first) = specs.iter().take(n).find(|p| p.id.value == one.id.value) {
            let message = format!("profile `{}` has the id of another", one.id.value);
            diagnostics
                .error(&one.id.place, "duplicate-id", message)
                .help(format!("the first is at {}", first.id.place));
        }
        let open = one.account.is_none() && one.account_class.is_none() && one.mo.is_none() && one.country.is_none();
        if open && n + 1 < specs.len() {
            let message = format!("profile `{}` fits every message: those behind it are never used", one.id.value);
            diagnostics.error(&one.id.place, "unreachable", message).help("the profile without `for` is the last");
        }
    }
    let is_open =
        |p: &ProfileSpec| p.account.is_none() && p.account_class.is_none() && p.mo.is_none() && p.country.is_none();
    if !specs.last().is_some_and(is_open) {
        specs.push(built_in());
    }
    // What a profile does not say is as the last one says.
    let of_last = specs.last().cloned().unwrap_or_else(built_in);
    specs
        .into_iter()
        .map(|p| {
            let name = p.tag.as_ref().or(of_last.tag.as_ref());
            let wanted = name.map_or(LIKELY_SCAM, |n| n.value.as_str());
            let global = || spec.tags.iter().filter(|t| t.pack.is_none()).map(|t| t.name.value.as_str());
            let tag = spec.tags.iter().position(|t| t.name.value == wanted && t.pack.is_none());
            if let (None, Some(name)) = (tag, p.tag.as_ref()) {
                let diagnostic =
                    diagnostics.error(&name.place, "unknown-name", format!("there is no tag `{}`", name.value));
                match nearest(&name.value, global()) {
                    Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
                    None => diagnostic
                        .help(format!("the tags without a pack are {}", global().collect::<Vec<_>>().join(", "))),
                }
            }
            let status =
                if p.mo == Some(true) { CommandStatus::ESME_RX_R_APPN } else { CommandStatus::ESME_RSUBMITFAIL };
            let last_status = of_last.status.filter(|_| p.mo != Some(true));
            let profile = Profile {
                id: p.id.value.as_str().into(),
                tag_from: p.tag_from.or(of_last.tag_from).unwrap_or(Points(500)),
                block_from: p.block_from.or(of_last.block_from).unwrap_or(Points(1_000)),
                action_max: p.action_max.or(of_last.action_max).unwrap_or(Action::Block),
                status: p.status.or(last_status).unwrap_or(status),
                answer: p.answer.or(of_last.answer).unwrap_or(AnswerKind::Refuse),
                tag,
            };
            (p, profile)
        })
        .collect()
}

fn overrides(spec: &Spec, diagnostics: &mut Diagnostics) {
    for (n, one) in spec.overrides.iter().enumerate() {
        let target = &one.target.value;
        if !spec.rules.iter().any(|r| rules::covers(target, &r.id.value)) {
            let diagnostic =
                diagnostics.error(&one.target.place, "unknown-name", format!("no rule is named `{target}`"));
            if let Some(near) = nearest(target, spec.rules.iter().map(|r| r.id.value.as_str())) {
                diagnostic.help(format!("did you mean `{near}`?"));
            }
        }
        if spec.overrides.iter().take(n).any(|o| o.target.value == *target) {
            diagnostics.error(&one.target.place, "duplicate-id", format!("`{target}` is overridden twice"));
        }
        if target.contains('*') {
            ambiguous(spec, n, one, diagnostics);
        }
    }
}

/// An id beats a glob; of two globs that say the same thing of one rule neither beats the other.
fn ambiguous(spec: &Spec, n: usize, one: &OverrideSpec, diagnostics: &mut Diagnostics) {
    let says = |o: &OverrideSpec| [o.mode.is_some(), o.score.is_some(), o.action.is_some()];
    let is_said_by_id =
        |id: &str, key: usize| spec.overrides.iter().any(|o| o.target.value == id && says(o).get(key) == Some(&true));
    let globs =
        spec.overrides.iter().take(n).filter(|o| o.target.value.contains('*') && o.target.value != one.target.value);
    for other in globs {
        let both_cover = |id: &str| rules::covers(&one.target.value, id) && rules::covers(&other.target.value, id);
        let both_say = says(one).into_iter().zip(says(other)).enumerate().filter(|(_, (a, b))| *a && *b);
        let keys: Vec<usize> = both_say.map(|(key, _)| key).collect();
        let ids = spec.rules.iter().map(|r| r.id.value.as_str()).filter(|id| both_cover(id));
        if let Some(id) = ids.clone().find(|id| keys.iter().any(|key| !is_said_by_id(id, *key))) {
            let message = format!("`{}` and `{}` both override rule `{id}`", other.target.value, one.target.value);
            diagnostics
                .error(&one.target.place, "ambiguous", message)
                .help(format!("an id beats a glob: say it of `{id}` itself, or let the globs not overlap"));
        }
    }
}

/// A rule that blocks marks nothing, unless a profile lets it do no more than that.
fn tags_of_blocks(spec: &Spec, profiles: &[(ProfileSpec, Profile)], diagnostics: &mut Diagnostics) {
    if profiles.iter().any(|(_, profile)| profile.action_max == Action::Tag) {
        return;
    }
    for rule in spec.rules.iter().filter(|r| r.action == Some(Action::Block)) {
        if let Some(tag) = &rule.tag {
            let message = format!("rule `{}` blocks: its `tag` is never applied", rule.id.value);
            diagnostics.warning(&tag.place, "no-effect", message);
        }
    }
}
