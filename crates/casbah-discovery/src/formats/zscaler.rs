//! Zscaler NSS web log: 34 quoted cells.

use crate::format::{Cells, Column::*, Field, Format, Shape, Verdict};
use crate::value::Escape;

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
    starts: |rest| rest.first() == Some(&b'"'),
    quirk,
    escape: Escape::DoubledQuote,
    percent: false,
};

pub(crate) const ZSCALER_SYSLOG: Format = Format {
    id: "ZSCALER_SYSLOG",
    log_type: 143,
    sample: include_bytes!("../../samples/ZSCALER_SYSLOG.log"),
    ..ZSCALER
};

fn quirk(cells: &mut Cells<'_>) -> Verdict {
    // Where nobody has signed in, the login cell repeats the location.
    if cells.get(Field::User).eq_ignore_ascii_case(cells.get(Field::Location)) {
        cells.set(Field::User, b"");
    }
    Verdict::Keep
}
