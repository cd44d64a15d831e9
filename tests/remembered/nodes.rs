//! Two nodes and a real Redis: they converge, whatever happens to the store, to the way there, or to one of them.

use std::time::{Duration, Instant};

use crate::node::{Folder, Node, until};
use crate::peer::{OK, Peer, Smsc, bound};
use crate::store::{Door, Redis};
use crate::{RULES, TRX, blocked, passed, reputation, say, show, standing};
use tapis::wire::body::Sm;
use tapis::wire::command::CommandId;
use tapis::wire::encode as wire;
use tapis::wire::field::Address;

fn is_on() -> bool {
    let on = std::env::var("TAPIS_PEERS").is_ok_and(|v| v == "1");
    if !on {
        say("reputation: nodes: not run: install redis-server with tests/peers/install and set TAPIS_PEERS=1");
    }
    on
}

fn start(folder: &Folder, smsc: &Smsc, store: &str) -> Node {
    let more = format!(", flush: 200ms, shared: {{ store: \"redis://{store}\", every: 100ms }}");
    Node::start(folder, &[smsc.address()], RULES, &reputation(folder, &more))
}

fn is_up(node: &Node) -> bool {
    node.metric("tapis_reputation_shared_up", &[]) == 1
}

fn pin(node: &Node, key: &str, word: &str) {
    assert_eq!(node.http("POST", &format!("/api/reputation/pin?key={key}&as={word}")).0, 200);
}

/// How long it takes until another node has heard of it.
fn heard(node: &Node, key: &str, is: impl Fn(f64) -> bool) -> Duration {
    let start = Instant::now();
    until(&format!("{key} is heard of"), || is(standing(node, key)));
    start.elapsed()
}

#[test]
fn nodes_converge_through_a_store_that_is_lost_emptied_and_started_again() {
    if !is_on() {
        return;
    }
    let (store, one, two, smsc) = (Folder::new(), Folder::new(), Folder::new(), Smsc::new());
    let mut redis = Redis::start(store.0.clone());
    let address = format!("127.0.0.1:{}", redis.port);
    let (a, b) = (start(&one, &smsc, &address), start(&two, &smsc, &address));
    until("both are up", || is_up(&a) && is_up(&b));

    // What one catches, the other knows; each adds its own, and neither hears itself.
    let (mut esme, _centre) = bound(&a.smpp, &smsc, TRX, "acme");
    let (mut other, _other_centre) = bound(&b.smpp, &smsc, TRX, "acme");
    (2..6).for_each(|n| blocked(&mut esme, n, "buy tapisscam now"));
    let took = heard(&b, "sender:INFO", |standing| standing < 45.0);
    say(&format!("reputation: what node A caught, node B knew {} ms later", took.as_millis()));
    (2..5).for_each(|n| blocked(&mut other, n, "buy a tapisscam again"));
    let caught = |node: &Node| show(node, "sender:INFO")["counts"]["caught"].as_f64().unwrap_or_default().round();
    until("both have counted seven", || (caught(&a), caught(&b)) == (7.0, 7.0));
    until("both stand at the same", || (standing(&a, "sender:INFO") - standing(&b, "sender:INFO")).abs() < 0.5);
    pin(&a, "domain:evil.top", "bad");
    let took = heard(&b, "domain:evil.top", |standing| standing == 0.0);
    say(&format!("reputation: what was pinned on node A, node B knew {} ms later", took.as_millis()));
    assert_eq!(b.http("POST", "/api/reputation/reset?key=domain:evil.top").0, 200);
    heard(&a, "domain:evil.top", |standing| standing == 50.0);

    // Without a store each goes on with what it knows, and tells the rest when it is back, empty.
    redis.kill();
    until("both see that it is gone", || !is_up(&a) && !is_up(&b));
    (20..24).for_each(|n| blocked(&mut esme, n, "a tapisscam while nobody hears"));
    pin(&b, "domain:quiet.top", "bad");
    assert_eq!((standing(&b, "domain:quiet.top"), standing(&a, "domain:quiet.top")), (0.0, 50.0));
    assert_eq!((caught(&a), caught(&b)), (11.0, 7.0));
    redis.again();
    until("both are up again", || is_up(&a) && is_up(&b));
    heard(&a, "domain:quiet.top", |standing| standing == 0.0);
    until("both have counted eleven", || (caught(&a), caught(&b)) == (11.0, 11.0));

    // A store that forgets everything takes nothing with it.
    assert!(redis.ask(&["FLUSHALL"]).unwrap().starts_with("+OK"));
    blocked(&mut other, 30, "tapisscam after all was flushed");
    pin(&a, "domain:late.top", "bad");
    heard(&b, "domain:late.top", |standing| standing == 0.0);
    until("both have counted twelve", || (caught(&a), caught(&b)) == (12.0, 12.0));

    // A node that is killed hears on its return what was told meanwhile, once.
    let flushed = b.metric("tapis_reputation_snapshots_total", &["written"]);
    until("B has written it down", || b.metric("tapis_reputation_snapshots_total", &["written"]) >= flushed + 2);
    b.kill();
    (40..43).for_each(|n| blocked(&mut esme, n, "tapisscam while B is away"));
    let b = start(&two, &smsc, &address);
    until("B has heard of it", || caught(&b) == 15.0);
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!((caught(&a), caught(&b)), (15.0, 15.0));
    // A third one, that has nothing but the stream, knows what is in it.
    let three = Folder::new();
    let c = start(&three, &smsc, &address);
    heard(&c, "domain:late.top", |standing| standing == 0.0);
    assert_eq!(a.metric("tapis_reputation_deltas_refused_total", &[]), 0);
    assert!(a.metric("tapis_reputation_deltas_sent_total", &[]) > 0);
    assert!(a.metric("tapis_reputation_deltas_received_total", &[]) > 0);
    [a, b, c].into_iter().for_each(|node| _ = node.stop());
}

