//! Zeek: `http.log`, `ssl.log` and `dns.log`, with TABs and `#fields`, or as JSON.

use crate::format::{Cells, Field, Format, Shape, Verdict, challenge};
use crate::value::Escape;

pub(crate) const ZEEK_HTTP: Format = Format {
    id: "ZEEK_HTTP",
    log_type: 10_111,
    vendor: "Zeek http.log",
    sample: include_bytes!("../../samples/ZEEK_HTTP.log"),
    shape: Shape::W3c,
    names: &[
        (Field::Time, "ts"),
        (Field::SourceIp, "id.orig_h"),
        (Field::DestinationIp, "id.resp_h"),
        (Field::User, "username"),
        (Field::Host, "host"),
        (Field::Url, "uri"),
        (Field::Up, "request_body_len"),
        (Field::Down, "response_body_len"),
        (Field::Status, "status_code"),
        (Field::Kind, "method"),
    ],
    starts: |rest| {
        let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        rest.first() == Some(&b'#') || ((9..=11).contains(&digits) && rest.get(digits) == Some(&b'.'))
    },
    quirk: challenge,
    escape: Escape::Json,
    marks: &["request_body_len"],
    ..Format::PLAIN
};

pub(crate) const ZEEK_SSL: Format = Format {
    id: "ZEEK_SSL",
    log_type: 10_112,
    vendor: "Zeek ssl.log",
    sample: include_bytes!("../../samples/ZEEK_SSL.log"),
    names: &[
        (Field::Time, "ts"),
        (Field::SourceIp, "id.orig_h"),
        (Field::DestinationIp, "id.resp_h"),
        (Field::Host, "server_name"),
    ],
    marks: &["server_name"],
    ..ZEEK_HTTP
};

pub(crate) const ZEEK_DNS: Format = Format {
    id: "ZEEK_DNS",
    log_type: 10_113,
    vendor: "Zeek dns.log",
    sample: include_bytes!("../../samples/ZEEK_DNS.log"),
    names: &[(Field::Time, "ts"), (Field::SourceIp, "id.orig_h"), (Field::Host, "query")],
    quirk: dns,
    marks: &["qtype_name", "qclass"],
    ..ZEEK_HTTP
};

fn dns(cells: &mut Cells<'_>) -> Verdict {
    let name = cells.get(Field::Host);
    // A line without a name tells an answer alone.
    let nothing = name.is_empty() && !cells.get(Field::SourceIp).is_empty();
    if nothing || super::dns::stays_here(name) { Verdict::Ignore } else { Verdict::Keep }
}
