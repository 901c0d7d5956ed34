//! Squid's Apache-like log, `common` and `combined`:
//! `%>a %[ui %[un [%tl] "%rm %ru HTTP/%rv" %>Hs %<st ["referer" "agent"] %Ss:%Sh`.

use memchr::memchr;

use crate::format::{Cells, Column::*, Field, Format, Shape, Verdict};
use crate::value;

pub(crate) const SQUID: Format = Format {
    id: "SQUID",
    log_type: 114,
    vendor: "Squid",
    sample: include_bytes!("../../samples/SQUID.log"),
    shape: Shape::Words { brackets: true },
    columns: &[
        (Field::SourceIp, At(0)),
        (Field::User, At(2)),
        (Field::Time, At(3)),
        (Field::Url, At(4)),
        (Field::Status, At(5)),
        (Field::Down, At(6)),
        // `combined` puts referer and agent before the result.
        (Field::Action, LastOf(8)),
    ],
    starts,
    quirk,
    percent: true,
    ..Format::PLAIN
};

pub(crate) const SQUID_SYSLOG: Format = Format { id: "SQUID_SYSLOG", log_type: 146, ..SQUID };

/// An address with two words and a stamp in brackets behind it; a relay's address has something else there.
fn starts(rest: &[u8]) -> bool {
    let Some(blank) = memchr(b' ', rest) else { return false };
    value::address(&rest[..blank]).is_some()
        && memchr(b'[', &rest[blank..])
            .is_some_and(|at| rest[blank..blank + at].iter().filter(|b| **b == b' ').count() >= 3)
}

fn quirk(cells: &mut Cells<'_>) -> Verdict {
    let url = value::request_url(cells.get(Field::Url));
    cells.set(Field::Url, url);
    outcome(cells.get(Field::Action), cells.get(Field::Status), url)
}

/// What logs in the manner of Squid say by result, status and URL.
pub(super) fn outcome(result: &[u8], status: &[u8], url: &[u8]) -> Verdict {
    let denied = result.starts_with(b"TCP_DENIED");
    if status == b"407" && (denied || result.starts_with(b"NONE")) {
        // The proxy asks for a name and the client comes again: half of a request, and no refusal.
        return Verdict::Ignore;
    }
    if url.starts_with(b"error:") {
        return Verdict::Ignore;
    }
    if denied || (result.starts_with(b"NONE") && status == b"403") { Verdict::Blocked } else { Verdict::Keep }
}
