//! The tests of facts: one field, one [`Test`].

use std::sync::Arc;

use super::{Compiler, Entries, Kept, Scope, texts};
use crate::config::spec::{By, FactSpec, Field, FieldValue, ListKind, Placed, place_in};
use crate::limits::ALWAYS_RUN_MAX;
use crate::message::{Direction, PartyKind};
use crate::rules::condition::{Test, Whose};
use crate::rules::likeness::is_affix;
use crate::rules::list::{self, Fault, Names};
use crate::rules::matcher::{RegexId, Remark};
use crate::text::{Anomaly, App, LinkKind, Payload, fold};
use crate::wire::command::CommandId;

impl<'a> Compiler<'a> {
    /// One field as a test: outer none on a mistake, inner none when a neighbour takes it along.
    pub(super) fn field(
        &mut self,
        fact: &FactSpec,
        field: &'a Field,
        all: &'a [Field],
        scope: &mut Scope<'_>,
    ) -> Option<Option<Test>> {
        match field.spec.by {
            By::Message => {}
            By::Memory => return self.memory_test(fact, field, all, scope),
            By::Nobody => return Some(Some(Test::Unknown)),
        }
        let test = match fact.name {
            "message" => message_test(field),
            "sender" | "recipient" | "account" | "peer" => self.party_test(fact, field, scope),
            "text" => return self.text_test(field, all, scope),
            "time" => return self.time_test(field, all, scope),
            _ => self.thing_test(fact, field, scope),
        };
        test.map(Some)
    }

    fn party_test(&mut self, fact: &FactSpec, field: &Field, scope: &Scope<'_>) -> Option<Test> {
        let strings = || texts(field).iter().map(|t| t.value.clone()).collect();
        let whose = if fact.name == "sender" { Whose::Sender } else { Whose::Recipient };
        Some(match (fact.name, field.spec.name) {
            ("account", "id" | "ids") => Test::Account(strings()),
            ("account", "id_in") => Test::AccountIn(self.senders(field, scope)?.list),
            ("account", _) => Test::AccountClass(texts(field).first()?.value.clone()),
            ("peer", _) => match self.list_named(field, &[ListKind::Addresses], scope)? {
                Entries::Addresses(list) => Test::PeerIn(Arc::clone(list)),
                _ => return None,
            },
            (_, "id" | "ids") => Test::SenderId(strings()),
            (_, "id_in") => Test::SenderIn(self.senders(field, scope)?.list),
            (_, "id_like") => {
                let list = self.senders(field, scope)?;
                let names = list.names.iter().map(|(name, until)| (&**name, *until));
                let likeness = self.likeness(field, scope, list.count, names)?;
                Test::SenderLike(list.list, likeness)
            }
            (_, "kind") => Test::SenderKind(match texts(field).first()?.value.as_str() {
                "alphanumeric" => PartyKind::Alphanumeric,
                "number" => PartyKind::Number,
                "short_code" => PartyKind::ShortCode,
                _ => PartyKind::Empty,
            }),
            (_, "registered_in") => Test::Registered(self.registry(field, scope)?),
            (_, "prefix_in") => Test::PrefixIn(whose, self.prefixes(field, scope)?),
            _ => Test::Country(whose, countries(field)),
        })
    }

    fn text_test(&mut self, field: &'a Field, all: &'a [Field], scope: &Scope<'_>) -> Option<Option<Test>> {
        Some(Some(match (field.spec.name, &field.value) {
            ("words", FieldValue::Texts(entries)) => {
                let words: Vec<_> = entries.iter().filter_map(|e| self.word(e)).map(Arc::new).collect();
                Test::Words(self.builder.words(words))
            }
            ("word_in", FieldValue::Texts(_)) => match self.list_named(field, &[ListKind::Words], scope)? {
                Entries::Words { set, .. } => Test::Words(*set),
                _ => return None,
            },
            ("regex", FieldValue::Texts(patterns)) => {
                let except = all.iter().find(|f| f.spec.name == "except");
                return self.regex(field, patterns.first()?, except).map(Some);
            }
            ("except", _) => return Some(None),
            ("starts_with", FieldValue::Texts(starts)) => {
                Test::StartsWith(starts.iter().map(|s| s.value.clone()).collect())
            }
            ("language" | "languages", FieldValue::Texts(codes)) => {
                Test::Language(codes.iter().map(|c| c.value.clone()).collect())
            }
            ("hash_in", _) => match self.list_named(field, &[ListKind::Hashes], scope)? {
                Entries::Hashes(hashes) => Test::HashIn(Arc::clone(&hashes.list)),
                _ => return None,
            },
            ("obfuscation_above", FieldValue::Number(n)) => Test::ObfuscationAbove(u64::try_from(*n).unwrap_or(0)),
            ("length_above", FieldValue::Count(n)) => Test::LengthAbove(*n),
            ("length_below", FieldValue::Count(n)) => Test::LengthBelow(*n),
            _ => return None,
        }))
    }

