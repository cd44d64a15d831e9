//! The laws of memory: it is bounded, fades, can be explained, survives, and agrees over nodes.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;
use tapis::reputation::{
    Counted, Delta, Explanation, Fate, Ground, Key, Kind, Pin, Rate, Reason, Receipt, Reputation, SNAPSHOT_VERSION,
    Secret, Settings, Sighting, Template, Traits,
};
use tapis::text::{ReadContext, Reading};
use tapis::time::Timestamp;

const START: Timestamp = Timestamp(1_795_000_000_000_000);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

fn config() -> ProptestConfig {
    ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() }
}

fn small() -> Settings {
    Settings { entries_max: 2_000, counters_max: 2_000, campaigns_max: 256, names_max: 256, ..Settings::default() }
}

/// A message of a sender to a recipient through an account.
fn traits(memory: &Reputation, account: u64, sender: u64, recipient: u64) -> Traits {
    let mut traits = Traits::default();
    traits.add(memory.key(Kind::Account, &format!("account-{account}")));
    traits.add(memory.key(Kind::Sender, &format!("+65{sender:08}")));
    traits.add(memory.key(Kind::Recipient, &format!("+66{recipient:09}")));
    traits
}

fn sender(memory: &Reputation, sender: u64) -> Key {
    memory.key(Kind::Sender, &format!("+65{sender:08}"))
}

fn reporter(memory: &Reputation, n: u64) -> Key {
    memory.key(Kind::Recipient, &format!("+60{n:09}"))
}

fn passed(traits: &Traits) -> Sighting<'_> {
    Sighting { traits, fate: Fate::Passed, ground: Ground::None, template: None }
}

fn proven(traits: &Traits) -> Sighting<'_> {
    Sighting { traits, fate: Fate::Blocked, ground: Ground::Proof, template: None }
}

/// What can happen to a key.
#[derive(Clone, Copy, Debug)]
enum Event {
    Passed(u64),
    Proven,
    Caught,
    Delivered,
    Failed,
    Replied,
    Reported(u64),
    Waits(u64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0..40_u64).prop_map(Event::Passed),
        1 => Just(Event::Proven),
        1 => Just(Event::Caught),
        3 => Just(Event::Delivered),
        1 => Just(Event::Failed),
        1 => Just(Event::Replied),
        1 => (0..6_u64).prop_map(Event::Reported),
        2 => (1..200_000_u64).prop_map(Event::Waits),
    ]
}

fn happen(memory: &Reputation, number: u64, event: Event, now: &mut Timestamp) {
    let of = |recipient| traits(memory, number % 3, number, recipient);
    match event {
        Event::Passed(to) => memory.observe(&passed(&of(to)), [], *now),
        Event::Proven => memory.observe(&proven(&of(1)), [], *now),
        Event::Caught => {
            let traits = of(1);
            let caught = Sighting { traits: &traits, fate: Fate::Tagged, ground: Ground::Rule, template: None };
            memory.observe(&caught, [], *now);
        }
        Event::Delivered => memory.receipt(&of(1), Receipt::Delivered, *now),
        Event::Failed => memory.receipt(&of(1), Receipt::Failed, *now),
        Event::Replied => memory.reply(&of(1), *now),
        Event::Reported(by) => _ = memory.report(&of(1), reporter(memory, by), *now),
        Event::Waits(seconds) => *now = *now + Duration::from_secs(seconds),
    }
}

