//! The standard's codes, as open newtypes: every value of the wire can be held, known ones have the standard's name, and
//! unknown ones print in hexadecimal.
//!
//! The tables are laid out to be compared with the pages: SMPP 3.4 §5.1 and §5.2, SMPP 5.0 §4.7.

use std::fmt;

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident($int:ty), $width:literal { $($code:literal $constant:ident $text:literal)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $int);

        impl $name {
            $(
                #[doc = concat!("`", $text, "`, ", stringify!($code))]
                pub const $constant: Self = Self($code);
            )*

            /// The standard's name, when it has one.
            #[must_use]
            pub fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($code => Some($text),)*
                    _ => None,
                }
            }

            /// The code of a name, in either case.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                [$(($text, Self::$constant)),*].into_iter().find(|(text, _)| text.eq_ignore_ascii_case(name)).map(|(_, c)| c)
            }

            /// Every name that is known, in the order of the standard's table.
            #[must_use]
            pub fn names() -> &'static [&'static str] {
                &[$($text),*]
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, concat!("0x{:0", $width, "X}"), self.0),
                }
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

codes! {
    /// command_id (SMPP 3.4 §5.1.2.1, SMPP 5.0 §4.7.5).
    CommandId(u32), "8" {
        0x8000_0000 GENERIC_NACK              "generic_nack"
        0x0000_0001 BIND_RECEIVER             "bind_receiver"
        0x8000_0001 BIND_RECEIVER_RESP        "bind_receiver_resp"
        0x0000_0002 BIND_TRANSMITTER          "bind_transmitter"
        0x8000_0002 BIND_TRANSMITTER_RESP     "bind_transmitter_resp"
        0x0000_0003 QUERY_SM                  "query_sm"
        0x8000_0003 QUERY_SM_RESP             "query_sm_resp"
        0x0000_0004 SUBMIT_SM                 "submit_sm"
        0x8000_0004 SUBMIT_SM_RESP            "submit_sm_resp"
        0x0000_0005 DELIVER_SM                "deliver_sm"
        0x8000_0005 DELIVER_SM_RESP           "deliver_sm_resp"
        0x0000_0006 UNBIND                    "unbind"
        0x8000_0006 UNBIND_RESP               "unbind_resp"
        0x0000_0007 REPLACE_SM                "replace_sm"
        0x8000_0007 REPLACE_SM_RESP           "replace_sm_resp"
        0x0000_0008 CANCEL_SM                 "cancel_sm"
        0x8000_0008 CANCEL_SM_RESP            "cancel_sm_resp"
        0x0000_0009 BIND_TRANSCEIVER          "bind_transceiver"
        0x8000_0009 BIND_TRANSCEIVER_RESP     "bind_transceiver_resp"
        0x0000_000B OUTBIND                   "outbind"
        0x0000_0015 ENQUIRE_LINK              "enquire_link"
        0x8000_0015 ENQUIRE_LINK_RESP         "enquire_link_resp"
        0x0000_0021 SUBMIT_MULTI              "submit_multi"
        0x8000_0021 SUBMIT_MULTI_RESP         "submit_multi_resp"
        0x0000_0102 ALERT_NOTIFICATION        "alert_notification"
        0x0000_0103 DATA_SM                   "data_sm"
        0x8000_0103 DATA_SM_RESP              "data_sm_resp"
        0x0000_0111 BROADCAST_SM              "broadcast_sm"
        0x8000_0111 BROADCAST_SM_RESP         "broadcast_sm_resp"
        0x0000_0112 QUERY_BROADCAST_SM        "query_broadcast_sm"
        0x8000_0112 QUERY_BROADCAST_SM_RESP   "query_broadcast_sm_resp"
        0x0000_0113 CANCEL_BROADCAST_SM       "cancel_broadcast_sm"
        0x8000_0113 CANCEL_BROADCAST_SM_RESP  "cancel_broadcast_sm_resp"
    }
}

/// The bit that makes a response of a request.
const RESPONSE: u32 = 0x8000_0000;

impl CommandId {
    /// Whether it answers something.
    #[must_use]
    pub const fn is_response(self) -> bool {
        self.0 & RESPONSE != 0
    }

    /// The id that answers this request.
    #[must_use]
    pub const fn response(self) -> Self {
        Self(self.0 | RESPONSE)
    }

