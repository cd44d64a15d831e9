//! What is written on the day, with slots that differ from message to message.

use std::fmt::Write as _;

use super::Dice;

/// Between people; no rule may mind any of it.
pub(super) const TALK: &[&str] = &[
    "ok see you at {time}",
    "Running late, the bus is stuck at {place}. Start without me",
    "can you get milk and {d} eggs on the way home",
    "Lunch at {place}? {name} is coming too",
    "haha yes",
    "Happy birthday {name}! Hope you have a lovely day with the family",
    "where are you now",
    "I left the keys with {name}, she is home until {time}",
    "dah makan belum? jumpa di {place} pukul {time}",
    "terima kasih {name}, esok saya hantar",
    "nanti kita bincang lagi ya, saya dalam meeting",
    "The match starts at {time}, bring the {place} tickets please",
    "我到了，你在哪里？",
    "晚上{time}在{place}吃饭，{name}也来",
    "好的，明天见",
    "Thanks so much for helping {name} move yesterday, we owe you dinner",
    "did you finish chapter {d}? the test is on {d} things from it",
    "kor kor call me when free",
    "Plumber came, it was the valve, {money} all in",
    "no worries, take your time",
    "Grandma is feeling better, the doctor said {d} more days and then she can come home",
    "meeting moved to {time}, room {n3}",
    "Can {name} stay over on Friday? The kids want to camp in the living room",
    "just landed, waiting for bags at belt {d}",
    "my new desk is at level {d}, come by after {time}",
    "Good morning! Remember the umbrella, it will rain from {time}",
    "this one? https://www.seriouseats.com/r{n5}",
    "https://maps.google.com/?q={n5}",
];

/// From one to a group.
pub(super) const TO_GROUP: &[&str] = &[
    "Dear parents, class {d}A meets at {place} at {time} tomorrow. Please bring water and a hat. Mrs {name}",
    "Training is moved to {time} at {place}, tell me if you cannot come. Coach {name}",
];

/// One text that goes round with a link to a page that everybody knows.
pub(super) const CHAIN: &str = "Must read before you go out this weekend, the trains stop early: https://www.channelnewsasia.com/singapore/trains-stop-early";

/// Codes of banks.
pub(super) const CODES: &[&str] = &[
    "{brand}: OTP {n6} for {money} at FairMart. Expires in 3 min. Never share your OTP with anyone.",
    "{brand}: {n6} is your code to log in. Do not give it to anyone.",
    "{brand}: your OTP is {n6}, valid for 5 minutes.",
];

/// Notices, each with who sends it through which account.
pub(super) const NOTICES: &[(&str, &str, &str)] = &[
    (
        "agg-sg-1",
        "SingPost",
        "SingPost: your parcel SP{n6}SG will be delivered today before {time}. No action is needed.",
    ),
    ("agg-sg-1", "KopiRun", "Your kopi-o kosong is ready at Counter {d}. Show code {n4}. Enjoy!"),
    (
        "agg-sg-1",
        "SmileDental",
        "Reminder: dental check-up tomorrow, {time}, Dr Lim. Reply Y to confirm or call +65 6000 0123.",
    ),
    ("agg-sg-1", "FairMart", "FairMart: order {n5} is packed and leaves at {time}. Track it at fairmart.sg/o/{n5}"),
    (
        "agg-sg-1",
        "OCBC",
        "OCBC: your loan instalment of {money} is due next week. GIRO will be deducted automatically.",
    ),
    ("agg-sg-1", "OCBC", "OCBC: your card ending {n4} was used for {money} at KOPI RUN {place}."),
    ("dbs-direct", "DBS", "DBS: {money} GIRO payment to SP SERVICES was made today. Questions? Call +65 6000 0001."),
    ("gov-sg", "gov.sg", "gov.sg (NLB): {d} books are due this week. Renew them in the NLB app."),
];

