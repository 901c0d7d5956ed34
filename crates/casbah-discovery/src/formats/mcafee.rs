//! McAfee (Skyhigh) Secure Web Gateway: words in quotes, as the header in the file says; also pairs, as
//! older rule sets and the cloud feed write them.

use memchr::memchr;

use crate::format::{Cells, Column::*, Field, Format, Shape, Verdict};
use crate::value::{self, Escape};

pub(crate) const MCAFEE_SWG: Format = Format {
    id: "MCAFEE_SWG",
    log_type: 121,
    vendor: "McAfee Secure Web Gateway",
    sample: include_bytes!("../../samples/MCAFEE_SWG.log"),
    shape: Shape::Words { brackets: true },
    columns: &[
        (Field::Time, At(0)),
        (Field::User, At(1)),
        (Field::SourceIp, At(2)),
        (Field::Status, At(3)),
        (Field::Url, At(4)),
        (Field::Down, At(8)),
        (Field::Outcome, At(11)),
    ],
    names: &[
        (Field::Time, "time_stamp"),
        (Field::User, "auth_user"),
        (Field::SourceIp, "src_ip"),
        (Field::Status, "status_code"),
        (Field::Url, "req_line"),
        (Field::Down, "bytes_to_client"),
        (Field::Up, "bytes_from_client"),
        (Field::Outcome, "block_res"),
        // Older rule sets and the cloud feed.
        (Field::Time, "time"),
        (Field::Time, "datetime"),
        (Field::Time, "request_timestamp_epoch"),
        (Field::SourceIp, "source_ip"),
        (Field::SourceIp, "srcip"),
        (Field::SourceIp, "client_ip"),
        (Field::User, "user_id"),
        (Field::User, "username"),
        (Field::User, "user"),
        (Field::Url, "url"),
        (Field::Url, "http_request_first_line"),
        (Field::Host, "destination_host"),
        (Field::Host, "dhost"),
        (Field::Host, "requested_host"),
        (Field::Host, "host"),
        (Field::DestinationIp, "destination_ip"),
        (Field::DestinationIp, "dstip"),
        (Field::DestinationIp, "server_ip"),
        (Field::Up, "source_bytes"),
        (Field::Up, "client_to_server_bytes"),
        (Field::Down, "destination_bytes"),
        (Field::Down, "server_to_client_bytes"),
        (Field::Total, "bytes"),
        (Field::Status, "status"),
        (Field::Outcome, "block_id"),
        (Field::Action, "result"),
    ],
    starts,
    quirk,
    escape: Escape::DoubledQuote,
    ..Format::PLAIN
};

pub(crate) const MCAFEE_SWG_SYSLOG: Format = Format {
    id: "MCAFEE_SWG_SYSLOG",
    log_type: 144,
    sample: include_bytes!("../../samples/MCAFEE_SWG_SYSLOG.log"),
    ..MCAFEE_SWG
};

/// A comment, a stamp in brackets, or the first pair.
fn starts(rest: &[u8]) -> bool {
    match rest {
        [b'#', ..] => true,
        [b'[', _, _, b'/', ..] => true,
        _ => [&b"source_ip="[..], b"srcip=", b"user_id=", b"McAfeeWG|"].iter().any(|key| rest.starts_with(key)),
    }
}

fn quirk(cells: &mut Cells<'_>) -> Verdict {
    let url = value::request_url(cells.get(Field::Url));
    cells.set(Field::Url, url);
    let mut sums = cells.get(Field::Total).split(|b| *b == b'/');
    if let (Some(up), Some(_), Some(_), Some(down)) = (sums.next(), sums.next(), sums.next(), sums.next()) {
        // Client to proxy, proxy to server, server to proxy, proxy to client.
        cells.set(Field::Up, up);
        cells.set(Field::Down, down);
        cells.set(Field::Total, b"");
    }
    let status = cells.get(Field::Status);
    if let Some(slash) = memchr(b'/', status) {
        cells.offer(Field::Outcome, 0x7F, &status[slash + 1..]);
        cells.set(Field::Status, &status[..slash]);
    }
    if cells.get(Field::Status) == b"407" {
        return Verdict::Ignore;
    }
    match cells.get(Field::Outcome) {
        b"" | b"0" => Verdict::Keep,
        // Numbers from 80 on ask for a name.
        [b'8', digit] if digit.is_ascii_digit() => Verdict::Ignore,
        outcome if outcome.iter().all(u8::is_ascii_digit) => Verdict::Blocked,
        _ => Verdict::Keep,
    }
}
