//! The laws of early warning: what is told is taken in as it was told, nothing of a subscriber leaves, no word proves itself, and no
//! bundle breaks anything.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};
use tapis::intel::{self, Ask, Indicator, Subject, Taken, Terms};
use tapis::reputation::{
    Counts, Fate, Ground, Kind, Names, Pin, Reputation, Secret, Settings, Sighting, Template, Traits,
};
use tapis::time::Timestamp;

const NOW: Timestamp = Timestamp(1_795_000_000_000_000);
const DAY: Duration = Duration::from_secs(86_400);

fn memory(secret: u8) -> Reputation {
    Reputation::new(Settings { secret: Secret::from([secret; 16]), ..Settings::default() }, NOW)
}

fn terms(own: &str) -> Terms {
    Terms { own: own.into(), confidence_min: 1, expires: 90 * DAY, most: 10_000 }
}

/// A message that a rule blocks, with plain names kept as a gate keeps them.
fn caught(memory: &Reputation, sender: &str, recipient: &str, others: &[(Kind, &str)], template: Option<&Template>) {
    let mut traits = Traits::default();
    traits.add(memory.key(Kind::Account, "acme"));
    traits.add(memory.key(Kind::Recipient, recipient));
    for (kind, name) in others.iter().copied().chain([(Kind::Sender, sender)]) {
        traits.add(memory.key(kind, name));
        memory.name(memory.key(kind, name), name, NOW);
    }
    memory.name(memory.key(Kind::Account, "acme"), "acme", NOW);
    template.and_then(|t| memory.campaign(t)).into_iter().for_each(|key| traits.add(key));
    let sighting = Sighting { traits: &traits, fate: Fate::Blocked, ground: Ground::Rule, template };
    memory.observe(&sighting, [], NOW);
}

fn told(memory: &Reputation, ask: &Ask, now: Timestamp) -> Vec<u8> {
    intel::export::bundle(memory, ask, now).0.to_string().into_bytes()
}

fn read(octets: &[u8], own: &str, now: Timestamp) -> Taken {
    intel::import::read(octets, &terms(own), now).unwrap_or_else(|why| panic!("{why}"))
}

fn subjects(taken: &Taken) -> BTreeSet<Subject> {
    taken.indicators.iter().flat_map(|one| one.subjects.clone()).collect()
}

/// What B thinks once it has heard A.
fn hear(memory: &Reputation, indicators: &[Indicator], weight: f32) {
    let mut said = HashMap::new();
    intel::words(indicators, (0, weight), memory, NOW, &mut said);
    memory.hear(&said, NOW);
}

const PARCEL: &str =
    "dear customer your parcel 0 is held at our depot because of an unpaid fee of sgd 0 0 pay at @ today";

/// A carrier that learned of one thing of each kind.
fn carrier() -> Reputation {
    let memory = memory(1);
    let template = Template::masked(PARCEL);
    for n in 0..12 {
        let others = [(Kind::Domain, "kbnk-th.xyz"), (Kind::Phone, "+85291234567"), (Kind::Phone, "telegram:winner")];
        for sender in ["infosms", "=77266", "+6598765432", "=91234567"] {
            caught(&memory, sender, &format!("+659000000{n}"), &others, Some(&template));
        }
    }
    memory
}

