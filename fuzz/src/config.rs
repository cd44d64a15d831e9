//! What the operator wrote: any text gives a policy, or diagnostics that point into it.

use tapis::case;
use tapis::config;
use tapis::config::diagnostic::{Diagnostic, Diagnostics, lines};
use tapis::config::source::{ListFile, Source, Sources};
use tapis::explain;
use tapis::policy;
use tapis::time::Timestamp;

/// Between two files of one input.
const NEXT_FILE: &str = "\n=====\n";

/// The input is one or more files. A file that looks like a `tapis.yaml` is the main file; what begins with `#list` is
/// what every list and registry finds under the name that it asks for.
pub fn run(octets: &[u8]) {
    let Ok(text) = std::str::from_utf8(octets) else { return };
    let mut sources = Sources::default();
    let mut list = None;
    for (n, text) in text.split(NEXT_FILE).enumerate() {
        let source = Source { name: format!("{n}.yaml"), text: text.to_owned() };
        if text.starts_with("#list") {
            list = Some(text.to_owned());
        } else if sources.main.is_none() && config::is_main(&source) {
            sources.main = Some(source);
        } else {
            sources.rules.push(source);
        }
    }
    for (named_in, name) in config::files_named(&sources) {
        let text = list.clone().ok_or_else(|| "no such file".to_owned());
        sources.lists.push(ListFile { named_in, name, text });
    }
    if let Some(main) = &sources.main {
        let _ = config::read_settings(main, &mut Diagnostics::default());
    }
    match policy::load(&sources) {
        Err(all) => {
            assert!(!all.is_empty());
            all.iter().for_each(|d| points_into(d, &sources));
        }
        Ok(loaded) => {
            loaded.warnings.iter().for_each(|d| points_into(d, &sources));
            let mut failed = Diagnostics::default();
            let now = Timestamp(1_795_000_000_000_000);
            let _ = case::run(&loaded, &sources, now, &mut failed);
            failed.sorted().iter().for_each(|d| points_into(d, &sources));
            judges(&loaded.policy);
            let again = policy::load(&sources).expect("what loads once loads twice");
            assert_eq!(again.policy.digest(), loaded.policy.digest());
            assert!(again.policy.difference(&loaded.policy) == loaded.policy.difference(&loaded.policy));
        }
    }
}

/// A diagnostic stands within its file, and can be shown.
fn points_into(diagnostic: &Diagnostic, sources: &Sources) {
    let place = &diagnostic.place;
    let file = sources.main.iter().chain(&sources.rules).find(|s| s.name == *place.file);
    let list = sources.lists.iter().find(|l| l.name == *place.file);
    let text = file.map(|f| f.text.as_str()).or(list.and_then(|l| l.text.as_deref().ok()));
    if let Some(text) = text {
        // What is missing at the end of a file is missed behind its last line end.
        let count = lines(text).count() + usize::from(text.ends_with('\r'));
        assert!((1..=count).contains(&place.line), "{diagnostic}: the file has {count} lines");
        let line = lines(text).nth(place.line - 1).unwrap_or_default();
        let columns = line.chars().count() + 1;
        assert!((1..=columns).contains(&place.column), "{diagnostic}: the line has {columns} columns");
    }
    let shown = diagnostic.render(sources);
    assert!(shown.starts_with(&diagnostic.to_string()));
    assert!(!diagnostic.code.is_empty() && !diagnostic.message.is_empty());
    assert_eq!(diagnostic.json()["line"].as_u64(), u64::try_from(place.line).ok());
}

/// Whatever policy came out judges some messages, and explains itself.
fn judges(policy: &policy::Policy) {
    for (from, to, text, mo) in [
        (
            "DBS",
            "+6591234567",
            "Your parcel is held, pay RM5.00 at kbnk-th.xyz/a or call 03-2345 6789. OTP 482913",
            false,
        ),
        ("+66812345678", "+66898765432", "รายได้ วันละ 2,000 บาท แอดไลน์ ID : @job88x", true),
        ("", "7726", "", true),
    ] {
        let sample = case::Sample { from, to, text, mo, account: "a", now: Timestamp(1), ..case::Sample::default() };
        let explanation = explain::sample(policy, &sample, None);
        assert!(!explanation.text.is_empty());
    }
}
