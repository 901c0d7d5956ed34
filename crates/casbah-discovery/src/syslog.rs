//! What syslog puts before a record. Relays stack such headers, so the start of the record is searched for
//! instead of counting words.

use memchr::{memchr, memchr2};

/// Words looked at before giving up.
const MAX_WORDS: usize = 32;
/// Headers taken off where the record has no start to know it by.
const MAX_HEADERS: usize = 4;

/// A line, cut in two.
pub(crate) struct Framed<'l> {
    /// What relays and the device put before the record.
    pub(crate) head: &'l [u8],
    pub(crate) record: &'l [u8],
}

/// Cuts a line where the record starts; before its first byte where there is no header. What `unmistakable`
/// finds is the start wherever it stands, what `starts` finds only behind a header.
pub(crate) fn cut(
    line: &[u8],
    unmistakable: Option<fn(&[u8]) -> bool>,
    starts: impl Fn(&[u8]) -> bool,
) -> Framed<'_> {
    let sure = |rest: &[u8]| unmistakable.is_some_and(|is| is(rest));
    let at = if starts(line) || sure(line) {
        0
    } else if has_header(line) {
        searched(line, |rest| starts(rest) || sure(rest)).unwrap_or_else(|| behind_headers(line))
    } else {
        searched(line, sure).unwrap_or(0)
    };
    let (head, record) = line.split_at(at);
    Framed { head, record }
}

/// Whether a line begins as syslog lines do; a bare host does not count.
fn has_header(line: &[u8]) -> bool {
    let framed = octet_count(line);
    priority(framed).is_some() || stamp_length(framed.strip_prefix(b"1 ").unwrap_or(framed)).is_some()
}

/// The stamp of a header: the innermost, because it is that of the device.
pub(crate) fn stamp(head: &[u8]) -> Option<&[u8]> {
    let mut found = None;
    let mut rest = head;
    while !rest.is_empty() {
        rest = priority(rest).unwrap_or(rest).trim_ascii_start();
        let length = stamp_length(rest);
        if let Some(length) = length {
            found = Some(&rest[..length]);
        }
        let from = length.unwrap_or(0);
        match memchr(b' ', &rest[from..]) {
            Some(at) => rest = &rest[from + at + 1..],
            None => break,
        }
    }
    found
}

/// Where a word starts the record.
fn searched(line: &[u8], starts: impl Fn(&[u8]) -> bool) -> Option<usize> {
    let mut rest = line;
    for _ in 0..MAX_WORDS {
        rest = match priority(octet_count(rest)) {
            Some(behind) => behind,
            None => &rest[memchr(b' ', rest)? + 1..],
        };
        rest = rest.trim_ascii_start();
        if starts(rest) {
            return Some(line.len() - rest.len());
        }
    }
    None
}

/// Behind everything that looks like a header: priority, stamp, host, tags.
fn behind_headers(line: &[u8]) -> usize {
    let mut rest = line;
    for _ in 0..MAX_HEADERS {
        let framed = octet_count(rest);
        let behind_priority = priority(framed);
        let body = behind_priority.unwrap_or(framed);
        let versioned = body.strip_prefix(b"1 ").filter(|_| behind_priority.is_some());
        let body = versioned.unwrap_or(body);
        let Some(length) = stamp_length(body) else {
            rest = behind_priority.unwrap_or(rest);
            break;
        };
        rest = without_words(&body[length..], 1);
        if versioned.is_some() {
            rest = without_words(rest, 3);
            rest = rest.strip_prefix(b"- ").unwrap_or(rest);
        }
        while let Some(blank) = memchr(b' ', rest)
            && rest[..blank].ends_with(b":")
        {
            rest = rest[blank + 1..].trim_ascii_start();
        }
    }
    line.len() - rest.len()
}

fn without_words(text: &[u8], count: usize) -> &[u8] {
    let mut rest = text.trim_ascii_start();
    for _ in 0..count {
        rest = memchr(b' ', rest).map_or(rest, |at| rest[at + 1..].trim_ascii_start());
    }
    rest
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
    // Some firewalls put a colon behind.
    ((1..=3).contains(&digits) && rest.get(digits) == Some(&b'>')).then(|| {
        let rest = &rest[digits + 1..];
        rest.strip_prefix(b":").unwrap_or(rest).trim_ascii_start()
    })
}

/// How long the stamp is that stands here, in any of the styles devices use, zone included.
fn stamp_length(text: &[u8]) -> Option<usize> {
    match text.first()? {
        b'[' => {
            let close = memchr(b']', text)?;
            (stamp_length(&text[1..close])? + 1 == close).then_some(close + 1)
        }
        b'A'..=b'S' => bsd(text),
        b'0'..=b'9' => numbers(text),
        _ => None,
    }
}

