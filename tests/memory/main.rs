//! What a gate asks of memory and tells it: rates, receipts, reports and standing, from the wire.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

mod world;

use tapis::reputation::Kind;
use tapis::verdict::Action;
use tapis::wire::command::{CommandId, CommandStatus, EsmClass};
use tapis::wire::encode as wire;

use world::{DAY, MINUTE, NOON, SECOND, World, address, policy_of};

const OK: CommandStatus = CommandStatus::ESME_ROK;
const BLOCKED: CommandStatus = CommandStatus::ESME_RSUBMITFAIL;

const SPREAD: &str = r#"
accounts: { sim-gw: { class: p2p } }
rules:
  - id: spread
    action: block
    when: { all: [ { account: { class: p2p } }, { rate: { count: recipients, per: sender, over: 24h, above: 20 } } ] }
"#;

fn to(n: u64) -> String {
    format!("+65910{n:05}")
}

#[test]
fn the_first_recipient_too_many_is_refused_and_a_reload_forgets_nothing() {
    let mut world = World::new(SPREAD);
    for n in 1..=20 {
        assert_eq!(world.submit("sim-gw", "+6590000001", &to(n), "hello"), OK, "{n}");
        // Another session of another account may count the same sender.
        world.now.0 += MINUTE;
    }
    assert_eq!(world.submit("sim-gw", "+6590000001", &to(7), "hello again"), OK, "an old acquaintance");
    world.policy = policy_of(&format!("{SPREAD}  - {{ id: more, score: 1, when: {{ has: link }} }}\n"));
    assert_eq!(world.submit("sim-gw", "+6590000001", &to(21), "hello"), BLOCKED);
    assert_eq!(world.submit("sim-gw", "+6590000002", &to(21), "hello"), OK, "another sender");
    assert_eq!(world.submit("agg-1", "+6590000001", &to(22), "hello"), OK, "the rule is about another class");
    world.now.0 += DAY;
    assert_eq!(world.submit("sim-gw", "+6590000001", &to(23), "hello"), OK, "the next day");
}

#[test]
fn a_sender_is_one_by_what_it_is_and_not_by_how_it_is_written() {
    let mut world = World::new(&format!("home: {{ country: SG }}\n{SPREAD}"));
    for n in 1..=20 {
        let from = ["+6590000001", "2:90000001", "0:90000001", "1:6590000001"][usize::try_from(n % 4).unwrap()];
        assert_eq!(world.submit("sim-gw", from, &to(n), "hello"), OK, "{n}");
    }
    assert_eq!(world.submit("sim-gw", "5:6590000001", &to(21), "hello"), OK, "a name is no number");
    assert_eq!(world.submit("sim-gw", "3:90001", &to(21), "hello"), OK, "a short code is no number");
    assert_eq!(world.submit("sim-gw", "+6590000001", &to(21), "hello"), BLOCKED);
}

const THROTTLE: &str = r#"
rules:
  - id: throttle
    action: block
    status: ESME_RTHROTTLED
    when: { rate: { count: messages, per: account, over: 10s, above: 5 } }
"#;

#[test]
fn what_is_sent_again_after_a_refusal_counts_once() {
    let mut world = World::new(THROTTLE);
    let start = world.now;
    for n in 0..5 {
        assert_eq!(world.submit("agg", "SHOP", &to(n), "hello"), OK);
    }
    // Sent again every second, it would keep itself out for ever.
    let mut waited = 0;
    while world.submit("agg", "SHOP", &to(5), "hello") != OK {
        world.now.0 += SECOND;
        waited += 1;
        assert!(waited < 60, "it never goes on");
    }
    assert_eq!((world.now.0 - start.0) / SECOND, 10);
    // What is new each time does keep itself out.
    world.now.0 += MINUTE;
    (0..5).for_each(|n| assert_eq!(world.submit("agg", "SHOP", &to(n), "hello"), OK));
    for n in 0..30 {
        world.now.0 += SECOND;
        assert_eq!(world.submit("agg", "SHOP", &to(n), &format!("new {n}")), CommandStatus::ESME_RTHROTTLED, "{n}");
    }
}

