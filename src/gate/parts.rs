//! Parts of longer messages: held unanswered until the whole can be judged, then let go in the order in which they came.
//!
//! ```text
//!   part 1/3 ─┐
//!   hello ────┼──────────▶ goes by: another recipient's
//!   part 3/3 ─┤ held
//!   part 2/3 ─┘─▶ judge 1+2+3 ─▶ all forwarded, all tagged, or all refused
//! ```
//!
//! A hold delays its own message, and what follows it between the same two ends: order is kept there. It ends at the
//! latest after `hold`, and before that when the peer waits for an answer (all that is outstanding is held, and it has
//! been quiet for `quiet`): its window is smaller than its message. How many requests such a peer leaves open is
//! remembered, and longer messages are judged on arrival from then on, each part with all text so far, until it is seen
//! to leave more open. Parts may come over several binds of an account; the session that gets the last one decides, and
//! wakes the others.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::holding::{Member, Waiting};
use super::judge::{Judged, Of, direction};
use super::{Context, Event, Gate, Made};
use crate::account::{Account, Fate, Incoming, Keeping};
use crate::audit::{Basis, Reply};
use crate::limits::{HELD_MAX, HELD_OCTETS_MAX};
use crate::message::{Envelope, pieces};
use crate::policy::Policy;
use crate::session::{Disposition, HeldId, Leg};
use crate::text::UserData;
use crate::text::concat::{Key, Part, Piece, Standing, What, digest};
use crate::time::Timestamp;
use crate::verdict::{Action, Verdict};
use crate::wire::body::{self, Body, Parsed};
use crate::wire::command::RegisteredDelivery;
use crate::wire::frame::{HEADER_OCTETS, Header};

/// How parts are held.
#[derive(Clone, Copy, Debug)]
pub struct Parts {
    /// The longest that a part is held; zero holds none.
    pub hold: Duration,
    /// Silence after which a peer whose every outstanding request is held is taken to wait for an answer.
    pub quiet: Duration,
    /// Whether parts from the SMSC are held too.
    pub hold_mo: bool,
    /// How long they are remembered.
    pub keeping: Keeping,
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            hold: Duration::from_millis(800),
            quiet: Duration::from_millis(200),
            hold_mo: false,
            keeping: Keeping::default(),
        }
    }
}

/// A message that is let go, PDU by PDU.
#[derive(Debug)]
pub(super) struct Release {
    leg: Leg,
    envelope: Envelope,
    verdict: Verdict,
    policy: Arc<Policy>,
    basis: Basis,
    members: VecDeque<Member>,
}

impl Release {
    pub(super) fn told(&self) -> (&Envelope, &Verdict, &Policy) {
        (&self.envelope, &self.verdict, &self.policy)
    }
}

