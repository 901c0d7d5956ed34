//! What a connector is told: a TOML file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use casbah_model::{ACCESS_LEVELS, Secret};
use serde::Deserialize;

use crate::client::failure::Failure;

/// The number of the app that stores of Amazon belong to.
const AMAZON: i64 = 11_599;

/// Everything a connector is told.
pub(super) struct Settings {
    /// The folder in which it writes down what it has told.
    pub(super) state: PathBuf,
    /// How long it waits before it looks again; it looks once without.
    pub(super) every: Option<Duration>,
    pub(super) sources: Vec<Told>,
}

/// One source.
pub(super) struct Told {
    /// Unique among the sources, and a part of the ids of its files.
    pub(super) name: String,
    pub(super) app: i64,
    pub(super) app_name: Option<String>,
    pub(super) instance: i64,
    /// Addresses of owners, by their ids or names in the source.
    pub(super) owners: BTreeMap<String, String>,
    /// What follows the @ in the addresses of owners that have names only.
    pub(super) domain: Option<String>,
    pub(super) place: Place,
}

pub(super) enum Place {
    Folder(Folder),
    S3(Box<Store>),
}

/// A folder of this machine.
#[derive(Clone)]
pub(super) struct Folder {
    pub(super) root: PathBuf,
    /// How far a file is shared that everybody on the machine may read.
    pub(super) everybody: i64,
    /// Whether contents are read for their digests.
    pub(super) hash: bool,
}

/// A bucket of an S3-compatible store, or what lies below a prefix in it.
#[derive(Clone)]
pub(super) struct Store {
    pub(super) bucket: String,
    pub(super) prefix: String,
    pub(super) endpoint: url::Url,
    pub(super) region: String,
    pub(super) path_style: bool,
    /// The account of the bucket, by which its own are told from others.
    pub(super) account: Option<String>,
    /// How far everything is shared, where that is not to be asked.
    pub(super) sharing: Option<i64>,
    pub(super) key: String,
    pub(super) secret: Secret,
    pub(super) token: Option<Secret>,
    pub(super) ca: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    state: PathBuf,
    every_seconds: Option<u64>,
    #[serde(default, rename = "source")]
    sources: Vec<FileSource>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileSource {
    name: String,
    app: Option<i64>,
    app_name: Option<String>,
    #[serde(default)]
    instance: i64,
    #[serde(default)]
    owners: BTreeMap<String, String>,
    domain: Option<String>,
    folder: Option<PathBuf>,
    everybody: Option<String>,
    hash: Option<bool>,
    bucket: Option<String>,
    prefix: Option<String>,
    endpoint: Option<String>,
    region: Option<String>,
    path_style: Option<bool>,
    account: Option<String>,
    sharing: Option<String>,
    access_key_id: Option<String>,
    secret_key_file: Option<PathBuf>,
    ca: Option<PathBuf>,
}

impl Settings {
    pub(super) fn read(path: &Path) -> Result<Settings, Failure> {
        let text = std::fs::read_to_string(path).map_err(|e| Failure::file(path, &e))?;
        let wrong = |why: String| Failure::usage(format!("{}: {why}", path.display()));
        let file: File = toml::from_str(&text).map_err(|e| wrong(e.to_string().trim_end().to_string()))?;
        if file.sources.is_empty() {
            return Err(wrong("there is no [[source]]".into()));
        }
        if file.every_seconds == Some(0) {
            return Err(wrong("every_seconds must be at least 1".into()));
        }
        let mut sources: Vec<Told> = Vec::new();
        for source in file.sources {
            let told = source.read().map_err(wrong)?;
            // The name is the name of a file, too.
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            if told.name.is_empty() || !told.name.chars().all(plain) {
                let why = format!("name = {:?} must be of letters, digits, - and _", told.name);
                return Err(wrong(why));
            }
            if sources.iter().any(|other| other.name == told.name) {
                return Err(wrong(format!("two sources have the name {:?}", told.name)));
            }
            sources.push(told);
        }
        Ok(Settings { state: file.state, every: file.every_seconds.map(Duration::from_secs), sources })
    }
}

/// A level by its name, such as `public-internet`.
fn level(field: &str, given: &str) -> Result<i64, String> {
    let name = given.trim().replace('-', "_");
    let found = ACCESS_LEVELS.iter().position(|level| level.eq_ignore_ascii_case(&name));
    found.and_then(|level| i64::try_from(level).ok()).ok_or_else(|| {
        let all: Vec<String> =
            ACCESS_LEVELS.iter().map(|level| level.to_lowercase().replace('_', "-")).collect();
        format!("{field} = {given:?} must be one of {}", all.join(", "))
    })
}

impl FileSource {
    fn read(mut self) -> Result<Told, String> {
        let name = self.name.clone();
        let other = |fields: &[(&str, bool)], needs: &str| {
            let wrong = fields.iter().find(|(_, given)| *given);
            wrong.map_or(Ok(()), |(field, _)| Err(format!("{name}: {field} is for a source with {needs}")))
        };
        let (place, app) = match (self.folder.take(), self.bucket.take()) {
            (Some(root), None) => {
                let of_store = [
                    ("prefix", self.prefix.is_some()),
                    ("endpoint", self.endpoint.is_some()),
                    ("region", self.region.is_some()),
                    ("path_style", self.path_style.is_some()),
                    ("account", self.account.is_some()),
                    ("sharing", self.sharing.is_some()),
                    ("access_key_id", self.access_key_id.is_some()),
                    ("secret_key_file", self.secret_key_file.is_some()),
                    ("ca", self.ca.is_some()),
                ];
                other(&of_store, "bucket")?;
                let everybody = self.everybody.as_deref().unwrap_or("internal");
                let folder = Folder {
                    root,
                    everybody: level("everybody", everybody)?,
                    hash: self.hash.unwrap_or(true),
                };
                (Place::Folder(folder), None)
            }
            (None, Some(bucket)) => {
                let of_folder = [("everybody", self.everybody.is_some()), ("hash", self.hash.is_some())];
                other(&of_folder, "folder")?;
                (Place::S3(Box::new(self.store(bucket)?)), Some(AMAZON))
            }
            _ => return Err(format!("{name} needs either folder or bucket")),
        };
        let app = self.app.or(app).ok_or_else(|| {
            format!("{name} needs app, the number of the app under which its files are listed")
        })?;
        Ok(Told {
            name: self.name,
            app,
            app_name: self.app_name,
            instance: self.instance,
            owners: self.owners,
            domain: self.domain,
            place,
        })
    }

