//! What a source was told to hold: a file of JSON lines in the order of the source, and beside it the one of a pass that
//! goes on. Neither is read into memory.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Lines, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::client::failure::Failure;

/// A file or folder as the server was told of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Known {
    pub(super) path: String,
    pub(super) record: Map<String, Value>,
}

/// The first line: of what the rest is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    /// The source, in full.
    pub(super) of: String,
    /// The server, and the tenant there.
    pub(super) server: String,
    pub(super) tenant: String,
}

/// Keeps a second connector out of the folder, as long as it lives.
pub(super) fn lock(folder: &Path) -> Result<File, Failure> {
    std::fs::create_dir_all(folder).map_err(|e| Failure::file(folder, &e))?;
    let path = folder.join("connector.lock");
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(|e| Failure::file(&path, &e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => {
            Err(Failure::failed(format!("another connector works in {}", folder.display())))
        }
        Err(std::fs::TryLockError::Error(e)) => Err(Failure::file(&path, &e)),
    }
}

/// The files of one source.
pub(super) struct State {
    complete: PathBuf,
    part: PathBuf,
    head: Head,
    writer: BufWriter<File>,
    /// The last path of the pass that was interrupted, if one was.
    pub(super) after: Option<String>,
}

impl State {
    /// Opens the files of a source, or begins them.
    pub(super) fn open(folder: &Path, name: &str, head: Head) -> Result<State, Failure> {
        let complete = folder.join(format!("{name}.jsonl"));
        let part = folder.join(format!("{name}.part.jsonl"));
        // Of the same source, or nothing at all.
        reader(&complete, &head)?;
        let (after, whole) = last(&part, &head)?;
        let failed = |e: std::io::Error| Failure::file(&part, &e);
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&part).map_err(failed)?;
        // A line that was cut off by a kill goes.
        file.set_len(whole).map_err(failed)?;
        let mut writer = BufWriter::new(file);
        std::io::Seek::seek(&mut writer, std::io::SeekFrom::End(0)).map_err(failed)?;
        let mut state = State { complete, part, head, writer, after };
        if whole == 0 {
            state.line(&state.head.clone())?;
        }
        Ok(state)
    }

    /// What the last complete pass told, in order, behind `after`.
    pub(super) fn known(&self) -> Result<KnownLines, Failure> {
        Ok(KnownLines { lines: reader(&self.complete, &self.head)?, file: self.complete.clone() })
    }

    /// Writes down what the server has taken, so that it survives whatever comes.
    pub(super) fn add(&mut self, all: &[Known]) -> Result<(), Failure> {
        all.iter().try_for_each(|known| self.line(known))?;
        let outcome = self.writer.flush().and_then(|()| self.writer.get_ref().sync_data());
        outcome.map_err(|e| Failure::file(&self.part, &e))
    }

    /// The pass is complete.
    pub(super) fn finish(mut self) -> Result<(), Failure> {
        self.add(&[])?;
        std::fs::rename(&self.part, &self.complete).map_err(|e| Failure::file(&self.complete, &e))
    }

    fn line(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let failed = |e: std::io::Error| Failure::file(&self.part, &e);
        let text = serde_json::to_string(value).map_err(|e| failed(e.into()))?;
        writeln!(self.writer, "{text}").map_err(failed)
    }
}

/// The lines of a complete file.
pub(super) struct KnownLines {
    lines: Option<Lines<BufReader<File>>>,
    file: PathBuf,
}

impl KnownLines {
    pub(super) fn next(&mut self) -> Result<Option<Known>, Failure> {
        let Some(line) = self.lines.as_mut().and_then(Iterator::next) else { return Ok(None) };
        let line = line.map_err(|e| Failure::file(&self.file, &e))?;
        serde_json::from_str(&line).map(Some).map_err(|_| damaged(&self.file))
    }
}

fn damaged(file: &Path) -> Failure {
    Failure::failed(format!(
        "{} is damaged; delete it to tell of everything again, which stores nothing twice",
        file.display()
    ))
}

/// The lines behind the head; none when there is no file.
fn reader(path: &Path, head: &Head) -> Result<Option<Lines<BufReader<File>>>, Failure> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Failure::file(path, &e)),
    };
    let mut lines = BufReader::new(file).lines();
    let first = lines.next().transpose().map_err(|e| Failure::file(path, &e))?.unwrap_or_default();
    let said: Head = serde_json::from_str(&first).map_err(|_| damaged(path))?;
    if said == *head {
        return Ok(Some(lines));
    }
    let why = format!(
        "{} is of {} for tenant {} at {}; choose another folder for state, or another name for the source",
        path.display(),
        said.of,
        said.tenant,
        said.server
    );
    Err(Failure::usage(why))
}

/// The last path in an unfinished file, and how many bytes of it are whole lines; nothing of a file without a head.
fn last(path: &Path, head: &Head) -> Result<(Option<String>, u64), Failure> {
    let failed = |e: std::io::Error| Failure::file(path, &e);
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok((None, 0)),
        Err(e) => return Err(failed(e)),
    };
    let mut lines = BufReader::new(file);
    let (mut after, mut whole, mut line) = (None, 0, Vec::new());
    loop {
        line.clear();
        let read = lines.read_until(b'\n', &mut line).map_err(failed)?;
        if read == 0 || line.last() != Some(&b'\n') {
            return Ok((after, whole));
        }
        if whole == 0 {
            let said: Option<Head> = serde_json::from_slice(&line).ok();
            if said.as_ref() != Some(head) {
                return Ok((None, 0));
            }
        } else {
            let Ok(known) = serde_json::from_slice::<Known>(&line) else { return Ok((after, whole)) };
            after = Some(known.path);
        }
        whole += read as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> Head {
        Head { of: "/srv".into(), server: "https://localhost".into(), tenant: "t".into() }
    }

    fn known(path: &str) -> Known {
        Known { path: path.into(), record: Map::new() }
    }

    #[test]
    fn an_interrupted_pass_goes_on_behind_its_last_whole_line() {
        let folder = tempfile::tempdir().unwrap();
        let mut state = State::open(folder.path(), "srv", head()).unwrap();
        state.add(&[known("a"), known("b")]).unwrap();
        drop(state);
        let part = folder.path().join("srv.part.jsonl");
        let mut file = OpenOptions::new().append(true).open(&part).unwrap();
        file.write_all(b"{\"path\":\"c\",\"rec").unwrap();
        drop(file);
        let mut state = State::open(folder.path(), "srv", head()).unwrap();
        assert_eq!(state.after.as_deref(), Some("b"));
        assert_eq!(state.known().unwrap().next().unwrap(), None);
        state.add(&[known("c")]).unwrap();
        state.finish().unwrap();
        assert!(!part.exists());
        let state = State::open(folder.path(), "srv", head()).unwrap();
        let mut lines = state.known().unwrap();
        let mut all = Vec::new();
        while let Some(known) = lines.next().unwrap() {
            all.push(known.path);
        }
        assert_eq!(all, ["a", "b", "c"]);
        // What is of another source is not taken for this one.
        let other = Head { of: "/home".into(), ..head() };
        assert!(State::open(folder.path(), "srv", other).is_err());
    }

    #[test]
    fn two_connectors_do_not_work_in_one_folder() {
        let folder = tempfile::tempdir().unwrap();
        let held = lock(folder.path()).unwrap();
        assert!(lock(folder.path()).is_err());
        drop(held);
        lock(folder.path()).unwrap();
    }
}
