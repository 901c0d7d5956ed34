//! W3C extended log file format from any proxy; the `#Fields` line rules.

use crate::format::{Field, Format, Shape, no_quirk};
use crate::value::Escape;

pub(crate) const GENERIC_W3C: Format = Format {
    id: "GENERIC_W3C",
    log_type: 183,
    vendor: "Any (W3C)",
    sample: include_bytes!("../../samples/GENERIC_W3C.log"),
    shape: Shape::W3c,
    columns: &[],
    names: &[
        (Field::Time, "timestamp"),
        (Field::Time, "x-timestamp"),
        (Field::Time, "datetime"),
        (Field::Time, "gmttime"),
        (Field::Date, "date"),
        (Field::Clock, "time"),
        (Field::SourceIp, "c-ip"),
        (Field::SourceIp, "x-client-ip"),
        (Field::User, "cs-username"),
        (Field::User, "cs-userdn"),
        (Field::Url, "cs-uri"),
        (Field::Url, "cs-url"),
        (Field::Host, "cs-host"),
        (Field::Host, "r-host"),
        (Field::Host, "cs(host)"),
        (Field::Host, "s-host"),
        (Field::Path, "cs-uri-path"),
        (Field::Path, "cs-uri-stem"),
        // On some proxies s-ip is the proxy itself.
        (Field::DestinationIp, "r-ip"),
        (Field::DestinationIp, "s-ip"),
        (Field::DestinationIp, "cs-ip"),
        (Field::Up, "cs-bytes"),
        (Field::Down, "sc-bytes"),
        (Field::Total, "bytes"),
        (Field::Action, "sc-filter-result"),
        (Field::Action, "action"),
        (Field::Outcome, "s-action"),
    ],
    blocked: &["block*", "den*", "drop*", "reject*", "reset*", "tcp_denied*"],
    starts: |rest| match rest {
        [b'#', ..] => true,
        [a, b, c, d, b'-', ..] => [a, b, c, d].iter().all(|x| x.is_ascii_digit()),
        _ => false,
    },
    quirk: no_quirk,
    escape: Escape::DoubledQuote,
    percent: false,
};

pub(crate) const GENERIC_W3C_SYSLOG: Format = Format {
    id: "GENERIC_W3C_SYSLOG",
    log_type: 184,
    sample: include_bytes!("../../samples/GENERIC_W3C_SYSLOG.log"),
    ..GENERIC_W3C
};