/// A subscriber forwards a message to the report short code.
fn reported(esme: &mut Peer, centre: &mut Peer, number: u32, subscriber: &str, text: &str) {
    centre.write(|out| {
        let sm = Sm {
            source: Address::of_writing(subscriber),
            destination: Address::of_writing("7726"),
            short_message: text.as_bytes(),
            ..Sm::default()
        };
        wire::sm(out, CommandId::DELIVER_SM, number, &sm);
    });
    let got = esme.expect(CommandId::DELIVER_SM);
    assert_eq!(got.sm().short_message, text.as_bytes(), "it travels on untouched");
    esme.answer(&got, OK, Some(b"\0"));
    assert_eq!(centre.expect(CommandId::DELIVER_SM_RESP).status(), OK);
}

#[test]
fn what_a_subscriber_reports_on_one_node_the_other_knows_within_a_second() {
    if !is_on() {
        return;
    }
    let (store, one, two, smsc) = (Folder::new(), Folder::new(), Folder::new(), Smsc::new());
    let redis = Redis::start(store.0.clone());
    let address = format!("127.0.0.1:{}", redis.port);
    let (a, b) = (start(&one, &smsc, &address), start(&two, &smsc, &address));
    until("both are up", || is_up(&a) && is_up(&b));
    let (mut esme, mut centre) = bound(&a.smpp, &smsc, TRX, "acme");
    let text = "Your parcel is held, pay the fee at https://parcel-fee.top/p today";
    passed(&mut esme, &mut centre, 2, text);
    let before = ["sender:INFO", "domain:parcel-fee.top"].map(|key| standing(&b, key));
    assert_eq!(before, [50.0, 50.0]);
    // Who got the message says so, then others do whose messages came another way.
    let start = Instant::now();
    reported(&mut esme, &mut centre, 100, "+6591234567", text);
    let took = heard(&b, "domain:parcel-fee.top", |standing| standing < 50.0).max(start.elapsed());
    say(&format!("reputation: what was reported on node A, node B knew {} ms later", took.as_millis()));
    assert!(took < Duration::from_secs(1), "{took:?}");
    until("B knows who sent it", || standing(&b, "sender:INFO") < 50.0);
    let one_says_so = standing(&b, "domain:parcel-fee.top");
    assert!(one_says_so >= 20.0, "one reporter alone condemns nobody: {one_says_so}");
    for n in 1..4 {
        reported(&mut esme, &mut centre, 100 + n, &format!("+659000000{n}"), text);
    }
    until("four do", || standing(&b, "domain:parcel-fee.top") < 20.0);
    assert_eq!(show(&b, "domain:parcel-fee.top")["reporters"], 4);
    [a, b].into_iter().for_each(|node| _ = node.stop());
}

/// The time of each of many messages, sorted.
fn messages(esme: &mut Peer, centre: &mut Peer, from: u32) -> Vec<Duration> {
    let mut all: Vec<Duration> = (from..from + 500)
        .map(|n| {
            let start = Instant::now();
            passed(esme, centre, n, &format!("lunch at noon, table {n}?"));
            start.elapsed()
        })
        .collect();
    all.sort();
    all
}

#[test]
fn nothing_waits_for_a_store_that_stands_still() {
    if !is_on() {
        return;
    }
    let (store, one, two, smsc) = (Folder::new(), Folder::new(), Folder::new(), Smsc::new());
    let redis = Redis::start(store.0.clone());
    let door = Door::before(redis.port);
    let a = start(&one, &smsc, &door.address);
    let b = start(&two, &smsc, &format!("127.0.0.1:{}", redis.port));
    until("both are up", || is_up(&a) && is_up(&b));
    let (mut esme, mut centre) = bound(&a.smpp, &smsc, TRX, "acme");
    let with = messages(&mut esme, &mut centre, 100);
    // The way to the store takes everything and gives nothing back: all messages are answered all the same, and A's
    // operators, none of whose words can leave, are too.
    door.shut(true);
    let start = Instant::now();
    let without = messages(&mut esme, &mut centre, 1_000);
    pin(&a, "domain:evil.top", "bad");
    assert_eq!((standing(&a, "domain:evil.top"), standing(&b, "domain:evil.top")), (0.0, 50.0));
    let sent = a.metric("tapis_reputation_deltas_sent_total", &[]);
    until("A has given up waiting", || !is_up(&a));
    let after = messages(&mut esme, &mut centre, 2_000);
    assert_eq!(a.metric("tapis_reputation_deltas_sent_total", &[]), sent, "nothing came through");
    for (how, all) in [("a store", &with), ("it standing still", &without), ("it given up", &after)] {
        let ms = |part: usize| all[all.len() * part / 1000].as_secs_f64() * 1e3;
        say(&format!("reputation: message latency with {how}: median {:.2} ms, p99 {:.2} ms", ms(500), ms(990)));
    }
    // No message waited for as long as one exchange with the store does: 500 of them would have taken half an hour.
    assert!(start.elapsed() < Duration::from_secs(120));
    assert_eq!(a.metric("tapis_messages_total", &["pass"]), 1_500);
    door.shut(false);
    heard(&b, "domain:evil.top", |standing| standing == 0.0);
    let seen = |node: &Node| show(node, "sender:INFO")["counts"]["passed"].as_f64().unwrap_or_default().round();
    until("B has counted what A saw meanwhile, once", || seen(&b) == 1_500.0 && seen(&a) == 1_500.0);
    [a, b].into_iter().for_each(|node| _ = node.stop());
}