#[test]
fn what_one_learned_another_knows_and_stands_lower_for() {
    let (a, b) = (carrier(), memory(2));
    let taken = read(&told(&a, &Ask::of("Carrier A"), NOW), "Carrier B", NOW);
    assert_eq!(taken.skipped, []);
    let of = |kind: Kind, name: &str| Subject::of(kind, name).unwrap();
    let all = [
        of(Kind::Domain, "kbnk-th.xyz"),
        of(Kind::Phone, "+85291234567"),
        of(Kind::Phone, "telegram:winner"),
        of(Kind::Sender, "infosms"),
        of(Kind::Sender, "77266"),
        of(Kind::Campaign, PARCEL),
    ];
    assert_eq!(subjects(&taken), BTreeSet::from(all));
    hear(&b, &taken.indicators, 4.0);
    for (kind, name) in [(Kind::Domain, "kbnk-th.xyz"), (Kind::Sender, "=77266"), (Kind::Phone, "telegram:winner")] {
        let standing = b.standing(b.key(kind, name), NOW);
        assert!((20.0..40.0).contains(&standing), "{name} stands at {standing}");
    }
    let campaign = b.campaign(&Template::masked(PARCEL)).unwrap();
    assert!(b.standing(campaign, NOW) < 40.0);
    assert_eq!(b.standing(b.key(Kind::Sender, "+6598765432"), NOW), 50.0);
    // What is asked for is told: senders that may be subscribers too, and only what is sure.
    let more = Ask { numbers: true, templates: false, ..Ask::of("Carrier A") };
    let more = subjects(&read(&told(&a, &more, NOW), "Carrier B", NOW));
    assert!(more.contains(&of(Kind::Sender, "+6598765432")) && !more.contains(&of(Kind::Campaign, PARCEL)));
    let sure = Ask { confidence_min: 100, ..Ask::of("Carrier A") };
    assert_eq!(read(&told(&a, &sure, NOW), "Carrier B", NOW), Taken::default());
    let few = Ask { most: 2, ..Ask::of("Carrier A") };
    assert_eq!(read(&told(&a, &few, NOW), "Carrier B", NOW).indicators.len(), 2);
}

#[test]
fn the_same_memory_gives_the_same_octets_until_something_is_learned() {
    let a = carrier();
    let ask = Ask::of("Carrier A");
    let first = told(&a, &ask, NOW);
    assert_eq!(first, told(&a, &ask, NOW + 3 * DAY), "days later too: what was learned is as old as it is");
    let ids = |octets: &[u8]| -> BTreeMap<String, String> {
        let bundle: Value = serde_json::from_slice(octets).unwrap();
        let of = |object: &Value| {
            let text = |key: &str| object[key].as_str().unwrap_or_default().to_owned();
            (text("type") == "indicator").then(|| (text("id"), text("modified")))
        };
        bundle["objects"].as_array().unwrap().iter().filter_map(of).collect()
    };
    caught(&a, "infosms", "+6590000001", &[], None);
    a.credit(a.key(Kind::Sender, "infosms"), &Counts { proven: 1.0, ..Counts::default() }, NOW + 4 * DAY);
    let later = told(&a, &ask, NOW + 4 * DAY);
    let (before, after) = (ids(&first), ids(&later));
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>(), "nothing is told twice");
    assert_eq!(before.iter().filter(|(id, modified)| after[*id] > **modified).count(), 1, "one of them is newer");
    assert_eq!(read(&told(&a, &ask, NOW + 31 * DAY), "B", NOW + 31 * DAY).indicators.len(), 1, "the rest has ended");
}

#[test]
fn no_word_proves_itself() {
    let (a, b) = (carrier(), memory(2));
    let bundle = told(&a, &Ask::of("Carrier A"), NOW);
    let back = read(&bundle, "Carrier A", NOW);
    assert_eq!(back.indicators, []);
    assert!(!back.skipped.is_empty() && back.skipped.iter().all(|one| one.why.contains("this carrier's own")));
    // B knows it only from A, and tells nobody.
    hear(&b, &read(&bundle, "Carrier B", NOW).indicators, 100.0);
    assert_eq!(intel::export::bundle(&b, &Ask { confidence_min: 1, ..Ask::of("Carrier B") }, NOW).1, 0);
    // Somebody who puts his own name to it does not make it another's.
    let text = String::from_utf8(bundle.clone()).unwrap();
    let own = intel::identity("Carrier A").id("identity");
    let laundered = text.replace(&own, &intel::identity("Carrier C").id("identity"));
    assert_eq!(read(laundered.as_bytes(), "Carrier A", NOW).indicators, []);
    // The same word twice, in one bundle or merged with itself, weighs once.
    let twice = intel::import::merge(&bundle, &bundle, NOW).unwrap();
    assert_eq!(read(twice.as_bytes(), "B", NOW), read(&bundle, "B", NOW));
    let once = read(&bundle, "Carrier B", NOW).indicators;
    hear(&b, &once, 4.0);
    let low = b.standing(b.key(Kind::Domain, "kbnk-th.xyz"), NOW);
    hear(&b, &[once.clone(), once].concat(), 4.0);
    assert_eq!(b.standing(b.key(Kind::Domain, "kbnk-th.xyz"), NOW), low);
}