fn sum(explanation: &Explanation) -> f32 {
    let nats: f32 = explanation.terms.iter().map(|term| term.nats).sum();
    100.0 / (1.0 + (-nats).exp())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_standing_is_the_sum_of_its_terms(events in prop::collection::vec((0..5_u64, event()), 0..120)) {
        let memory = Reputation::new(small(), START);
        let mut now = START;
        for (number, event) in events {
            happen(&memory, number, event, &mut now);
            let key = sender(&memory, number);
            let explanation = memory.explain(key, now);
            prop_assert!((0.0..=100.0).contains(&explanation.standing));
            prop_assert!((sum(&explanation) - explanation.standing).abs() < 0.05, "{:?}", explanation);
        }
    }

    #[test]
    fn a_report_never_lifts_a_standing(events in prop::collection::vec(event(), 0..80), by in 0..10_u64) {
        let memory = Reputation::new(small(), START);
        let mut now = START;
        events.into_iter().for_each(|event| happen(&memory, 1, event, &mut now));
        let before = memory.standing(sender(&memory, 1), now);
        memory.report(&traits(&memory, 1, 1, 1), reporter(&memory, by), now);
        // Of an account's own fall only its next messages inherit.
        prop_assert!(memory.standing(sender(&memory, 1), now) <= before + 0.01);
    }

    #[test]
    fn two_steps_in_time_are_as_one(events in prop::collection::vec(event(), 1..60), first in 1..4_000_000_u64, then in 1..4_000_000_u64) {
        let [one, two] = [(); 2].map(|()| Reputation::new(small(), START));
        let (mut now, mut again) = (START, START);
        events.iter().for_each(|event| happen(&one, 1, *event, &mut now));
        events.iter().for_each(|event| happen(&two, 1, *event, &mut again));
        let (middle, end) = (now + Duration::from_secs(first), now + Duration::from_secs(first + then));
        // A receipt of nothing fades what is kept; counts of before are compared.
        one.receipt(&traits(&one, 1, 1, 1), Receipt::Delivered, end);
        two.receipt(&traits(&two, 1, 1, 1), Receipt::Failed, middle);
        two.receipt(&traits(&two, 1, 1, 1), Receipt::Delivered, end);
        let (one, two) = (one.explain(sender(&one, 1), end).counts, two.explain(sender(&two, 1), end).counts);
        for ((name, a), (_, b)) in one.named().into_iter().zip(two.named()).filter(|((name, _), _)| *name != "failed") {
            prop_assert!((a - b).abs() <= 1e-3 * a.max(1.0), "{}: {} and {}", name, a, b);
        }
    }

    #[test]
    fn what_was_kept_is_as_before(
        events in prop::collection::vec((0..30_u64, event()), 1..200),
        pins in prop::collection::vec((0..30_u64, prop::bool::ANY), 0..4),
        bursts in prop::collection::vec((0..5_u64, 1..120_u64), 0..6),
    ) {
        let memory = Reputation::new(small(), START);
        let mut now = START;
        events.into_iter().for_each(|(number, event)| happen(&memory, number, event, &mut now));
        for (number, good) in pins {
            memory.pin(sender(&memory, number), if good { Pin::Good } else { Pin::Bad }, now);
            memory.name(sender(&memory, number), &format!("+65{number:08}"), now);
        }
        let rates = rates();
        for (number, size) in bursts {
            for n in 0..size {
                now = now + Duration::from_secs(7);
                memory.observe(&passed(&traits(&memory, 0, number, n)), &rates, now);
            }
        }
        let again = Reputation::new(small(), now + DAY);
        let restored = again.restore(&snapshot(&memory, now)).expect("it is whole");
        prop_assert_eq!(restored.left_out, 0);
        let later = now + HOUR / 2;
        for number in 0..30 {
            let key = sender(&memory, number);
            prop_assert_eq!(memory.explain(key, later), again.explain(key, later));
            let traits = traits(&memory, 0, number, 1000);
            for rate in &rates {
                prop_assert_eq!(memory.count(rate, &traits, true, later), again.count(rate, &traits, true, later));
            }
        }
        prop_assert_eq!(memory.reaches_back(later), again.reaches_back(later));
    }

    #[test]
    fn damaged_octets_are_told_and_never_taken(damage in prop::collection::vec((0..100_000_usize, 1..=255_u8), 1..4), cut in 0..100_000_usize) {
        let memory = Reputation::new(small(), START);
        let mut now = START;
        for number in 0..20 {
            for event in [Event::Passed(1), Event::Proven, Event::Reported(number), Event::Waits(5)] {
                happen(&memory, number, event, &mut now);
            }
        }
        let whole = snapshot(&memory, now);
        let mut damaged = whole.clone();
        for (at, with) in damage {
            let at = at % damaged.len();
            damaged[at] ^= with;
        }
        let again = Reputation::new(small(), START);
        prop_assert!(damaged == whole || again.restore(&damaged).is_err());
        prop_assert!(again.restore(&whole[..cut % whole.len()]).is_err());
        prop_assert_eq!(again.fill().entries, 0);
    }

    #[test]
    fn any_octets_are_read_without_harm(octets in prop::collection::vec(any::<u8>(), 0..400)) {
        let memory = Reputation::new(small(), START);
        prop_assert!(memory.restore(&octets).is_err());
        prop_assert!(memory.decode(&octets).is_err());
    }

    #[test]
    fn nodes_that_tell_each_other_know_the_same(events in prop::collection::vec((prop::bool::ANY, 0..6_u64, event()), 1..150), every in 1..20_usize) {
        let nodes = [(); 2].map(|()| Reputation::new(small(), START));
        nodes.iter().for_each(|node| node.share(true));
        let alone = Reputation::new(small(), START);
        let mut now = START;
        for (n, (second, number, event)) in events.iter().enumerate() {
            let mut same = now;
            happen(&nodes[usize::from(*second)], *number, *event, &mut now);
            happen(&alone, *number, *event, &mut same);
            if n % every == 0 {
                exchange(&nodes, now);
            }
        }
        exchange(&nodes, now);
        exchange(&nodes, now);
        for number in 0..6 {
            let key = sender(&alone, number);
            let [one, two, all] = [&nodes[0], &nodes[1], &alone].map(|node| node.explain(key, now));
            for (((name, a), (_, b)), (_, c)) in one.counts.named().into_iter().zip(two.counts.named()).zip(all.counts.named()) {
                // Receipts of a key that a node does not know yet are lost to it.
                if !["delivered", "failed", "replied", "reported"].contains(&name) {
                    prop_assert!((a - c).abs() <= 0.02 * c.max(1.0), "{} of {}: {}, {}, {}", name, number, a, b, c);
                }
                // Of two reports of one reporter and day each node counts the one that it heard first.
                let least = if name == "reported" { 0.05 } else { 0.02 };
                prop_assert!((a - b).abs() <= least * a.max(1.0), "{} of {}: {}, {}", name, number, a, b);
            }
            prop_assert_eq!(one.reporters, two.reporters);
        }
        // Nothing is told a second time.
        prop_assert!(nodes.iter().all(|node| node.take_deltas().is_empty()));
    }
}

