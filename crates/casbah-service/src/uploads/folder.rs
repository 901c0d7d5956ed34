//! The folder of uploaded files.
//!
//! A file is written under a name that ends in `.part`, flushed, and renamed; so a file without
//! that ending is whole. Names are `<upload>-<random>`, both ours.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use casbah_model::{RecordId, UploadPart, random};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

const PART: &str = ".part";
const NODE: &str = "node-id";
const HEX: &[u8] = b"0123456789abcdef";
/// A file that no row names is left alone for so long: somebody may be about to name it.
const GRACE: Duration = Duration::from_secs(60 * 60);
const BUFFER: usize = 64 * 1024;

/// A file that is on disk and that no row names yet; deleted when dropped, unless it is kept.
#[derive(Debug)]
pub struct Received {
    /// Its name in the folder.
    pub(crate) file: String,
    /// Bytes.
    pub size: u64,
    path: Option<PathBuf>,
}

impl Received {
    pub(crate) fn keep(mut self) {
        self.path = None;
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // What cannot be deleted now is swept later.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Why bytes were not stored.
#[derive(Debug)]
pub enum ReceiveError {
    /// More than allowed.
    TooLarge,
    /// The sender broke off.
    Sender(io::Error),
    /// They cannot be stored: our fault.
    Storage(io::Error),
}

#[derive(Clone)]
pub(crate) struct Folder {
    path: PathBuf,
}

impl Folder {
    pub(crate) fn new(path: PathBuf) -> Folder {
        Folder { path }
    }

    pub(crate) fn paths(&self, parts: &[UploadPart]) -> Vec<PathBuf> {
        parts.iter().map(|part| self.path.join(&part.file)).collect()
    }

    /// Stores what `reader` gives, in constant memory. The file is durable when this returns.
    pub(crate) async fn receive(
        &self,
        upload: &RecordId,
        reader: &mut (impl AsyncRead + Unpin),
        limit: u64,
    ) -> Result<Received, ReceiveError> {
        self.make().await.map_err(ReceiveError::Storage)?;
        let file = format!("{upload}-{}", random::text(24, HEX));
        let (mut out, mut received) = self.create(file).await.map_err(ReceiveError::Storage)?;
        let mut buffer = vec![0; BUFFER];
        loop {
            let read = reader.read(&mut buffer).await.map_err(ReceiveError::Sender)?;
            if read == 0 {
                break;
            }
            received.size += read as u64;
            if received.size > limit {
                return Err(ReceiveError::TooLarge);
            }
            out.write_all(&buffer[..read]).await.map_err(ReceiveError::Storage)?;
        }
        out.flush().await.map_err(ReceiveError::Storage)?;
        let whole = self.path.join(&received.file);
        self.complete(out.into_std().await, received, whole).await.map_err(ReceiveError::Storage)
    }

    /// Makes the file. It goes away with what is answered here, also when the request is dropped half-way:
    /// what the other thread makes then is dropped over there.
    async fn create(&self, file: String) -> io::Result<(tokio::fs::File, Received)> {
        let part = self.path.join(format!("{file}{PART}"));
        let created = tokio::task::spawn_blocking(move || {
            let mut options = std::fs::OpenOptions::new();
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let out = options.write(true).create_new(true).open(&part)?;
            Ok::<_, io::Error>((out, Received { file, size: 0, path: Some(part) }))
        });
        let (out, received) = created.await.map_err(io::Error::other)??;
        Ok((tokio::fs::File::from_std(out), received))
    }

    /// Makes the file durable under its final name; dropped half-way, it goes away as above.
    async fn complete(
        &self,
        out: std::fs::File,
        mut received: Received,
        whole: PathBuf,
    ) -> io::Result<Received> {
        let folder = self.path.clone();
        let completed = tokio::task::spawn_blocking(move || {
            out.sync_all()?;
            if let Some(part) = &received.path {
                std::fs::rename(part, &whole)?;
            }
            received.path = Some(whole);
            // The name itself is durable only when the folder is.
            std::fs::File::open(folder)?.sync_all()?;
            Ok(received)
        });
        completed.await.map_err(io::Error::other)?
    }

    /// Deletes files that no row names any more. What cannot be deleted now is swept later.
    pub(crate) async fn delete(&self, files: &[String]) {
        for file in files {
            if let Err(e) = tokio::fs::remove_file(self.path.join(file)).await
                && e.kind() != io::ErrorKind::NotFound
            {
                tracing::warn!(error = %e, "an uploaded file cannot be deleted now");
            }
        }
    }

    async fn make(&self) -> io::Result<()> {
        let mut builder = tokio::fs::DirBuilder::new();
        #[cfg(unix)]
        builder.mode(0o700);
        builder.recursive(true).create(&self.path).await
    }

    /// The name of the node that owns this folder: drawn once, then read.
    pub(crate) async fn node(&self) -> io::Result<String> {
        self.make().await?;
        let path = self.path.join(NODE);
        let drawn = random::text(24, HEX);
        let own = self.path.join(format!("{drawn}{PART}"));
        tokio::fs::write(&own, &drawn).await?;
        // A link is made once, whoever else starts at the same time.
        let linked = tokio::fs::hard_link(&own, &path).await;
        tokio::fs::remove_file(&own).await?;
        match linked {
            Ok(()) => Ok(drawn),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => tokio::fs::read_to_string(&path).await,
            Err(e) => Err(e),
        }
    }

    /// Deletes what is left over: files of finished uploads that no row names, at once; other files
    /// that no row names, when they are old.
    pub(crate) fn sweep(&self, in_use: &HashSet<String>, finished: &HashSet<String>) -> io::Result<u64> {
        if !self.path.exists() {
            return Ok(0);
        }
        let now = file_time(&self.path)?;
        let mut deleted = 0;
        for entry in std::fs::read_dir(&self.path)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name == NODE || in_use.contains(&name) || !entry.file_type()?.is_file() {
                continue;
            }
            let old = entry.metadata()?.modified()?.checked_add(GRACE).is_some_and(|end| end < now);
            let over = name.split_once('-').is_some_and(|(upload, _)| finished.contains(upload));
            if old || over {
                std::fs::remove_file(entry.path())?;
                deleted += 1;
            }
        }
        Ok(deleted)
    }
}

/// The present by the clock of the file system, which is the one that file times go by.
fn file_time(folder: &Path) -> io::Result<std::time::SystemTime> {
    let path = folder.join(format!("{}{PART}", random::text(24, HEX)));
    std::fs::write(&path, b"")?;
    let now = std::fs::metadata(&path)?.modified();
    std::fs::remove_file(&path)?;
    now
}
