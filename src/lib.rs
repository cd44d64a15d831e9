//! **Tapis** is an inline SMS firewall for carriers: an SMPP proxy between ESMEs and the SMSC that reads every
//! message, judges it by fraud rules, and passes, tags or blocks it before it reaches a subscriber.
//!
//! # The map
//!
//! There are two paths. Data flows through a [`gate`]; control makes the [`policy`] that the gate is lent.
//!
//! ```text
//!  data     bytes → wire → session ─held─▶ text → message → rules → verdict → disposition → session → bytes
//!                                                                      └────→ audit, metrics
//!  control  YAML → config (as written, every value with its place) → Policy (as used, immutable) ─swap─▶ gate
//! ```
//!
//! From the wire upwards; each layer names only those before it, and `tests/tidy.rs` has the exact table:
//!
//! | layer | what it is | what it does not know |
//! |---|---|---|
//! | [`wire`] | octets ⇄ PDUs of SMPP 3.3, 3.4 and 5.0 | anything above it |
//! | [`session`] | one proxied session: two legs, windows, timers, held PDUs | texts, rules |
//! | [`text`] | user data → what the subscriber would read | PDUs, but for their codes |
//! | [`message`] | the one value that flows on | who sent the octets |
//! | [`config`] | what the operator wrote, and where; every mistake with its place | what it is for |
//! | [`rules`] | evidence: a message in, findings out | sessions; what a finding weighs |
//! | [`reputation`] | memory: who sends what, how often, to how many, and how it ended | rules, sockets, clocks |
//! | [`intel`] | what carriers tell each other of it, as STIX 2.1 | files, feeds |
//! | [`verdict`] | weight and action: findings in, verdict out | how rules find |
//! | [`policy`] | rules, profiles, accounts, tags and their digest, swapped whole | sessions |
//! | [`account`] | what the binds of one account share, behind one small lock | rules |
//! | [`audit`] | what was decided, by which rule of whose ruleset, and what became of it | files |
//! | [`capture`] | PDUs kept for replay: framed, without passwords, encrypted | files |
//! | [`gate`] | the pure whole: octets in; octets, decisions and outcomes out | sockets, clocks |
//! | [`case`], [`explain`], [`replay`], [`sim`] | pure drivers: cases of rule files, one message explained, recorded traffic, peers to run against | sockets, clocks |
//! | [`runtime`] | sockets, tasks, clocks, files, the journal and the admin server | |
//! | [`cli`] | one file a command | |
//!
//! No layer but `runtime` and `cli` names tokio, a socket, a clock or the file system: time and seeds are arguments. So
//! the same gate is run by sockets, the seeded simulation, the fuzzer, the benches and the example below.
//!
//! # The invariants
//!
//! Each is a property test of this name.
//!
//! - `pass_is_the_identity`: a passed PDU leaves byte for byte as it came, unknown TLVs and vendor commands included.
//! - `chunking_is_invisible`: any split of the stream into reads gives the same output.
//! - `every_request_is_answered_once`: by the peer or by Tapis, never both, on the leg that asked; what is unanswered at a
//!   close is told as in doubt, never dropped in silence.
//! - `nothing_is_invented`: no message reaches a leg that no peer sent, but for receipts that the policy orders.
//! - `unbind_never_overtakes_a_message`.
//! - `one_record_per_message`: each judged PDU and destination has one decision, which names the policy it was judged by.
//! - `memory_stays_under_its_limits`, on any input; [`limits`] has them all.
//! - `dress_does_not_matter`: however a text came, no finding of the plain text is lost.
//! - `evaluate_agrees_with_the_naive_oracle`: the compiled engine and a plain loop over the rules find the same.
//! - `adding_a_shadow_rule_changes_no_byte`.
//! - `adding_a_rule_never_weakens_a_verdict`, `adding_an_exemption_never_strengthens_a_verdict`, and
//!   `order_of_files_and_rules_never_matters`.
//!
//! # Words
//!
//! The standard's own words stand in code, config, metrics and journal alike: ESME, SMSC, PDU, TLV, bind, window,
//! `sequence_number`, `command_status`, `data_coding`, `esm_class`, `source_addr`, `destination_addr`, `short_message`.
//!
//! - **account**: the system_id of a bind that the SMSC accepted; all its binds together.
//! - **leg**: one of a session's two connections, [`Leg::Esme`](session::Leg) or [`Leg::Smsc`](session::Leg).
//! - **MT**, **MO**: mobile terminated (from an ESME to a subscriber), mobile originated (from a subscriber to an ESME).
//! - **receipt**: the SMSC's word on what became of a message (a DLR). **Part**: one SMS of a longer message.
//! - **matching form**: a text without its dress (case, width, look-alikes, marks); words and regexes are sought in it.
//! - **rule**: a condition over facts, with a score or an action. **Finding**: a rule that is true of a message.
//! - **exemption**: a condition that takes the weight from named findings. There is no rule that allows.
//! - **score**: points, one a doubling of the odds that a message is fraud; summed in groups that have caps.
//! - **profile**: the thresholds that turn a sum into an action, for one kind of traffic.
//! - **verdict**: pass, tag or block, with every finding. **Disposition**: what that means for the PDU: forward, forward
//!   edited, refuse with a status, or accept and swallow.
//! - **shadow**: a rule that is evaluated and told, and does nothing.
//! - **policy digest**: names everything that can change a verdict; each decision carries it.
//! - **decision**, **outcome**: what Tapis did with one message to one destination, and what the SMSC said to it.
//! - **exception policy**: what is done with what cannot be judged: malformed, undecodable, beyond a limit.
//!
//! # A message through a gate
//!
//! ```
//! use std::io::IoSlice;
//! use std::sync::Arc;
//!
//! use tapis::account::{Memory, SessionId, SmscId};
//! use tapis::config::source::{Source, Sources};
//! use tapis::gate::{Context, Gate, Output, Scratch};
//! use tapis::session::Leg;
//! use tapis::time::Timestamp;
//! use tapis::verdict::Action;
//! use tapis::wire::body::Sm;
//! use tapis::wire::command::{CommandId, CommandStatus};
//! use tapis::wire::field::Address;
//! use tapis::wire::{encode, frame};
//!
//! // Control: one rule becomes a policy.
//! let rules = r#"
//! rules:
//!   - id: no-casino
//!     when: { text: { words: [casino] } }
//!     action: block
//!     status: ESME_RINVMSGLEN
//! "#;
//! let rules = Source { name: "rules.yaml".into(), text: rules.into() };
//! let loaded = tapis::policy::load(&Sources { rules: vec![rules], ..Sources::default() });
//! let policy = Arc::new(loaded.expect("the rule is sound").policy);
//!
//! // Data: a gate, and what it is lent.
//! let now = Timestamp(1_795_000_000_000_000);
//! let memory = Memory::new(1);
//! let mut scratch = Scratch::default();
//! let mut cx = Context { now, policy: &policy, memory: &memory, scratch: &mut scratch, journal_full: false };
//! let mut gate = Gate::new(SessionId(1), Arc::default(), None, 0, now);
//! let mut actions = Vec::new();
//!
//! // What a driver does: hand in octets, take every output, write what is to be written.
//! let mut hand_in = |leg: Leg, octets: &[u8]| -> [Vec<u8>; 2] {
//!     assert!(gate.wants_read(leg));
//!     gate.handle_bytes(&mut cx, leg, octets);
//!     loop {
//!         let connect = match gate.poll_output(&mut cx) {
//!             Some(Output::Connect { .. }) => true,
//!             Some(Output::Decision(decision)) => {
//!                 actions.push(decision.action());
//!                 false
//!             }
//!             Some(_) => false,
//!             None => break,
//!         };
//!         if connect {
//!             gate.handle_connected(&mut cx, SmscId(0));
//!         }
//!     }
//!     [Leg::Esme, Leg::Smsc].map(|leg| {
//!         let mut slices = [IoSlice::new(&[]); 8];
//!         let count = gate.transmit(leg, &mut slices);
//!         let octets = slices[..count].iter().flat_map(|slice| slice.to_vec()).collect::<Vec<u8>>();
//!         gate.transmitted(leg, octets.len());
//!         octets
//!     })
//! };
//!
//! // The ESME binds; its credentials go to the SMSC as they came, and so does the answer.
//! let mut bind = Vec::new();
//! encode::pdu(&mut bind, CommandId::BIND_TRANSMITTER, CommandStatus::ESME_ROK, 1, |out| {
//!     encode::c_octet_string(out, b"bank");
//!     encode::c_octet_string(out, b"secret");
//!     encode::c_octet_string(out, b"");
//!     out.push(0x34);
//!     encode::address(out, &Address::default());
//! });
//! assert_eq!(hand_in(Leg::Esme, &bind), [vec![], bind]);
//! let mut accepted = Vec::new();
//! let ok = CommandStatus::ESME_ROK;
//! encode::response(&mut accepted, CommandId::BIND_TRANSMITTER_RESP, ok, 1, Some(b"smsc"));
//! assert_eq!(hand_in(Leg::Smsc, &accepted), [accepted, vec![]]);
//!
//! let submit = |sequence_number, text: &str| {
//!     let sm = Sm {
//!         source: Address::of_writing("BANK"),
//!         destination: Address::of_writing("+6591234567"),
//!         short_message: text.as_bytes(),
//!         ..Sm::default()
//!     };
//!     let mut pdu = Vec::new();
//!     encode::sm(&mut pdu, CommandId::SUBMIT_SM, sequence_number, &sm);
//!     pdu
//! };
//!
//! // A message with the word is refused here: the ESME is answered, and the SMSC sees nothing of it.
//! let [to_esme, to_smsc] = hand_in(Leg::Esme, &submit(2, "Win big at our C4sino!"));
//! let answer = frame::header(&to_esme).expect("an answer");
//! assert_eq!(answer.command_id, CommandId::SUBMIT_SM_RESP);
//! assert_eq!((answer.command_status, answer.sequence_number), (CommandStatus::ESME_RINVMSGLEN, 2));
//! assert!(to_smsc.is_empty());
//!
//! // Any other goes on, byte for byte.
//! let honest = submit(3, "Your statement is ready.");
//! assert_eq!(hand_in(Leg::Esme, &honest), [vec![], honest]);
//!
//! assert_eq!(actions, [Action::Block, Action::Pass]);
//! ```

pub mod account;
pub mod audit;
pub mod capture;
pub mod case;
pub mod cli;
pub mod config;
pub mod explain;
pub mod gate;
pub mod intel;
pub mod limits;
pub mod manual;
pub mod message;
pub mod policy;
pub mod replay;
pub mod reputation;
pub mod rules;
pub mod runtime;
pub mod session;
pub mod sim;
pub mod text;
pub mod time;
pub mod verdict;
pub mod wire;