fn exchange(nodes: &[Reputation; 2], now: Timestamp) {
    let told = nodes.each_ref().map(|node| node.encode(&node.take_deltas()));
    for (node, octets) in nodes.iter().zip(told.iter().rev()) {
        let deltas = node.decode(octets).expect("they have one secret");
        deltas.iter().for_each(|delta| node.merge(delta, now));
    }
}

fn rates() -> Vec<Rate> {
    let rate = |counted, per: &[Kind]| Rate::new(counted, per, HOUR).expect("it is sound");
    vec![
        rate(Counted::Messages, &[Kind::Sender]),
        rate(Counted::Recipients, &[Kind::Sender]),
        rate(Counted::Recipients, &[Kind::Account]),
        rate(Counted::Messages, &[Kind::Sender, Kind::Recipient]),
    ]
}

fn snapshot(memory: &Reputation, now: Timestamp) -> Vec<u8> {
    let mut out = Vec::new();
    let mut snapshot = memory.snapshot(now);
    while snapshot.write_next(&mut out) {}
    out
}

#[test]
fn a_flood_of_new_senders_neither_grows_memory_nor_pushes_out_what_is_known_bad() {
    let memory = Reputation::new(small(), START);
    let bad: Vec<u64> = (0..100).collect();
    for number in &bad {
        (0..2).for_each(|_| memory.observe(&proven(&traits(&memory, 0, *number, 1)), [], START));
    }
    memory.pin(sender(&memory, 500), Pin::Good, START);
    let rates = rates();
    let mut most = 0;
    for n in 0..200_000_u64 {
        let now = START + Duration::from_millis(n);
        // Half of them come twice.
        memory.observe(&passed(&traits(&memory, 1, 10_000 + n / 2 * (1 + n % 2), n)), &rates, now);
        if n % 1_000 == 0 {
            most = most.max(memory.fill().octets);
        }
    }
    let fill = memory.fill();
    assert!(fill.entries <= 2_000 && fill.room <= 2_000, "{fill:?}");
    assert!(most <= 2_000 * 100, "{most} octets");
    assert!(fill.evicted > 0 && fill.refused > 0, "{fill:?}");
    let now = START + Duration::from_millis(200_000);
    for number in bad {
        let key = sender(&memory, number);
        assert!(memory.known_for(key, now).is_some() && memory.standing(key, now) < 20.0, "{number}");
    }
    assert_eq!(memory.standing(sender(&memory, 500), now), 100.0);
}