impl Gate {
    /// Whether a message must wait for one that is held between the same ends; then it is held as well.
    pub(super) fn waits_behind(
        &mut self,
        cx: &mut Context<'_>,
        id: HeldId,
        leg: Leg,
        header: Header,
        ends: impl FnOnce(&Self, &mut Context<'_>) -> Vec<u128>,
    ) -> bool {
        if self.holding.is_empty() || self.holding.letting_go {
            return false;
        }
        let ends = ends(self, cx);
        if !self.holding.is_behind(leg, &ends) {
            return false;
        }
        let member = Member { id, header, registered: RegisteredDelivery(0), number: 0 };
        self.holding.hold(leg, ends, None, member, cx.now);
        self.session.dispose(id, 0, Disposition::Defer);
        self.relieve(leg);
        true
    }

    /// Where too much of a leg is held, nothing of it waits any longer: what stands behind others has no limit of its own.
    fn relieve(&mut self, leg: Leg) {
        if self.is_full(self.holding.held(leg)) {
            for waiting in self.holding.waiting.iter_mut().filter(|w| w.leg == leg) {
                waiting.since = Timestamp::default();
            }
            self.holding.changed = true;
        }
    }

    fn is_full(&mut self, held: usize) -> bool {
        let full = held > HELD_MAX || self.session.held_octets() >= HELD_OCTETS_MAX;
        if full {
            self.exception = Some(Event::Exception { cause: "held", policy: "pass" });
        }
        full
    }

    /// A part of a longer message, which the envelope holds: held, or judged with all text so far.
    pub(super) fn part(
        &mut self,
        cx: &mut Context<'_>,
        id: HeldId,
        leg: Leg,
        header: Header,
        registered: RegisteredDelivery,
        part: Part,
    ) -> Option<Made> {
        let Some(account) = self.account.clone() else {
            return Some(self.judge(cx, id, leg, header, registered));
        };
        let home = cx.policy.account(account.id()).home;
        let ends = cx.scratch.envelope.ends(direction(leg), home);
        let key = Key::new(ends, &part);
        let pdu = self.session.held(id).unwrap_or_default();
        let fingerprint = digest(&[pdu.get(HEADER_OCTETS..).unwrap_or_default()]);
        let incoming = Incoming { key, part, fingerprint, pieces: user_data(pdu) };
        let (arrival, wake) = account.part_arrived(incoming, self.id, cx.now, &self.settings.parts.keeping);
        self.wakes.extend(wake);
        let member = Member { id, header, registered, number: part.number };
        let generation = arrival.generation;
        let ready = matches!(arrival.what, What::New { complete: true } | What::Repeat(Some(_)));
        let behind = self.holding.is_behind(leg, &[ends]);
        if behind || !(ready || self.judges_on_arrival(leg, part.total)) {
            self.holding.hold(leg, vec![ends], Some((key, generation)), member, cx.now);
            // Whatever it completes, repeats or ends may be ready now.
            self.holding.changed |= behind;
            self.session.dispose(id, 0, Disposition::Defer);
            self.relieve(leg);
            return None;
        }
        let fate = match arrival.what {
            What::Repeat(fate) => fate,
            What::New { .. } => None,
        };
        let release = self.release_of(cx, &account, leg, (key, generation), fate.as_ref(), VecDeque::from([member]));
        self.release = Some(Box::new(release));
        self.next_released(cx).map(Made::Decision)
    }

    /// Judges a part that goes to many for the one whom the envelope names, with all text that he has got so far. It is
    /// not held: each of the many would wait for the slowest.
    pub(super) fn judge_copy(&mut self, cx: &mut Context<'_>, part: Part, pieces: Vec<Piece>) -> Basis {
        let Some(account) = self.account.clone() else { return self.assess(cx, Leg::Esme) };
        let home = cx.policy.account(account.id()).home;
        let key = Key::new(cx.scratch.envelope.ends(direction(Leg::Esme), home), &part);
        let octets: Vec<&[u8]> = pieces.iter().map(|p| p.user_data().octets).collect();
        let incoming = Incoming { key, part, fingerprint: digest(&octets), pieces };
        let (arrival, wake) = account.part_arrived(incoming, self.id, cx.now, &self.settings.parts.keeping);
        self.wakes.extend(wake);
        let release = self.release_of(cx, &account, Leg::Esme, (key, arrival.generation), None, VecDeque::new());
        (cx.scratch.envelope, cx.scratch.verdict) = (release.envelope, release.verdict);
        release.basis
    }

    /// Whether a part that must not wait for others is judged when it comes: its peer could not send the others.
    fn judges_on_arrival(&mut self, leg: Leg, total: u8) -> bool {
        let open = self.session.outstanding(leg.other()) + self.holding.held(leg) + 1;
        let window = self.holding.windows.of_mut(leg);
        if window.is_some_and(|window| open > window) {
            *window = None;
        }
        let small = window.is_some_and(|window| usize::from(total) > window);
        let parts = &self.settings.parts;
        if parts.hold.is_zero() || (leg == Leg::Smsc && !parts.hold_mo) || small {
            return true;
        }
        self.is_full(open)
    }

    /// When something held must be looked at again.
    pub(super) fn hold_timeout(&self) -> Option<Timestamp> {
        if self.holding.is_empty() {
            return None;
        }
        let first = self.holding.waiting.iter().find(|w| w.parts.is_some())?.since + self.settings.parts.hold;
        let quiet = |leg| self.quiet_from(leg).filter(|_| self.holding.held(leg) > 0);
        [Some(first), quiet(Leg::Esme), quiet(Leg::Smsc)].into_iter().flatten().min()
    }

    /// When a peer whose every open request is held counts as waiting.
    fn quiet_from(&self, leg: Leg) -> Option<Timestamp> {
        (self.session.outstanding(leg.other()) == 0)
            .then(|| self.session.last_received(leg) + self.settings.parts.quiet)
    }

    /// Lets go the first message that is ready and has none before it between the same ends.
    pub(super) fn release_ready(&mut self, cx: &mut Context<'_>) -> Option<Made> {
        while self.holding.changed {
            let Some((at, due)) = self.first_ready(cx.now) else {
                self.holding.changed = false;
                return None;
            };
            let waiting = self.holding.waiting.remove(at)?;
            let made = match waiting.parts {
                None => self.let_go(cx, &waiting),
                Some(message) => self.release_parts(cx, at, due, waiting, message),
            };
            if made.is_some() {
                return made;
            }
        }
        None
    }

    /// Judges a whole message that waited behind parts.
    fn let_go(&mut self, cx: &mut Context<'_>, waiting: &Waiting) -> Option<Made> {
        let member = waiting.members.first()?;
        self.holding.letting_go = true;
        let made = self.request(cx, member.id, waiting.leg, member.header);
        self.holding.letting_go = false;
        made
    }

    fn first_ready(&mut self, now: Timestamp) -> Option<(usize, bool)> {
        let mut before = HashSet::new();
        let mut quiet = None;
        let found = self.holding.waiting.iter().enumerate().find_map(|(at, waiting)| {
            let first = waiting.ends.iter().filter(|ends| !before.insert((waiting.leg, **ends))).count() == 0;
            let due = now >= waiting.since + self.settings.parts.hold;
            let ready = match waiting.parts {
                _ if !first => return None,
                None => true,
                Some(message) => due || waiting.members.iter().any(|m| self.is_ripe(message, m)),
            };
            if !ready && self.quiet_from(waiting.leg).is_some_and(|at| at <= now) {
                quiet = Some(waiting.leg);
            }
            (ready || quiet.is_some()).then_some((at, due || quiet.is_some()))
        });
        if let Some(leg) = quiet {
            *self.holding.windows.of_mut(leg) = Some(self.holding.held(leg));
        }
        found
    }

    /// Whether a part needs to wait no longer: its message is whole, decided, or forgotten.
    fn is_ripe(&self, (key, generation): (Key, u64), member: &Member) -> bool {
        let standing = self.account.as_ref().map(|a| a.part_standing(key, generation, member.number));
        !matches!(standing, Some(Standing::Open))
    }

    /// Lets parts go: of those that are ripe, or of all when they are due, those that share what was decided on the first.
    /// The others stay where they were.
    fn release_parts(
        &mut self,
        cx: &mut Context<'_>,
        at: usize,
        due: bool,
        mut waiting: Waiting,
        message: (Key, u64),
    ) -> Option<Made> {
        let account = self.account.clone()?;
        let fate_of = |m: &Member| match account.part_standing(message.0, message.1, m.number) {
            Standing::Decided(fate) => Some(fate),
            _ => None,
        };
        let ripe = |m: &&Member| due || self.is_ripe(message, m);
        let fate = waiting.members.iter().find(ripe).and_then(fate_of);
        let goes = |m: &Member| {
            ripe(&m)
                && match (&fate, fate_of(m)) {
                    (Some(a), Some(b)) => Arc::ptr_eq(a, &b),
                    (None, None) => true,
                    _ => false,
                }
        };
        let (members, rest): (Vec<Member>, Vec<Member>) = waiting.members.iter().partition(|m| goes(m));
        let leg = waiting.leg;
        if !rest.is_empty() {
            waiting.members = rest;
            self.holding.waiting.insert(at, waiting);
        }
        let first = members.first().copied()?;
        let read_as = self.read_as(cx);
        self.read_again(cx, first.id, leg, first.header, read_as);
        let release = self.release_of(cx, &account, leg, message, fate.as_ref(), members.into());
        self.release = Some(Box::new(release));
        self.next_released(cx).map(Made::Decision)
    }

    /// What is let go, judged unless it has its fate already. The envelope holds one of its parts.
    fn release_of(
        &mut self,
        cx: &mut Context<'_>,
        account: &Account,
        leg: Leg,
        (key, generation): (Key, u64),
        fate: Option<&Arc<Fate>>,
        members: VecDeque<Member>,
    ) -> Release {
        let envelope = &mut cx.scratch.envelope;
        let read = |parts: &[UserData<'_>], complete: bool| {
            envelope.read_parts(parts, complete);
            complete
        };
        let complete = match account.read_parts(key, generation, read) {
            Some(complete) => complete,
            None => {
                // Forgotten, or ended by another under its reference: what is held here is all there is.
                let own: Vec<Piece> =
                    members.iter().flat_map(|m| user_data(self.session.held(m.id).unwrap_or_default())).collect();
                let own: Vec<UserData<'_>> = own.iter().map(Piece::user_data).collect();
                cx.scratch.envelope.read_parts(&own, false);
                false
            }
        };
        let (policy, basis, complete) = match fate {
            Some(fate) => {
                cx.scratch.verdict.clone_from(&fate.verdict);
                (Arc::clone(&fate.policy), Basis::Judged, fate.complete)
            }
            None => {
                let is_told = !account.is_told_first(key, generation);
                let basis = self.assess_as(cx, leg, is_told);
                if !is_told {
                    self.remember(cx, leg);
                }
                let verdict = cx.scratch.verdict.clone();
                let fate = Arc::new(Fate { policy: Arc::clone(cx.policy), verdict, complete });
                self.wakes.extend(account.decide_parts(key, generation, &fate, self.id));
                (Arc::clone(cx.policy), basis, complete)
            }
        };
        let basis = if complete || basis != Basis::Judged { basis } else { Basis::EarlyPart };
        let envelope = std::mem::take(&mut cx.scratch.envelope);
        let verdict = std::mem::take(&mut cx.scratch.verdict);
        Release { leg, envelope, verdict, policy, basis, members }
    }

    /// Acts on the next PDU of what is let go.
    pub(super) fn next_released(&mut self, cx: &mut Context<'_>) -> Option<Judged> {
        let mut release = self.release.take()?;
        let Some(member) = release.members.pop_front() else {
            cx.scratch.envelope = release.envelope;
            return None;
        };
        let swap = |cx: &mut Context<'_>, release: &mut Release| {
            std::mem::swap(&mut cx.scratch.envelope, &mut release.envelope);
            std::mem::swap(&mut cx.scratch.verdict, &mut release.verdict);
        };
        let n = self.next_decision();
        swap(cx, &mut release);
        let policy = Arc::clone(&release.policy);
        let Context { now, memory, journal_full, .. } = *cx;
        let mut own = Context { now, policy: &policy, memory, scratch: cx.scratch, journal_full };
        let reply = self.act(&mut own, member.id, release.leg, member.header, n, member.registered);
        swap(cx, &mut release);
        self.tell_exception(release.basis);
        let judged = Judged {
            n,
            direction: direction(release.leg),
            basis: release.basis,
            reply,
            header: member.header,
            destinations: 1,
            of: Of::Release,
        };
        self.release = Some(release);
        Some(judged)
    }