/// `Nov 17 09:38:09`, `Nov 17 2026 09:38:09` or `Nov 17 09:38:09 2026`.
fn bsd(text: &[u8]) -> Option<usize> {
    const MONTHS: [&[u8; 3]; 12] =
        [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
    let month = text.get(..4)?;
    if month[3] != b' ' || !MONTHS.iter().any(|name| name[..] == month[..3]) {
        return None;
    }
    let mut at = 3;
    for _ in 0..3 {
        at += blanks(&text[at..]);
        let word = word(&text[at..]);
        let word = word.strip_suffix(b":").unwrap_or(word);
        if !word.iter().all(|b| b.is_ascii_digit() || b":.".contains(b)) {
            return None;
        }
        at += word.len();
        if word.contains(&b':') {
            return Some(at + zone(&text[at..]));
        }
    }
    None
}

/// Stamps that begin with a digit: epoch, ISO 8601 and its relatives, `17-Nov-2026 09:38:09`, `2026 11 17 …`.
fn numbers(text: &[u8]) -> Option<usize> {
    let first = word(text);
    let first = first.strip_suffix(b":").unwrap_or(first);
    let digits = first.iter().take_while(|b| b.is_ascii_digit()).count();
    let with_clock = |at: usize| {
        let from = at + blanks(text.get(at..)?);
        let behind = from + clock(text.get(from..)?)?;
        Some(behind + zone(&text[behind..]))
    };
    match digits {
        9.. => first[digits..].iter().all(|b| b.is_ascii_digit() || *b == b'.').then_some(first.len()),
        4 if first.len() == 4 => {
            let date = text.get(..11)?;
            let spaced = date[4] == b' ' && date[7] == b' ' && date[10] == b' ';
            with_clock(10).filter(|_| spaced)
        }
        4 if !matches!(first[4], b'-' | b'/' | b':') => None,
        4 if first.len() >= 16 && first.contains(&b':') && !first.contains(&b',') => Some(first.len()),
        1 | 2 | 4 if (8..=11).contains(&first.len()) && b"-/".contains(&first[digits]) => {
            with_clock(first.len())
        }
        _ => None,
    }
}

/// `09:38:09`, `09:38:09.123`: how long, where nothing else is in the word.
fn clock(text: &[u8]) -> Option<usize> {
    let word = word(text);
    let word = word.strip_suffix(b":").unwrap_or(word);
    let (clock, fraction) = word.split_at_checked(8)?;
    let shape =
        clock.iter().enumerate().all(|(at, b)| if at % 3 == 2 { *b == b':' } else { b.is_ascii_digit() });
    let fraction =
        matches!(fraction, [] | [b'.' | b',', ..]) && fraction.iter().skip(1).all(u8::is_ascii_digit);
    (shape && fraction).then_some(word.len())
}

fn word(text: &[u8]) -> &[u8] {
    &text[..memchr2(b' ', b'\t', text).unwrap_or(text.len())]
}

fn blanks(text: &[u8]) -> usize {
    text.len() - text.trim_ascii_start().len()
}

/// ` UTC`, ` +01:00` behind a stamp; names other than these are more likely hosts.
fn zone(text: &[u8]) -> usize {
    let from = blanks(text);
    let word = word(&text[from..]);
    let word = word.strip_suffix(b":").unwrap_or(word);
    let signed = matches!(word, [b'+' | b'-', digit, ..] if digit.is_ascii_digit());
    let named = matches!(
        word,
        b"UTC"
            | b"GMT"
            | b"Z"
            | b"CET"
            | b"CEST"
            | b"EST"
            | b"EDT"
            | b"CST"
            | b"CDT"
            | b"MST"
            | b"MDT"
            | b"PST"
            | b"PDT"
    );
    // A year may stand behind the clock.
    let year = word.len() == 4 && word.starts_with(b"20") && word.iter().all(u8::is_ascii_digit);
    if from > 0 && (signed || named || year) { from + word.len() } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &str) {
        let found = cut(line.as_bytes(), None, |rest| rest.starts_with(b"CEF:")).record;
        assert_eq!(std::str::from_utf8(found), Ok(expected), "{line}");
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
            "<13>Nov 17 09:38:10 relay 2026-11-17T09:38:09+00:00 10.0.0.9 <134>",
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
    fn without_a_known_start_headers_and_tags_come_off() {
        check("<134>Nov 17 09:38:09 gw01 something else", "something else");
        check("<134>Nov 17 09:38:09 gw01 app[7]: something else", "something else");
        check("<13>Nov 17 09:38:10 relay <134>Nov 17 09:38:09 gw01 something else", "something else");
        check("<134>1 2026-11-18T09:00:00.000Z gw01 app 77 ID47 - something else", "something else");
        check("no header at all", "no header at all");
    }

    #[test]
    fn the_innermost_stamp_is_that_of_the_device() {
        for (head, expected) in [
            ("<134>Nov 17 09:38:09 gw01 ", Some("Nov 17 09:38:09")),
            ("Nov 17 2026 10:24:01 fw-hq : ", Some("Nov 17 2026 10:24:01")),
            ("<166>:Nov 17 2026 08:15:10 UTC: ", Some("Nov 17 2026 08:15:10 UTC")),
            ("<166>Nov 17 2026 08:15:10: ", Some("Nov 17 2026 08:15:10")),
            ("<134>1 2026-11-18T09:00:00.000Z gw01 - - - - ", Some("2026-11-18T09:00:00.000Z")),
            ("Nov 17 09:38:11 relay <134>Nov 17 09:38:09 gw01 ", Some("Nov 17 09:38:09")),
            ("<134>1 1794931868.241834663 MX84-HQ ", Some("1794931868.241834663")),
            ("2026:11:17-08:04:59 utm-hq httpproxy[4321]: ", Some("2026:11:17-08:04:59")),
            ("<134>[2026-11-17 07:49:09] FW-HQ: CONN: ", Some("[2026-11-17 07:49:09]")),
            ("2026 11 17 10:28:47 +00:00 Security HQ-F380 ", Some("2026 11 17 10:28:47 +00:00")),
            ("17-Nov-2026 09:38:09.123 queries: info: ", Some("17-Nov-2026 09:38:09.123")),
            ("[1794902817] unbound[123:0] ", Some("[1794902817]")),
            ("gw01 tag: ", None),
            ("", None),
        ] {
            let found = stamp(head.as_bytes()).map(|stamp| std::str::from_utf8(stamp).unwrap());
            assert_eq!(found, expected, "{head}");
        }
    }
}
