//! Digital Arts i-FILTER: words in a fixed order; text is URL-encoded. That the two numbers behind the
//! status are request and response bytes is concluded.

use memchr::memchr;

use crate::format::{Basis, Cells, Column::*, Field, Format, Shape, Verdict, challenge};
use crate::value;

pub(crate) const I_FILTER: Format = Format {
    id: "I_FILTER",
    log_type: 185,
    vendor: "Digital Arts i-FILTER",
    basis: Basis::Inferred,
    sample: include_bytes!("../../samples/I_FILTER.log"),
    shape: Shape::Words { brackets: true },
    // Counted from the process number, before which stands the date as syslog writes it.
    columns: &[
        (Field::DestinationIp, At(3)),
        (Field::SourceIp, At(5)),
        (Field::User, At(7)),
        (Field::Time, At(8)),
        (Field::Status, At(9)),
        (Field::Up, At(10)),
        (Field::Down, At(11)),
        (Field::Action, At(12)),
        (Field::Url, At(24)),
    ],
    starts,
    quirk,
    percent: true,
    ..Format::PLAIN
};

pub(crate) const I_FILTER_SYSLOG: Format = Format {
    id: "I_FILTER_SYSLOG",
    log_type: 186,
    sample: include_bytes!("../../samples/I_FILTER_SYSLOG.log"),
    ..I_FILTER
};

/// A process number and a version like `1000/01/`.
fn starts(rest: &[u8]) -> bool {
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let Some(version) = rest[digits..].strip_prefix(b" ").filter(|_| digits > 0) else { return false };
    let version = &version[..memchr(b' ', version).unwrap_or(version.len())];
    version.contains(&b'/') && version.iter().all(|b| b.is_ascii_digit() || b"/.".contains(b))
}

fn quirk(cells: &mut Cells<'_>) -> Verdict {
    let url = value::request_url(cells.get(Field::Url));
    cells.set(Field::Url, url);
    challenge(cells)
}