/// The flash sale.
pub(super) const SALE: &str = "FairMart: flash sale until {time}! Hi {name}, 40% off rice, fruit and household at fairmart.sg/flash Reply STOP to opt out.";

/// A campaign of one hand, in several wordings: nothing in it is worth a rule.
pub(super) const SNOWSHOE: &[&str] = &[
    "Hi {name}, the photos of Saturday are up at {bad}/{x6} and I think number {d} is the best one of all of us",
    "{name}, we put all our pictures from the weekend at {bad}/{x6}, have a look and tell me which {d} you want printed",
    "Hello {name}! Our album with {n3} pictures is here: {bad}/{x6} please look before {time} and choose yours",
    "Finally done, the film of the party is {d} minutes long, {name}, and you can watch it at {bad}/{x6} from any phone",
];

/// Whoever gets it answers, or does not exist.
pub(super) const SCAN: &str = "Ref {n6}: thank you for visiting {place}. We hope to see you again soon.";

/// What a form sends to whoever is typed into it.
pub(super) const PUMPED: &str = "{n6} is your FairMart code. It is valid for 10 minutes.";

/// Under a name of others.
pub(super) const HIJACKED: &[&str] = &[
    "{brand}: a new payee was added to your account today. Not you? Cancel it at {bad}/{x6}",
    "{brand}: your card ending {n4} was used for {money}. If this was not you, go to {bad}/{x6}",
];

/// Slowly, and reported by who gets it.
pub(super) const QUIET: &[&str] = &[
    "Good day {name}, the study group has {d} places left, {money} an evening, come and see us: {bad}/{x6}",
    "Evening {name}, as we said at {place}, this is the page with all the details {bad}/{x6} see you there",
];

const NAMES: &[&str] = &[
    "Wei Ming", "Aisyah", "Priya", "Daniel", "Mei Ling", "Hafiz", "Kumar", "Grace", "Jun Jie", "Nurul", "Ravi",
    "Sarah", "Boon", "Farah", "Anand", "Rachel", "Kai", "Siti", "Dev", "Chloe", "Zhi Hao", "Amir", "Lakshmi", "Ethan",
];
const PLACES: &[&str] = &[
    "Bishan",
    "Tampines",
    "Jurong East",
    "Bedok",
    "Orchard",
    "Clementi",
    "Yishun",
    "Serangoon",
    "Bugis",
    "Novena",
    "Punggol",
    "Woodlands",
    "Queenstown",
    "Katong",
    "Holland Village",
    "Kallang",
];

/// Writes a text, its slots filled: `{name}` `{place}` `{time}` `{money}`, `{d}` one digit, `{n3}` to `{n6}` digits, `{x6}`
/// letters, `{brand}` and `{bad}` as they are given.
pub(super) fn fill(template: &str, brand: &str, bad: &str, dice: &mut Dice, out: &mut String) {
    out.clear();
    let mut rest = template;
    while let Some((before, behind)) = rest.split_once('{') {
        out.push_str(before);
        let Some((slot, after)) = behind.split_once('}') else { break };
        rest = after;
        match slot {
            "name" => out.push_str(dice.pick(NAMES)),
            "place" => out.push_str(dice.pick(PLACES)),
            "time" => _ = write!(out, "{}.{:02}pm", 1 + dice.below(11), 5 * dice.below(12)),
            "money" => _ = write!(out, "S${}.{:02}", 3 + dice.below(400), dice.below(100)),
            "brand" => out.push_str(brand),
            "bad" => out.push_str(bad),
            "d" => _ = write!(out, "{}", 2 + dice.below(8)),
            "x6" => (0..6).for_each(|_| out.push(char::from(b'a' + u8::try_from(dice.below(26)).unwrap_or(0)))),
            digits => {
                let count = digits.trim_start_matches('n').parse().unwrap_or(1);
                (0..count).for_each(|_| out.push(char::from(b'0' + u8::try_from(dice.below(10)).unwrap_or(0))));
            }
        }
    }
    out.push_str(rest);
}
