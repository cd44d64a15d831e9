//! What an operator should see of files that have nothing wrong with them: how entries are matched where that is not how
//! they are written, and what a prefix costs.

use crate::config::facts::ListKind;
use crate::config::source::Place;
use crate::config::spec::{Condition, ConditionKind, FieldValue, Placed, Spec};
use crate::text::encode::{gsm_septets, utf16_octets};
use crate::text::fold;

/// One remark on one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Where.
    pub place: Place,
    /// A sentence without its full stop.
    pub text: String,
}

/// All remarks, by place. Entries of files that lists name are too many to be shown.
#[must_use]
pub fn notes(spec: &Spec) -> Vec<Note> {
    let words = spec.lists.iter().filter(|l| l.kind == ListKind::Words).flat_map(|l| &l.entries);
    let mut entries: Vec<&Placed<String>> = words.collect();
    let conditions = spec.rules.iter().filter_map(|r| r.when.as_ref());
    for condition in conditions.chain(spec.exemptions.iter().filter_map(|e| e.when.as_ref())) {
        words_of(condition, &mut entries);
    }
    let mut notes: Vec<Note> = entries.into_iter().filter_map(form).collect();
    for (_, prefix) in spec.tags.iter().flat_map(|t| &t.prefix) {
        let octets = utf16_octets(&prefix.value);
        let gsm =
            gsm_septets(&prefix.value).map_or_else(String::new, |septets| format!("{septets} septets of 160 in GSM, "));
        let text = format!("prefix `{}` costs {gsm}{octets} octets of 140 in UCS-2", prefix.value);
        notes.push(Note { place: prefix.place.clone(), text });
    }
    notes.sort_by(|a, b| a.place.cmp(&b.place));
    // A default condition stands in every rule of its file.
    notes.dedup();
    notes
}

fn words_of<'s>(condition: &'s Condition, out: &mut Vec<&'s Placed<String>>) {
    match &condition.kind {
        ConditionKind::All(all) | ConditionKind::Any(all) | ConditionKind::AtLeast { of: all, .. } => {
            all.iter().for_each(|c| words_of(c, out));
        }
        ConditionKind::Not(inner) => words_of(inner, out),
        ConditionKind::Fact { fact, fields } if fact.name == "text" => {
            for field in fields.iter().filter(|f| f.spec.name == "words") {
                if let FieldValue::Texts(words) = &field.value {
                    out.extend(words);
                }
            }
        }
        _ => {}
    }
}

/// How an entry is matched, where that is more than its small letters.
fn form(entry: &Placed<String>) -> Option<Note> {
    let written = entry.value.trim_end_matches('*');
    let mut folded = String::new();
    fold::fold(written, &mut folded);
    let folded = folded.trim();
    let plain = written.to_lowercase();
    if folded.is_empty() || plain.split_whitespace().eq(folded.split_whitespace()) {
        return None;
    }
    Some(Note { place: entry.place.clone(), text: format!("`{}` is matched as `{folded}`", entry.value) })
}
