//! Cisco Web Security Appliance (IronPort): an access log in the manner of Squid, or W3C.
//! That the W3C log is what the names WSA_II and WSA_III stand for is concluded, so both take both.

use memchr::memchr;

use super::squid::outcome;
use super::squid_native::{self, COLUMNS};
use crate::format::{Basis, Cells, Column::*, Field, Format, Shape, Verdict};
use crate::value::Escape;

pub(crate) const CISCO_IRONPORT_PROXY: Format = Format {
    id: "CISCO_IRONPORT_PROXY",
    log_type: 106,
    vendor: "Cisco IronPort WSA",
    sample: include_bytes!("../../samples/CISCO_IRONPORT_PROXY.log"),
    shape: Shape::W3c,
    columns: &[
        COLUMNS[0],
        COLUMNS[1],
        COLUMNS[2],
        COLUMNS[3],
        COLUMNS[4],
        COLUMNS[5],
        (Field::Outcome, At(10)),
    ],
    names: &[
        (Field::Action, "x-resultcode-httpstatus"),
        (Field::Action, "sc-result-code"),
        (Field::Outcome, "x-acltag"),
        (Field::Status, "sc-http-status"),
    ],
    blocked: &["tcp_denied*", "block_*", "block-*"],
    starts,
    quirk,
    escape: Escape::DoubledQuote,
    marks: &[" <\"", " <-,", " <nc,", "-NONE <"],
    ..Format::PLAIN
};

pub(crate) const CISCO_IRONPORT_PROXY_SYSLOG: Format = Format {
    id: "CISCO_IRONPORT_PROXY_SYSLOG",
    log_type: 133,
    sample: include_bytes!("../../samples/CISCO_IRONPORT_PROXY_SYSLOG.log"),
    ..CISCO_IRONPORT_PROXY
};

pub(crate) const CISCO_IRONPORT_WSA_II: Format = Format {
    id: "CISCO_IRONPORT_WSA_II",
    log_type: 206,
    vendor: "Cisco IronPort WSA II",
    basis: Basis::Inferred,
    sample: include_bytes!("../../samples/CISCO_IRONPORT_WSA_II.log"),
    marks: &["x-resultcode-httpstatus", "x-acltag", "DEFAULT_CASE", "DefaultGroup"],
    ..CISCO_IRONPORT_PROXY
};

pub(crate) const CISCO_IRONPORT_WSA_II_SYSLOG: Format =
    Format { id: "CISCO_IRONPORT_WSA_II_SYSLOG", log_type: 207, ..CISCO_IRONPORT_WSA_II };

pub(crate) const CISCO_IRONPORT_WSA_III: Format = Format {
    id: "CISCO_IRONPORT_WSA_III",
    log_type: 216,
    vendor: "Cisco IronPort WSA III",
    basis: Basis::Unverified,
    ..CISCO_IRONPORT_WSA_II
};

pub(crate) const CISCO_IRONPORT_WSA_III_SYSLOG: Format =
    Format { id: "CISCO_IRONPORT_WSA_III_SYSLOG", log_type: 217, ..CISCO_IRONPORT_WSA_III };

fn starts(rest: &[u8]) -> bool {
    rest.first() == Some(&b'#') || squid_native::starts(rest) || super::w3c::starts(rest)
}

fn quirk(cells: &mut Cells<'_>) -> Verdict {
    let action = cells.get(Field::Action);
    let (result, status) = action.split_at(memchr(b'/', action).unwrap_or(action.len()));
    let status = status.strip_prefix(b"/").unwrap_or(cells.get(Field::Status));
    outcome(result, status, cells.get(Field::Url))
}
