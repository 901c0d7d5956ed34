//! Squid's own log: `epoch.ms elapsed client RESULT/status bytes METHOD URL user HIERARCHY/peer mime`.

use memchr::memchr;

use super::squid::outcome;
use crate::format::{Cells, Column, Column::*, Field, Format, Shape, Verdict};

pub(crate) const SQUID_NATIVE: Format = Format {
    id: "SQUID_NATIVE",
    log_type: 155,
    vendor: "Squid",
    sample: include_bytes!("../../samples/SQUID_NATIVE.log"),
    shape: Shape::Words { brackets: false },
    columns: COLUMNS,
    starts,
    quirk,
    percent: true,
    ..Format::PLAIN
};

pub(crate) const SQUID_NATIVE_SYSLOG: Format = Format {
    id: "SQUID_NATIVE_SYSLOG",
    log_type: 156,
    sample: include_bytes!("../../samples/SQUID_NATIVE_SYSLOG.log"),
    ..SQUID_NATIVE
};

/// What Cisco's proxy writes too.
pub(super) const COLUMNS: &[(Field, Column)] = &[
    (Field::Time, At(0)),
    (Field::SourceIp, At(2)),
    (Field::Action, At(3)),
    (Field::Down, At(4)),
    (Field::Url, At(6)),
    (Field::User, At(7)),
    // Read only so that a line cut off before it is known to be cut off.
    (Field::Device, At(8)),
];

pub(super) fn starts(rest: &[u8]) -> bool {
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    // Behind a version or a bare epoch of syslog stands no number.
    (9..=11).contains(&digits)
        && matches!(rest.get(digits), Some(b'.' | b' '))
        && memchr(b' ', rest)
            .is_some_and(|at| rest[at..].trim_ascii_start().first().is_some_and(|b| b.is_ascii_digit() || *b == b'-'))
}

pub(super) fn quirk(cells: &mut Cells<'_>) -> Verdict {
    let action = cells.get(Field::Action);
    let (result, status) = action.split_at(memchr(b'/', action).unwrap_or(action.len()));
    outcome(result, status.strip_prefix(b"/").unwrap_or(status), cells.get(Field::Url))
}
