//! Blue Coat (Symantec) ProxySG: W3C. Without a header the order of the device's `main` format holds.

use super::w3c::starts;
use crate::format::{Cells, Column::*, Field, Format, Shape, Verdict, challenge};
use crate::value::Escape;

pub(crate) const BLUECOAT: Format = Format {
    id: "BLUECOAT",
    log_type: 102,
    vendor: "Blue Coat ProxySG",
    sample: include_bytes!("../../samples/BLUECOAT.log"),
    shape: Shape::W3c,
    columns: &[
        (Field::Date, At(0)),
        (Field::Clock, At(1)),
        (Field::SourceIp, At(3)),
        (Field::User, At(4)),
        (Field::Kind, At(6)),
        (Field::Action, At(7)),
        (Field::Status, At(10)),
        (Field::Outcome, At(11)),
        (Field::Host, At(15)),
        (Field::Path, At(17)),
        (Field::DestinationIp, At(21)),
        (Field::Down, At(22)),
        (Field::Up, At(23)),
    ],
    names: &[(Field::Kind, "x-exception-id")],
    blocked: &["denied", "block*", "tcp_denied*", "policy_denied", "content_filter_denied"],
    starts,
    quirk,
    escape: Escape::DoubledQuote,
    marks: &["OBSERVED", "PROXIED", "x-exception-id", "SGOS"],
    ..Format::PLAIN
};

pub(crate) const BLUECOAT_SYSLOG: Format = Format {
    id: "BLUECOAT_SYSLOG",
    log_type: 139,
    sample: include_bytes!("../../samples/BLUECOAT_SYSLOG.log"),
    ..BLUECOAT
};

fn quirk(cells: &mut Cells<'_>) -> Verdict {
    match challenge(cells) {
        Verdict::Keep if matches!(cells.get(Field::Kind), b"policy_denied" | b"content_filter_denied") => {
            Verdict::Blocked
        }
        verdict => verdict,
    }
}