#[test]
fn a_flood_of_new_senders_leaves_what_stands_in_texts_alone() {
    let memory = Reputation::new(small(), START);
    let domain = memory.key(Kind::Domain, "seldom.example");
    let mut first = traits(&memory, 0, 0, 0);
    first.add(domain);
    memory.observe(&passed(&first), [], START);
    for n in 1..20_000 {
        // Each comes twice, or it would be turned away at the door.
        (0..2).for_each(|_| memory.observe(&passed(&traits(&memory, 0, n, n)), [], START));
    }
    assert!(memory.fill().evicted > 10_000, "{:?}", memory.fill());
    assert!(memory.known_for(domain, START).is_some());
}

#[test]
fn to_look_ahead_changes_nothing_and_waits_for_nobody() {
    let memory = Reputation::new(small(), START);
    for n in 0..5_000 {
        memory.observe(&passed(&traits(&memory, n % 9, n, n * 7)), [], START);
    }
    let before = snapshot(&memory, START);
    // Known ones and others, some twice, and more than are looked at.
    let ahead: Vec<Key> = (4_980..5_020).chain(4_990..5_000).map(|n| sender(&memory, n)).collect();
    memory.look_ahead(ahead.iter().copied());
    memory.look_ahead([].into_iter());
    assert_eq!(snapshot(&memory, START), before);
    std::thread::scope(|scope| {
        for turn in 0..2 {
            let (memory, ahead) = (&memory, &ahead);
            scope.spawn(move || {
                for n in 0..2_000 {
                    let all = ahead.iter().copied().skip(n % 30);
                    if turn == 0 {
                        memory.look_ahead(all)
                    } else {
                        memory.look_ahead(all.rev())
                    }
                    memory.observe(&passed(&traits(memory, 1, 4_980 + n as u64 % 40, 1)), [], START);
                }
            });
        }
    });
}

#[test]
fn two_reporters_are_not_enough_and_three_are() {
    let memory = Reputation::new(Settings::default(), START);
    let of = traits(&memory, 1, 7, 1);
    (0..3).for_each(|n| memory.observe(&passed(&traits(&memory, 1, 7, n)), [], START));
    for days in 0..6 {
        // Two of them, as often as they like.
        memory.report(&of, reporter(&memory, days % 2), START + DAY * u32::try_from(days).unwrap());
    }
    let now = START + DAY * 6;
    let held = memory.explain(sender(&memory, 7), now);
    assert!(held.standing >= 20.0 && held.terms.iter().any(|term| term.name == "held back"), "{held:?}");
    assert!(memory.report(&of, reporter(&memory, 2), now));
    assert!(!memory.report(&of, reporter(&memory, 2), now), "once a day");
    let blocked = memory.explain(sender(&memory, 7), now);
    assert!(blocked.standing < 20.0 && blocked.reporters == 3, "{blocked:?}");
}