    /// The id of the request that this answers.
    #[must_use]
    pub const fn request(self) -> Self {
        Self(self.0 & !RESPONSE)
    }
}

codes! {
    /// command_status (SMPP 3.4 §5.1.3, SMPP 5.0 §4.7.6).
    CommandStatus(u32), "8" {
        0x000 ESME_ROK                 "ESME_ROK"
        0x001 ESME_RINVMSGLEN          "ESME_RINVMSGLEN"
        0x002 ESME_RINVCMDLEN          "ESME_RINVCMDLEN"
        0x003 ESME_RINVCMDID           "ESME_RINVCMDID"
        0x004 ESME_RINVBNDSTS          "ESME_RINVBNDSTS"
        0x005 ESME_RALYBND             "ESME_RALYBND"
        0x006 ESME_RINVPRTFLG          "ESME_RINVPRTFLG"
        0x007 ESME_RINVREGDLVFLG       "ESME_RINVREGDLVFLG"
        0x008 ESME_RSYSERR             "ESME_RSYSERR"
        0x00A ESME_RINVSRCADR          "ESME_RINVSRCADR"
        0x00B ESME_RINVDSTADR          "ESME_RINVDSTADR"
        0x00C ESME_RINVMSGID           "ESME_RINVMSGID"
        0x00D ESME_RBINDFAIL           "ESME_RBINDFAIL"
        0x00E ESME_RINVPASWD           "ESME_RINVPASWD"
        0x00F ESME_RINVSYSID           "ESME_RINVSYSID"
        0x011 ESME_RCANCELFAIL         "ESME_RCANCELFAIL"
        0x013 ESME_RREPLACEFAIL        "ESME_RREPLACEFAIL"
        0x014 ESME_RMSGQFUL            "ESME_RMSGQFUL"
        0x015 ESME_RINVSERTYP          "ESME_RINVSERTYP"
        0x033 ESME_RINVNUMDESTS        "ESME_RINVNUMDESTS"
        0x034 ESME_RINVDLNAME          "ESME_RINVDLNAME"
        0x040 ESME_RINVDESTFLAG        "ESME_RINVDESTFLAG"
        0x042 ESME_RINVSUBREP          "ESME_RINVSUBREP"
        0x043 ESME_RINVESMCLASS        "ESME_RINVESMCLASS"
        0x044 ESME_RCNTSUBDL           "ESME_RCNTSUBDL"
        0x045 ESME_RSUBMITFAIL         "ESME_RSUBMITFAIL"
        0x048 ESME_RINVSRCTON          "ESME_RINVSRCTON"
        0x049 ESME_RINVSRCNPI          "ESME_RINVSRCNPI"
        0x050 ESME_RINVDSTTON          "ESME_RINVDSTTON"
        0x051 ESME_RINVDSTNPI          "ESME_RINVDSTNPI"
        0x053 ESME_RINVSYSTYP          "ESME_RINVSYSTYP"
        0x054 ESME_RINVREPFLAG         "ESME_RINVREPFLAG"
        0x055 ESME_RINVNUMMSGS         "ESME_RINVNUMMSGS"
        0x058 ESME_RTHROTTLED          "ESME_RTHROTTLED"
        0x061 ESME_RINVSCHED           "ESME_RINVSCHED"
        0x062 ESME_RINVEXPIRY          "ESME_RINVEXPIRY"
        0x063 ESME_RINVDFTMSGID        "ESME_RINVDFTMSGID"
        0x064 ESME_RX_T_APPN           "ESME_RX_T_APPN"
        0x065 ESME_RX_P_APPN           "ESME_RX_P_APPN"
        0x066 ESME_RX_R_APPN           "ESME_RX_R_APPN"
        0x067 ESME_RQUERYFAIL          "ESME_RQUERYFAIL"
        0x0C0 ESME_RINVTLVSTREAM       "ESME_RINVTLVSTREAM"
        0x0C1 ESME_RTLVNOTALLWD        "ESME_RTLVNOTALLWD"
        0x0C2 ESME_RINVTLVLEN          "ESME_RINVTLVLEN"
        0x0C3 ESME_RMISSINGTLV         "ESME_RMISSINGTLV"
        0x0C4 ESME_RINVTLVVAL          "ESME_RINVTLVVAL"
        0x0FE ESME_RDELIVERYFAILURE    "ESME_RDELIVERYFAILURE"
        0x0FF ESME_RUNKNOWNERR         "ESME_RUNKNOWNERR"
        0x100 ESME_RSERTYPUNAUTH       "ESME_RSERTYPUNAUTH"
        0x101 ESME_RPROHIBITED         "ESME_RPROHIBITED"
        0x102 ESME_RSERTYPUNAVAIL      "ESME_RSERTYPUNAVAIL"
        0x103 ESME_RSERTYPDENIED       "ESME_RSERTYPDENIED"
        0x104 ESME_RINVDCS             "ESME_RINVDCS"
        0x105 ESME_RINVSRCADDRSUBUNIT  "ESME_RINVSRCADDRSUBUNIT"
        0x106 ESME_RINVDSTADDRSUBUNIT  "ESME_RINVDSTADDRSUBUNIT"
        0x107 ESME_RINVBCASTFREQINT    "ESME_RINVBCASTFREQINT"
        0x108 ESME_RINVBCASTALIAS_NAME "ESME_RINVBCASTALIAS_NAME"
        0x109 ESME_RINVBCASTAREAFMT    "ESME_RINVBCASTAREAFMT"
        0x10A ESME_RINVNUMBCAST_AREAS  "ESME_RINVNUMBCAST_AREAS"
        0x10B ESME_RINVBCASTCNTTYPE    "ESME_RINVBCASTCNTTYPE"
        0x10C ESME_RINVBCASTMSGCLASS   "ESME_RINVBCASTMSGCLASS"
        0x10D ESME_RBCASTFAIL          "ESME_RBCASTFAIL"
        0x10E ESME_RBCASTQUERYFAIL     "ESME_RBCASTQUERYFAIL"
        0x10F ESME_RBCASTCANCELFAIL    "ESME_RBCASTCANCELFAIL"
        0x110 ESME_RINVBCAST_REP       "ESME_RINVBCAST_REP"
        0x111 ESME_RINVBCASTSRVGRP     "ESME_RINVBCASTSRVGRP"
        0x112 ESME_RINVBCASTCHANIND    "ESME_RINVBCASTCHANIND"
    }
}

