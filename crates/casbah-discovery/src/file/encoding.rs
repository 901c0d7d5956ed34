//! Text that is not UTF-8 becomes UTF-8 on its way.

use std::io::{self, Read};

/// How a text writes its characters. Single bytes that are not UTF-8 are looked at cell by cell, later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Utf8,
    Utf16 { big: bool },
}

impl Encoding {
    /// The encoding of a text that starts so, and the length of its byte order mark.
    pub(super) fn of(head: &[u8]) -> (Self, usize) {
        match head {
            [0xEF, 0xBB, 0xBF, ..] => (Self::Utf8, 3),
            [0xFF, 0xFE, ..] => (Self::Utf16 { big: false }, 2),
            [0xFE, 0xFF, ..] => (Self::Utf16 { big: true }, 2),
            _ => (Self::by_holes(head), 0),
        }
    }

    /// Logs are nearly all ASCII, so without a mark UTF-16 shows as NUL in every second place.
    fn by_holes(head: &[u8]) -> Self {
        let (pairs, _) = head.as_chunks::<2>();
        let holes = |place: usize| pairs.iter().filter(|pair| pair[place] == 0).count();
        let (first, second) = (holes(0), holes(1));
        let many = |found: usize| pairs.len() >= 8 && found * 10 >= pairs.len() * 6;
        let few = |found: usize| found * 20 <= pairs.len();
        match (many(first), many(second)) {
            (false, true) if few(first) => Self::Utf16 { big: false },
            (true, false) if few(second) => Self::Utf16 { big: true },
            _ => Self::Utf8,
        }
    }
}

/// Reads UTF-16 as UTF-8. What is no character becomes U+FFFD; the line it stands in is judged later.
pub(super) struct Utf16<R> {
    inner: R,
    big: bool,
    /// The first half of a unit whose second half has not arrived.
    half: Option<u8>,
    /// The first half of a pair of units.
    lead: Option<u16>,
    out: Vec<u8>,
    given: usize,
}

const BLOCK: usize = 16 * 1024;

impl<R: Read> Utf16<R> {
    pub(super) fn new(inner: R, big: bool) -> Self {
        Self { inner, big, half: None, lead: None, out: Vec::new(), given: 0 }
    }

    fn fill(&mut self) -> io::Result<()> {
        let mut block = [0; BLOCK];
        let read = self.inner.read(&mut block)?;
        self.out.clear();
        self.given = 0;
        if read == 0 {
            if self.half.take().is_some() | self.lead.take().is_some() {
                self.put(char::REPLACEMENT_CHARACTER);
            }
            return Ok(());
        }
        for byte in &block[..read] {
            match self.half.take() {
                None => self.half = Some(*byte),
                Some(first) if self.big => self.unit(u16::from_be_bytes([first, *byte])),
                Some(first) => self.unit(u16::from_le_bytes([first, *byte])),
            }
        }
        if self.out.is_empty() { self.fill() } else { Ok(()) }
    }

    fn unit(&mut self, unit: u16) {
        if let Some(lead) = self.lead.take() {
            if let Some(Ok(pair)) = char::decode_utf16([lead, unit]).next() {
                return self.put(pair);
            }
            self.put(char::REPLACEMENT_CHARACTER);
        }
        match char::from_u32(u32::from(unit)) {
            Some(c) => self.put(c),
            None if unit < 0xDC00 => self.lead = Some(unit),
            None => self.put(char::REPLACEMENT_CHARACTER),
        }
    }

    fn put(&mut self, c: char) {
        self.out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.given == self.out.len() {
            self.fill()?;
        }
        let length = out.len().min(self.out.len() - self.given);
        out[..length].copy_from_slice(&self.out[self.given..self.given + length]);
        self.given += length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) {
        for big in [false, true] {
            let bytes: Vec<u8> = text
                .encode_utf16()
                .flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() })
                .collect();
            // One byte at a time, so that every half and every pair is torn.
            struct Drip<'b>(&'b [u8]);
            impl Read for Drip<'_> {
                fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
                    let length = self.0.len().min(out.len()).min(1);
                    let (now, rest) = self.0.split_at(length);
                    out[..length].copy_from_slice(now);
                    self.0 = rest;
                    Ok(length)
                }
            }
            let mut found = String::new();
            Utf16::new(Drip(&bytes), big).read_to_string(&mut found).unwrap();
            assert_eq!(found, text);
            if text.len() > 16 {
                assert_eq!(Encoding::of(&bytes).0, Encoding::Utf16 { big });
            }
        }
    }

    #[test]
    fn characters_of_all_lengths() {
        check("");
        check("1794902817.030 1 10.0.0.1 TCP_MISS/200 5 GET https://dropbox.com/ rené HIER_DIRECT/-\r\n");
        check("a😀é漢");
    }

    #[test]
    fn what_is_no_character_is_replaced() {
        let mut found = String::new();
        Utf16::new(&[0x00, 0xD8, b'a', 0, 0x00, 0xDC, 0x00, 0xD8, 1][..], false)
            .read_to_string(&mut found)
            .unwrap();
        assert_eq!(found, "\u{FFFD}a\u{FFFD}\u{FFFD}");
    }

    #[test]
    fn a_few_holes_are_no_encoding() {
        assert_eq!(
            Encoding::of(&[&[0; 300][..], b"10.0.0.1 TCP_MISS/200 and so on and on"].concat()).0,
            Encoding::Utf8
        );
        assert_eq!(Encoding::of(b"a\0").0, Encoding::Utf8);
    }
}
