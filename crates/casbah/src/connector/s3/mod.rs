//! A bucket of an S3-compatible store: what it lists, and how far it is shared.

mod access;
mod answer;
mod policy;

use std::collections::VecDeque;
use std::time::Duration;

use casbah_model::Timestamp;
use rusty_s3::actions::GetObject;
use rusty_s3::{Bucket, Credentials, S3Action, UrlStyle};

use super::settings::Store;
use super::{Found, Next, Owner, Source};
use crate::client::failure::{Exit, Failure};
use crate::client::http::{Answer, Body, Http};
use access::Access;
use answer::tree;

/// How long a signed request may be on its way.
const SIGNED_FOR: Duration = Duration::from_secs(300);
/// How often a request is sent that the store cannot take now, and the pause before it is sent again.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_secs(2);

/// A connection to one bucket.
struct Client {
    http: Http,
    bucket: Bucket,
    credentials: Credentials,
}

impl Client {
    fn new(store: &Store) -> Result<Client, Failure> {
        let style = if store.path_style { UrlStyle::Path } else { UrlStyle::VirtualHost };
        let bucket = Bucket::new(store.endpoint.clone(), style, store.bucket.clone(), store.region.clone());
        let bucket = bucket.map_err(|e| Failure::usage(format!("{}: {e}", store.endpoint)))?;
        let credentials = match &store.token {
            Some(token) => {
                Credentials::new_with_token(store.key.clone(), store.secret.expose(), token.expose())
            }
            None => Credentials::new(store.key.clone(), store.secret.expose()),
        };
        Ok(Client { http: Http::new(store.ca.as_deref())?, bucket, credentials })
    }

    /// Asks for an object, or with no key for the bucket itself, or for what `query` names of it.
    fn get(&self, key: &str, query: &[(&str, &str)]) -> Result<Answer, Failure> {
        let mut tries = 1;
        loop {
            let mut action = GetObject::new(&self.bucket, Some(&self.credentials), key);
            for (name, value) in query {
                action.query_mut().insert((*name).to_string(), (*value).to_string());
            }
            let url = action.sign(SIGNED_FOR);
            match self.http.send("GET", url.as_str(), &[], Body::Empty) {
                Ok(answer) if matches!(answer.status, 429 | 500 | 502..=504) && tries < TRIES => {}
                Err(failure) if failure.exit == Exit::Unreachable && tries < TRIES => {}
                outcome => return outcome,
            }
            std::thread::sleep(PAUSE * tries);
            tries += 1;
        }
    }

    /// What a setting of the bucket says, such as `policy`; none when it has none, or the store knows no such thing.
    fn setting(&self, name: &str, permission: &str) -> Result<Option<Answer>, Failure> {
        let answer = self.get("", &[(name, "")])?;
        match answer.status {
            _ if answer.ok() => Ok(Some(answer)),
            404 | 405 | 501 => match code(&answer).as_str() {
                "NoSuchBucket" => Err(failure(&answer, &self.what())),
                _ => Ok(None),
            },
            403 => {
                let why = format!(
                    "{}: the key may not read {name} ({permission}), so nobody knows how far files are shared; allow it, \
                     or say it with sharing",
                    self.what()
                );
                Err(Failure::new(Exit::Refused, why))
            }
            _ => Err(failure(&answer, &self.what())),
        }
    }

    fn what(&self) -> String {
        format!("bucket {}", self.bucket.name())
    }
}

/// The code of an error in XML; empty when there is none.
fn code(answer: &Answer) -> String {
    tree(&answer.body).map(|error| error.text("Code").to_string()).unwrap_or_default()
}

/// An error in the words of the store.
fn failure(answer: &Answer, what: &str) -> Failure {
    let error = tree(&answer.body).unwrap_or_default();
    let (code, message) = (error.text("Code"), error.text("Message"));
    let exit = match answer.status {
        401 | 403 => Exit::Refused,
        404 => Exit::NotFound,
        429 | 500.. => Exit::TryLater,
        _ => Exit::Failed,
    };
    let said =
        if code.is_empty() { format!("status {}", answer.status) } else { format!("{code}: {message}") };
    Failure::new(exit, format!("{what}: {said}"))
}

/// The objects of a bucket in the order of bytes of their keys, and the folders that their keys speak of.
pub(super) struct Listing {
    client: Client,
    access: Access,
    prefix: String,
    /// What was read and not yet given.
    ready: VecDeque<Object>,
    /// Where the next page begins; none behind the last.
    next: Option<Page>,
    /// Everything up to here, and with this, was told already.
    after: Option<String>,
    /// The folder whose object came last.
    folder: String,
    /// Folders and objects to be given before anything else.
    given: VecDeque<Found>,
}

