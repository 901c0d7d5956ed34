//! One pass over a source and over what was told of it: what is new or changed is told, what is gone is told as
//! deleted.

use std::cmp::Ordering;
use std::io::Write;
use std::time::Duration;

use aws_lc_rs::digest;
use casbah_model::Clock;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Map, Value, json};

use super::settings::{Place, Settings, Told};
use super::state::{Head, Known, KnownLines, State};
use super::{Found, Next, Run, Source};
use crate::client::directory::items;
use crate::client::failure::{Exit, Failure};
use crate::client::{ConnectionArgs, Session};
use crate::output::note;
use crate::output::progress::Progress;

/// Records of one request, and their bytes before packing.
const BATCH: usize = 1_000;
const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// What is known is written down when so much of it waits, also when there is nothing to tell.
const MOST_PENDING: usize = 5_000;
/// How often a request is sent that the server cannot take now, and the pause before it is sent again.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_secs(2);
/// Refused records that are told of one by one.
const MOST_TOLD: usize = 10;
const DELETED: i64 = 2;

/// What a pass came to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Figures {
    seen: u64,
    told: u64,
    same: u64,
    deleted: u64,
    refused: u64,
    before: u64,
}

impl Figures {
    pub(super) fn json(self, name: &str) -> Value {
        json!({
            "name": name, "seen": self.seen, "told": self.told, "same": self.same, "deleted": self.deleted,
            "refused": self.refused, "before": self.before,
        })
    }
}

/// Opens a source behind a path.
pub(super) type Open<'o> = dyn Fn(Option<String>) -> Result<Box<dyn Source>, Failure> + 'o;

/// Makes the pass.
pub(super) fn run(
    settings: &Settings,
    told: &Told,
    open: &Open<'_>,
    (connection, clock): (&ConnectionArgs, Clock),
    run: Run<'_>,
) -> Result<Figures, Failure> {
    let session = Session::open(connection, clock)?;
    let head = Head {
        of: whole(&told.place),
        server: session.server.url.clone(),
        tenant: session.server.tenant.clone(),
    };
    let state = State::open(&settings.state, &told.name, head)?;
    let source = open(state.after.clone())?;
    let mut known = state.known()?;
    let mut old = known.next()?;
    while let (Some(one), Some(after)) = (&old, &state.after) {
        if one.path > *after {
            break;
        }
        old = known.next()?;
    }
    let progress = Progress::records(&told.name, run.quiet);
    let mut pass = Pass {
        told,
        session,
        connection,
        clock,
        state,
        source,
        progress,
        known,
        old,
        lines: Vec::new(),
        bytes: 0,
        pending: Vec::new(),
        figures: Figures::default(),
        said: 0,
        last: None,
    };
    if pass.state.after.is_some() {
        note(&format!("{}: going on where it was interrupted", told.name));
    }
    pass.walk(matches!(told.place, Place::Folder(_)) && !run.allow_empty)?;
    pass.progress.finish();
    let figures = pass.figures;
    pass.state.finish()?;
    Ok(figures)
}

fn whole(place: &Place) -> String {
    match place {
        Place::Folder(folder) => folder.root.display().to_string(),
        Place::S3(store) => format!("{}{}/{}", store.endpoint, store.bucket, store.prefix),
    }
}

struct Pass<'p> {
    told: &'p Told,
    session: Session,
    connection: &'p ConnectionArgs,
    clock: Clock,
    state: State,
    source: Box<dyn Source>,
    progress: Progress,
    known: KnownLines,
    /// The next one of those.
    old: Option<Known>,
    /// Records to send, each with its place in `pending` unless it is of a deleted file.
    lines: Vec<(String, Option<usize>)>,
    bytes: usize,
    /// What the server has been told of once the records are sent.
    pending: Vec<Known>,
    figures: Figures,
    said: usize,
    /// The path that came last.
    last: Option<String>,
}