#[test]
fn reports_on_much_honest_traffic_condemn_nobody() {
    let memory = Reputation::new(Settings::default(), START);
    let of = traits(&memory, 1, 7, 1);
    for n in 0..100_000_u64 {
        memory.observe(&passed(&traits(&memory, 1, 7, n)), [], START + Duration::from_millis(n * 30));
    }
    let now = START + Duration::from_millis(3_000_000);
    (0..3).for_each(|n| _ = memory.report(&of, reporter(&memory, n), now));
    assert!(memory.standing(sender(&memory, 7), now) > 30.0, "{:?}", memory.explain(sender(&memory, 7), now));
}

#[test]
fn nobody_is_bad_for_ever() {
    let memory = Reputation::new(Settings::default(), START);
    let of = traits(&memory, 1, 7, 1);
    (0..50).for_each(|_| memory.observe(&proven(&of), [], START));
    let mut last = memory.standing(sender(&memory, 7), START);
    assert!(last < 10.0, "{last}");
    for weeks in 1..40 {
        let standing = memory.standing(sender(&memory, 7), START + DAY * 7 * weeks);
        assert!(standing >= last, "it only recovers: {last}, {standing}");
        last = standing;
    }
    assert!(last > 45.0, "{last}");
}

#[test]
fn tapis_does_not_believe_itself() {
    let memory = Reputation::new(Settings::default(), START);
    let of = traits(&memory, 1, 7, 1);
    for fate in [Fate::Blocked, Fate::Tagged] {
        let opinion = Sighting { traits: &of, fate, ground: Ground::None, template: None };
        (0..10_000).for_each(|_| memory.observe(&opinion, [], START));
    }
    assert_eq!(memory.standing(sender(&memory, 7), START), 50.0);
}

#[test]
fn a_bad_account_weighs_on_its_new_senders_and_condemns_none() {
    let memory = Reputation::new(Settings::default(), START);
    for number in 0..500 {
        memory.observe(&proven(&traits(&memory, 1, number, 1)), [], START);
    }
    memory.observe(&passed(&traits(&memory, 1, 9_999, 1)), [], START);
    let standing = memory.standing(sender(&memory, 9_999), START);
    assert!((20.0..45.0).contains(&standing), "{standing}");
}

#[test]
fn a_sender_that_was_taken_over_falls_within_the_hour() {
    let memory = Reputation::new(Settings::default(), START);
    let of = traits(&memory, 1, 7, 1);
    for n in 0..20_000_u64 {
        memory.observe(&passed(&of), [], START + Duration::from_secs(n * 60));
        memory.receipt(&of, Receipt::Delivered, START + Duration::from_secs(n * 60));
    }
    let now = START + Duration::from_secs(20_000 * 60);
    let before = memory.standing(sender(&memory, 7), now);
    assert!(before > 55.0, "{before}");
    (0..6).for_each(|_| memory.observe(&proven(&of), [], now + HOUR));
    let after = memory.explain(sender(&memory, 7), now + HOUR);
    assert!(after.standing < 20.0 && after.terms.iter().any(|term| term.name == "short memory"), "{after:?}");
    assert!(memory.standing(sender(&memory, 7), now + DAY) > 20.0, "and is not blocked when that is over");
}

#[test]
fn failed_receipts_count_beyond_what_honest_traffic_has() {
    let memory = Reputation::new(Settings::default(), START);
    let (honest, scanner) = (traits(&memory, 1, 1, 1), traits(&memory, 2, 2, 1));
    for n in 0..1_000 {
        memory.observe(&passed(&honest), [], START);
        memory.observe(&passed(&scanner), [], START);
        memory.receipt(&honest, if n % 20 == 0 { Receipt::Failed } else { Receipt::Delivered }, START);
        memory.receipt(&scanner, if n % 2 == 0 { Receipt::Failed } else { Receipt::Delivered }, START);
    }
    assert!(memory.standing(sender(&memory, 1), START) >= 50.0);
    assert!(memory.standing(sender(&memory, 2), START) < 20.0);
}

