//! `casbah.env`: the ten variables that tell scripts, tests and this command line where a server is
//! and who they are there.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use casbah_model::Secret;

use super::failure::Failure;

/// Name of the file inside the data directory.
pub const FILE: &str = "casbah.env";

/// The variables, in the order in which they are written.
pub const VARIABLES: [&str; 10] = [
    "CASBAH_URL",
    "CASBAH_CA",
    "CASBAH_TENANT",
    "CASBAH_CLIENT_ID",
    "CASBAH_CLIENT_SECRET",
    "CASBAH_PUBLIC_CLIENT_ID",
    "CASBAH_USER",
    "CASBAH_PASSWORD",
    "CASBAH_API_TOKEN",
    "CASBAH_DATA_DIR",
];

/// Values of some of the variables. Some are secrets, so none is ever shown by `Debug`.
#[derive(Clone, Default, Debug)]
pub struct Environment(BTreeMap<&'static str, Secret>);

impl Environment {
    /// The variables of this process.
    pub fn of_process() -> Environment {
        let mut found = Environment::default();
        for name in VARIABLES {
            if let Ok(value) = std::env::var(name) {
                found.set(name, value);
            }
        }
        found
    }

    /// Reads a file as [`Environment::write`] makes it, and any other of plain assignments.
    pub fn read(path: &Path) -> Result<Environment, Failure> {
        let text = std::fs::read_to_string(path).map_err(|e| Failure::file(path, &e))?;
        Ok(Environment::parse(&text))
    }

    fn parse(text: &str) -> Environment {
        let mut found = Environment::default();
        for line in text.lines() {
            let line = line.trim();
            let Some((name, value)) = line.strip_prefix("export ").unwrap_or(line).split_once('=') else {
                continue;
            };
            found.set(name.trim(), unquote(value.trim()));
        }
        found
    }

    /// Sets a variable; an unknown name or an empty value is ignored.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        let value = value.into();
        if let Some(known) = VARIABLES.into_iter().find(|v| *v == name)
            && !value.is_empty()
        {
            self.0.insert(known, Secret::new(value));
        }
    }

    /// The value of a variable.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(Secret::expose)
    }

    /// The variables that have a value, in the documented order.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        VARIABLES.into_iter().filter_map(|name| Some((name, self.value(name)?)))
    }

    /// Makes the directory if need be, and makes sure that a file can be written there.
    pub fn prepare(directory: &Path) -> Result<(), Failure> {
        use std::os::unix::fs::DirBuilderExt;
        let failed = |e: std::io::Error| Failure::file(directory, &e);
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed)?;
        tempfile::tempfile_in(directory).map(drop).map_err(failed)
    }

    /// Writes `casbah.env` into `directory`, readable by its owner only. It appears whole or not at all.
    pub fn write(&self, directory: &Path) -> Result<std::path::PathBuf, Failure> {
        let path = directory.join(FILE);
        self.write_to(&path)?;
        Ok(path)
    }

    fn write_to(&self, path: &Path) -> Result<(), Failure> {
        let directory = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let failed = |e: std::io::Error| Failure::file(path, &e);
        // tempfile creates with mode 0600, and renaming keeps it.
        let mut file =
            tempfile::Builder::new().prefix(".casbah.env.").tempfile_in(directory).map_err(failed)?;
        file.write_all(self.text().as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
        file.persist(path).map_err(|e| failed(e.error))?;
        Ok(())
    }

    /// Plain assignments, which other programs can read too, then one line that exports them all.
    fn text(&self) -> String {
        let mut text = String::from("# Written by Casbah. Holds secrets. Use: . casbah.env\n");
        for (name, value) in self.iter() {
            text.push_str(&format!("{name}={}\n", quote(value)));
        }
        let names: Vec<_> = self.iter().map(|(name, _)| name).collect();
        text.push_str(&format!("export {}\n", names.join(" ")));
        text
    }
}

/// A word as a POSIX shell reads it back.
pub fn quote(value: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./:@%+,".contains(&b);
    if !value.is_empty() && value.bytes().all(plain) {
        value.to_string()
    } else {
        format!("'{}'", value.replace('\'', r"'\''"))
    }
}

fn unquote(value: &str) -> String {
    let inner = |q: char| value.strip_prefix(q).and_then(|v| v.strip_suffix(q));
    if let Some(text) = inner('\'') {
        text.replace(r"'\''", "'")
    } else {
        inner('"').unwrap_or(value).to_string()
    }
}

#[cfg(test)]
mod tests;
