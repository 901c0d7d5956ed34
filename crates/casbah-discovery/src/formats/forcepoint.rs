//! Forcepoint, before that Websense: CEF and LEEF from the appliance, the report of Web Security, and the
//! cloud's full traffic log.

use super::cef::GENERIC_CEF;
use crate::format::{Basis, Cells, Field, Format, Shape, Verdict, challenge};
use crate::value::Escape;

pub(crate) const WEBSENSE_SIEM_CEF: Format = Format {
    id: "WEBSENSE_SIEM_CEF",
    log_type: 138,
    vendor: "Websense (Forcepoint) SIEM",
    basis: Basis::Verified,
    sample: include_bytes!("../../samples/WEBSENSE_SIEM_CEF_SYSLOG.log"),
    names: &[
        // suser is the path in the directory; the login beside it is what people are called elsewhere.
        (Field::User, "loginID"),
        (Field::User, "suser"),
        (Field::Action, "act"),
        (Field::Outcome, "dispositionString"),
    ],
    marks: &["CEF:0|Forcepoint|", "CEF:0|Websense|"],
    ..GENERIC_CEF
};

pub(crate) const WEBSENSE_SIEM_CEF_SYSLOG: Format =
    Format { id: "WEBSENSE_SIEM_CEF_SYSLOG", log_type: 152, ..WEBSENSE_SIEM_CEF };

pub(crate) const FORCEPOINT_LEEF: Format = Format {
    id: "FORCEPOINT_LEEF",
    log_type: 210,
    vendor: "Forcepoint (LEEF)",
    sample: include_bytes!("../../samples/FORCEPOINT_LEEF_SYSLOG.log"),
    shape: Shape::Leef,
    names: &[
        (Field::Time, "devTime"),
        (Field::Time, "rt"),
        (Field::User, "loginID"),
        (Field::User, "usrName"),
        (Field::Outcome, "eventId"),
        (Field::Action, "action"),
    ],
    quirk: transaction,
    marks: &["LEEF:1.0|Forcepoint|", "LEEF:1.0|Websense|", "LEEF:2.0|Forcepoint|"],
    ..Format::PLAIN
};

pub(crate) const FORCEPOINT_LEEF_SYSLOG: Format =
    Format { id: "FORCEPOINT_LEEF_SYSLOG", log_type: 211, ..FORCEPOINT_LEEF };

pub(crate) const WEBSENSE_V7_5: Format = Format {
    id: "WEBSENSE_V7_5",
    log_type: 135,
    vendor: "Websense Web Security report",
    basis: Basis::Inferred,
    sample: include_bytes!("../../samples/WEBSENSE_V7_5.log"),
    shape: Shape::Separated(b','),
    names: &[
        (Field::Time, "Date/Time"),
        (Field::Date, "Date"),
        (Field::Clock, "Time"),
        (Field::SourceIp, "Source IP"),
        (Field::SourceIp, "Source IP Address"),
        (Field::SourceIp, "Source"),
        (Field::User, "User"),
        (Field::User, "User Name"),
        (Field::User, "Login Name"),
        (Field::Url, "URL"),
        (Field::Url, "Full URL"),
        (Field::Host, "URL Hostname"),
        (Field::Host, "Hostname"),
        (Field::Host, "Domain"),
        (Field::DestinationIp, "Destination IP"),
        (Field::DestinationIp, "Destination IP Address"),
        (Field::DestinationIp, "Destination"),
        (Field::Up, "Bytes Sent"),
        (Field::Down, "Bytes Received"),
        (Field::Action, "Disposition"),
        (Field::Action, "Action"),
    ],
    starts: |rest| rest.first() == Some(&b'"'),
    quirk: disposition,
    escape: Escape::DoubledQuote,
    ..Format::PLAIN
};

pub(crate) const WEBSENSE_V7_5_SYSLOG: Format =
    Format { id: "WEBSENSE_V7_5_SYSLOG", log_type: 151, ..WEBSENSE_V7_5 };

pub(crate) const FORCEPOINT: Format = Format {
    id: "FORCEPOINT",
    log_type: 202,
    vendor: "Forcepoint web security cloud",
    basis: Basis::Unverified,
    sample: include_bytes!("../../samples/FORCEPOINT.log"),
    shape: Shape::Any,
    // Places in the array of the full traffic log; addresses are whole numbers there.
    names: &[
        (Field::Time, "0"),
        (Field::User, "2"),
        (Field::SourceIp, "3"),
        (Field::Up, "5"),
        (Field::Down, "6"),
        (Field::Action, "7"),
        (Field::DestinationIp, "11"),
        (Field::Url, "12"),
        (Field::Time, "Date & Time"),
        (Field::Time, "DateAndTime"),
        (Field::SourceIp, "Connection IP"),
        (Field::SourceIp, "Source IP"),
        (Field::User, "User"),
        (Field::User, "UserID"),
        (Field::Url, "URL - Full"),
        (Field::Url, "URI"),
        (Field::Host, "Domain"),
        (Field::Up, "Bytes Sent"),
        (Field::Up, "RequestSize"),
        (Field::Down, "Bytes Received"),
        (Field::Down, "ResponseSize"),
        (Field::Action, "Action"),
        (Field::Action, "Disposition"),
    ],
    starts: super::unverified::starts,
    quirk: challenge,
    ..Format::PLAIN
};

pub(crate) const FORCEPOINT_SYSLOG: Format = Format { id: "FORCEPOINT_SYSLOG", log_type: 203, ..FORCEPOINT };

/// `transaction:permitted` and `transaction:blocked`.
fn transaction(cells: &mut Cells<'_>) -> Verdict {
    match cells.get(Field::Outcome).strip_prefix(b"transaction:") {
        Some(b"blocked") => Verdict::Blocked,
        _ => Verdict::Keep,
    }
}

/// `Category blocked`: the word that matters is the last one.
fn disposition(cells: &mut Cells<'_>) -> Verdict {
    let words = cells.get(Field::Action);
    let refused = |word: &[u8]| word.eq_ignore_ascii_case(b"blocked") || word.eq_ignore_ascii_case(b"denied");
    if words.split(|b| *b == b' ').any(refused) { Verdict::Blocked } else { Verdict::Keep }
}
