//! `key=value key="value"`, between blanks or what else the first pair ends with.

use memchr::{memchr, memchr2};

/// Calls `pair` with each key and value; answers how many there are. A quote that stays open ends with the line.
pub(crate) fn pairs<'l>(line: &'l [u8], mut pair: impl FnMut(&'l [u8], &'l [u8])) -> usize {
    let separator = separator(line);
    let mut rest = line;
    let mut count = 0;
    while let Some(equals) = memchr(b'=', rest) {
        let key = key_before(&rest[..equals]);
        let behind = &rest[equals + 1..];
        let (value, used) = match behind {
            [quote @ (b'"' | b'\''), inner @ ..] => {
                let close = closing_quote(inner, *quote);
                (&inner[..close.unwrap_or(inner.len())], close.map_or(behind.len(), |at| at + 2))
            }
            _ => {
                let end = match separator {
                    b' ' => memchr2(b' ', b'\t', behind),
                    other => memchr(other, behind),
                };
                let end = end.unwrap_or(behind.len());
                (behind[..end].trim_ascii(), end)
            }
        };
        if !key.is_empty() {
            pair(key, value);
            count += 1;
        }
        rest = &behind[used..];
    }
    count
}

/// Pairs between separators that are known: nothing is guessed, and values are taken as they stand.
pub(crate) fn delimited<'l>(
    line: &'l [u8],
    separator: u8,
    equals: u8,
    mut pair: impl FnMut(&'l [u8], &'l [u8]),
) -> usize {
    let mut rest = line;
    let mut count = 0;
    while let Some(at) = memchr(equals, rest) {
        let key = &rest[..at];
        // A stray piece without a value may stand before.
        let key = key.rsplit(|b| *b == separator).next().unwrap_or(key).trim_ascii();
        let behind = rest[at + 1..].trim_ascii_start();
        let (value, rest_of_line) = match behind {
            [b'"', inner @ ..] => match memchr(b'"', inner) {
                Some(close) => (&inner[..close], &inner[close + 1..]),
                None => (inner, &b""[..]),
            },
            _ => {
                let end = memchr(separator, behind).unwrap_or(behind.len());
                (behind[..end].trim_ascii(), &behind[end..])
            }
        };
        pair(key, value);
        count += 1;
        rest = match memchr(separator, rest_of_line) {
            Some(next) => &rest_of_line[next + 1..],
            None => b"",
        };
    }
    count
}

/// What stands behind the first value: the devices that use commas or bars write something simple there.
fn separator(line: &[u8]) -> u8 {
    let Some(equals) = memchr(b'=', line) else { return b' ' };
    if let Some(tab) = memchr(b'\t', line)
        && (tab < equals || key_follows(&line[tab..]))
    {
        return b'\t';
    }
    let key = key_before(&line[..equals]);
    if line[..equals - key.len()].ends_with(b"|") {
        return b'|';
    }
    let value = &line[equals + 1..];
    let behind = match value {
        [b'"', inner @ ..] => closing_quote(inner, b'"').map_or(&b""[..], |at| &inner[at + 1..]),
        _ => value,
    };
    behind.iter().copied().find(|b| b" ,|;".contains(b)).unwrap_or(b' ')
}

/// Whether a line begins with a pair, or with one piece before it that has no key.
pub(crate) fn starts_with_pair(line: &[u8]) -> bool {
    let start = &line[..line.len().min(48)];
    let Some(equals) = memchr(b'=', start) else { return false };
    let key = key_before(&start[..equals]);
    let before = &start[..equals - key.len()];
    !key.is_empty()
        && key[0].is_ascii_alphabetic()
        && matches!(before.last(), None | Some(b'|' | b'\t'))
        && memchr2(b'/', b'?', before).is_none_or(|at| before[at] == b'/' && before.len() < 24)
}

fn key_before(text: &[u8]) -> &[u8] {
    let text = text.trim_ascii_end();
    let length = text.iter().rev().take_while(|b| b.is_ascii_alphanumeric() || b"_-.@".contains(b)).count();
    &text[text.len() - length..]
}

/// A quote closes where something else begins behind it and no backslash stands before it.
fn closing_quote(inner: &[u8], quote: u8) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + memchr(quote, &inner[from..])?;
        let behind = &inner[at + 1..];
        let ends = behind.first().is_none_or(|b| b" \t,;|])}/>\r".contains(b));
        let escaped = inner[..at].iter().rev().take_while(|b| **b == b'\\').count() % 2 == 1;
        // `path="C:\temp\" next="x"`: not every device escapes.
        if ends && (!escaped || key_follows(behind)) {
            return Some(at);
        }
        from = at + 1;
    }
}

fn key_follows(behind: &[u8]) -> bool {
    let word = behind.trim_ascii_start();
    word.len() < behind.len()
        && memchr(b'=', word).is_some_and(|at| at > 0 && key_before(&word[..at]).len() == at)
}

#[cfg(test)]
mod tests {
    use super::{delimited, pairs};

    fn show(found: Vec<(&[u8], &[u8])>) -> String {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        found.into_iter().map(|(k, v)| format!("<{}:{}>", text(k), text(v))).collect()
    }

    fn check(line: &str, expected: &str) {
        let mut found = Vec::new();
        pairs(line.as_bytes(), |key, value| found.push((key, value)));
        assert_eq!(show(found), expected, "{line}");
    }

    #[test]
    fn pairs_are_found_in_every_dialect() {
        check("a=1 b=\"x y\" c= d=4", "<a:1><b:x y><c:><d:4>");
        check("a=1,b=\"x,y\",c=/p,d=4", "<a:1><b:x,y><c:/p><d:4>");
        check("a=1|b=x y|c=z", "<a:1><b:x y><c:z>");
        check("W|a=[1 2]|b=x y", "<a:[1 2]><b:x y>");
        check("a=\"1\"; b=\"2\"; c=3", "<a:1><b:2><c:3>");
        check("a=1\tb=x y\tc=z", "<a:1><b:x y><c:z>");
        check("2026-11-17 08:13:38\treason=not so\tc=z", "<reason:not so><c:z>");
        check("a=1 arg=/x?q=1&r=2 z=3", "<a:1><arg:/x?q=1&r=2><z:3>");
        check("a=1 src zone=Trust service=end point(tcp) b=2", "<a:1><zone:Trust><service:end><b:2>");
    }

    #[test]
    fn quotes_are_forgiving() {
        check(r#"a="say \"hi\" now" b=2"#, r#"<a:say \"hi\" now><b:2>"#);
        check(r#"a="C:\temp\" b="2""#, r#"<a:C:\temp\><b:2>"#);
        check(r#"a="say "hi"there" b=2"#, r#"<a:say "hi"there><b:2>"#);
        check(r#"a=1 b="open to the end c=3"#, "<a:1><b:open to the end c=3>");
        check("a='x y' b=\"\"", "<a:x y><b:>");
    }

    #[test]
    fn chosen_separators_are_taken_literally() {
        let mut found = Vec::new();
        delimited(b"when:17;who: a b ;stray;to:\"x;y\";up:1", b';', b':', |key, value| {
            found.push((key, value))
        });
        assert_eq!(show(found), "<when:17><who:a b><to:x;y><up:1>");
    }
}
