//! Zscaler NSS web log: 34 quoted cells, LEEF, CEF, or whatever the administrator's feed writes with names.

use memchr::memchr;

use crate::format::{Cells, Column::*, Field, Format, Shape, Verdict};
use crate::value::{self, Escape};

pub(crate) const ZSCALER: Format = Format {
    id: "ZSCALER",
    log_type: 120,
    vendor: "Zscaler",
    sample: include_bytes!("../../samples/ZSCALER.log"),
    shape: Shape::Separated(b','),
    columns: &[
        (Field::Time, At(0)),
        (Field::User, At(1)),
        (Field::Url, At(3)),
        (Field::Action, At(4)),
        (Field::Up, At(7)),
        (Field::Down, At(8)),
        (Field::Location, At(19)),
        (Field::SourceIp, At(21)),
        (Field::DestinationIp, At(22)),
    ],
    // Administrators may change the order; then a header tells it.
    names: &[
        (Field::Time, "time"),
        (Field::Time, "datetime"),
        (Field::Time, "Event Time"),
        (Field::User, "login"),
        (Field::User, "user"),
        (Field::Url, "url"),
        (Field::Url, "eurl"),
        (Field::Host, "host"),
        (Field::Host, "hostname"),
        (Field::Action, "action"),
        (Field::Action, "Policy Action"),
        (Field::Up, "reqsize"),
        (Field::Up, "requestsize"),
        (Field::Up, "Request Size"),
        (Field::Up, "Sent Bytes"),
        (Field::Down, "respsize"),
        (Field::Down, "responsesize"),
        (Field::Down, "Response Size"),
        (Field::Down, "Received Bytes"),
        (Field::Total, "totalsize"),
        (Field::Total, "transactionsize"),
        (Field::Location, "location"),
        (Field::SourceIp, "cip"),
        (Field::SourceIp, "ClientIP"),
        (Field::SourceIp, "Client IP"),
        (Field::SourceIp, "Client Internal IP"),
        (Field::SourceIp, "clientpublicIP"),
        (Field::DestinationIp, "sip"),
        (Field::DestinationIp, "serverip"),
        (Field::DestinationIp, "Server IP"),
    ],
    blocked: &["block*"],
    starts,
    quirk,
    escape: Escape::DoubledQuote,
    ..Format::PLAIN
};

pub(crate) const ZSCALER_SYSLOG: Format = Format {
    id: "ZSCALER_SYSLOG",
    log_type: 143,
    sample: include_bytes!("../../samples/ZSCALER_SYSLOG.log"),
    ..ZSCALER
};

pub(crate) const ZSCALER_QRADAR: Format = Format {
    id: "ZSCALER_QRADAR",
    log_type: 170,
    vendor: "Zscaler (QRadar LEEF)",
    sample: include_bytes!("../../samples/ZSCALER_QRADAR_SYSLOG.log"),
    shape: Shape::Leef,
    columns: &[],
    names: &[(Field::Action, "policy_action"), (Field::Action, "cat"), (Field::Location, "realm")],
    starts: |_| false,
    escape: Escape::None,
    marks: &["LEEF:1.0|Zscaler|", "LEEF:2.0|Zscaler|"],
    ..ZSCALER
};

pub(crate) const ZSCALER_QRADAR_SYSLOG: Format =
    Format { id: "ZSCALER_QRADAR_SYSLOG", log_type: 171, ..ZSCALER_QRADAR };

pub(crate) const ZSCALER_CEF: Format = Format {
    id: "ZSCALER_CEF",
    log_type: 196,
    vendor: "Zscaler (CEF)",
    sample: include_bytes!("../../samples/ZSCALER_CEF_SYSLOG.log"),
    shape: Shape::Cef,
    columns: &[],
    names: &[(Field::OtherSourceIp, "sourceTranslatedAddress"), (Field::Location, "spriv")],
    starts: |_| false,
    escape: Escape::Backslash,
    marks: &["CEF:0|Zscaler|"],
    ..ZSCALER
};

pub(crate) const ZSCALER_CEF_SYSLOG: Format =
    Format { id: "ZSCALER_CEF_SYSLOG", log_type: 197, ..ZSCALER_CEF };

/// A quote; or, in the form with names and TABs, the time before the first name.
fn starts(rest: &[u8]) -> bool {
    rest.first() == Some(&b'"')
        || memchr(b'\t', &rest[..rest.len().min(40)]).is_some_and(|at| rest[at + 1..].starts_with(b"reason="))
}

fn quirk(cells: &mut Cells<'_>) -> Verdict {
    // Where nobody has signed in, the login cell repeats the location.
    if cells.get(Field::User).eq_ignore_ascii_case(cells.get(Field::Location)) {
        cells.set(Field::User, b"");
    }
    // Of the two addresses of a client the inner one is its own; feeds differ in which key has it.
    let other = cells.get(Field::OtherSourceIp);
    if !other.is_empty() {
        let private = |cell| value::address(cell).is_some_and(value::is_private);
        if private(other) && !private(cells.get(Field::SourceIp)) {
            cells.set(Field::SourceIp, other);
        }
    }
    Verdict::Keep
}