impl CommandStatus {
    /// Whether an ESME that gets it is meant to try the same message again.
    #[must_use]
    pub fn is_retryable(self) -> bool {
        matches!(self, Self::ESME_RTHROTTLED | Self::ESME_RMSGQFUL | Self::ESME_RSYSERR | Self::ESME_RX_T_APPN)
    }
}

codes! {
    /// TLV tags (SMPP 3.4 §5.3.1, SMPP 5.0 §4.8.1).
    Tag(u16), "4" {
        0x0005 DEST_ADDR_SUBUNIT           "dest_addr_subunit"
        0x0006 DEST_NETWORK_TYPE           "dest_network_type"
        0x0007 DEST_BEARER_TYPE            "dest_bearer_type"
        0x0008 DEST_TELEMATICS_ID          "dest_telematics_id"
        0x000D SOURCE_ADDR_SUBUNIT         "source_addr_subunit"
        0x000E SOURCE_NETWORK_TYPE         "source_network_type"
        0x000F SOURCE_BEARER_TYPE          "source_bearer_type"
        0x0010 SOURCE_TELEMATICS_ID        "source_telematics_id"
        0x0017 QOS_TIME_TO_LIVE            "qos_time_to_live"
        0x0019 PAYLOAD_TYPE                "payload_type"
        0x001D ADDITIONAL_STATUS_INFO_TEXT "additional_status_info_text"
        0x001E RECEIPTED_MESSAGE_ID        "receipted_message_id"
        0x0030 MS_MSG_WAIT_FACILITIES      "ms_msg_wait_facilities"
        0x0201 PRIVACY_INDICATOR           "privacy_indicator"
        0x0202 SOURCE_SUBADDRESS           "source_subaddress"
        0x0203 DEST_SUBADDRESS             "dest_subaddress"
        0x0204 USER_MESSAGE_REFERENCE      "user_message_reference"
        0x0205 USER_RESPONSE_CODE          "user_response_code"
        0x020A SOURCE_PORT                 "source_port"
        0x020B DESTINATION_PORT            "destination_port"
        0x020C SAR_MSG_REF_NUM             "sar_msg_ref_num"
        0x020D LANGUAGE_INDICATOR          "language_indicator"
        0x020E SAR_TOTAL_SEGMENTS          "sar_total_segments"
        0x020F SAR_SEGMENT_SEQNUM          "sar_segment_seqnum"
        0x0210 SC_INTERFACE_VERSION        "sc_interface_version"
        0x0302 CALLBACK_NUM_PRES_IND       "callback_num_pres_ind"
        0x0303 CALLBACK_NUM_ATAG           "callback_num_atag"
        0x0304 NUMBER_OF_MESSAGES          "number_of_messages"
        0x0381 CALLBACK_NUM                "callback_num"
        0x0420 DPF_RESULT                  "dpf_result"
        0x0421 SET_DPF                     "set_dpf"
        0x0422 MS_AVAILABILITY_STATUS      "ms_availability_status"
        0x0423 NETWORK_ERROR_CODE          "network_error_code"
        0x0424 MESSAGE_PAYLOAD             "message_payload"
        0x0425 DELIVERY_FAILURE_REASON     "delivery_failure_reason"
        0x0426 MORE_MESSAGES_TO_SEND       "more_messages_to_send"
        0x0427 MESSAGE_STATE               "message_state"
        0x0428 CONGESTION_STATE            "congestion_state"
        0x0501 USSD_SERVICE_OP             "ussd_service_op"
        0x0600 BROADCAST_CHANNEL_INDICATOR "broadcast_channel_indicator"
        0x0601 BROADCAST_CONTENT_TYPE      "broadcast_content_type"
        0x0602 BROADCAST_CONTENT_TYPE_INFO "broadcast_content_type_info"
        0x0603 BROADCAST_MESSAGE_CLASS     "broadcast_message_class"
        0x0604 BROADCAST_REP_NUM           "broadcast_rep_num"
        0x0605 BROADCAST_FREQUENCY_INTERVAL "broadcast_frequency_interval"
        0x0606 BROADCAST_AREA_IDENTIFIER   "broadcast_area_identifier"
        0x0607 BROADCAST_ERROR_STATUS      "broadcast_error_status"
        0x0608 BROADCAST_AREA_SUCCESS      "broadcast_area_success"
        0x0609 BROADCAST_END_TIME          "broadcast_end_time"
        0x060A BROADCAST_SERVICE_GROUP     "broadcast_service_group"
        0x060B BILLING_IDENTIFICATION      "billing_identification"
        0x060D SOURCE_NETWORK_ID           "source_network_id"
        0x060E DEST_NETWORK_ID             "dest_network_id"
        0x060F SOURCE_NODE_ID              "source_node_id"
        0x0610 DEST_NODE_ID                "dest_node_id"
        0x0611 DEST_ADDR_NP_RESOLUTION     "dest_addr_np_resolution"
        0x0612 DEST_ADDR_NP_INFORMATION    "dest_addr_np_information"
        0x0613 DEST_ADDR_NP_COUNTRY        "dest_addr_np_country"
        0x1201 DISPLAY_TIME                "display_time"
        0x1203 SMS_SIGNAL                  "sms_signal"
        0x1204 MS_VALIDITY                 "ms_validity"
        0x130C ALERT_ON_MESSAGE_DELIVERY   "alert_on_message_delivery"
        0x1380 ITS_REPLY_TYPE              "its_reply_type"
        0x1383 ITS_SESSION_INFO            "its_session_info"
    }
}

