//! How far files were read, kept on disk together with what was read.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::MultiGzDecoder;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes at the start of a file by which it is known again.
pub(super) const HEAD: usize = 4096;
/// Bytes before the place to which a file was read, by which that place is known again.
const TAIL: u64 = 1024;
/// Less content than this does not tell one new file from another.
pub(super) const WEAK: usize = 256;
/// Of files that have gone, so many are remembered, in case that they come back packed or copied.
const MOST_GONE: usize = 64;

/// All that is remembered of a log.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    pub(super) marks: Vec<Mark>,
    /// The name of what was read last. It is in the spool, or it is to be put there under its final name.
    pub(super) batch: Option<String>,
}

/// How far one file was read.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    pub(super) inode: u64,
    /// Bytes of its content that were taken.
    pub(super) offset: u64,
    /// Its first bytes, as many as there were.
    pub(super) head: Bytes,
    /// The last bytes that were taken.
    pub(super) tail: Bytes,
    pub(super) header: Header,
    /// Whether it is not there any more, or was overwritten.
    pub(super) gone: bool,
    /// Whether it is packed: such a file is read as a whole, or not at all.
    pub(super) packed: bool,
}

impl Position {
    /// What is on disk; none when there is nothing yet.
    pub(super) fn read(path: &Path) -> io::Result<Option<Position>> {
        match fs::read(path) {
            Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Replaces what is on disk, in one step.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        let new = path.with_extension("new");
        let mut file = File::create(&new)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    }

    /// The file that is known to be there under this number.
    pub(super) fn living(&self, inode: u64) -> Option<usize> {
        self.marks.iter().position(|mark| mark.inode == inode && !mark.gone)
    }

    pub(super) fn forget_the_oldest(&mut self) {
        let gone = self.marks.iter().filter(|mark| mark.gone).count();
        let mut over = gone.saturating_sub(MOST_GONE);
        self.marks.retain(|mark| {
            let is_over = mark.gone && over > 0;
            over -= usize::from(is_over);
            !is_over
        });
    }
}

impl Mark {
    /// A file that nothing is known of, taken from its start on.
    pub(super) fn new(inode: u64, file: &File) -> io::Result<Mark> {
        Ok(Mark { inode, head: Bytes(bytes_at(file, 0, HEAD)?), ..Mark::default() })
    }

    /// A file whose content was taken up to there.
    pub(super) fn at(inode: u64, file: &File, offset: u64) -> io::Result<Mark> {
        let mut mark = Mark::new(inode, file)?;
        mark.advance(file, offset)?;
        Ok(mark)
    }

    pub(super) fn packed(inode: u64, head: Vec<u8>) -> Mark {
        Mark { inode, head: Bytes(head), packed: true, ..Mark::default() }
    }

    /// Notes that the file was taken up to there.
    pub(super) fn advance(&mut self, file: &File, offset: u64) -> io::Result<()> {
        if self.head.0.len() < HEAD {
            self.head = Bytes(bytes_at(file, 0, HEAD)?);
        }
        let start = offset.saturating_sub(TAIL);
        self.tail = Bytes(bytes_at(file, start, usize::try_from(offset - start).unwrap_or(0))?);
        self.offset = offset;
        Ok(())
    }

    /// Whether this file has the content that was taken, and so goes on behind it.
    pub(super) fn continues_in(&self, file: &File) -> io::Result<bool> {
        let start = self.offset - self.tail.0.len() as u64;
        Ok(bytes_at(file, 0, self.head.0.len())? == self.head.0
            && bytes_at(file, start, self.tail.0.len())? == self.tail.0)
    }

    /// Whether a file that begins so can have the content that was taken.
    pub(super) fn fits(&self, head: &[u8]) -> bool {
        let common = head.len().min(self.head.0.len());
        head[..common] == self.head.0[..common]
    }
}

/// Whether the file whose first bytes are `head` is, as far as one can tell, a copy of the one that begins with `other`.
pub(super) fn begin_alike(other: &[u8], head: &[u8]) -> bool {
    let common = head.len().min(other.len());
    let is_enough = common >= WEAK || (common > 0 && common == head.len());
    is_enough && head[..common] == other[..common]
}

/// Lines that begin with `#` and say how those behind them are to be read (`#Fields:`). Each part of a log that is sent
/// begins with them.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    kept: Bytes,
    /// Such lines at the very end of what was taken; more of them may follow.
    group: Bytes,
    /// Inside a line: whether it is such a line.
    #[serde(skip)]
    inside: Option<bool>,
}

impl Header {
    const MOST: usize = 16 * 1024;

    /// What is to be put before content that begins so.
    pub(super) fn before(&mut self, content: &[u8]) -> Vec<u8> {
        if content.first() == Some(&b'#') {
            return Vec::new();
        }
        self.close();
        self.kept.0.clone()
    }

    /// Learns from what is sent, piece by piece.
    pub(super) fn learn(&mut self, piece: &[u8]) {
        for line in piece.split_inclusive(|byte| *byte == b'\n') {
            let is_header = self.inside.unwrap_or(line.first() == Some(&b'#'));
            if !is_header {
                self.close();
            } else if self.group.0.len() + line.len() <= Self::MOST {
                self.group.0.extend_from_slice(line);
            }
            self.inside = (line.last() != Some(&b'\n')).then_some(is_header);
        }
    }

    fn close(&mut self) {
        if self.group.0.is_empty() {
            return;
        }
        let group = std::mem::take(&mut self.group);
        let text = group.0.to_ascii_lowercase();
        let names = text.split(|byte| *byte == b'\n').any(|line| line.starts_with(b"#fields"));
        // A remark in the middle of a log does not replace the names of its fields.
        if names || self.kept.0.is_empty() {
            self.kept = group;
        }
    }
}

/// So many bytes from there on; fewer where the file ends.
pub(super) fn bytes_at(file: &File, offset: u64, count: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; count];
    let mut have = 0;
    while have < count {
        match file.read_at(&mut bytes[have..], offset + have as u64) {
            Ok(0) => break,
            Ok(read) => have += read,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    bytes.truncate(have);
    Ok(bytes)
}

/// The first bytes of what is packed in a file; none when it is not whole yet.
pub(super) fn packed_head(file: &File) -> io::Result<Option<Vec<u8>>> {
    let mut head = Vec::new();
    match unpacked(file)?.take(HEAD as u64).read_to_end(&mut head) {
        Ok(_) => Ok(Some(head)),
        Err(e) if matches!(e.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput) => Ok(None),
        Err(e) => Err(e),
    }
}

/// What is packed in a file, from its start.
pub(super) fn unpacked(file: &File) -> io::Result<MultiGzDecoder<io::BufReader<FromStart>>> {
    Ok(MultiGzDecoder::new(io::BufReader::new(FromStart { file: file.try_clone()?, place: 0 })))
}

/// Reads a file from its start wherever others stand in it.
pub(super) struct FromStart {
    file: File,
    place: u64,
}

impl Read for FromStart {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(out, self.place)?;
        self.place += read as u64;
        Ok(read)
    }
}

/// Bytes, in JSON as base64.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Bytes(pub(super) Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Bytes).map_err(serde::de::Error::custom)
    }
}
