//! Bodies, laid out to be compared with the standard's tables (SMPP 3.4 §4, 5.0 §4; 3.3 uses the same fields without
//! TLVs).
//!
//! Requests must be whole. Responses come without the fields that their page shows: those are empty then.

use super::command::{
    CommandId, CommandStatus, DataCoding, EsmClass, InterfaceVersion, MessageState, RegisteredDelivery,
};
use super::field::{self, DecodeError, Fault, FieldFault, Parse, address_names};
use super::frame::{self, Frame, Header};
use super::json::Show;
use super::tlv::{self, Tlvs};

pub use super::field::Address;

macro_rules! bodies {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty = $($parser:ident)::+;)* })*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $name<'a> {
            $(#[doc = concat!("`", stringify!($field), "`")] pub $field: $type,)*
            #[doc = "What follows the mandatory fields."]
            pub tlvs: Tlvs<'a>,
        }

        impl<'a> $name<'a> {
            fn parse(input: &'a [u8]) -> Parse<'a, Self> {
                $(let (input, $field) = $($parser)::+(stringify!($field), input)?;)*
                let (input, tlvs) = tlv::tlvs("tlvs", input)?;
                Ok((input, Self { $($field,)* tlvs }))
            }

            /// Shows every field by its name, in its order; TLVs apart.
            pub(super) fn show(&self, show: &mut dyn FnMut(&'static str, Show<'a>)) {
                let _ = &show;
                $(Shown::show(&self.$field, stringify!($field), show);)*
            }
        }
    )* };
}