#[test]
fn each_destination_of_a_submit_multi_counts() {
    let mut world = World::new(SPREAD);
    let sequence_number = world.next_sequence_number();
    let mut pdu = Vec::new();
    wire::pdu(&mut pdu, CommandId::SUBMIT_MULTI, OK, sequence_number, |out| {
        out.extend_from_slice(b"\0\x01\x016590000001\0\x1e");
        for n in 0..30 {
            out.extend_from_slice(&[1, 1, 1]);
            wire::c_octet_string(out, &to(n).as_bytes()[1..]);
        }
        out.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 5]);
        out.extend_from_slice(b"hello");
    });
    assert_eq!(world.request("sim-gw", &pdu), Some(OK));
    let actions: Vec<Action> = world.decided.iter().map(|d| d.action).collect();
    assert_eq!(actions.iter().filter(|a| **a == Action::Pass).count(), 20);
    assert!(actions[20..].iter().all(|a| *a == Action::Block), "{actions:?}");
}

const MESSAGES: &str = r#"
rules:
  - id: many
    action: tag
    when: { rate: { count: messages, per: sender, over: 1h, above: 3 } }
"#;

fn part(world: &mut World, to: &str, reference: u8, number: u8) -> Vec<u8> {
    let mut user_data = vec![5, 0, 3, reference, 3, number];
    user_data.extend_from_slice(format!("part {number} of message {reference} ").as_bytes());
    let sm = tapis::wire::body::Sm {
        source: address("SHOP"),
        destination: address(to),
        esm_class: EsmClass(0x40),
        short_message: &user_data,
        ..Default::default()
    };
    let mut pdu = Vec::new();
    wire::sm(&mut pdu, CommandId::SUBMIT_SM, world.next_sequence_number(), &sm);
    pdu
}

#[test]
fn a_message_of_many_parts_counts_once_however_they_come() {
    for hold in [800, 0] {
        let mut world = World::new(MESSAGES);
        world.parts.hold = std::time::Duration::from_millis(hold);
        for reference in 1..=4 {
            for number in [1, 2, 3] {
                let pdu = part(&mut world, "+6591000001", reference, number);
                world.request("agg", &pdu);
            }
            let expected = if reference == 4 { Action::Tag } else { Action::Pass };
            assert_eq!(world.last().action, expected, "hold {hold}, message {reference}");
        }
        assert_eq!(world.to_smsc.len(), 1 + 12, "hold {hold}: a bind and twelve parts");
    }
}

const ADVERTS: &str = r#"
rules:
  - { id: advert, score: 0, when: { text: { starts_with: ["(QC)"] } } }
  - { id: night, action: block, when: { all: [ { finding: advert }, { text: { words: [dem] } } ] } }
  - { id: often, action: block, when: { rate: { count: messages, per: recipient, of: advert, counted: passed, over: 24h, above: 2 } } }
"#;

#[test]
fn three_advertisements_reach_a_subscriber_and_what_never_reached_him_does_not_count() {
    let mut world = World::new(ADVERTS);
    let vn = "+84901234567";
    for n in 0..5 {
        assert_eq!(
            world.submit("agg", "SHOP", vn, &format!("(QC) ban dem {n}")),
            BLOCKED,
            "blocked for another reason"
        );
    }
    for n in 0..3 {
        assert_eq!(world.submit("agg", ["SHOP", "BOOK", "TRAVEL"][n], vn, &format!("(QC) sale {n}")), OK);
        world.now.0 += MINUTE;
    }
    assert_eq!(world.submit("agg", "SHOP", vn, "(QC) one more"), BLOCKED);
    assert_eq!(world.submit("agg", "SHOP", vn, "Your order is here"), OK, "not an advertisement");
    assert_eq!(world.submit("agg", "SHOP", "+84901234568", "(QC) sale"), OK, "another subscriber");
    world.now.0 = NOON.0 + DAY + 1;
    assert_eq!(world.submit("agg", "SHOP", vn, "(QC) the next day"), OK);
    assert_eq!(world.submit("agg", "SHOP", vn, "(QC) and another"), BLOCKED, "two of the day before are within 24 h");
}

#[test]
fn what_is_to_be_delivered_later_counts_then() {
    let mut world = World::new(ADVERTS);
    let vn = "+84901234567";
    // In three days, each.
    for n in 0..3 {
        assert_eq!(world.submit_at("agg", "SHOP", vn, &format!("(QC) later {n}"), b"000003000000000R"), OK);
    }
    assert_eq!(world.submit("agg", "SHOP", vn, "(QC) now"), OK, "nothing reached him today");
    assert_eq!(world.submit_at("agg", "SHOP", vn, "(QC) later too", b"000003000100000R"), BLOCKED);
}

