//! iboss cloud platform: CEF. What the keys mean is known, the text of the header is concluded.

use super::cef::GENERIC_CEF;
use crate::format::{Basis, Cells, Field, Format, Verdict, challenge};

pub(crate) const IBOSS: Format = Format {
    id: "IBOSS",
    log_type: 200,
    vendor: "iboss",
    basis: Basis::Inferred,
    sample: include_bytes!("../../samples/IBOSS.log"),
    names: &[(Field::Time, "deviceCustomDate1"), (Field::Time, "rt"), (Field::Kind, "flexString2")],
    quirk,
    marks: &["|iboss|"],
    ..GENERIC_CEF
};

pub(crate) const IBOSS_SYSLOG: Format = Format { id: "IBOSS_SYSLOG", log_type: 201, ..IBOSS };

fn quirk(cells: &mut Cells<'_>) -> Verdict {
    match cells.get(Field::Kind) {
        b"" => challenge(cells),
        kind if kind.eq_ignore_ascii_case(b"URL") => challenge(cells),
        _ => Verdict::Ignore,
    }
}
