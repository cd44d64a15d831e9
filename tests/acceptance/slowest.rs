//! What rules cost, as operators see it: in the metrics and by `tapis rules slowest`.

use std::process::Command;

use serde_json::Value;

use crate::counts::{load, run, sim_smsc};
use crate::node::{Folder, Node};

/// One rule that many regexes make costly, and one that is soon done.
const RULES: &str = r#"
rules:
  - { id: costly, category: other, about: goes over the text again and again, score: 1, when: { not: { text: { regex: '(?:[a-z]+[a-z ]+){12}[0-9]{3}x\b' } } } }
  - { id: quick, category: other, about: one look, score: 1, when: { not: { sender: { country: VN } } } }
"#;

#[test]
fn the_rule_that_costs_most_is_named() {
    let (runtime, _smsc, address) = sim_smsc();
    let folder = Folder::new();
    let node = Node::start(&folder, &[address], RULES, "");
    let long = "a long text that any regex has to go over from its very beginning to its end ".repeat(8);
    let report = runtime.block_on(run(vec![load(&node.smpp, "esme", 20, 4_000)], &[long.as_str()]));
    assert_eq!(report.answered(), 4_000);

    let (status, metrics) = node.http("GET", "/metrics");
    assert_eq!(status, 200);
    let of = |rule: &str| {
        let line = format!("tapis_rule_eval_seconds_total{{rule=\"{rule}\"}} ");
        metrics.lines().find_map(|l| l.strip_prefix(&line)).map_or(0.0, |n| n.parse::<f64>().unwrap())
    };
    assert!(of("costly") > 0.0 && of("quick") > 0.0, "{metrics}");

    let told = Command::new(env!("CARGO_BIN_EXE_tapis"))
        .args(["rules", "slowest", "--format", "json", "--admin", &node.admin])
        .output()
        .unwrap();
    assert!(told.status.success(), "{told:?}");
    let rules: Vec<Value> =
        String::from_utf8(told.stdout).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(rules.iter().map(|r| r["rule"].as_str().unwrap()).collect::<Vec<_>>(), ["costly", "quick"]);
    // Each rule is asked for each message; one in 64 was looked at.
    for rule in &rules {
        let asked = rule["asked"].as_u64().unwrap();
        assert!((1_000..=16_000).contains(&asked), "{rule}");
    }
    assert!(rules[0]["seconds"].as_f64() > rules[1]["seconds"].as_f64(), "{rules:?}");
}