#[test]
fn a_sender_is_new_once_memory_has_watched_for_long_enough() {
    let rules = "rules: [ { id: new, action: tag, when: { all: [ { sender: { age_below: 7d } }, { has: link } ] } } ]";
    let mut world = World::new(rules);
    world.submit("agg", "NEWCOMER", "+6591000001", "see a.com");
    assert_eq!(world.last().action, Action::Tag);
    world.now.0 += 8 * DAY;
    world.submit("agg", "NEWCOMER", "+6591000001", "see a.com");
    assert_eq!(world.last().action, Action::Pass, "known for eight days");
    let mut young = World::new(rules);
    young.memory = tapis::account::Memory::new(1);
    young.submit("agg", "NEWCOMER", "+6591000001", "see a.com");
    assert_eq!(young.last().action, Action::Pass, "on the first day everything is new");
}

const PLAIN: &str = r#"
rules:
  - { id: casino, action: block, when: { text: { words: [casino] } } }
  - { id: odd, action: tag, when: { text: { words: [oddly] } } }
"#;

#[test]
fn receipts_count_for_the_sender_that_they_name() {
    // So many that a good name is sure, too: it comes slowly.
    const MANY: u64 = 4_000;
    let mut world = World::new(PLAIN);
    let all = ["SHOP", "BOOK", "TRAVEL"];
    for from in all {
        // Each through an account of its own: a sender inherits what its account does.
        (0..MANY).for_each(|n| assert_eq!(world.submit(from, from, &to(n), "hello"), OK));
    }
    let at_start = all.map(|from| world.standing(Kind::Sender, from));
    for n in 0..MANY {
        world.receipt("SHOP", "SHOP", &to(n), "1", "UNDELIV");
        world.receipt("BOOK", "BOOK", &to(n), "1", "DELIVRD");
        world.receipt("TRAVEL", "TRAVEL", &to(n), "1", "ENROUTE");
    }
    let [shop, book, travel] = all.map(|from| world.standing(Kind::Sender, from));
    assert!(shop < at_start[0] - 5.0, "what reaches nobody: {shop}");
    assert!(book > at_start[1], "what arrives: {book}");
    assert!(shop < travel && travel < book, "{shop} {travel} {book}: on its way says nothing of the sender");
}

#[test]
fn the_receipt_of_a_marked_message_counts_for_its_true_sender_or_for_nobody() {
    let mut world = World::new(PLAIN);
    world.submit("agg", "SHOP", "+6591000001", "oddly");
    assert_eq!(world.last_source(), "Likely-SCAM");
    let id = world.last_message_id();
    let counts = |world: &World, from: &str| {
        let counts = world.memory.reputation.explain(world.key(Kind::Sender, from), world.now).counts;
        (counts.failed, counts.delivered)
    };
    world.receipt("agg", "Likely-SCAM", "+6591000001", &id, "UNDELIV");
    assert_eq!(counts(&world, "SHOP"), (1.0, 0.0));
    // A receipt that speaks of a mark that nobody remembers speaks of nobody.
    world.submit("agg", "Likely-SCAM", "+6591000001", "hello");
    world.receipt("agg", "Likely-SCAM", "+6591000001", "12345678", "UNDELIV");
    assert_eq!((counts(&world, "SHOP"), counts(&world, "Likely-SCAM")), ((1.0, 0.0), (0.0, 0.0)));
}

const SCAM: &str = "Your parcel is held, pay the fee at sgpost-fee.top/a or call +6580001111";

/// A campaign reaches some subscribers, who report it in these words.
fn reported(reporters: u64, words: impl Fn(u64) -> String) -> World {
    let mut world = World::new(PLAIN);
    for n in 0..20 {
        assert_eq!(world.submit("agg", "+6590000009", &to(n), SCAM), OK);
        assert_eq!(world.submit("agg", "SHOP", &to(n), "Your order 4711 has left our shop, see shop.com"), OK);
    }
    world.now.0 += 10 * MINUTE;
    for n in 0..reporters {
        world.report(&to(n), &words(n));
        world.now.0 += MINUTE;
    }
    world
}

fn standings(world: &World) -> [f32; 4] {
    [
        world.standing(Kind::Sender, "+6590000009"),
        world.standing(Kind::Domain, "sgpost-fee.top"),
        world.standing(Kind::Phone, "+6580001111"),
        world.standing(Kind::Sender, "SHOP"),
    ]
}

