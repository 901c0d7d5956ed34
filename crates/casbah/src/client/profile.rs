//! Profiles: which server a person signed in to, and the tokens that they got there.
//!
//! One file a profile, `casbah/profiles/NAME.json` below `$XDG_CONFIG_HOME` or `~/.config`, with
//! mode 0600 in a folder with mode 0700.

use std::collections::BTreeMap;
use std::fs::DirBuilder;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use casbah_model::{Secret, Timestamp};
use serde::Deserialize;
use serde_json::json;

use super::failure::Failure;

/// A sign-in that is kept.
#[derive(Clone, Debug, Deserialize)]
pub struct Profile {
    /// Origin of the server.
    pub url: String,
    /// Authority to trust, unless the machine trusts it anyway.
    pub ca: Option<PathBuf>,
    /// Tenant id or domain.
    pub tenant: String,
    /// The public application through which the person signed in.
    pub client_id: String,
    /// Sign-in name, for people.
    #[serde(default)]
    pub user: String,
    /// Keeps the sign-in alive.
    pub refresh_token: Option<Secret>,
    /// Access tokens by application id of their resource.
    #[serde(default)]
    pub access_tokens: BTreeMap<String, AccessToken>,
}

/// An access token that may still be good.
#[derive(Clone, Debug, Deserialize)]
pub struct AccessToken {
    /// The token.
    pub token: Secret,
    /// Until when, in milliseconds since 1970.
    pub expires: i64,
}

impl AccessToken {
    /// Whether it will last for the calls at hand.
    pub fn usable(&self, now: Timestamp) -> bool {
        self.expires > now.0 + 60_000
    }
}

impl Profile {
    /// Reads a profile; none when nobody signed in under that name.
    pub fn load(name: &str) -> Result<Option<Profile>, Failure> {
        load_from(&path(name)?)
    }

    /// Writes a profile, whole or not at all.
    pub fn save(&self, name: &str) -> Result<PathBuf, Failure> {
        let path = path(name)?;
        self.save_to(&path)?;
        Ok(path)
    }

    fn save_to(&self, path: &Path) -> Result<(), Failure> {
        let folder = path.parent().unwrap_or(Path::new("."));
        let failed = |e: std::io::Error| Failure::file(path, &e);
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        let mut file = tempfile::Builder::new().prefix(".profile.").tempfile_in(folder).map_err(failed)?;
        file.write_all(self.text().as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
        file.persist(path).map_err(|e| failed(e.error))?;
        Ok(())
    }

    /// The one place where kept tokens become text again.
    fn text(&self) -> String {
        let tokens: BTreeMap<_, _> = self
            .access_tokens
            .iter()
            .map(|(id, token)| (id, json!({ "token": token.token.expose(), "expires": token.expires })))
            .collect();
        let profile = json!({
            "url": self.url,
            "ca": self.ca,
            "tenant": self.tenant,
            "client_id": self.client_id,
            "user": self.user,
            "refresh_token": self.refresh_token.as_ref().map(Secret::expose),
            "access_tokens": tokens,
        });
        crate::output::pretty(&profile)
    }
}

/// Forgets a profile; answers whether there was one.
pub fn forget(name: &str) -> Result<bool, Failure> {
    let path = path(name)?;
    match std::fs::remove_file(&path) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(Failure::file(&path, &e)),
    }
}

/// Remembers where the last `casbah dev` or `casbah demo` keeps its `casbah.env`, so that commands in
/// another terminal find it. A convenience: where it cannot be written, nothing else suffers.
pub fn remember_development(data_dir: &Path) {
    let Ok(path) = development_pointer() else { return };
    let Some(folder) = path.parent() else { return };
    if DirBuilder::new().recursive(true).mode(0o700).create(folder).is_ok() {
        let _ = std::fs::write(&path, data_dir.as_os_str().as_encoded_bytes());
    }
}

/// The data directory of the last `casbah dev` or `casbah demo`, if its `casbah.env` is still there.
pub fn last_development() -> Option<PathBuf> {
    let text = std::fs::read_to_string(development_pointer().ok()?).ok()?;
    let folder = PathBuf::from(text);
    folder.join(super::environment::FILE).is_file().then_some(folder)
}

fn development_pointer() -> Result<PathBuf, Failure> {
    Ok(folder()?.join("development"))
}

fn load_from(path: &Path) -> Result<Option<Profile>, Failure> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Failure::file(path, &e)),
    };
    // The parser's message could repeat a piece of a token.
    let unreadable =
        |_| Failure::failed(format!("{} cannot be read; run `casbah login` again", path.display()));
    serde_json::from_str(&text).map(Some).map_err(unreadable)
}

fn path(name: &str) -> Result<PathBuf, Failure> {
    let safe = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if name.is_empty() || !name.bytes().all(safe) {
        return Err(Failure::usage(format!("{name:?} is not a profile name: use letters, digits, - and _")));
    }
    Ok(folder()?.join("profiles").join(format!("{name}.json")))
}

fn folder() -> Result<PathBuf, Failure> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    absolute("XDG_CONFIG_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".config")))
        .map(|folder| folder.join("casbah"))
        .ok_or_else(|| Failure::usage("neither XDG_CONFIG_HOME nor HOME names a folder for profiles"))
}

#[cfg(test)]
mod tests;
