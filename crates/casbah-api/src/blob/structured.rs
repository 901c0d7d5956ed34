//! The framing that SDKs put around a stream whose checksum they learn only while they send it
//! (`x-ms-structured-body: XSM/1.0; properties=crc64`).
//!
//! ```text
//! message  = version (1) length (8) flags (2) segments (2)  segment*  [crc64 of all content (8)]
//! segment  = number (2) length (8)  content   [crc64 of it (8)]
//! ```
//!
//! Numbers have the lowest byte first; flag 1 says that there are checksums; segments are numbered from 1.

use bytes::{Bytes, BytesMut};

use super::checksum::Crc64;

/// The only framing there is, as its header names it.
pub(super) const NAME: &str = "XSM/1.0; properties=crc64";
const MESSAGE_HEADER: usize = 13;
const SEGMENT_HEADER: usize = 10;
const CHECKSUM: usize = 8;

/// Why a message cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// It is not framed as it says.
    Framing,
    /// A checksum is that of other bytes.
    Checksum,
}

/// Takes the framing off, piece by piece, in constant memory.
pub(super) struct Decoder {
    region: Region,
    /// Bytes of a header or checksum that is not complete.
    held: BytesMut,
    segments: u16,
    segment: u16,
    /// Bytes of the message, as its header says, that have not come.
    left: u64,
    /// Bytes of content that have come.
    pub(super) content: u64,
    of_segment: Crc64,
    of_all: Crc64,
    pub(super) broken: Option<Broken>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Region {
    MessageHeader,
    SegmentHeader,
    Content(u64),
    SegmentChecksum,
    MessageChecksum,
    End,
}

impl Decoder {
    pub(super) fn new() -> Decoder {
        Decoder {
            region: Region::MessageHeader,
            held: BytesMut::new(),
            segments: 0,
            segment: 0,
            left: u64::MAX,
            content: 0,
            of_segment: Crc64::new(),
            of_all: Crc64::new(),
            broken: None,
        }
    }

    /// The content in the next bytes of the message.
    pub(super) fn push(&mut self, bytes: Bytes) -> Result<Bytes, Broken> {
        let content = self.read(bytes);
        self.broken = content.as_ref().err().copied();
        content
    }

    /// Whether the message is whole.
    pub(super) fn is_complete(&self) -> bool {
        self.region == Region::End && self.left == 0
    }

    fn read(&mut self, mut bytes: Bytes) -> Result<Bytes, Broken> {
        let mut pieces: Vec<Bytes> = Vec::new();
        while !bytes.is_empty() || matches!(self.region, Region::Content(0)) {
            match self.region {
                Region::Content(0) => self.region = Region::SegmentChecksum,
                Region::Content(left) => {
                    let here = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                    let piece = bytes.split_to(here);
                    self.count(here)?;
                    self.of_segment.update(&piece);
                    self.of_all.update(&piece);
                    self.content += here as u64;
                    self.region = Region::Content(left - here as u64);
                    pieces.push(piece);
                }
                Region::End => return Err(Broken::Framing),
                Region::MessageHeader => {
                    if let Some(header) = self.hold::<MESSAGE_HEADER>(&mut bytes)? {
                        self.message(header)?;
                    }
                }
                Region::SegmentHeader => {
                    if let Some(header) = self.hold::<SEGMENT_HEADER>(&mut bytes)? {
                        self.segment(header)?;
                    }
                }
                Region::SegmentChecksum => {
                    if let Some(said) = self.hold::<CHECKSUM>(&mut bytes)? {
                        let computed = std::mem::replace(&mut self.of_segment, Crc64::new()).bytes();
                        check(said, computed)?;
                        let is_last = self.segment == self.segments;
                        self.region = if is_last { Region::MessageChecksum } else { Region::SegmentHeader };
                    }
                }
                Region::MessageChecksum => {
                    if let Some(said) = self.hold::<CHECKSUM>(&mut bytes)? {
                        check(said, std::mem::replace(&mut self.of_all, Crc64::new()).bytes())?;
                        self.region = Region::End;
                    }
                }
            }
        }
        // Nearly always there is one piece, which is not copied.
        Ok(if pieces.len() == 1 { pieces.remove(0) } else { pieces.concat().into() })
    }