#[test]
fn reports_of_several_subscribers_count_against_what_they_are_about_and_its_sender() {
    let forms: [&dyn Fn(u64) -> String; 5] = [
        &|_| SCAM.to_owned(),
        &|_| format!("FWD: {SCAM}"),
        &|_| format!("\"{SCAM}\" from +6590000009"),
        &|_| format!("+6590000009: {SCAM}"),
        &|_| format!("{SCAM}\n+6590000009"),
    ];
    for (n, form) in forms.iter().enumerate() {
        let world = reported(8, form);
        let [sender, domain, phone, other] = standings(&world);
        assert!(sender < 25.0 && domain < 25.0 && phone < 25.0, "form {n}: {:?}", standings(&world));
        assert!(other >= 50.0, "form {n}: {:?}", standings(&world));
        let reporter = world.standing(Kind::Sender, &to(1));
        assert!(reporter >= 50.0, "form {n}: a report counts against its reporter: {reporter}");
        let reporter = world.memory.reputation.known_for(world.key(Kind::Sender, &to(1)), world.now);
        assert_eq!(reporter, None, "form {n}: a report is no message of its reporter");
    }
}

#[test]
fn a_few_reporters_alone_condemn_nobody() {
    // One who reports again and again is one; and two are too few.
    for reporters in [1, 2] {
        let mut world = reported(0, |_| String::new());
        for n in 0..40 {
            world.report(&to(n % reporters), &format!("Fwd: {SCAM}"));
            world.now.0 += MINUTE;
        }
        let bad = world.memory.reputation.settings().bad_below;
        assert!(standings(&world).iter().all(|s| *s >= bad - 0.01), "{reporters}: {:?}", standings(&world));
    }
}

#[test]
fn a_second_message_names_who_sent_the_first() {
    // Nobody remembers the message: it came another way.
    let mut world = World::new(PLAIN);
    world.submit("agg", "+6590000009", &to(99), "hello");
    for n in 0..8 {
        world.report(&to(n), &format!("Fwd: {SCAM}"));
        world.now.0 += MINUTE;
    }
    let [sender, domain, ..] = standings(&world);
    assert!(sender >= 49.0 && domain < 25.0, "{:?}", standings(&world));
    for n in 0..8 {
        world.report(&to(n), "+6590000009");
    }
    assert!(standings(&world)[0] < 25.0, "{:?}", standings(&world));
    // Who was not asked says nothing by it.
    for n in 20..40 {
        world.report(&to(n), "+6590000010");
    }
    assert!(world.standing(Kind::Sender, "+6590000010") >= 50.0);
}

#[test]
fn what_an_esme_sends_to_the_short_code_is_no_report() {
    let mut world = reported(0, |_| String::new());
    for n in 0..20 {
        assert_eq!(world.submit("agg", &to(n), "7726", &format!("FWD: {SCAM}")), OK);
    }
    assert!(standings(&world).iter().all(|s| *s >= 49.0), "{:?}", standings(&world));
}

#[test]
fn the_record_tells_the_standing_that_it_was_judged_by_and_the_rest_of_the_numbers() {
    let mut world = reported(8, |_| SCAM.to_owned());
    world.submit("agg", "+6590000009", "+6591000077", "hello");
    let standing = &world.last().record["standing"];
    assert!(standing["sender"].as_u64().unwrap() < 25, "{standing}");
    assert!(world.last().record["score"].as_f64().unwrap() > 1.0, "{}", world.last().record["score"]);
    let mut world = World::new(SPREAD);
    (0..20).for_each(|n| assert_eq!(world.submit("sim-gw", "+6590000001", &to(n), "hello"), OK));
    assert_eq!(world.submit("sim-gw", "+6590000001", &to(20), "hello"), BLOCKED);
    let finding = &world.last().record["findings"][0];
    assert_eq!(finding["rule"], "spread");
    assert!(finding["facts"].as_array().unwrap().iter().any(|f| f == "rate"), "{finding}");
    assert_eq!(world.last().record["cause"], "volume");
}

#[test]
fn what_rules_block_for_what_it_says_costs_its_sender_and_what_they_count_does_not() {
    let mut world = World::new(PLAIN);
    (0..20).for_each(|n| assert_eq!(world.submit("agg", "+6590000009", &to(n), "casino"), BLOCKED));
    assert!(world.standing(Kind::Sender, "+6590000009") < 25.0);
    let mut world = World::new(THROTTLE);
    for n in 0..40 {
        world.submit("agg", "+6590000009", &to(n), "hello");
    }
    assert!(world.standing(Kind::Sender, "+6590000009") >= 49.0, "volume proves nothing of itself");
}