bodies! {
    /// bind_transmitter, bind_receiver, bind_transceiver (3.4 §4.1.1).
    Bind {
        system_id: &'a [u8] = field::system_id;
        password: &'a [u8] = field::c_octet_string;
        system_type: &'a [u8] = field::c_octet_string;
        interface_version: InterfaceVersion = field::interface_version;
        range: Address<'a> = field::address_of;
    }
    /// Their responses (3.4 §4.1.2).
    BindResp {
        system_id: &'a [u8] = field::c_octet_string_if_any;
    }
    /// outbind (3.4 §4.1.7).
    Outbind {
        system_id: &'a [u8] = field::system_id;
        password: &'a [u8] = field::c_octet_string;
    }
    /// unbind, enquire_link, generic_nack, and the responses that are a header only.
    HeaderOnly {}
    /// submit_sm and deliver_sm (3.4 §4.4.1, §4.6.1).
    Sm {
        service_type: &'a [u8] = field::c_octet_string;
        source: Address<'a> = field::address_of;
        destination: Address<'a> = field::address_of;
        esm_class: EsmClass = field::esm_class;
        protocol_id: u8 = field::integer;
        priority_flag: u8 = field::integer;
        schedule_delivery_time: &'a [u8] = field::c_octet_string;
        validity_period: &'a [u8] = field::c_octet_string;
        registered_delivery: RegisteredDelivery = field::registered_delivery;
        replace_if_present_flag: u8 = field::integer;
        data_coding: DataCoding = field::data_coding;
        sm_default_msg_id: u8 = field::integer;
        short_message: &'a [u8] = field::short_message;
    }
    /// submit_sm_resp, deliver_sm_resp, data_sm_resp, broadcast_sm_resp, query_broadcast_sm_resp (3.4 §4.4.2).
    MessageIdResp {
        message_id: &'a [u8] = field::c_octet_string_if_any;
    }
    /// submit_multi (3.4 §4.5.1).
    SubmitMulti {
        service_type: &'a [u8] = field::c_octet_string;
        source: Address<'a> = field::address_of;
        dest_address: Destinations<'a> = destinations;
        esm_class: EsmClass = field::esm_class;
        protocol_id: u8 = field::integer;
        priority_flag: u8 = field::integer;
        schedule_delivery_time: &'a [u8] = field::c_octet_string;
        validity_period: &'a [u8] = field::c_octet_string;
        registered_delivery: RegisteredDelivery = field::registered_delivery;
        replace_if_present_flag: u8 = field::integer;
        data_coding: DataCoding = field::data_coding;
        sm_default_msg_id: u8 = field::integer;
        short_message: &'a [u8] = field::short_message;
    }
    /// submit_multi_resp (3.4 §4.5.2).
    SubmitMultiResp {
        message_id: &'a [u8] = field::c_octet_string_if_any;
        unsuccess_sme: Unsuccess<'a> = unsuccess;
    }
    /// data_sm (3.4 §4.7.1).
    DataSm {
        service_type: &'a [u8] = field::c_octet_string;
        source: Address<'a> = field::address_of;
        destination: Address<'a> = field::address_of;
        esm_class: EsmClass = field::esm_class;
        registered_delivery: RegisteredDelivery = field::registered_delivery;
        data_coding: DataCoding = field::data_coding;
    }
    /// query_sm (3.4 §4.8.1), query_broadcast_sm (5.0 §4.4.2).
    QuerySm {
        message_id: &'a [u8] = field::c_octet_string;
        source: Address<'a> = field::address_of;
    }
    /// query_sm_resp (3.4 §4.8.2).
    QuerySmResp {
        message_id: &'a [u8] = field::c_octet_string;
        final_date: &'a [u8] = field::c_octet_string;
        message_state: MessageState = field::message_state;
        error_code: u8 = field::integer;
    }
    /// cancel_sm (3.4 §4.9.1).
    CancelSm {
        service_type: &'a [u8] = field::c_octet_string;
        message_id: &'a [u8] = field::c_octet_string;
        source: Address<'a> = field::address_of;
        destination: Address<'a> = field::address_of;
    }
    /// replace_sm (3.4 §4.10.1).
    ReplaceSm {
        message_id: &'a [u8] = field::c_octet_string;
        source: Address<'a> = field::address_of;
        schedule_delivery_time: &'a [u8] = field::c_octet_string;
        validity_period: &'a [u8] = field::c_octet_string;
        registered_delivery: RegisteredDelivery = field::registered_delivery;
        sm_default_msg_id: u8 = field::integer;
        short_message: &'a [u8] = field::short_message;
    }
    /// alert_notification (3.4 §4.12.1).
    AlertNotification {
        source: Address<'a> = field::address_of;
        esme: Address<'a> = field::address_of;
    }
    /// broadcast_sm (5.0 §4.4.1).
    BroadcastSm {
        service_type: &'a [u8] = field::c_octet_string;
        source: Address<'a> = field::address_of;
        message_id: &'a [u8] = field::c_octet_string;
        priority_flag: u8 = field::integer;
        schedule_delivery_time: &'a [u8] = field::c_octet_string;
        validity_period: &'a [u8] = field::c_octet_string;
        replace_if_present_flag: u8 = field::integer;
        data_coding: DataCoding = field::data_coding;
        sm_default_msg_id: u8 = field::integer;
    }
    /// cancel_broadcast_sm (5.0 §4.6.2).
    CancelBroadcastSm {
        service_type: &'a [u8] = field::c_octet_string;
        message_id: &'a [u8] = field::c_octet_string;
        source: Address<'a> = field::address_of;
    }
}