    /// The next `N` bytes, when they are all there.
    fn hold<const N: usize>(&mut self, bytes: &mut Bytes) -> Result<Option<[u8; N]>, Broken> {
        let here = (N - self.held.len()).min(bytes.len());
        self.held.extend_from_slice(&bytes.split_to(here));
        self.count(here)?;
        let whole = <[u8; N]>::try_from(self.held.as_ref()).ok();
        if whole.is_some() {
            self.held.clear();
        }
        Ok(whole)
    }

    fn count(&mut self, bytes: usize) -> Result<(), Broken> {
        self.left = self.left.checked_sub(bytes as u64).ok_or(Broken::Framing)?;
        Ok(())
    }

    fn message(&mut self, header: [u8; MESSAGE_HEADER]) -> Result<(), Broken> {
        let [version, rest @ ..] = header;
        let length = number(&rest[..8]);
        let (flags, segments) = (number(&rest[8..10]), number(&rest[10..12]));
        if version != 1 || flags != 1 || segments == 0 {
            return Err(Broken::Framing);
        }
        self.left = length.checked_sub(MESSAGE_HEADER as u64).ok_or(Broken::Framing)?;
        self.segments = u16::try_from(segments).map_err(|_| Broken::Framing)?;
        self.region = Region::SegmentHeader;
        Ok(())
    }

    fn segment(&mut self, header: [u8; SEGMENT_HEADER]) -> Result<(), Broken> {
        let (place, length) = (number(&header[..2]), number(&header[2..]));
        if place != u64::from(self.segment) + 1 {
            return Err(Broken::Framing);
        }
        self.segment += 1;
        self.region = Region::Content(length);
        Ok(())
    }
}

fn check(said: [u8; CHECKSUM], computed: [u8; CHECKSUM]) -> Result<(), Broken> {
    if said == computed { Ok(()) } else { Err(Broken::Checksum) }
}

/// At most eight bytes, the lowest first.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

/// Frames content, in segments of so many bytes, as SDKs do.
#[cfg(test)]
pub(super) fn encode(content: &[u8], segment: usize) -> Vec<u8> {
    let sum = |bytes: &[u8]| {
        let mut crc = Crc64::new();
        crc.update(bytes);
        crc.bytes()
    };
    let segments: Vec<&[u8]> =
        if content.is_empty() { vec![content] } else { content.chunks(segment).collect() };
    let length = MESSAGE_HEADER + segments.len() * (SEGMENT_HEADER + CHECKSUM) + content.len() + CHECKSUM;
    let mut all = vec![1];
    all.extend((length as u64).to_le_bytes());
    all.extend(1_u16.to_le_bytes());
    all.extend(u16::try_from(segments.len()).expect("few").to_le_bytes());
    for (place, content) in (1_u16..).zip(&segments) {
        all.extend(place.to_le_bytes());
        all.extend((content.len() as u64).to_le_bytes());
        all.extend(*content);
        all.extend(sum(content));
    }
    all.extend(sum(content));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(message: &[u8], step: usize) -> Result<(Vec<u8>, bool), Broken> {
        let mut decoder = Decoder::new();
        let mut content = Vec::new();
        for piece in message.chunks(step) {
            content.extend(decoder.push(Bytes::copy_from_slice(piece))?);
        }
        Ok((content, decoder.is_complete()))
    }

    #[test]
    fn content_comes_out_however_it_is_cut() {
        for content in [&b""[..], b"a", b"the quick brown fox jumps"] {
            for segment in [1, 4, 100] {
                let message = encode(content, segment);
                for step in 1..=message.len() {
                    let decoded = decode(&message, step);
                    assert_eq!(decoded, Ok((content.to_vec(), true)), "{segment} {step}");
                }
                // Cut anywhere, it is not whole; with one bit changed, it is refused or not whole.
                for end in 0..message.len() {
                    assert!(!decode(&message[..end], 7).expect("no error so far").1, "{end}");
                    let mut changed = message.clone();
                    changed[end] ^= 1;
                    assert!(
                        decode(&changed, 7).is_ok_and(|(_, whole)| !whole) || decode(&changed, 7).is_err()
                    );
                }
                assert_eq!(decode(&[message, b"x".to_vec()].concat(), 7), Err(Broken::Framing));
            }
        }
        let mut changed = encode(b"abcdef", 3);
        changed[MESSAGE_HEADER + SEGMENT_HEADER] ^= 1;
        assert_eq!(decode(&changed, 100), Err(Broken::Checksum));
    }
}
