//! A folder of this machine: names, sizes, times, owners and who may read, by the modes of Unix.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::Metadata;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;

use super::settings::Folder;
use super::{Found, Next, Owner, Source};
use crate::client::failure::Failure;
use crate::output::note;

const PRIVATE: i64 = 0;
const INTERNAL: i64 = 1;
/// Bits of a mode: the group and everybody may read; may go through.
const READ: [u32; 2] = [0o040, 0o004];
const THROUGH: [u32; 2] = [0o010, 0o001];
/// Names that are no text and are told of one by one.
const MOST_TOLD: usize = 10;

/// A walk through a folder in the order of bytes of the paths, those of folders with a `/` at the end.
pub(super) struct Walk {
    folder: Folder,
    /// What is still to be looked at, of each folder that the walk is in; the innermost last.
    open: Vec<Level>,
    /// Up to here, and with this, everything was told already.
    after: Option<String>,
    users: HashMap<u32, String>,
    groups: HashMap<u32, String>,
    left_out: usize,
}

/// A folder that the walk is in.
struct Level {
    path: String,
    /// Names, those of folders with a `/` at the end, the next one last.
    names: Vec<String>,
    /// Whether the group and everybody can come here.
    reached: [bool; 2],
}

impl Walk {
    pub(super) fn new(folder: &Folder, after: Option<String>) -> Result<Walk, Failure> {
        let mut walk = Walk {
            folder: folder.clone(),
            open: Vec::new(),
            after,
            users: names(Path::new("/etc/passwd")),
            groups: names(Path::new("/etc/group")),
            left_out: 0,
        };
        let names = walk.listed("").map_err(|e| Failure::file(&walk.folder.root, &e))?;
        walk.open.push(Level { path: String::new(), names, reached: [true, true] });
        Ok(walk)
    }

    fn place(&self, path: &str) -> PathBuf {
        self.folder.root.join(path)
    }

    /// The names in a folder in the order of the walk, the first one last.
    fn listed(&mut self, path: &str) -> std::io::Result<Vec<String>> {
        let mut all = Vec::new();
        for entry in std::fs::read_dir(self.place(path))? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if !kind.is_dir() && !kind.is_file() {
                continue;
            }
            match entry.file_name().into_string() {
                Ok(name) => all.push(if kind.is_dir() { format!("{name}/") } else { name }),
                Err(name) => self.leave_out(path, &name),
            }
        }
        all.sort_unstable_by(|a, b| b.cmp(a));
        Ok(all)
    }

    fn leave_out(&mut self, path: &str, name: &OsString) {
        self.left_out += 1;
        if self.left_out <= MOST_TOLD {
            note(&format!("left out, because its name is no text: {path}{}", name.display()));
        }
    }

    /// Whether that was told before the walk was interrupted, with everything that may lie below it.
    fn is_done(&self, path: &str) -> bool {
        self.after.as_deref().is_some_and(|after| path <= after && !after.starts_with(path))
    }

    fn found(&self, path: String, metadata: &Metadata, reached: [bool; 2]) -> Found {
        let mode = metadata.mode();
        let [group, everybody] = [0, 1].map(|i| reached[i] && mode & READ[i] != 0);
        let name =
            |of: &HashMap<u32, String>, id: u32| of.get(&id).cloned().unwrap_or_else(|| id.to_string());
        let modified =
            metadata.mtime().saturating_mul(1_000).saturating_add(metadata.mtime_nsec() / 1_000_000);
        let folder = metadata.is_dir();
        let uid = metadata.uid();
        Found {
            size: if folder { 0 } else { i64::try_from(metadata.len()).unwrap_or(i64::MAX) },
            modified: Some(modified).filter(|at| *at >= 0),
            owner: Some(Owner { id: uid.to_string(), name: self.users.get(&uid).cloned() }),
            level: match (everybody, group) {
                (true, _) => self.folder.everybody,
                (false, true) => INTERNAL,
                (false, false) => PRIVATE,
            },
            groups: if group { vec![name(&self.groups, metadata.gid())] } else { Vec::new() },
            path,
            ..Found::default()
        }
    }
}

impl Source for Walk {
    fn next(&mut self) -> Result<Option<Next>, Failure> {
        while let Some(level) = self.open.last_mut() {
            let Some(name) = level.names.pop() else {
                self.open.pop();
                continue;
            };
            let path = format!("{}{name}", level.path);
            let reached = level.reached;
            if self.is_done(&path) {
                continue;
            }
            let metadata = match std::fs::symlink_metadata(self.place(path.trim_end_matches('/'))) {
                Ok(metadata) => metadata,
                // Gone since its folder was read.
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
                Err(e) => return Err(Failure::file(&self.place(&path), &e)),
            };
            // Something else by now: the next walk will see.
            if metadata.is_dir() != path.ends_with('/') {
                continue;
            }
            if metadata.is_dir() {
                let through = [0, 1].map(|i| reached[i] && metadata.mode() & THROUGH[i] != 0);
                let names = match self.listed(&path) {
                    Ok(names) => names,
                    Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
                    Err(e) => {
                        note(&format!("{} cannot be read: {e}; what was known of it stays", path));
                        return Ok(Some(Next::Unknown(path)));
                    }
                };
                self.open.push(Level { path: path.clone(), names, reached: through });
            }
            // A folder that the walk was in when it was interrupted was told itself.
            if self.after.as_deref().is_some_and(|after| path.as_str() <= after) {
                continue;
            }
            return Ok(Some(Next::Found(self.found(path, &metadata, reached))));
        }
        Ok(None)
    }