#[test]
fn an_operators_word_is_told_and_counts_before_what_is_heard() {
    let (a, b) = (carrier(), memory(2));
    for (name, pin) in [("kbnk-th.xyz", Pin::Good), ("quiet.top", Pin::Bad)] {
        let key = a.key(Kind::Domain, name);
        a.pin(key, pin, NOW);
        a.name(key, name, NOW);
    }
    let taken = read(&told(&a, &Ask::of("A"), NOW), "B", NOW);
    let domains: Vec<_> = subjects(&taken).into_iter().filter(|s| s.kind() == Kind::Domain).collect();
    assert_eq!(domains, [Subject::Domain("quiet.top".into())]);
    b.pin(b.key(Kind::Domain, "quiet.top"), Pin::Good, NOW);
    hear(&b, &taken.indicators, 100.0);
    assert_eq!(b.standing(b.key(Kind::Domain, "quiet.top"), NOW), 100.0);
}

/// A bundle of one indicator, changed.
fn changed(key: &str, value: Value) -> Vec<u8> {
    let mut indicator = json!({
        "type": "indicator", "spec_version": "2.1", "id": "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
        "created": "2026-11-01T00:00:00.000Z", "modified": "2026-11-10T00:00:00.000Z", "pattern": "[domain-name:value = 'a.top']",
        "pattern_type": "stix", "valid_from": "2026-11-01T00:00:00Z", "confidence": 80,
    });
    match value {
        Value::Null => _ = indicator.as_object_mut().unwrap().remove(key),
        value => indicator[key] = value,
    }
    let sound = json!({
        "type": "indicator", "spec_version": "2.1", "id": "indicator--11111111-17d4-4cbf-938f-98ee46b3cd3f",
        "created": "2026-11-01T00:00:00.000Z", "modified": "2026-11-10T00:00:00.000Z", "pattern": "[domain-name:value = 'b.top']",
        "pattern_type": "stix", "valid_from": "2026-11-01T00:00:00Z",
    });
    let objects = [json!({ "type": "x-other", "id": 7 }), indicator, sound];
    json!({ "type": "bundle", "id": "bundle--1", "objects": objects }).to_string().into_bytes()
}

