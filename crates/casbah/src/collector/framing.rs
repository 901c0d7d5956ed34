//! Messages out of a stream of bytes: counted (RFC 6587, 3.4.1) or ended by LF or NUL, mixed too.

/// A longer message is cut there; the server reads no longer line.
pub(super) const LONGEST: usize = 64 * 1024;
/// Digits of a count: more than the longest message needs none.
const MOST_DIGITS: usize = 7;

/// Bytes that have come and are no message yet.
#[derive(Default)]
pub(super) struct Frames {
    bytes: Vec<u8>,
    /// What of a cut message is still to be thrown away.
    skip: Skip,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Skip {
    #[default]
    Nothing,
    Bytes(usize),
    ToTheEnd,
}

impl Frames {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole message, without its frame; none until more bytes come.
    pub(super) fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            self.skip_cut();
            if self.skip != Skip::Nothing {
                return None;
            }
            match self.count() {
                Count::Unknown => return None,
                Count::Message { start, length } => {
                    let kept = length.min(LONGEST);
                    if self.bytes.len() < start + kept {
                        return None;
                    }
                    let message = self.bytes[start..start + kept].to_vec();
                    self.bytes.drain(..start + kept);
                    if length > kept {
                        self.skip = Skip::Bytes(length - kept);
                    }
                    return Some(message);
                }
                Count::None => {}
            }
            let end = self.bytes.iter().take(LONGEST + 1).position(|byte| matches!(byte, b'\n' | 0));
            let message: Vec<u8> = match end {
                Some(end) => {
                    let message = self.bytes[..end].to_vec();
                    self.bytes.drain(..=end);
                    message
                }
                None if self.bytes.len() > LONGEST => {
                    self.skip = Skip::ToTheEnd;
                    self.bytes.drain(..LONGEST).collect()
                }
                None => return None,
            };
            if !message.trim_ascii().is_empty() {
                return Some(message);
            }
        }
    }

    /// What is left when the stream has ended: a last message needs no end.
    pub(super) fn rest(mut self) -> Option<Vec<u8>> {
        self.skip_cut();
        let whole = self.skip == Skip::Nothing && !self.bytes.trim_ascii().is_empty();
        let is_counted = matches!(self.count(), Count::Message { .. });
        (whole && !is_counted).then_some(self.bytes)
    }

    fn skip_cut(&mut self) {
        match self.skip {
            Skip::Nothing => {}
            Skip::Bytes(count) => {
                let here = count.min(self.bytes.len());
                self.bytes.drain(..here);
                self.skip = if here == count { Skip::Nothing } else { Skip::Bytes(count - here) };
            }
            Skip::ToTheEnd => match self.bytes.iter().position(|byte| matches!(byte, b'\n' | 0)) {
                Some(end) => {
                    self.bytes.drain(..=end);
                    self.skip = Skip::Nothing;
                }
                None => self.bytes.clear(),
            },
        }
    }

    /// Whether a count stands here: digits, a blank, and the `<` with which every counted message begins. A line
    /// that merely begins with a number has something else there.
    fn count(&self) -> Count {
        let digits = self.bytes.iter().take(MOST_DIGITS + 1).take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 || digits > MOST_DIGITS || self.bytes.first() == Some(&b'0') {
            return Count::None;
        }
        match (self.bytes.get(digits), self.bytes.get(digits + 1)) {
            (None, _) | (Some(b' '), None) => Count::Unknown,
            (Some(b' '), Some(b'<')) => {
                let text = String::from_utf8_lossy(&self.bytes[..digits]);
                match text.parse() {
                    Ok(length) => Count::Message { start: digits + 1, length },
                    Err(_) => Count::None,
                }
            }
            _ => Count::None,
        }
    }
}

enum Count {
    None,
    Unknown,
    Message { start: usize, length: usize },
}

/// A message as one line of a log: line ends inside are written as relays write them.
pub(super) fn line(message: &[u8]) -> Vec<u8> {
    let message = message.trim_ascii_end();
    let mut line = Vec::with_capacity(message.len() + 1);
    for byte in message {
        match byte {
            b'\n' => line.extend_from_slice(b"#012"),
            b'\r' => line.extend_from_slice(b"#015"),
            0 => line.extend_from_slice(b"#000"),
            other => line.push(*other),
        }
    }
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8], step: usize) -> Vec<String> {
        let mut frames = Frames::default();
        let mut all = Vec::new();
        for part in bytes.chunks(step.max(1)) {
            frames.push(part);
            while let Some(message) = frames.next() {
                all.push(message);
            }
        }
        all.extend(frames.rest());
        all.iter().map(|message| String::from_utf8_lossy(message).into_owned()).collect()
    }

    #[test]
    fn frames_of_both_kinds_come_out_however_they_are_cut() {
        let bytes =
            b"<134>one\n12 <134>two\nmorE<134>three\0\n1795431600.000 10 10.0.0.1 x\n5 apples\n<1>last";
        let expected = [
            "<134>one",
            "<134>two\nmor",
            "E<134>three",
            "1795431600.000 10 10.0.0.1 x",
            "5 apples",
            "<1>last",
        ];
        for step in 1..bytes.len() {
            assert_eq!(read(bytes, step), expected, "{step}");
        }
        let long = [b"x".repeat(LONGEST + 10), b"\nnext\n".to_vec()].concat();
        assert_eq!(read(&long, 1000).iter().map(String::len).collect::<Vec<_>>(), [LONGEST, 4]);
        let counted = [b"70000 <".to_vec(), b"y".repeat(69_999), b"<1>z\n".to_vec()].concat();
        assert_eq!(read(&counted, 999).iter().map(String::len).collect::<Vec<_>>(), [LONGEST, 4]);
        assert_eq!(line(b"a\nb\r\0c\r\n\0"), b"a#012b#015#000c#015#012#000\n");
    }

    proptest! {
        /// Nothing panics, nothing is longer than it may be, and how bytes arrive does not matter.
        #[test]
        fn how_bytes_arrive_does_not_matter(bytes in proptest::collection::vec(any::<u8>(), 0..400), step in 1_usize..50) {
            prop_assert_eq!(read(&bytes, step), read(&bytes, 400));
        }

        /// What is framed comes back.
        #[test]
        fn what_is_framed_comes_back(texts in proptest::collection::vec("<[0-9]{1,3}>[ -~]{1,60}", 0..10), counted in proptest::collection::vec(any::<bool>(), 10)) {
            let frame = |(text, counted): (&String, &bool)| if *counted { format!("{} {text}", text.len()) } else { format!("{text}\n") };
            let bytes: String = texts.iter().zip(&counted).map(frame).collect();
            prop_assert_eq!(read(bytes.as_bytes(), 7), texts);
        }
    }
}