    /// A held PDU dies with its leg: it is recorded, and goes nowhere.
    pub(super) fn abandoned(&mut self, cx: &mut Context<'_>, id: HeldId, leg: Leg) -> Option<Made> {
        let member = self.holding.take(id);
        if let Some(member) = member {
            let read_as = self.read_as(cx);
            self.read_again(cx, id, leg, member.header, read_as);
        }
        self.session.dispose(id, 0, Disposition::Drop);
        let header = member?.header;
        cx.scratch.verdict.except(Action::Block);
        let basis = Basis::Exception { cause: "abandoned", policy: "block" };
        self.tell_exception(basis);
        let n = self.next_decision();
        let (direction, reply) = (direction(leg), Reply::Dropped);
        Some(Made::Decision(Judged { n, direction, basis, reply, header, destinations: 1, of: Of::Scratch }))
    }

    /// Judges a single message also as the continuation of the one before it between the same ends, where the operator
    /// joins singles; the stronger verdict counts. The envelope holds the message, and has been judged.
    pub(super) fn join_single(&mut self, cx: &mut Context<'_>, id: HeldId, leg: Leg, basis: Basis) -> Basis {
        let keeping = self.settings.parts.keeping;
        let Some(within) = keeping.join_singles else { return basis };
        let Some(account) = self.account.clone() else { return basis };
        let own = user_data(self.session.held(id).unwrap_or_default());
        if leg == Leg::Smsc || own.is_empty() || cx.scratch.verdict.action == Action::Block {
            return basis;
        }
        let ends = cx.scratch.envelope.ends(direction(leg), cx.policy.account(account.id()).home);
        let mut strongest = (basis, cx.scratch.verdict.clone());
        let mut joined = account.single_before(ends, cx.now, within);
        if !joined.is_empty() {
            joined.extend(own.iter().cloned());
            let all: Vec<UserData<'_>> = joined.iter().map(Piece::user_data).collect();
            let mut counts = None;
            for apart in [true, false] {
                cx.scratch.envelope.read_joined(&all, apart);
                let basis = self.assess(cx, leg);
                if cx.scratch.verdict.outweighs(&strongest.1) {
                    strongest = (basis, cx.scratch.verdict.clone());
                    counts = Some(apart);
                }
            }
            match counts {
                Some(apart) => cx.scratch.envelope.read_joined(&all, apart),
                None => {
                    let all: Vec<UserData<'_>> = own.iter().map(Piece::user_data).collect();
                    cx.scratch.envelope.read_joined(&all, true);
                }
            }
            cx.scratch.verdict.clone_from(&strongest.1);
        }
        if strongest.1.action != Action::Block {
            account.single_passed(ends, own, cx.now, &keeping);
        }
        strongest.0
    }
}

/// The user data of a message PDU.
fn user_data(pdu: &[u8]) -> Vec<Piece> {
    match body::parse(pdu) {
        Parsed::Understood(_, Body::SubmitSm(sm) | Body::DeliverSm(sm)) => {
            pieces(sm.short_message, &sm.tlvs, sm.data_coding, sm.esm_class)
        }
        Parsed::Understood(_, Body::DataSm(sm)) => pieces(&[], &sm.tlvs, sm.data_coding, sm.esm_class),
        _ => Vec::new(),
    }
}