#[test]
fn words_of_operators_stand_and_are_taken_back() {
    let memory = Reputation::new(Settings::default(), START);
    let of = traits(&memory, 1, 7, 1);
    (0..10).for_each(|_| memory.observe(&proven(&of), [], START));
    let key = sender(&memory, 7);
    assert!(memory.pin(key, Pin::Good, START));
    (0..10).for_each(|_| memory.observe(&proven(&of), [], START));
    assert_eq!(memory.standing(key, START + DAY * 900), 100.0);
    assert!(memory.pin(key, Pin::Bad, START));
    assert_eq!(memory.standing(key, START + DAY * 900), 0.0);
    assert!(memory.pin(key, Pin::None, START));
    assert!(memory.standing(key, START) < 20.0, "evidence decides again");
    assert!(memory.reset(key) && !memory.reset(key));
    assert_eq!(memory.standing(key, START), 50.0);
    assert_eq!(memory.known_for(key, START), None);
}

#[test]
fn rates_have_one_identity_for_what_they_count() {
    let rate = |per: &[Kind]| Rate::new(Counted::Recipients, per, HOUR).expect("it is sound");
    assert_eq!(rate(&[Kind::Account, Kind::Sender]).identity(), rate(&[Kind::Sender, Kind::Account]).identity());
    let all = [
        rate(&[Kind::Sender]),
        rate(&[Kind::Account]),
        rate(&[Kind::Sender]).of("a/b"),
        rate(&[Kind::Sender]).passed_only(),
        Rate::new(Counted::Recipients, &[Kind::Sender], DAY).expect("it is sound"),
        Rate::new(Counted::Messages, &[Kind::Sender], HOUR).expect("it is sound"),
    ];
    assert_eq!(all.iter().map(Rate::identity).collect::<BTreeSet<_>>().len(), all.len());
    assert!(Rate::new(Counted::Senders, &[Kind::Sender], HOUR).is_err());
    assert!(Rate::new(Counted::Messages, &[], HOUR).is_err());
    assert!(Rate::new(Counted::Messages, &[Kind::Sender], DAY * 40).is_err());
}

#[test]
fn a_message_counts_itself_and_each_of_its_keys() {
    let memory = Reputation::new(Settings::default(), START);
    let per_domain = Rate::new(Counted::Senders, &[Kind::Domain], HOUR).expect("it is sound");
    let domain = |name: &str| memory.key(Kind::Domain, name);
    let mut one = traits(&memory, 1, 1, 1);
    assert_eq!(memory.count(&per_domain, &one, true, START), None, "it has no link");
    one.add(domain("bit.ly"));
    assert_eq!(memory.count(&per_domain, &one, true, START), Some(1));
    assert_eq!(memory.count(&per_domain, &one, false, START), Some(0));
    memory.observe(&passed(&one), [&per_domain], START);
    assert_eq!(memory.count(&per_domain, &one, true, START), Some(1), "the same sender");
    let mut two = traits(&memory, 1, 2, 1);
    two.add(domain("dbs.com"));
    two.add(domain("bit.ly"));
    assert_eq!(memory.count(&per_domain, &two, true, START), Some(2), "the most of its domains");
    let passed_only = Rate::new(Counted::Messages, &[Kind::Recipient], DAY).expect("it is sound").passed_only();
    memory.observe(&proven(&one), [&passed_only], START);
    assert_eq!(memory.count(&passed_only, &one, true, START), Some(1));
    one.deliver_at(START + DAY * 2);
    memory.observe(&passed(&one), [&passed_only], START);
    assert_eq!(memory.count(&passed_only, &one, true, START), Some(2), "they reach the subscriber on one day");
    assert_eq!(memory.count(&passed_only, &traits(&memory, 1, 1, 1), true, START), Some(1), "which is another one");
}