/// The body of an operation of the standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant is documented by its body")]
pub enum Body<'a> {
    Bind(Bind<'a>),
    BindResp(BindResp<'a>),
    Outbind(Outbind<'a>),
    HeaderOnly(HeaderOnly<'a>),
    SubmitSm(Sm<'a>),
    DeliverSm(Sm<'a>),
    MessageIdResp(MessageIdResp<'a>),
    SubmitMulti(SubmitMulti<'a>),
    SubmitMultiResp(SubmitMultiResp<'a>),
    DataSm(DataSm<'a>),
    QuerySm(QuerySm<'a>),
    QuerySmResp(QuerySmResp<'a>),
    CancelSm(CancelSm<'a>),
    ReplaceSm(ReplaceSm<'a>),
    AlertNotification(AlertNotification<'a>),
    BroadcastSm(BroadcastSm<'a>),
    CancelBroadcastSm(CancelBroadcastSm<'a>),
}

/// What a whole PDU turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed<'a> {
    /// An operation of the standard, whole.
    Understood(Header, Body<'a>),
    /// An operation that is not of the standard: a vendor's own.
    Opaque(Header),
    /// An operation of the standard whose body cannot be parsed.
    Malformed(Header, DecodeError),
}

/// Parses one whole PDU, as [`frame::frame`] found it.
#[must_use]
pub fn parse(pdu: &[u8]) -> Parsed<'_> {
    let Ok(Frame::Whole { header }) = frame::frame(pdu, u32::MAX) else {
        let nothing = CommandId(0);
        let header =
            Header { command_length: 0, command_id: nothing, command_status: CommandStatus(0), sequence_number: 0 };
        let fault = FieldFault::Truncated;
        return Parsed::Malformed(header, DecodeError { field: "command_length", offset: 0, fault });
    };
    let input = pdu.get(frame::HEADER_OCTETS..).unwrap_or_default();
    if header.command_id.name().is_none() {
        return Parsed::Opaque(header);
    }
    match body(header, input) {
        Ok((_, body)) => Parsed::Understood(header, body),
        Err(nom::Err::Error(fault) | nom::Err::Failure(fault)) => Parsed::Malformed(header, located(fault, pdu.len())),
        Err(nom::Err::Incomplete(_)) => {
            let fault = Fault { field: "body", left: input.len(), fault: FieldFault::Truncated };
            Parsed::Malformed(header, located(fault, pdu.len()))
        }
    }
}

fn located(fault: Fault, pdu_octets: usize) -> DecodeError {
    DecodeError { field: fault.field, offset: pdu_octets.saturating_sub(fault.left), fault: fault.fault }
}

fn body(header: Header, i: &[u8]) -> Parse<'_, Body<'_>> {
    fn to<'a, T>(parsed: Parse<'a, T>, body: impl FnOnce(T) -> Body<'a>) -> Parse<'a, Body<'a>> {
        parsed.map(|(rest, value)| (rest, body(value)))
    }
    use CommandId as C;
    match header.command_id {
        C::BIND_RECEIVER | C::BIND_TRANSMITTER | C::BIND_TRANSCEIVER => to(Bind::parse(i), Body::Bind),
        C::BIND_RECEIVER_RESP | C::BIND_TRANSMITTER_RESP | C::BIND_TRANSCEIVER_RESP => {
            to(BindResp::parse(i), Body::BindResp)
        }
        C::OUTBIND => to(Outbind::parse(i), Body::Outbind),
        C::SUBMIT_SM => to(Sm::parse(i), Body::SubmitSm),
        C::DELIVER_SM => to(Sm::parse(i), Body::DeliverSm),
        C::SUBMIT_SM_RESP
        | C::DELIVER_SM_RESP
        | C::DATA_SM_RESP
        | C::BROADCAST_SM_RESP
        | C::QUERY_BROADCAST_SM_RESP => to(MessageIdResp::parse(i), Body::MessageIdResp),
        C::SUBMIT_MULTI => to(SubmitMulti::parse(i), Body::SubmitMulti),
        C::SUBMIT_MULTI_RESP => to(SubmitMultiResp::parse(i), Body::SubmitMultiResp),
        C::DATA_SM => to(DataSm::parse(i), Body::DataSm),
        C::QUERY_SM | C::QUERY_BROADCAST_SM => to(QuerySm::parse(i), Body::QuerySm),
        C::QUERY_SM_RESP if i.is_empty() => Ok((i, Body::QuerySmResp(QuerySmResp::default()))),
        C::QUERY_SM_RESP => to(QuerySmResp::parse(i), Body::QuerySmResp),
        C::CANCEL_SM => to(CancelSm::parse(i), Body::CancelSm),
        C::REPLACE_SM => to(ReplaceSm::parse(i), Body::ReplaceSm),
        C::ALERT_NOTIFICATION => to(AlertNotification::parse(i), Body::AlertNotification),
        C::BROADCAST_SM => to(BroadcastSm::parse(i), Body::BroadcastSm),
        C::CANCEL_BROADCAST_SM => to(CancelBroadcastSm::parse(i), Body::CancelBroadcastSm),
        _ => to(HeaderOnly::parse(i), Body::HeaderOnly),
    }
}

/// The system_id of a bind, even of one whose later fields cannot be parsed: that is for the SMSC to refuse.
#[must_use]
pub fn system_id(bind: &[u8]) -> Option<&[u8]> {
    let body = bind.get(frame::HEADER_OCTETS..)?;
    field::system_id("system_id", body).ok().map(|(_, id)| id)
}

/// The source address of a submit_sm or deliver_sm, without a look at what follows it.
#[must_use]
pub fn source(sm: &[u8]) -> Option<Address<'_>> {
    let body = sm.get(frame::HEADER_OCTETS..)?;
    let (rest, _) = field::c_octet_string("service_type", body).ok()?;
    field::address_of("source", rest).ok().map(|(_, source)| source)
}

impl<'a> Body<'a> {
    /// The TLVs.
    #[must_use]
    pub fn tlvs(&self) -> Tlvs<'a> {
        match self {
            Self::Bind(b) => b.tlvs,
            Self::BindResp(b) => b.tlvs,
            Self::Outbind(b) => b.tlvs,
            Self::HeaderOnly(b) => b.tlvs,
            Self::SubmitSm(b) | Self::DeliverSm(b) => b.tlvs,
            Self::MessageIdResp(b) => b.tlvs,
            Self::SubmitMulti(b) => b.tlvs,
            Self::SubmitMultiResp(b) => b.tlvs,
            Self::DataSm(b) => b.tlvs,
            Self::QuerySm(b) => b.tlvs,
            Self::QuerySmResp(b) => b.tlvs,
            Self::CancelSm(b) => b.tlvs,
            Self::ReplaceSm(b) => b.tlvs,
            Self::AlertNotification(b) => b.tlvs,
            Self::BroadcastSm(b) => b.tlvs,
            Self::CancelBroadcastSm(b) => b.tlvs,
        }
    }

    pub(super) fn show(&self, show: &mut dyn FnMut(&'static str, Show<'a>)) {
        match self {
            Self::Bind(b) => b.show(show),
            Self::BindResp(b) => b.show(show),
            Self::Outbind(b) => b.show(show),
            Self::HeaderOnly(b) => b.show(show),
            Self::SubmitSm(b) | Self::DeliverSm(b) => b.show(show),
            Self::MessageIdResp(b) => b.show(show),
            Self::SubmitMulti(b) => b.show(show),
            Self::SubmitMultiResp(b) => b.show(show),
            Self::DataSm(b) => b.show(show),
            Self::QuerySm(b) => b.show(show),
            Self::QuerySmResp(b) => b.show(show),
            Self::CancelSm(b) => b.show(show),
            Self::ReplaceSm(b) => b.show(show),
            Self::AlertNotification(b) => b.show(show),
            Self::BroadcastSm(b) => b.show(show),
            Self::CancelBroadcastSm(b) => b.show(show),
        }
    }
}

/// One destination of a submit_multi (3.4 §4.5.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination<'a> {
    /// dest_flag 1: an address.
    Sme(Address<'a>),
    /// dest_flag 2: the name of a distribution list.
    DistributionList(&'a [u8]),
}

/// number_of_dests and the destinations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Destinations<'a> {
    /// How many there are.
    pub number_of_dests: u8,
    octets: &'a [u8],
}

impl<'a> Destinations<'a> {
    /// Their octets, without number_of_dests.
    #[must_use]
    pub fn octets(&self) -> &'a [u8] {
        self.octets
    }

    /// One after the other, each with its octets.
    pub fn iter(&self) -> impl Iterator<Item = (Destination<'a>, &'a [u8])> + use<'a> {
        let mut rest = self.octets;
        std::iter::from_fn(move || {
            let (after, one) = destination(rest).ok()?;
            let octets = rest.get(..rest.len() - after.len())?;
            rest = after;
            Some((one, octets))
        })
    }
}

fn destination(input: &[u8]) -> Parse<'_, Destination<'_>> {
    let (rest, flag) = field::integer("dest_flag", input)?;
    match flag {
        1 => field::address_of("destination", rest).map(|(rest, a)| (rest, Destination::Sme(a))),
        2 => field::c_octet_string("dl_name", rest).map(|(rest, n)| (rest, Destination::DistributionList(n))),
        _ => field::fault("dest_flag", input, FieldFault::DestFlag),
    }
}

fn destinations<'a>(_: &'static str, input: &'a [u8]) -> Parse<'a, Destinations<'a>> {
    let (start, number_of_dests) = field::integer("number_of_dests", input)?;
    let mut rest = start;
    for _ in 0..number_of_dests {
        (rest, _) = destination(rest)?;
    }
    let octets = start.get(..start.len() - rest.len()).unwrap_or_default();
    Ok((rest, Destinations { number_of_dests, octets }))
}

/// One destination that a submit_multi was not accepted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnsuccessSme<'a> {
    /// Which.
    pub destination: Address<'a>,
    /// Why not.
    pub error_status_code: CommandStatus,
}

/// no_unsuccess and the unsuccessful destinations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unsuccess<'a> {
    /// How many there are.
    pub no_unsuccess: u8,
    octets: &'a [u8],
}

impl<'a> Unsuccess<'a> {
    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = UnsuccessSme<'a>> + Clone + use<'a> {
        let mut rest = self.octets;
        std::iter::from_fn(move || {
            let (after, one) = unsuccess_sme(rest).ok()?;
            rest = after;
            Some(one)
        })
    }
}

fn unsuccess_sme(input: &[u8]) -> Parse<'_, UnsuccessSme<'_>> {
    let (rest, destination) = field::address_of("destination", input)?;
    let (rest, error_status_code) = field::status("error_status_code", rest)?;
    Ok((rest, UnsuccessSme { destination, error_status_code }))
}

fn unsuccess<'a>(_: &'static str, input: &'a [u8]) -> Parse<'a, Unsuccess<'a>> {
    if input.is_empty() {
        return Ok((input, Unsuccess::default()));
    }
    let (start, no_unsuccess) = field::integer("no_unsuccess", input)?;
    let mut rest = start;
    for _ in 0..no_unsuccess {
        (rest, _) = unsuccess_sme(rest)?;
    }
    let octets = start.get(..start.len() - rest.len()).unwrap_or_default();
    Ok((rest, Unsuccess { no_unsuccess, octets }))
}

/// How a field is shown under its name.
trait Shown<'a> {
    fn show(&self, name: &'static str, show: &mut dyn FnMut(&'static str, Show<'a>));
}

impl<'a> Shown<'a> for &'a [u8] {
    fn show(&self, name: &'static str, show: &mut dyn FnMut(&'static str, Show<'a>)) {
        if name == "short_message" {
            show("sm_length", Show::Integer(self.len() as u64));
            show(name, Show::Octets(self));
        } else {
            show(name, Show::Text(self));
        }
    }
}

impl<'a> Shown<'a> for Address<'a> {
    fn show(&self, name: &'static str, show: &mut dyn FnMut(&'static str, Show<'a>)) {
        let [ton, npi, address] = address_names(name);
        show(ton, Show::Integer(self.ton.0.into()));
        show(npi, Show::Integer(self.npi.0.into()));
        show(address, Show::Text(self.address));
    }
}

impl<'a> Shown<'a> for Destinations<'a> {
    fn show(&self, name: &'static str, show: &mut dyn FnMut(&'static str, Show<'a>)) {
        show("number_of_dests", Show::Integer(self.number_of_dests.into()));
        show(name, Show::Destinations(*self));
    }
}

impl<'a> Shown<'a> for Unsuccess<'a> {
    fn show(&self, name: &'static str, show: &mut dyn FnMut(&'static str, Show<'a>)) {
        show("no_unsuccess", Show::Integer(self.no_unsuccess.into()));
        show(name, Show::Unsuccess(*self));
    }
}

macro_rules! shown_as_integers {
    ($($code:ident)*) => { $(
        impl<'a> Shown<'a> for $code {
            fn show(&self, name: &'static str, show: &mut dyn FnMut(&'static str, Show<'a>)) {
                show(name, Show::Integer(self.0.into()));
            }
        }
    )* };
}

shown_as_integers! { EsmClass DataCoding RegisteredDelivery InterfaceVersion MessageState }

impl<'a> Shown<'a> for u8 {
    fn show(&self, name: &'static str, show: &mut dyn FnMut(&'static str, Show<'a>)) {
        show(name, Show::Integer((*self).into()));
    }
}
