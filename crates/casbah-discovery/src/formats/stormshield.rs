//! Stormshield: WELF, time local to `tz`.

use super::juniper::WELF;
use crate::format::{Cells, Field, Format, Verdict};
use crate::value;

pub(crate) const STORMSHIELD: Format = Format {
    id: "STORMSHIELD",
    log_type: 212,
    vendor: "Stormshield",
    sample: include_bytes!("../../samples/STORMSHIELD_SYSLOG.log"),
    names: &[
        WELF[0],
        WELF[1],
        WELF[2],
        WELF[3],
        WELF[4],
        WELF[6],
        WELF[7],
        WELF[8],
        WELF[9],
        WELF[10],
        (Field::Kind, "logtype"),
    ],
    starts: |rest| rest.starts_with(b"id=firewall"),
    quirk,
    marks: &["startime=", "logtype=\"", "confid="],
    ..Format::PLAIN
};

pub(crate) const STORMSHIELD_SYSLOG: Format =
    Format { id: "STORMSHIELD_SYSLOG", log_type: 213, ..STORMSHIELD };

fn quirk(cells: &mut Cells<'_>) -> Verdict {
    let sum = |field| value::count(cells.get(field)).unwrap_or(0);
    match cells.get(Field::Kind) {
        // What a filter lets pass is told again, with its bytes, when it ends.
        b"filter" if !cells.is(Field::Action, "block") && sum(Field::Up) + sum(Field::Down) == 0 => {
            Verdict::Ignore
        }
        b"" | b"connection" | b"filter" | b"plugin" | b"web" => Verdict::Keep,
        _ => Verdict::Ignore,
    }
}