codes! {
    /// Type of number (SMPP 3.4 §5.2.5).
    Ton(u8), "2" {
        0 UNKNOWN           "unknown"
        1 INTERNATIONAL     "international"
        2 NATIONAL          "national"
        3 NETWORK_SPECIFIC  "network_specific"
        4 SUBSCRIBER_NUMBER "subscriber_number"
        5 ALPHANUMERIC      "alphanumeric"
        6 ABBREVIATED       "abbreviated"
    }
}

codes! {
    /// Numbering plan indicator (SMPP 3.4 §5.2.6).
    Npi(u8), "2" {
        0  UNKNOWN       "unknown"
        1  ISDN          "isdn"
        3  DATA          "data"
        4  TELEX         "telex"
        6  LAND_MOBILE   "land_mobile"
        8  NATIONAL      "national"
        9  PRIVATE       "private"
        10 ERMES         "ermes"
        14 INTERNET      "internet"
        18 WAP_CLIENT_ID "wap_client_id"
    }
}

codes! {
    /// interface_version: the SMPP version (SMPP 3.4 §5.2.4). Values up to 0x33 mean 3.3.
    InterfaceVersion(u8), "2" {
        0x33 V3_3 "3.3"
        0x34 V3_4 "3.4"
        0x50 V5_0 "5.0"
    }
}