#[test]
fn what_is_not_taken_is_told_with_its_place_and_why() {
    assert_eq!(read(&changed("name", json!("x")), "B", NOW).indicators.len(), 2);
    for (key, value, why) in [
        ("id", json!("indicator--1"), "not indicator-- and a UUID"),
        ("id", Value::Null, "not indicator-- and a UUID"),
        ("spec_version", json!("2.0"), "`spec_version` is not 2.1"),
        ("modified", Value::Null, "needs `created` and `modified`"),
        ("created", json!("yesterday"), "`created` is no moment"),
        ("valid_from", Value::Null, "needs `valid_from`"),
        ("valid_until", json!("2026-11-01T00:00:00Z"), "not after `valid_from`"),
        ("valid_until", json!("2026-11-05T00:00:00Z"), "it ended at 2026-11-05"),
        ("valid_from", json!("2027-01-01T00:00:00Z"), "it begins at 2027-01-01"),
        ("modified", json!("2026-01-01T00:00:00Z"), "it ended at 2026-04-01"),
        ("pattern", Value::Null, "needs `pattern`"),
        ("pattern", json!("[domain-name:value = 'com.sg']"), "public suffix"),
        ("pattern_type", json!("sigma"), "in `sigma`, not stix"),
        ("confidence", json!(101), "no whole number from 0 to 100"),
        ("confidence", json!(0), "its confidence is 0, less than 1"),
        ("revoked", json!(true), "it was revoked"),
        ("indicator_types", json!(["benign"]), "benign"),
    ] {
        let taken = read(&changed(key, value.clone()), "B", NOW);
        assert_eq!(subjects(&taken), BTreeSet::from([Subject::Domain("b.top".into())]), "{key}: {value}");
        let [skipped] = taken.skipped.as_slice() else { panic!("{key}: {value}: {taken:?}") };
        assert!(skipped.at == 1 && skipped.why.contains(why), "{key}: {value}: {skipped:?}");
    }
    for (octets, why) in [
        (&b"["[..], "it is no JSON"),
        (b"\xff", "it is no JSON"),
        (b"[]", "it has no `type`"),
        (br#"{"type":"report"}"#, "its `type` is `report`"),
        (br#"{"type":"bundle","objects":{}}"#, "its `objects` are no list"),
        (
            br#"{"type":"bundle","objects":[{"type":"indicator","id":"x"}]}"#,
            "none of its 1 indicators can be read; objects[0]",
        ),
    ] {
        let told = intel::import::read(octets, &terms("B"), NOW).expect_err("it is none");
        assert!(told.contains(why), "{told}");
    }
    let most = Terms { most: 1, ..terms("B") };
    let told = intel::import::read(&changed("name", json!("x")), &most, NOW).expect_err("too many");
    assert_eq!(told, "it has 2 indicators, at most 1");
    let deep = "[".repeat(100_000);
    assert!(intel::import::read(deep.as_bytes(), &terms("B"), NOW).is_err());
}

#[test]
fn a_later_version_takes_the_place_of_an_earlier_one() {
    let older = changed("name", json!("older"));
    let newer = String::from_utf8(changed("pattern", json!("[domain-name:value = 'c.top']"))).unwrap();
    let newer = newer.replace("2026-11-10", "2026-11-12").into_bytes();
    for (first, second) in [(&older, &newer), (&newer, &older)] {
        let merged = intel::import::merge(first, second, NOW).unwrap();
        let all = subjects(&read(merged.as_bytes(), "B", NOW));
        assert_eq!(all, ["b.top", "c.top"].map(|d| Subject::Domain(d.into())).into());
    }
    let revoked = String::from_utf8(changed("revoked", json!(true))).unwrap().replace("2026-11-10", "2026-11-13");
    let merged = intel::import::merge(&newer, revoked.as_bytes(), NOW).unwrap();
    assert_eq!(subjects(&read(merged.as_bytes(), "B", NOW)), [Subject::Domain("b.top".into())].into());
}

#[test]
fn entries_of_lists_end_when_their_indicators_do() {
    let until = NOW + DAY;
    let one = |subjects: Vec<Subject>, confidence| Indicator { id: "i".into(), subjects, confidence, until };
    let all = [
        one(vec![Subject::Domain("b.top".into()), Subject::Domain("a.top".into())], 80),
        one(vec![Subject::Domain("unsure.top".into())], 30),
        one(vec![Subject::Callback("+6591234567".into()), Subject::Callback("telegram:x".into())], 90),
        one(vec![Subject::Sender("a \"b\", c".into())], 90),
    ];
    let list = |kind, least| intel::entries(&all, kind, least);
    assert_eq!(
        list(Kind::Domain, 50),
        "value,expires\n\"a.top\",2026-11-19T11:06:40.000Z\n\"b.top\",2026-11-19T11:06:40.000Z\n"
    );
    assert!(list(Kind::Domain, 30).contains("unsure.top"));
    assert_eq!(list(Kind::Phone, 1), "value,expires\n\"+6591234567\",2026-11-19T11:06:40.000Z\n");
    assert!(list(Kind::Sender, 1).contains("\"a \"\"b\"\", c\""));
}

/// Names as they come up in traffic, in the form that memory keeps.
fn names() -> impl Strategy<Value = (Kind, String)> {
    let raw = prop_oneof![
        "[a-z]{3,10}\\.(top|xyz|co\\.uk)".prop_map(|name| (Kind::Domain, name)),
        "\\+[1-9][0-9]{7,13}".prop_map(|name| (Kind::Phone, name)),
        "telegram:[a-z_\\\\']{3,9}".prop_map(|name| (Kind::Phone, name)),
        "[A-Za-z][A-Za-z0-9 '\"\\\\]{2,10}".prop_map(|name| (Kind::Sender, name)),
        "[а-яéก-ฮ]{2,11}".prop_map(|name| (Kind::Sender, name)),
        "=[1-9][0-9]{2,11}".prop_map(|name| (Kind::Sender, name)),
        "\\+[1-9][0-9]{7,13}".prop_map(|name| (Kind::Sender, name)),
    ];
    raw.prop_map(|(kind, name)| (kind, Names::default().written(kind, &name).to_owned()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn export_then_import_is_the_same_set(
        names in prop::collection::btree_set(names(), 1..12), recipients in prop::collection::vec("\\+7[0-9]{10}", 8),
    ) {
        let (a, b) = (memory(1), memory(2));
        for recipient in &recipients {
            for (kind, name) in &names {
                let sender = if *kind == Kind::Sender { name } else { "sms" };
                caught(&a, sender, recipient, &[(*kind, name)], None);
            }
        }
        let octets = told(&a, &Ask::of("A"), NOW);
        let text = String::from_utf8(octets.clone()).unwrap();
        for recipient in &recipients {
            prop_assert!(!text.contains(recipient.trim_start_matches('+')) , "{recipient} leaves");
        }
        prop_assert!(!text.contains("acme"));
        let taken = read(&octets, "B", NOW);
        prop_assert_eq!(&taken.skipped, &[]);
        let all = names.iter().filter_map(|(kind, name)| Subject::of(*kind, name));
        let wanted: BTreeSet<Subject> =
            all.filter(|s| !s.may_be_a_subscriber()).collect();
        let mut all = subjects(&taken);
        all.retain(|s| *s != Subject::Sender("sms".into()));
        prop_assert_eq!(all, wanted);
        hear(&b, &taken.indicators, 5.0);
        for (kind, name) in &names {
            let is_told = Subject::of(*kind, name).is_some_and(|s| !s.may_be_a_subscriber());
            prop_assert_eq!(b.standing(b.key(*kind, name), NOW) < 45.0, is_told, "{}", name);
        }
    }

    #[test]
    fn no_source_weighs_more_than_it_may(weight in 0.0_f32..20.0, confidence in 1_u8..=100, times in 1_usize..5) {
        let b = memory(2);
        let one = Indicator {
            id: "i".into(), subjects: vec![Subject::Domain("a.top".into())], confidence, until: NOW + DAY,
        };
        hear(&b, &vec![one; times], weight);
        let key = b.key(Kind::Domain, "a.top");
        let heard = b.heard(key, NOW);
        prop_assert!((heard - weight * f32::from(confidence) / 100.0).abs() < 1e-4, "{heard}");
        let most = memory(2);
        most.credit(key, &Counts { proven: weight / most.settings().weights.proof, ..Counts::default() }, NOW);
        prop_assert!(b.standing(key, NOW) >= most.standing(key, NOW) - 0.01, "a word is no more than proof of its weight");
    }

    #[test]
    fn no_octets_break_the_reader(octets in prop::collection::vec(any::<u8>(), 0..200), pattern in "\\PC{0,60}") {
        let _ = intel::import::read(&octets, &terms("B"), NOW);
        let _ = intel::subjects(&pattern);
        let _ = intel::subjects(&format!("[domain-name:value = '{pattern}']"));
        let _ = intel::import::read(&changed("pattern", json!(pattern)), &terms("B"), NOW);
        let _ = intel::import::read(&changed("valid_until", json!(pattern)), &terms("B"), NOW);
    }

    #[test]
    fn a_damaged_bundle_is_refused_or_read(at in 0_usize..6_000, octet in any::<u8>()) {
        let mut octets = told(&carrier(), &Ask::of("A"), NOW);
        let at = at % octets.len();
        octets[at] = octet;
        if let Ok(taken) = intel::import::read(&octets, &terms("B"), NOW) {
            prop_assert!(taken.indicators.iter().all(|one| one.until > NOW && (1..=100).contains(&one.confidence)));
        }
    }
}
