//! Which files are a log and what became of it when it was rotated: `access.log`, `access.log.1`,
//! `access.log-20261128.gz`, `access-20261128.log`.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::SystemTime;

/// A file of the family, open, as it was at one moment.
pub(super) struct Member {
    pub(super) file: File,
    pub(super) inode: u64,
    pub(super) len: u64,
    pub(super) modified: SystemTime,
    /// Whether it is the one that is followed, not one that was rotated away.
    pub(super) is_first: bool,
    pub(super) is_packed: bool,
    /// Whether it is packed and the file that it is packed from is still there: it is being written.
    pub(super) is_being_packed: bool,
}

impl Member {
    fn open(path: &Path) -> io::Result<Member> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file"));
        }
        Ok(Member {
            file,
            inode: metadata.ino(),
            len: metadata.len(),
            modified: metadata.modified()?,
            is_first: false,
            is_packed: false,
            is_being_packed: false,
        })
    }
}

/// The members that there are, those rotated away first, by age.
pub(super) fn members(path: &Path) -> io::Result<Vec<Member>> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let other = entry?.file_name().to_string_lossy().into_owned();
        if other == name || is_rotated(&name, &other) {
            names.push(other);
        }
    }
    let mut all = Vec::new();
    for other in &names {
        // Gone meanwhile, or not ours to read, as a rotated log can be.
        let Ok(mut member) = Member::open(&folder.join(other)) else { continue };
        member.is_first = *other == name;
        if let Some(plain) = other.strip_suffix(".gz") {
            member.is_packed = true;
            member.is_being_packed = names.iter().any(|name| name == plain);
        }
        all.push(member);
    }
    all.sort_by_key(|member| (member.is_first, member.modified));
    // A second name of the same file is not a second file.
    let mut inodes = std::collections::HashSet::new();
    all.reverse();
    all.retain(|member| inodes.insert(member.inode));
    all.reverse();
    Ok(all)
}

/// Whether `other` is a name that rotation gives to the file called `name`.
fn is_rotated(name: &str, other: &str) -> bool {
    let other = other.strip_suffix(".gz").unwrap_or(other);
    if other == name {
        return true;
    }
    let (stem, extension) = match name.rfind('.') {
        Some(dot) if dot > 0 => name.split_at(dot),
        _ => (name, ""),
    };
    let behind = other.strip_prefix(name);
    let within = other.strip_prefix(stem).and_then(|rest| rest.strip_suffix(extension));
    [behind, within.filter(|_| !extension.is_empty())].into_iter().flatten().any(is_mark)
}

/// A number or a time behind a separator, or `.old`.
fn is_mark(text: &str) -> bool {
    let Some(mark) = text.strip_prefix(['.', '-', '_']) else { return false };
    let is_time = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '_' | ':' | 'T' | 'Z');
    mark == "old" || (mark.starts_with(|c: char| c.is_ascii_digit()) && mark.chars().all(is_time))
}

#[cfg(test)]
mod tests {
    use super::is_rotated;

    #[test]
    fn names_that_rotation_gives() {
        for other in [
            "access.log.1",
            "access.log.10.gz",
            "access.log-20261128",
            "access.log-20261128.gz",
            "access.log.2026-11-28T10:00:00Z",
            "access-20261128.log",
            "access.1.log",
            "access.log.old",
            "access.log.gz",
        ] {
            assert!(is_rotated("access.log", other), "{other}");
        }
        for other in
            ["access-admin.log", "access.log.bak", "access.log.1.swp", "access.log.", "access", "error.log.1"]
        {
            assert!(!is_rotated("access.log", other), "{other}");
        }
        assert!(is_rotated("messages", "messages.1") && !is_rotated("messages", "messages2"));
    }
}