    fn hash(&self, path: &str) -> Result<Option<String>, Failure> {
        if !self.folder.hash {
            return Ok(None);
        }
        let place = self.place(path);
        let mut context = digest::Context::new(&digest::SHA256);
        let mut buffer = vec![0; 64 * 1024];
        let outcome = std::fs::File::open(&place).and_then(|mut file| {
            loop {
                match file.read(&mut buffer)? {
                    0 => return Ok(()),
                    read => context.update(buffer.get(..read).unwrap_or_default()),
                }
            }
        });
        match outcome {
            Ok(()) => Ok(Some(format!("sha256:{}", super::sync::hex(context.finish().as_ref())))),
            Err(e) => {
                note(&format!("{} cannot be read: {e}; its content stays unknown", place.display()));
                Ok(None)
            }
        }
    }

    fn full_path(&self, path: &str) -> String {
        self.place(path.trim_end_matches('/')).display().to_string()
    }
}

/// The names of users or groups by number, of a file with `name:…:number:…` in its lines.
fn names(file: &Path) -> HashMap<u32, String> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let of_line = |line: &str| {
        let mut parts = line.split(':');
        let name = parts.next()?.to_string();
        Some((parts.nth(1)?.parse().ok()?, name))
    };
    let mut all = HashMap::new();
    for (number, name) in text.lines().filter_map(of_line) {
        all.entry(number).or_insert(name);
    }
    all
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::os::unix::fs::PermissionsExt;

    use proptest::prelude::*;

    use super::*;

    fn walk(root: &Path, after: Option<&str>) -> Vec<Found> {
        let folder = Folder { root: root.into(), everybody: 3, hash: false };
        let mut walk = Walk::new(&folder, after.map(String::from)).unwrap();
        let mut all = Vec::new();
        while let Some(Next::Found(found)) = walk.next().unwrap() {
            all.push(found);
        }
        all
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        /// Whatever the names, the order is that of bytes, everything comes once, and a walk that goes on behind any
        /// of them gives exactly the rest.
        #[test]
        fn a_walk_is_in_order_and_goes_on_anywhere(names in prop::collection::btree_set("[a-c./ -]{1,3}(/[a-c.-]{1,3}){0,2}", 1..12)) {
            let root = tempfile::tempdir().unwrap();
            for name in names {
                let clean: Vec<&str> = name.split('/').filter(|part| !part.is_empty() && !part.chars().all(|c| c == '.')).collect();
                let Some((_, folders)) = clean.split_last() else { continue };
                let place = root.path().join(folders.join("/"));
                let _ = std::fs::create_dir_all(&place);
                let _ = std::fs::write(root.path().join(clean.join("/")), b"");
            }
            let all: Vec<String> = walk(root.path(), None).into_iter().map(|found| found.path).collect();
            prop_assert!(all.is_sorted());
            prop_assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
            for (at, path) in all.iter().enumerate() {
                let rest: Vec<String> = walk(root.path(), Some(path)).into_iter().map(|found| found.path).collect();
                prop_assert_eq!(&rest[..], &all[at + 1..], "behind {}", path);
            }
        }
    }

    #[test]
    fn who_may_read_is_said_by_the_modes_of_a_file_and_the_folders_above_it() {
        let root = tempfile::tempdir().unwrap();
        let set = |path: &str, mode: u32| {
            std::fs::set_permissions(root.path().join(path), std::fs::Permissions::from_mode(mode)).unwrap();
        };
        for folder in ["open", "closed"] {
            std::fs::create_dir(root.path().join(folder)).unwrap();
            for (name, mode) in [("all", 0o644), ("group", 0o640), ("own", 0o600)] {
                let path = format!("{folder}/{name}");
                std::fs::write(root.path().join(&path), b"x").unwrap();
                set(&path, mode);
            }
        }
        set("open", 0o755);
        set("closed", 0o750);
        let levels: Vec<(String, i64, usize)> =
            walk(root.path(), None).into_iter().map(|f| (f.path, f.level, f.groups.len())).collect();
        let expected = [
            ("closed/", 1, 1),
            ("closed/all", 1, 1),
            ("closed/group", 1, 1),
            ("closed/own", 0, 0),
            ("open/", 3, 1),
            ("open/all", 3, 1),
            ("open/group", 1, 1),
            ("open/own", 0, 0),
        ];
        let expected: Vec<(String, i64, usize)> =
            expected.iter().map(|(path, level, groups)| ((*path).to_string(), *level, *groups)).collect();
        assert_eq!(levels, expected);
    }
}
