//! Squid's Apache-like log, `common` and `combined`:
//! `%>a %[ui %[un [%tl] "%rm %ru HTTP/%rv" %>Hs %<st ["referer" "agent"] %Ss:%Sh`.

use memchr::{memchr, memrchr};

use crate::format::{Cells, Column::*, Field, Format, Shape, Verdict};
use crate::value::{self, Escape};

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
    names: &[],
    blocked: &["tcp_denied*"],
    starts: |rest| value::address(&rest[..memchr(b' ', rest).unwrap_or(0)]).is_some(),
    quirk,
    escape: Escape::None,
    percent: true,
};

pub(crate) const SQUID_SYSLOG: Format = Format { id: "SQUID_SYSLOG", log_type: 146, ..SQUID };

fn quirk(cells: &mut Cells<'_>) -> Verdict {
    let request = cells.get(Field::Url);
    // METHOD URL HTTP/1.1; the version is absent in very old logs.
    let url = memchr(b' ', request).map_or(request, |at| &request[at + 1..]);
    let url = match memrchr(b' ', url) {
        Some(at) if url[at + 1..].starts_with(b"HTTP/") => &url[..at],
        _ => url,
    };
    cells.set(Field::Url, url);
    outcome(cells.get(Field::Action), cells.get(Field::Status), url)
}

/// What both Squid logs say by result, status and URL.
pub(super) fn outcome(result: &[u8], status: &[u8], url: &[u8]) -> Verdict {
    let denied = result.starts_with(b"TCP_DENIED");
    if denied && status == b"407" {
        // The proxy asks for a name and the client comes again: half of a request, and no refusal.
        return Verdict::Ignore;
    }
    if url.starts_with(b"error:") {
        return Verdict::Ignore;
    }
    if denied || (result.starts_with(b"NONE") && status == b"403") { Verdict::Blocked } else { Verdict::Keep }
}