impl Pass<'_> {
    fn walk(&mut self, careful: bool) -> Result<(), Failure> {
        let mut first = true;
        loop {
            let next = self.source.next()?;
            if careful && first && next.is_none() && self.old.is_some() && self.state.after.is_none() {
                return Err(Failure::failed(
                    "the folder is empty, and was not; if that is right, and not a disk that is missing, \
                     say so with --allow-empty",
                ));
            }
            first = false;
            match next {
                Some(Next::Found(found)) => self.found(found)?,
                Some(Next::Unknown(path)) => {
                    self.gone_before(&path)?;
                    while let Some(old) = self.old.take_if(|old| old.path.starts_with(&path)) {
                        self.keep(old)?;
                        self.old = self.known.next()?;
                    }
                }
                None => break,
            }
        }
        while let Some(old) = self.old.take() {
            self.gone(old)?;
            self.old = self.known.next()?;
        }
        self.send()
    }

    fn found(&mut self, found: Found) -> Result<(), Failure> {
        self.figures.seen += 1;
        self.progress.advance(1);
        let path = found.path.clone();
        // Whatever would be passed over here would be taken for deleted.
        if self.last.as_ref().is_some_and(|last| path <= *last) {
            let why =
                format!("{path:?} does not come in the order of its bytes; nothing is told of such a source");
            return Err(Failure::failed(why));
        }
        self.last = Some(path.clone());
        self.gone_before(&path)?;
        let old = self.old.take_if(|old| old.path == path);
        if old.is_some() {
            self.old = self.known.next()?;
        }
        let record = self.record(&found, old.as_ref())?;
        if old.is_some_and(|old| old.record == record) {
            self.figures.same += 1;
        } else {
            self.figures.told += 1;
            self.tell(&record, Some(self.pending.len()));
        }
        self.keep(Known { path, record })
    }

    /// What was known before `path` and did not come is gone.
    fn gone_before(&mut self, path: &str) -> Result<(), Failure> {
        while let Some(old) = self.old.take_if(|old| old.path.as_str().cmp(path) == Ordering::Less) {
            self.gone(old)?;
            self.old = self.known.next()?;
        }
        Ok(())
    }

    fn gone(&mut self, old: Known) -> Result<(), Failure> {
        self.figures.deleted += 1;
        let mut record = old.record;
        record.insert("fileStatus".into(), json!(DELETED));
        self.tell(&record, None);
        self.send_if_large()
    }

    fn tell(&mut self, record: &Map<String, Value>, place: Option<usize>) {
        let line = Value::Object(record.clone()).to_string();
        self.bytes += line.len();
        self.lines.push((line, place));
    }

    fn keep(&mut self, known: Known) -> Result<(), Failure> {
        self.pending.push(known);
        self.send_if_large()
    }

    fn send_if_large(&mut self) -> Result<(), Failure> {
        let large =
            self.lines.len() >= BATCH || self.bytes >= BATCH_BYTES || self.pending.len() >= MOST_PENDING;
        if large { self.send() } else { Ok(()) }
    }

    /// Sends what waits, and writes down what the server has taken. What it refused is told again the next time.
    fn send(&mut self) -> Result<(), Failure> {
        let lines = std::mem::take(&mut self.lines);
        let mut pending: Vec<Option<Known>> =
            std::mem::take(&mut self.pending).into_iter().map(Some).collect();
        self.bytes = 0;
        if !lines.is_empty() {
            let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
            for (line, _) in &lines {
                writeln!(packed, "{line}")?;
            }
            let answer = self.ingest(&packed.finish()?)?;
            let figure = |name: &str| answer.get(name).and_then(Value::as_u64).unwrap_or(0);
            let rejected = figure("rejected");
            self.figures.before += figure("unchanged");
            self.figures.refused += rejected;
            let errors = items(&answer, "errors");
            // The answer tells of the first ones only; then nobody knows which of the others were taken.
            let untold = rejected > errors.len() as u64;
            for (number, (_, place)) in lines.iter().enumerate() {
                let of_line = |error: &&Value| error["line"].as_u64() == Some(number as u64 + 1);
                let error = errors.iter().find(of_line);
                if let (Some(place), true) = (place, untold || error.is_some())
                    && let Some(known) = pending.get_mut(*place).and_then(Option::take)
                    && let Some(error) = error
                {
                    self.refused(&known.path, error);
                }
            }
        }
        let taken: Vec<Known> = pending.into_iter().flatten().collect();
        self.state.add(&taken)
    }

    fn refused(&mut self, path: &str, error: &Value) {
        self.said += 1;
        if self.said <= MOST_TOLD {
            let why = error["error"].as_str().unwrap_or("no reason given");
            note(&format!("refused: {}: {why}", self.source.full_path(path)));
        }
    }

    fn ingest(&mut self, packed: &[u8]) -> Result<Value, Failure> {
        let (mut tries, mut renewed) = (1, false);
        loop {
            match self.session.ingest("/api/v1/files/ingest/", packed) {
                Err(failure) if failure.exit == Exit::TryLater && tries < TRIES => {
                    std::thread::sleep(PAUSE * tries);
                    tries += 1;
                }
                // A pass may take longer than a token lives.
                Err(failure) if failure.exit == Exit::NotSignedIn && !renewed => {
                    renewed = true;
                    self.session = Session::open(self.connection, self.clock)?;
                }
                outcome => return outcome,
            }
        }
    }

    /// The record of the API. The content of a file is read only when it may have changed.
    fn record(&self, found: &Found, old: Option<&Known>) -> Result<Map<String, Value>, Failure> {
        let folder = found.path.ends_with('/');
        let trimmed = found.path.strip_suffix('/').unwrap_or(&found.path);
        let (parent, name) =
            trimmed.rsplit_once('/').map_or((None, trimmed), |(parent, name)| (Some(parent), name));
        let parent = parent.map(|parent| self.id(&format!("{parent}/")));
        // A store may have such names.
        let name = if name.trim().is_empty() { "/" } else { name };
        let address = found.owner.as_ref().and_then(|owner| self.address(owner));
        let mut record = json!({
            "id": self.id(&found.path),
            "name": name,
            "appId": self.told.app,
            "instId": self.told.instance,
            "isFolder": folder,
            "fileSize": found.size,
            "fileAccessLevel": found.level,
            "filePath": self.source.full_path(&found.path),
        });
        let others = found.others.iter().map(|id| json!({ "id": id, "accessLevel": 2 }));
        let others: Vec<Value> = others.collect();
        let hash = match (&found.hash, folder) {
            (Some(hash), _) => Some(hash.clone()),
            (None, true) => None,
            (None, false) => {
                let same = old.filter(|old| {
                    old.record.get("fileSize").and_then(Value::as_i64) == Some(found.size)
                        && old.record.get("modifiedDate").and_then(Value::as_i64) == found.modified
                });
                let known = same.and_then(|old| old.record.get("contentHash")).and_then(Value::as_str);
                match known {
                    Some(known) => Some(known.to_string()),
                    None => self.source.hash(&found.path)?,
                }
            }
        };
        for (field, value) in [
            ("appName", json!(self.told.app_name)),
            ("modifiedDate", json!(found.modified)),
            ("parentId", json!(parent)),
            ("ownerId", json!(found.owner.as_ref().map(|owner| owner.name.as_ref().unwrap_or(&owner.id)))),
            ("ownerName", json!(found.owner.as_ref().and_then(|owner| owner.name.clone()))),
            ("ownerAddress", json!(address)),
            ("contentHash", json!(hash)),
            ("alternateLink", json!(found.link)),
            ("groups", json!(found.groups)),
            ("collaborators", json!(others)),
        ] {
            if !value.is_null() && value != json!([]) {
                record[field] = value;
            }
        }
        match record {
            Value::Object(record) => Ok(record),
            _ => Ok(Map::new()),
        }
    }

    fn address(&self, owner: &super::Owner) -> Option<String> {
        let told = |name: &String| self.told.owners.get(name).cloned();
        let named = owner.name.as_ref();
        told(&owner.id).or_else(|| named.and_then(told)).or_else(|| {
            let (name, domain) = (named?, self.told.domain.as_ref()?);
            Some(format!("{name}@{domain}"))
        })
    }

    /// The id of a path in its app. Paths differ by case and ids do not, so it is a digest.
    fn id(&self, path: &str) -> String {
        let text = format!("{}\0{path}", self.told.name);
        let mut id = hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
        id.truncate(32);
        id
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
