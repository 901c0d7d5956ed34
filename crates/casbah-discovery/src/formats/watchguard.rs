//! WatchGuard Firebox (XTM): LEEF, or the classic writing: words, then `key="value"`.

use memchr::memmem;

use crate::format::{Basis, Cells, Field, Format, Shape, Verdict};
use crate::shapes;

pub(crate) const WATCHGUARD_XTM: Format = Format {
    id: "WATCHGUARD_XTM",
    log_type: 225,
    vendor: "WatchGuard XTM",
    basis: Basis::Verified,
    sample: include_bytes!("../../samples/WATCHGUARD_XTM_SYSLOG.log"),
    shape: Shape::Text(read),
    names: &[
        (Field::User, "src_user"),
        (Field::Host, "dstname"),
        (Field::Path, "arg"),
        (Field::Up, "sent_bytes"),
        (Field::Down, "rcvd_bytes"),
        (Field::Action, "disp"),
        (Field::Subkind, "eventId"),
    ],
    starts: |rest| rest.starts_with(b"msg_id="),
    quirk,
    marks: &["|WatchGuard|", "msg_id="],
    ..Format::PLAIN
};

pub(crate) const WATCHGUARD_XTM_SYSLOG: Format =
    Format { id: "WATCHGUARD_XTM_SYSLOG", log_type: 226, ..WATCHGUARD_XTM };

/// `msg_id="1AFF-0024" Allow 1-Trusted 0-External tcp 10.0.1.2 203.0.113.9 57525 80 msg="…" dstname="…"`
fn read<'l>(line: &'l [u8], cells: &mut Cells<'l>) -> bool {
    if !line.starts_with(b"msg_id=") {
        return false;
    }
    shapes::pairs(line, |key, value| {
        let field = match key {
            b"msg_id" => Field::Subkind,
            b"src_user" => Field::User,
            b"dstname" | b"sni" => Field::Host,
            b"arg" => Field::Path,
            b"sent_bytes" => Field::Up,
            b"rcvd_bytes" => Field::Down,
            _ => return,
        };
        cells.offer(field, 0, value);
    });
    let end = memmem::find(line, b" msg=").unwrap_or(line.len());
    let mut words = line[..end].split(|b| *b == b' ').filter(|word| !word.is_empty()).skip(1);
    cells.set(Field::Action, words.next().unwrap_or_default());
    // Interfaces may have blanks in their names; the protocol stands before the addresses.
    let addresses = |word: &&[u8]| crate::value::address(word).is_some();
    let mut found = words.filter(addresses);
    let (Some(client), Some(server)) = (found.next(), found.next()) else { return false };
    cells.set(Field::SourceIp, client);
    cells.set(Field::DestinationIp, server);
    true
}

fn quirk(cells: &mut Cells<'_>) -> Verdict {
    match cells.get(Field::Subkind) {
        // A firewall's line has the length of one packet; refusals of it count all the same.
        b"3000-0148" | b"30000148" if !cells.is(Field::Action, "deny") => Verdict::Ignore,
        _ => Verdict::Keep,
    }
}