    fn regex(&mut self, field: &Field, pattern: &Placed<String>, beside: Option<&Field>) -> Option<Test> {
        let except = beside.and_then(|f| texts(f).first());
        match self.builder.regex(&pattern.value, except.map(|e| e.value.as_str())) {
            Ok(id) => {
                self.remarks(id, pattern, except);
                Some(Test::Regex(id))
            }
            Err((in_except, bad)) => {
                let field = if in_except { beside? } else { field };
                let place = place_in(&field.stretches, &field.place, bad.at);
                let diagnostic =
                    self.diagnostics.error(&place, "regex", format!("this regex cannot be used: {}", bad.message));
                let about = |words: &str| bad.message.contains(words);
                diagnostic.help(if about("look-around") {
                    "drop what must not be there with `except`; word ends are \\b"
                } else if about("unclosed") || about("unopened") {
                    "to mean the sign itself, write it with a \\ before it"
                } else if about("backreference") {
                    "a pattern cannot ask for what it found before: write the alternatives out"
                } else if about("too large") {
                    "let repetitions end earlier: {1,50} and not {1,500}"
                } else if about("empty text") {
                    "name something that must be there"
                } else {
                    "the syntax is that of https://docs.rs/regex"
                });
                None
            }
        }
    }

    /// Tells what makes a sound regex a bad one.
    fn remarks(&mut self, id: RegexId, pattern: &Placed<String>, except: Option<&Placed<String>>) {
        let place = &pattern.place;
        match self.builder.remark(id) {
            Some(Remark::Never { in_except, what }) => {
                let place = if in_except { except.map_or(place, |e| &e.place) } else { place };
                let (why, help) = match what {
                    Some(c) => (format!("`{c}` is in no matching form"), help_for(c)),
                    None => ("no matching form has a character that it takes".to_owned(), SMALL_LETTERS.to_owned()),
                };
                let message = format!("this never matches: {why}");
                self.diagnostics.warning(place, "never-matches", message).help(help);
                return;
            }
            Some(Remark::AlwaysRun) => {
                self.always.insert(id);
                let message = "too little must be there for this to match, so it is run on every message";
                let help = "name a word of three letters that must be there, or begin it with \\b";
                if self.always.len() > ALWAYS_RUN_MAX {
                    let message = format!("{message}; {ALWAYS_RUN_MAX} others are already");
                    self.diagnostics.error(place, "slow-regex", message).help(help);
                } else {
                    self.diagnostics.warning(place, "slow-regex", message).help(help);
                }
            }
            Some(Remark::Costly(octets)) => {
                let message = format!("this takes {} KiB when it is compiled", octets / 1024);
                self.diagnostics
                    .warning(place, "costly-regex", message)
                    .help("let repetitions end earlier: {1,20} and not {1,500}");
            }
            None => {}
        }
        if [Some(pattern), except].into_iter().flatten().any(|p| has_capital(&p.value)) {
            let message = "the matching form has no capital letters: this never matches them";
            self.diagnostics.warning(place, "capital", message).help("write small letters");
        }
    }

    fn time_test(&mut self, field: &Field, all: &[Field], scope: &Scope<'_>) -> Option<Option<Test>> {
        let named = all.iter().find(|f| f.spec.name == "zone").and_then(|f| texts(f).first());
        let zone = match named {
            None => jiff::tz::TimeZone::UTC,
            Some(name) => match jiff::tz::TimeZone::get(&name.value) {
                Ok(zone) => zone,
                Err(_) if field.spec.name == "zone" => {
                    let message = format!("there is no time zone `{}`", name.value);
                    self.diagnostics.error(&name.place, "zone", message).help("as in Asia/Ho_Chi_Minh");
                    return None;
                }
                Err(_) => return None,
            },
        };
        Some(Some(match (field.spec.name, &field.value) {
            ("within", FieldValue::Within(from, to)) => Test::Within { from: *from, to: *to, zone },
            ("days", FieldValue::Texts(days)) => {
                let names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
                let number =
                    |d: &Placed<String>| names.iter().position(|n| *n == d.value).and_then(|n| i8::try_from(n).ok());
                Test::Days { days: days.iter().filter_map(number).collect(), zone }
            }
            ("calendar_in", _) => match self.list_named(field, &[ListKind::Dates], scope)? {
                Entries::Dates(dates) => Test::Calendar { dates: Arc::clone(dates), zone },
                _ => return None,
            },
            _ => return Some(None),
        }))
    }

