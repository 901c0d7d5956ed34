//! What syslog puts before a record. Relays stack such headers, so the start of the record is searched for
//! instead of counting words.

use memchr::memchr;

/// Words looked at behind the stamp before giving up.
const MAX_WORDS: usize = 32;

/// The record inside a line; the line itself where there is no header.
pub(crate) fn inner(line: &[u8], starts: fn(&[u8]) -> bool) -> &[u8] {
    if starts(line) {
        return line;
    }
    let Some(behind_stamp) = header(line) else { return line };
    let mut rest = behind_stamp;
    for _ in 0..MAX_WORDS {
        rest = rest.trim_ascii_start();
        if starts(rest) {
            return rest;
        }
        match memchr(b' ', rest) {
            Some(at) => rest = &rest[at + 1..],
            None => break,
        }
    }
    // No known start: take off what every header has, the host.
    let rest = behind_stamp.trim_ascii_start();
    memchr(b' ', rest).map_or(rest, |at| &rest[at + 1..])
}

/// What stands behind priority and stamp; `None` where neither is there.
fn header(line: &[u8]) -> Option<&[u8]> {
    let framed = octet_count(line);
    let behind_priority = priority(framed);
    let rest = behind_priority.unwrap_or(framed);
    bsd_stamp(rest).or_else(|| iso_or_epoch_stamp(rest)).or(behind_priority)
}

/// `1 2026-11-18T09:00:00.000Z` of RFC 5424, whose version some devices leave out, or a bare epoch.
fn iso_or_epoch_stamp(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(b"1 ").unwrap_or(line);
    let word = &rest[..memchr(b' ', rest)?];
    let digits = word.iter().take_while(|b| b.is_ascii_digit()).count();
    let iso = digits == 4 && word.get(4) == Some(&b'-') && word.get(10) == Some(&b'T');
    let epoch = digits >= 9 && word[digits..].iter().all(|b| b.is_ascii_digit() || *b == b'.');
    (iso || epoch).then(|| &rest[word.len()..])
}

/// `123 <134>`: the length RFC 6587 puts before a message on TCP.
fn octet_count(line: &[u8]) -> &[u8] {
    let digits = line.iter().take_while(|b| b.is_ascii_digit()).count();
    match line.get(digits..digits + 2) {
        Some(b" <") if digits > 0 => &line[digits + 1..],
        _ => line,
    }
}

fn priority(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(b"<")?;
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    ((1..=3).contains(&digits) && rest.get(digits) == Some(&b'>'))
        .then(|| rest[digits + 1..].trim_ascii_start())
}

/// `Nov 17 09:38:09` or `Nov 17 2026 09:38:09`.
fn bsd_stamp(line: &[u8]) -> Option<&[u8]> {
    const MONTHS: [&[u8; 3]; 12] =
        [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
    let (month, rest) = line.split_at_checked(3)?;
    if rest.first() != Some(&b' ') || !MONTHS.iter().any(|name| name[..] == *month) {
        return None;
    }
    let mut rest = rest;
    for _ in 0..3 {
        rest = rest.trim_ascii_start();
        let word = &rest[..memchr(b' ', rest)?];
        if !word.iter().all(|b| b.is_ascii_digit() || b":.".contains(b)) {
            return None;
        }
        rest = &rest[word.len()..];
        if word.contains(&b':') {
            return Some(rest);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &str) {
        let found = inner(line.as_bytes(), |rest| rest.starts_with(b"CEF:"));
        assert_eq!(std::str::from_utf8(found), Ok(expected));
    }

    #[test]
    fn headers_come_off() {
        for header in [
            "",
            "<134>",
            "<134>Nov 17 09:38:09 gw01 ",
            "Nov  7 09:38:09 gw01 ",
            "<134>Nov 17 2026 09:38:09 gw01 tag[22]: ",
            "<134>1 2026-11-18T09:00:00.000Z gw01 app 77 ID47 [x@1 a=\"b c\"] ",
            "<134>1 2026-11-18T09:00:00.000Z gw01 - - - - ",
            "271 <134>Nov 17 09:38:09 gw01 ",
            "<13>Nov 17 09:38:10 relay <134>Nov 17 09:38:09 gw01 ",
            "<134>2026-11-18T09:00:00Z gw01 ",
            "<134>1794908289 gw01 ",
            "1794908289.25 gw01 ",
            "1 2026-11-18T09:00:00Z gw01 app 77 - - ",
            "2026-11-18T09:00:00+01:00 gw01 ",
        ] {
            check(&format!("{header}CEF:0|a|b"), "CEF:0|a|b");
        }
    }

    #[test]
    fn without_a_known_start_the_host_comes_off() {
        check("<134>Nov 17 09:38:09 gw01 something else", "something else");
        check("no header at all", "no header at all");
    }
}
