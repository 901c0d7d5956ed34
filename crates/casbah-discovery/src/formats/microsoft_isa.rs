//! Microsoft ISA Server and Forefront TMG: W3C with TABs, times UTC.

use memchr::memchr2;

use crate::format::{Cells, Field, Format, Shape, Verdict, challenge};
use crate::value::{self, Escape};

pub(crate) const MICROSOFT_ISA_W3C: Format = Format {
    id: "MICROSOFT_ISA_W3C",
    log_type: 159,
    vendor: "Microsoft Forefront TMG",
    sample: include_bytes!("../../samples/MICROSOFT_ISA_W3C.log"),
    shape: Shape::W3c,
    names: &[
        (Field::Url, "cs-uri"),
        (Field::Host, "r-host"),
        (Field::DestinationIp, "r-ip"),
        (Field::Action, "action"),
    ],
    blocked: &["denied", "block*"],
    starts,
    quirk,
    escape: Escape::DoubledQuote,
    marks: &["Threat Management", "ISA Server", "s-svcname", "w3proxy", "fwsrv"],
    ..Format::PLAIN
};

pub(crate) const MICROSOFT_ISA_W3C_SYSLOG: Format =
    Format { id: "MICROSOFT_ISA_W3C_SYSLOG", log_type: 161, ..MICROSOFT_ISA_W3C };

/// A comment, a date, or the client's address with a TAB behind it.
fn starts(rest: &[u8]) -> bool {
    super::w3c::starts(rest)
        || memchr2(b'\t', b' ', rest)
            .is_some_and(|at| rest[at] == b'\t' && value::address(&rest[..at]).is_some())
}

fn quirk(cells: &mut Cells<'_>) -> Verdict {
    // A question mark behind a name: the client said so, and nobody proved it.
    if let Some(name) = cells.get(Field::User).strip_suffix(b"?") {
        cells.set(Field::User, name);
    }
    challenge(cells)
}
