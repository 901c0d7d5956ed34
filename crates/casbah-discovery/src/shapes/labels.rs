//! `Key: value, Key: value`: a comma inside a value is one that no key follows.

use memchr::memmem;

/// Calls `pair` with each key and value; answers how many there are.
pub(crate) fn labels<'l>(line: &'l [u8], mut pair: impl FnMut(&'l [u8], &'l [u8])) -> usize {
    let mut rest = line;
    let mut count = 0;
    while let Some(colon) = memmem::find(rest, b": ") {
        let key = &rest[..colon];
        let value = &rest[colon + 2..];
        let end = if key == b"URL" { url_end(value) } else { next_key(value) };
        pair(key, value[..end].trim_ascii());
        count += 1;
        rest = value[end..].strip_prefix(b",").unwrap_or(b"").trim_ascii_start();
    }
    count
}

/// A URL holds no blank, but may well hold commas and colons.
fn url_end(value: &[u8]) -> usize {
    let blank = value.iter().position(|b| *b == b' ').unwrap_or(value.len());
    if value[..blank].last() == Some(&b',') && blank < value.len() { blank - 1 } else { blank }
}

fn next_key(value: &[u8]) -> usize {
    memmem::find_iter(value, b", ").find(|at| is_key(&value[at + 2..])).unwrap_or(value.len())
}

fn is_key(text: &[u8]) -> bool {
    let length = text.iter().take_while(|b| b.is_ascii_alphanumeric() || b"_-/".contains(b)).count();
    text.first().is_some_and(u8::is_ascii_uppercase) && text[length..].starts_with(b": ")
}

#[cfg(test)]
mod tests {
    use super::labels;

    #[test]
    fn commas_inside_values_stay() {
        let mut found = String::new();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let line = b"SrcIP: ::, Policy: a, b and c, User: NOVAK, Jan (7), URL: https://a/x,Y: z, Next: 1";
        labels(line, |key, value| found += &format!("<{}={}>", text(key), text(value)));
        assert_eq!(found, "<SrcIP=::><Policy=a, b and c><User=NOVAK, Jan (7)><URL=https://a/x,Y:>");
    }
}