    fn thing_test(&mut self, fact: &FactSpec, field: &Field, scope: &Scope<'_>) -> Option<Test> {
        Some(match (fact.name, field.spec.name, &field.value) {
            (_, "sender_owns", FieldValue::Flag(owns)) => Test::SenderOwns(*owns),
            ("link", "domain" | "domains", FieldValue::Texts(names)) => {
                let mut domains = Vec::with_capacity(names.len());
                for name in names {
                    match list::domain(&name.value) {
                        Some(domain) => domains.push(domain.into()),
                        None => self.bad_entry(Fault::Domain, name),
                    }
                }
                Test::Domain(domains.into())
            }
            ("link", "domain_in", _) => Test::DomainIn(self.domains(field, scope)?.list, true),
            ("link", "domain_not_in", _) => Test::DomainIn(self.domains(field, scope)?.list, false),
            ("link", "domain_like", _) => {
                let list = self.domains(field, scope)?;
                let labels = list::labels(&list.names).filter(|(label, _)| !is_affix(label));
                let likeness = self.likeness(field, scope, list.count, labels)?;
                Test::DomainLike(list.list, likeness)
            }
            ("link", "host_in", _) => Test::HostIn(self.domains(field, scope)?.list),
            ("link", "brand_in", _) => {
                let words = match self.list_named(field, &[ListKind::Words], scope)? {
                    Entries::Words { words, .. } => words.iter().map(|(word, written)| (written.clone(), word.until)),
                    _ => return None,
                };
                let words: Vec<_> = words.collect();
                let names = words.iter().map(|(written, until)| (&**written, *until));
                Test::BrandIn(self.likeness(field, scope, words.len(), names)?)
            }
            ("link", _, _) => Test::LinkKind(link_kind(&texts(field).first()?.value)?),
            ("phone", "in", _) => Test::PhoneIn(self.prefixes(field, scope)?, true),
            ("phone", "not_in", _) => Test::PhoneIn(self.prefixes(field, scope)?, false),
            ("phone", "prefix_in", _) => Test::PrefixIn(Whose::Sender, self.prefixes(field, scope)?),
            ("phone", _, _) => Test::PhoneCountry(countries(field)),
            ("handle", "id_in", _) => {
                let Kept { names: known, count, .. } = self.senders(field, scope)?;
                self.few_enough(field, count)?;
                let bare = |name: &str| name.trim_start_matches(['@', '+', '~']).into();
                let names: Names = known.iter().map(|(name, until)| (bare(name), *until)).collect();
                let key = format!("handles of {}/{}", scope.pack.unwrap_or_default(), texts(field).first()?.value);
                Test::HandleIn(self.sender_names(key, &names).list)
            }
            ("handle", _, _) => Test::App(texts(field).iter().filter_map(|t| App::from_name(&t.value)).collect()),
            ("amount", "currency", _) => Test::Currency(texts(field).first()?.value.clone()),
            ("amount", _, FieldValue::Money(n)) => Test::ValueAbove(*n),
            ("code", _, FieldValue::Count(n)) => Test::CodeLength(*n),
            _ => return None,
        })
    }
}

fn countries(field: &Field) -> Box<[crate::text::number::Country]> {
    match &field.value {
        FieldValue::Countries(countries) => countries.clone().into(),
        _ => Box::default(),
    }
}

fn message_test(field: &Field) -> Option<Test> {
    Some(match (field.spec.name, &field.value) {
        ("direction", FieldValue::Texts(t)) => {
            Test::Direction(if t.first()?.value == "mo" { Direction::Mo } else { Direction::Mt })
        }
        ("operation", FieldValue::Texts(t)) => Test::Operation(CommandId::from_name(&t.first()?.value)?),
        ("data_coding", FieldValue::Count(n)) => Test::DataCoding(u8::try_from(*n).ok()?),
        ("class", FieldValue::Count(n)) => Test::Class(u8::try_from(*n).ok()?),
        ("parts_above", FieldValue::Count(n)) => Test::PartsAbove(*n),
        ("protocol_id", FieldValue::Count(n)) => Test::ProtocolId(u8::try_from(*n).ok()?),
        ("ports", FieldValue::Flag(has)) => Test::Ports(*has),
        ("tlv" | "tlvs", FieldValue::Tags(tags)) => Test::Tlv(tags.clone().into()),
        ("port", FieldValue::Count(n)) => Test::Port(u16::try_from(*n).ok()?),
        ("payload" | "payloads", FieldValue::Texts(names)) => {
            Test::Payload(names.iter().filter_map(|n| Payload::from_name(&n.value)).collect())
        }
        ("anomaly" | "anomalies", FieldValue::Texts(names)) => {
            Test::Anomaly(names.iter().filter_map(|n| Anomaly::from_name(&n.value)).collect())
        }
        _ => return None,
    })
}

fn link_kind(name: &str) -> Option<LinkKind> {
    [LinkKind::Plain, LinkKind::Ip, LinkKind::Punycode, LinkKind::Apk].into_iter().find(|k| k.name() == name)
}

const SMALL_LETTERS: &str = "it has small letters, digits, blanks, and letters of other scripts";

/// What to write instead of a character that no matching form has.
fn help_for(c: char) -> String {
    let mut folded = String::new();
    fold::fold(c.encode_utf8(&mut [0; 4]), &mut folded);
    match folded.trim() {
        "" => format!("punctuation is left out there, or a blank. {SMALL_LETTERS}"),
        folded => format!("there it is `{folded}`"),
    }
}

/// Whether a pattern asks for a capital letter; classes like `\B` and `\W` are no letters.
fn has_capital(pattern: &str) -> bool {
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        if c == '\\' {
            if matches!(chars.next(), Some('p' | 'P' | 'x' | 'u')) {
                return false;
            }
        } else if c.is_uppercase() {
            return true;
        }
    }
    false
}
