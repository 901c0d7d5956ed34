//! Common Event Format: seven header cells, then `key=value` pairs whose values hold blanks.
//!
//! Many products do not escape `=` in URLs, so a key is only what follows a blank and looks like a key.

use memchr::{memchr_iter, memmem, memrchr};

/// What the cells of the header are called, from the second on. An escaped bar only shifts later ones.
const HEADER: [&[u8]; 6] =
    [b"deviceVendor", b"deviceProduct", b"deviceVersion", b"signatureId", b"eventName", b"severity"];

/// Calls `pair` with each key and raw value, cells of the header included. False where the line is not CEF.
pub(crate) fn keys<'l>(line: &'l [u8], mut pair: impl FnMut(&'l [u8], &'l [u8])) -> bool {
    let header = match line.strip_prefix(b"CEF:") {
        Some(header) => header,
        None => match memmem::find(line, b"CEF:") {
            Some(start) => &line[start + 4..],
            None => return false,
        },
    };
    let Some(extension) = memchr_iter(b'|', header).filter(|at| !escaped(header, *at)).nth(6) else {
        return false;
    };
    let before = &header[..extension];
    for (name, cell) in HEADER.into_iter().zip(before.split(|b| *b == b'|').skip(1)) {
        pair(name, cell);
    }
    let extension = &header[extension + 1..];
    let mut open: Option<(&[u8], usize)> = None;
    for equals in memchr_iter(b'=', extension).filter(|at| !escaped(extension, *at)) {
        let from = open.map_or(0, |(_, value)| value);
        let key_at = memrchr(b' ', &extension[from..equals]).map(|at| from + at + 1);
        let key_at = match (key_at, open) {
            (Some(at), _) => at,
            (None, None) => 0,
            // No blank since the last key: this sign belongs to its value.
            (None, Some(_)) => continue,
        };
        let key = &extension[key_at..equals];
        if key.is_empty() || !key.iter().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(b)) {
            continue;
        }
        if let Some((name, value)) = open {
            pair(name, extension[value..key_at].trim_ascii_end());
        }
        open = Some((key, equals + 1));
    }
    if let Some((name, value)) = open {
        pair(name, extension[value..].trim_ascii_end());
    }
    true
}

/// Whether an odd number of backslashes stands before.
fn escaped(text: &[u8], at: usize) -> bool {
    text[..at].iter().rev().take_while(|b| **b == b'\\').count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::{HEADER, keys};

    fn check(line: &str, expected: &[(&str, &str)]) {
        let mut found = Vec::new();
        assert!(keys(line.as_bytes(), |key, value| {
            if HEADER.contains(&key) {
                return;
            }
            found.push((
                String::from_utf8_lossy(key).into_owned(),
                String::from_utf8_lossy(value).into_owned(),
            ));
        }));
        let found: Vec<(&str, &str)> = found.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn values_hold_blanks_and_signs() {
        check(
            "CEF: 0|a|b \\| c|1|2|3|4|src=10.0.0.1 suser= request=http://x/?a=b&c=d msg=one two\\=three four act=ok",
            &[
                ("src", "10.0.0.1"),
                ("suser", ""),
                ("request", "http://x/?a=b&c=d"),
                ("msg", "one two\\=three four"),
                ("act", "ok"),
            ],
        );
        check("CEF:0|a|b|1|2|3|4|", &[]);
    }

    #[test]
    fn other_text_is_refused() {
        assert!(!keys(b"CEF:0|a|b|1|2|3", |_, _| ()));
        assert!(!keys(b"a=b c=d", |_, _| ()));
    }
}