#[test]
fn snapshots_of_others_are_refused_with_the_reason() {
    let memory = Reputation::new(small(), START);
    let octets = snapshot(&memory, START);
    let of = |octets: &[u8]| memory.restore(octets).map_err(|fault| fault.reason);
    assert_eq!(of(b""), Err(Reason::NoSnapshot));
    assert_eq!(of(b"{\"a\":1, \"b\": 2}"), Err(Reason::NoSnapshot));
    let mut newer = octets.clone();
    newer[8] += 1;
    assert_eq!(of(&newer), Err(Reason::Version(SNAPSHOT_VERSION + 1)));
    let foreign = Reputation::new(Settings { secret: Secret::from([9; 16]), ..small() }, START);
    assert_eq!(foreign.restore(&octets).map_err(|fault| fault.reason), Err(Reason::OtherSecret));
    assert_eq!(of(&octets[..octets.len() - 1]), Err(Reason::Short));
    assert!(of(&octets).is_ok());
}

#[test]
fn campaigns_of_two_nodes_come_to_one() {
    let nodes = [(); 2].map(|()| Reputation::new(small(), START));
    nodes.iter().for_each(|node| node.share(true));
    let text = |n: u64| {
        let names = ["Wei Ling", "customer"];
        let mut reading = Reading::default();
        let name = names[usize::try_from(n % 2).unwrap()];
        let text =
            format!("Dear {name}, your parcel {n} is held at the depot: pay the customs fee at https://p{n}.top/x now");
        reading.read_text(&text, &ReadContext::default());
        let mut template = Template::default();
        template.read(&reading);
        template
    };
    let send = |node: &Reputation, n: u64| {
        let template = text(n);
        let key = node.campaign(&template).expect("it is long enough");
        let mut traits = traits(node, 1, n, n);
        traits.add(key);
        let sighting = Sighting { template: Some(&template), ..passed(&traits) };
        node.observe(&sighting, [], START);
        key
    };
    // Each has met the campaign by a variant of its own.
    for n in 0..10 {
        send(&nodes[0], n * 2);
        send(&nodes[1], n * 2 + 1);
    }
    for _ in 0..3 {
        exchange(&nodes, START);
    }
    assert_eq!(send(&nodes[0], 100), send(&nodes[1], 101));
    let live = nodes[0].campaigns(10);
    assert_eq!(live.len(), 1, "{live:?}");
    assert!(live[0].sample.contains("parcel 0 is held"), "{live:?}");
}

#[test]
fn reports_here_are_known_there() {
    let nodes = [(); 2].map(|()| Reputation::new(small(), START));
    nodes.iter().for_each(|node| node.share(true));
    let of = traits(&nodes[0], 1, 7, 1);
    nodes.iter().for_each(|node| node.observe(&passed(&of), [], START));
    (0..2).for_each(|n| _ = nodes[0].report(&of, reporter(&nodes[0], n), START));
    nodes[1].report(&of, reporter(&nodes[1], 2), START);
    nodes[1].pin(sender(&nodes[1], 8), Pin::Bad, START);
    exchange(&nodes, START + Duration::from_millis(200));
    for node in &nodes {
        assert!(node.standing(sender(node, 7), START) < 20.0, "{:?}", node.explain(sender(node, 7), START));
        assert_eq!(node.standing(sender(node, 8), START), 0.0);
    }
    nodes[0].reset(sender(&nodes[0], 7));
    exchange(&nodes, START);
    assert_eq!(nodes[1].known_for(sender(&nodes[1], 7), START), None);
    let deltas: Vec<Delta> = nodes[0].take_deltas();
    assert!(deltas.is_empty(), "{deltas:?}");
}