codes! {
    /// message_state (SMPP 3.4 §5.2.28).
    MessageState(u8), "2" {
        0 SCHEDULED     "SCHEDULED"
        1 ENROUTE       "ENROUTE"
        2 DELIVERED     "DELIVERED"
        3 EXPIRED       "EXPIRED"
        4 DELETED       "DELETED"
        5 UNDELIVERABLE "UNDELIVERABLE"
        6 ACCEPTED      "ACCEPTED"
        7 UNKNOWN       "UNKNOWN"
        8 REJECTED      "REJECTED"
        9 SKIPPED       "SKIPPED"
    }
}

/// data_coding (SMPP 3.4 §5.2.19; 3GPP TS 23.038 §4): what it means for a text is `text`'s to say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct DataCoding(pub u8);

impl DataCoding {
    /// The SMSC's default alphabet.
    pub const DEFAULT: Self = Self(0);
    /// ISO-8859-1.
    pub const LATIN_1: Self = Self(3);
    /// 8-bit binary.
    pub const BINARY: Self = Self(4);
    /// UCS-2, big endian.
    pub const UCS2: Self = Self(8);
}

/// esm_class (SMPP 3.4 §5.2.12).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct EsmClass(pub u8);

impl EsmClass {
    /// An SMSC delivery receipt.
    pub const RECEIPT: Self = Self(0x04);
    /// User data begins with a header.
    pub const UDHI: Self = Self(0x40);

    /// Whether the user data begins with a header.
    #[must_use]
    pub fn udhi(self) -> bool {
        self.0 & 0x40 != 0
    }

    /// Bits 2 to 5: 0 is an ordinary message.
    #[must_use]
    pub fn message_type(self) -> u8 {
        (self.0 >> 2) & 0x0f
    }

    /// Whether the SMSC says that it is a receipt: final (bit 2 alone) or intermediate (bit 5). Acknowledgements by the
    /// user (0x08, 0x10) and conversation aborts (0x18) are messages.
    #[must_use]
    pub fn is_receipt(self) -> bool {
        matches!(self.message_type(), 0x01 | 0x08)
    }
}

/// registered_delivery (SMPP 3.4 §5.2.17).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RegisteredDelivery(pub u8);

impl RegisteredDelivery {
    /// Whether a receipt is asked for when a message fails: always (1) or on failure (2).
    #[must_use]
    pub fn wants_failure_receipt(self) -> bool {
        matches!(self.0 & 0x03, 1 | 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_codes_survive_and_print_in_hexadecimal() {
        assert_eq!(CommandId(0x0001_0200).to_string(), "0x00010200");
        assert_eq!(Tag(0x1400).to_string(), "0x1400");
        assert_eq!(CommandStatus::from_name("esme_rthrottled"), Some(CommandStatus(0x58)));
        assert_eq!(CommandStatus::from_name("ESME_RNONE"), None);
    }

    #[test]
    fn a_response_is_its_request_with_the_first_bit_set() {
        assert_eq!(CommandId::SUBMIT_SM.response(), CommandId::SUBMIT_SM_RESP);
        assert_eq!(CommandId::DATA_SM_RESP.request(), CommandId::DATA_SM);
        assert!(CommandId::GENERIC_NACK.is_response());
    }

    #[test]
    fn receipts_are_told_from_acknowledgements() {
        assert!(EsmClass(0x04).is_receipt());
        assert!(EsmClass(0x20).is_receipt());
        assert!(EsmClass(0x44).is_receipt());
        for message in [0x00, 0x08, 0x10, 0x18, 0x40] {
            assert!(!EsmClass(message).is_receipt(), "{message:#x}");
        }
    }
}
