//! One JSON value a line, read without building it.

use memchr::{memchr, memchr2};

/// Objects and arrays inside each other before a line is refused.
const DEEPEST: usize = 8;

/// Places in arrays count like keys.
const PLACES: [&[u8]; 24] = [
    b"0", b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"8", b"9", b"10", b"11", b"12", b"13", b"14", b"15",
    b"16", b"17", b"18", b"19", b"20", b"21", b"22", b"23",
];

/// Calls `pair` with the path to each plain value and the value, strings as they are written. False where
/// the line is not one whole object or array.
pub(crate) fn json<'l>(line: &'l [u8], pair: impl FnMut(&[&'l [u8]], &'l [u8])) -> bool {
    let mut scan = Scan { rest: line.trim_ascii(), path: [b""; DEEPEST], pair };
    let whole = match scan.rest.first() {
        Some(b'{') => scan.object(0),
        Some(b'[') => scan.array(0),
        _ => None,
    };
    // Exports of many records put a comma behind each.
    whole.is_some() && matches!(scan.rest.trim_ascii(), b"" | b"," | b"]" | b",]")
}

struct Scan<'l, F> {
    rest: &'l [u8],
    path: [&'l [u8]; DEEPEST],
    pair: F,
}

impl<'l, F: FnMut(&[&'l [u8]], &'l [u8])> Scan<'l, F> {
    fn object(&mut self, depth: usize) -> Option<()> {
        self.take(b'{')?;
        if self.take(b'}').is_some() {
            return Some(());
        }
        loop {
            self.take(b'"')?;
            let key = self.string()?;
            *self.path.get_mut(depth)? = key;
            self.take(b':')?;
            self.value(depth + 1)?;
            if self.take(b',').is_none() {
                return self.take(b'}');
            }
        }
    }

    fn array(&mut self, depth: usize) -> Option<()> {
        self.take(b'[')?;
        if self.take(b']').is_some() {
            return Some(());
        }
        for place in 0.. {
            *self.path.get_mut(depth)? = PLACES.get(place).copied().unwrap_or_default();
            self.value(depth + 1)?;
            if self.take(b',').is_none() {
                break;
            }
        }
        self.take(b']')
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        self.rest = self.rest.trim_ascii_start();
        match self.rest.first()? {
            b'{' => return self.object(depth),
            b'[' => return self.array(depth),
            b'"' => {
                self.take(b'"')?;
                let value = self.string()?;
                (self.pair)(&self.path[..depth], value);
            }
            _ => {
                let end = self.rest.iter().position(|b| b",]} \t".contains(b)).unwrap_or(self.rest.len());
                let (value, rest) = self.rest.split_at(end);
                self.rest = rest;
                if value != b"null" {
                    (self.pair)(&self.path[..depth], value);
                }
            }
        }
        Some(())
    }

    /// Up to the closing quote, which is taken.
    fn string(&mut self) -> Option<&'l [u8]> {
        let text = self.rest;
        let mut from = 0;
        loop {
            let at = from + memchr2(b'"', b'\\', &text[from..])?;
            if text[at] == b'"' {
                self.rest = &text[at + 1..];
                return Some(&text[..at]);
            }
            from = at + 2;
            memchr(b'"', text.get(from..)?)?;
        }
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        let rest = self.rest.trim_ascii_start();
        self.rest = rest.strip_prefix(&[byte])?;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::json;

    fn check(line: &str, expected: Option<&str>) {
        let mut found = String::new();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let whole = json(line.as_bytes(), |path, value| {
            found += &format!("<{}:{}>", text(&path.join(&b'.')), text(value))
        });
        assert_eq!(whole.then_some(found.as_str()), expected, "{line}");
    }

    #[test]
    fn values_are_found_by_their_path() {
        check(
            r#"{"a":1,"b":{"c":"x \"y\"","d":[true,null,"z"]},"e.f": -2.5}"#,
            Some(r#"<a:1><b.c:x \"y\"><b.d.0:true><b.d.2:z><e.f:-2.5>"#),
        );
        check("{}", Some(""));
        check(r#"[1,"a,b",[2]] ,"#, Some("<0:1><1:a,b><2.0:2>"));
    }

    #[test]
    fn half_a_line_is_refused() {
        for line in [
            "",
            "{",
            r#"{"a":1"#,
            r#"{"a":"b"#,
            r#"{"a":"b\"#,
            r#"{"a":1}}"#,
            r#""a""#,
            "{a:1}",
            "[[[[[[[[[1]]]]]]]]]",
        ] {
            check(line, None);
        }
    }
}