enum Page {
    First,
    Behind(String),
}

/// An object as a list has it.
struct Object {
    key: String,
    modified: Option<i64>,
    size: i64,
    hash: Option<String>,
    owner: Option<Owner>,
}

impl Listing {
    pub(super) fn new(store: &Store, after: Option<String>) -> Result<Listing, Failure> {
        let client = Client::new(store)?;
        let access = Access::read(&client, store)?;
        Ok(Listing {
            client,
            access,
            prefix: store.prefix.clone(),
            ready: VecDeque::new(),
            next: Some(Page::First),
            after,
            folder: String::new(),
            given: VecDeque::new(),
        })
    }

    fn read(&mut self, page: &Page) -> Result<(), Failure> {
        let after = self.after.as_ref().map(|after| format!("{}{after}", self.prefix));
        let mut query = vec![
            ("encoding-type", "url"),
            ("fetch-owner", "true"),
            ("list-type", "2"),
            ("prefix", &self.prefix),
        ];
        match (page, &after) {
            (Page::Behind(token), _) => query.push(("continuation-token", token)),
            (Page::First, Some(after)) => query.push(("start-after", after)),
            (Page::First, None) => {}
        }
        query.sort_unstable();
        let answer = self.client.get("", &query)?;
        if !answer.ok() {
            return Err(failure(&answer, &self.client.what()));
        }
        let list = tree(&answer.body).ok_or_else(|| Failure::shape("a list of objects"))?;
        let encoded = list.text("EncodingType").eq_ignore_ascii_case("url");
        for one in list.all("Contents") {
            let key = one.text("Key");
            let key = if encoded { decoded(key) } else { key.to_string() };
            let etag = one.text("ETag").trim_matches('"');
            let owner = one.child("Owner").map(|owner| Owner {
                id: owner.text("ID").to_string(),
                name: Some(owner.text("DisplayName").to_string()).filter(|name| !name.is_empty()),
            });
            self.ready.push_back(Object {
                key,
                modified: one.text("LastModified").parse::<Timestamp>().ok().map(|at| at.0),
                size: one.text("Size").parse().unwrap_or(0),
                hash: (!etag.is_empty()).then(|| format!("etag:{etag}")),
                owner: owner.filter(|owner| !owner.id.is_empty()),
            });
        }
        self.next = match (list.text("IsTruncated"), list.text("NextContinuationToken")) {
            ("true", "") => return Err(Failure::shape("a list that says where it goes on")),
            ("true", token) => Some(Page::Behind(token.to_string())),
            _ => None,
        };
        Ok(())
    }

    /// The folders that a key is the first to speak of, and the object itself.
    fn give(&mut self, object: Object) -> Result<(), Failure> {
        let path = object.key.strip_prefix(&self.prefix).unwrap_or(&object.key).to_string();
        for (end, _) in path.match_indices('/') {
            let folder = path.get(..=end).unwrap_or_default();
            if !self.folder.starts_with(folder) && self.is_new(folder) {
                self.given.push_back(Found {
                    path: folder.to_string(),
                    level: self.access.listing(),
                    ..Found::default()
                });
            }
        }
        self.folder = path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
        // A key that ends with a slash stands for its folder.
        if path.is_empty() || path.ends_with('/') || !self.is_new(&path) {
            return Ok(());
        }
        let shared = self.access.object(&self.client, &object.key)?;
        self.given.push_back(Found {
            size: object.size,
            modified: object.modified,
            owner: object.owner,
            level: shared.level,
            others: shared.others,
            hash: object.hash,
            link: Some(self.client.bucket.object_url(&object.key).to_string()),
            path,
            ..Found::default()
        });
        Ok(())
    }

    fn is_new(&self, path: &str) -> bool {
        self.after.as_deref().is_none_or(|after| path > after)
    }
}

impl Source for Listing {
    fn next(&mut self) -> Result<Option<Next>, Failure> {
        loop {
            if let Some(found) = self.given.pop_front() {
                return Ok(Some(Next::Found(found)));
            }
            if let Some(object) = self.ready.pop_front() {
                self.give(object)?;
                continue;
            }
            let Some(page) = self.next.take() else { return Ok(None) };
            self.read(&page)?;
        }
    }

    fn hash(&self, _: &str) -> Result<Option<String>, Failure> {
        Ok(None)
    }

    fn full_path(&self, path: &str) -> String {
        format!("s3://{}/{}{path}", self.client.bucket.name(), self.prefix)
    }
}

/// A key as lists encode it: a plus sign is a blank.
fn decoded(key: &str) -> String {
    let plain = key.replace('+', " ");
    percent_encoding::percent_decode_str(&plain).decode_utf8_lossy().into_owned()
}