    fn store(&mut self, bucket: String) -> Result<Store, String> {
        let region = self.region.take().unwrap_or_else(|| "us-east-1".into());
        let amazon = self.endpoint.is_none();
        let endpoint = self.endpoint.take().unwrap_or_else(|| format!("https://s3.{region}.amazonaws.com"));
        let endpoint: url::Url =
            endpoint.parse().map_err(|_| format!("endpoint = {endpoint:?} is no address"))?;
        let variable = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
        let key = self.access_key_id.take().or_else(|| variable("AWS_ACCESS_KEY_ID"));
        let key = key.ok_or("a bucket needs access_key_id, or AWS_ACCESS_KEY_ID in the environment")?;
        let secret = match &self.secret_key_file {
            Some(path) => Some(
                std::fs::read_to_string(path)
                    .map_err(|e| format!("secret_key_file {} cannot be read: {e}", path.display()))?,
            ),
            None => variable("AWS_SECRET_ACCESS_KEY"),
        };
        let secret =
            secret.ok_or("a bucket needs secret_key_file, or AWS_SECRET_ACCESS_KEY in the environment")?;
        let token = variable("AWS_SESSION_TOKEN").filter(|_| self.secret_key_file.is_none());
        let sharing = self.sharing.take();
        Ok(Store {
            bucket,
            prefix: self.prefix.take().unwrap_or_default(),
            endpoint,
            region,
            path_style: self.path_style.unwrap_or(!amazon),
            account: self.account.take(),
            sharing: sharing.map(|given| level("sharing", &given)).transpose()?,
            key,
            secret: Secret::new(secret.trim()),
            token: token.map(|text| Secret::new(text.trim())),
            ca: self.ca.take(),
        })
    }
}
