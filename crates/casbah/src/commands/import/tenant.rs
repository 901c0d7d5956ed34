//! `casbah import --from`: the records of another tenant of this interface, Microsoft's or a Casbah's, copied through
//! its API. It reads page by page, stores each page here before it asks for the next, and writes down in a file how
//! far it has come; a run that was killed goes on there, and what it stores twice is known by its id.

use std::collections::VecDeque;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use casbah_model::{Secret, Timestamp};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{ImportArgs, PAUSE, TRIES};
use crate::client::Session;
use crate::client::directory::{items, text};
use crate::client::failure::{Exit, Failure};
use crate::client::http::{Answer, Body, Http};
use crate::output::progress::Progress;
use crate::output::{Cell, Column, Output, note};

/// Where the token for the source is found, unless a file holds it.
const TOKEN_VARIABLE: &str = "CASBAH_FROM_TOKEN";
/// The number of the app that a source writes its own trail under. Nobody but Casbah writes its own.
const OWN_APP: i64 = casbah_model::activity::CASBAH_APP;
/// Records that a page is asked for.
const PAGE: usize = 500;
/// Seconds to wait when the source is too busy and does not say for how long; and the longest wait.
const BUSY: u64 = 60;
const LONGEST_WAIT: u64 = 600;
/// How often in a row the source may be too busy.
const MOST_BUSY: u32 = 30;
/// Refused records that are told one by one.
const MOST_TOLD: usize = 10;

/// What can be copied, in this order: ranges first, so that addresses are known when activities come.
const KINDS: &[Kind] = &[
    Kind { name: "subnets", list: "/api/v1/subnet/", into: None },
    Kind { name: "entities", list: "/api/v1/entities/", into: Some("/api/v1/entities/ingest/") },
    Kind { name: "files", list: "/api/v1/files/", into: Some("/api/v1/files/ingest/") },
    Kind { name: "activities", list: "/api/v1/activities/", into: Some("/api/v1/activities/ingest/") },
    // Behind the activities that they came of.
    Kind { name: "alerts", list: "/api/v1/alerts/", into: Some("/api/v1/alerts/ingest/") },
];

/// A kind of record.
struct Kind {
    /// What `--only` calls it.
    name: &'static str,
    /// Its list at the source.
    list: &'static str,
    /// Where it is taken in; ranges are made one by one.
    into: Option<&'static str>,
}

const COLUMNS: &[Column] = &[
    Column::text("What", "name", "/name"),
    Column::new("Read", "read", "/read", Cell::Count),
    Column::new("Stored", "stored", "/stored", Cell::Count),
    Column::new("Known already", "unchanged", "/unchanged", Cell::Count),
    Column::new("Left out", "skipped", "/skipped", Cell::Count),
    Column::new("Refused", "rejected", "/rejected", Cell::Count),
];

/// The names of all kinds, for `--only`.
pub(super) fn kinds() -> Vec<&'static str> {
    KINDS.iter().map(|kind| kind.name).collect()
}

/// How far the copy has come; the file holds nothing else, and no secret.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    from: String,
    into: String,
    since: Option<i64>,
    kinds: Map<String, Value>,
}

/// How far one kind has come.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Reached {
    /// The filters of the next page; none before the first.
    filters: Option<Value>,
    /// Records that the next page passes over.
    skip: usize,
    read: u64,
    stored: u64,
    unchanged: u64,
    skipped: u64,
    rejected: u64,
    done: bool,
}

/// Runs the command.
pub(super) fn run(
    session: &Session,
    output: &Output,
    arguments: &ImportArgs,
    from: &str,
) -> Result<(), Failure> {
    let token = crate::commands::secret_from(arguments.from_token_file.as_deref(), TOKEN_VARIABLE)?;
    let token = token.ok_or_else(|| {
        Failure::usage(format!(
            "a token for {from} is needed: set {TOKEN_VARIABLE}, or name a file with --from-token-file"
        ))
    })?;
    let source = Source::new(from, arguments, &token)?;
    let file = arguments.state.clone().unwrap_or_else(|| state_file(&source.url));
    let since = arguments.since.as_deref().map(|text| since(text, session.clock.now())).transpose()?;
    let state = opened(&file, &source.url, &session.server.url, since)?;
    let mut copy = Copy { session, source, state, file, quiet: arguments.quiet, told: 0 };
    let mut results = Vec::new();
    for kind in KINDS {
        if !arguments.only.is_empty() && !arguments.only.iter().any(|name| name == kind.name) {
            continue;
        }
        let reached = copy.kind(kind)?;
        results.push(json!({
            "name": kind.name, "read": reached.read, "stored": reached.stored, "unchanged": reached.unchanged,
            "skipped": reached.skipped, "rejected": reached.rejected,
        }));
    }
    output.list(COLUMNS, &results)?;
    std::fs::remove_file(&copy.file).map_err(|e| Failure::file(&copy.file, &e))?;
    let refused: u64 = results.iter().filter_map(|result| result["rejected"].as_u64()).sum();
    match refused {
        0 => Ok(()),
        _ => Err(Failure::failed(format!("{refused} records were refused; all others are here"))),
    }
}

/// The file of a source, in the folder where the command runs.
fn state_file(url: &str) -> PathBuf {
    let host = url.split("//").nth(1).unwrap_or(url);
    let host: String =
        host.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect();
    PathBuf::from(format!("casbah-import-{host}.json"))
}

/// So many days ago (`30d`), or a date, or a moment.
fn since(text: &str, now: Timestamp) -> Result<i64, Failure> {
    if let Some(days) = text.strip_suffix('d').and_then(|days| days.parse::<u32>().ok()) {
        return Ok(now.minus(Duration::from_secs(24 * 60 * 60) * days).0);
    }
    let moment = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_string() };
    let parsed: Result<Timestamp, _> = moment.parse();
    parsed.map(|at| at.0).map_err(|_| {
        Failure::usage(format!(
            "{text:?} is neither days (30d), a date (2026-01-31) nor a moment (2026-01-31T12:00:00Z)"
        ))
    })
}

/// What the file says, or a new beginning.
fn opened(file: &Path, from: &str, into: &str, since: Option<i64>) -> Result<State, Failure> {
    let fresh = State { from: from.to_string(), into: into.to_string(), since, kinds: Map::new() };
    let bytes = match std::fs::read(file) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(fresh),
        Err(e) => return Err(Failure::file(file, &e)),
    };
    let place = file.display();
    let state: State = serde_json::from_slice(&bytes).map_err(|_| {
        Failure::usage(format!("{place} does not say how far an import has come; name another with --state"))
    })?;
    if (state.from.as_str(), state.into.as_str()) != (from, into) {
        let why = format!(
            "{place} is of an import from {} into {}; name another with --state",
            state.from, state.into
        );
        return Err(Failure::usage(why));
    }
    // Where an import goes on is settled; a new beginning needs a new file.
    if since.is_some() && since != state.since {
        return Err(Failure::usage(format!(
            "{place} is of an import with another --since; delete it to begin anew"
        )));
    }
    note(&format!("Going on where {place} says."));
    Ok(state)
}

struct Copy<'s> {
    session: &'s Session,
    source: Source,
    state: State,
    file: PathBuf,
    quiet: bool,
    told: usize,
}

impl Copy<'_> {
    /// Copies one kind from where it was left; how far it has come in all.
    fn kind(&mut self, kind: &Kind) -> Result<Reached, Failure> {
        let said = self.state.kinds.get(kind.name).cloned().unwrap_or(Value::Null);
        let mut reached: Reached = serde_json::from_value(said).unwrap_or_default();
        let mut progress = Progress::records(kind.name, self.quiet);
        while !reached.done {
            let page = self.source.page(kind, &reached, self.state.since, &mut progress)?;
            let records = items(&page, "data");
            match kind.into {
                Some(path) => self.take_in(path, records, &mut reached)?,
                None => self.ranges(records, &mut reached)?,
            }
            reached.read += records.len() as u64;
            if page.get("hasNext").and_then(Value::as_bool) != Some(true) || records.is_empty() {
                reached.done = true;
            } else if let Some(next) = page.get("nextQueryFilters").filter(|next| next.is_object()) {
                (reached.filters, reached.skip) = (Some(next.clone()), 0);
            } else {
                reached.skip += records.len();
            }
            let total = page.get("total").and_then(Value::as_u64).unwrap_or(0);
            progress.count(reached.read, reached.read.max(total));
            self.keep(kind, &reached)?;
        }
        progress.finish();
        if reached.skipped > 0 {
            note(&format!("{} {} of the source's own console were left out.", reached.skipped, kind.name));
        }
        Ok(reached)
    }

    /// Writes down how far a kind has come: complete, or as it was before.
    fn keep(&mut self, kind: &Kind, reached: &Reached) -> Result<(), Failure> {
        self.state.kinds.insert(kind.name.to_string(), json!(reached));
        let failed = |e: std::io::Error| Failure::file(&self.file, &e);
        let folder =
            self.file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut new = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        new.write_all(json!(self.state).to_string().as_bytes()).map_err(failed)?;
        new.as_file().sync_all().map_err(failed)?;
        new.persist(&self.file).map_err(|e| failed(e.error))?;
        Ok(())
    }

    fn take_in(&mut self, path: &str, records: &[Value], reached: &mut Reached) -> Result<(), Failure> {
        let own = |record: &Value| record.get("appId").and_then(Value::as_i64) == Some(OWN_APP);
        let wanted: Vec<&Value> = records.iter().filter(|record| !own(record)).collect();
        reached.skipped += (records.len() - wanted.len()) as u64;
        if wanted.is_empty() {
            return Ok(());
        }
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        for record in &wanted {
            writeln!(packed, "{record}")?;
        }
        let packed = packed.finish()?;
        let mut tries = 1;
        let answer = loop {
            match self.session.ingest(path, &packed) {
                Err(failure) if failure.exit == Exit::TryLater && tries < TRIES => {
                    std::thread::sleep(PAUSE * tries);
                    tries += 1;
                }
                outcome => break outcome?,
            }
        };
        let figure = |name: &str| answer.get(name).and_then(Value::as_u64).unwrap_or(0);
        reached.stored += figure("stored");
        reached.unchanged += figure("unchanged");
        reached.rejected += figure("rejected");
        for error in items(&answer, "errors") {
            let line = error.get("line").and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
            let record =
                line.and_then(|n| wanted.get(n.checked_sub(1)?)).map_or("", |record| text(record, "_id"));
            self.refused(record, text(error, "error"));
        }
        Ok(())
    }

    fn refused(&mut self, record: &str, why: &str) {
        self.told += 1;
        if self.told <= MOST_TOLD {
            note(&format!("refused: {record}: {why}"));
        }
    }

    /// Makes those ranges whose names are not here yet.
    fn ranges(&mut self, records: &[Value], reached: &mut Reached) -> Result<(), Failure> {
        let mut known = Vec::new();
        loop {
            let body = json!({ "skip": known.len(), "limit": 100 });
            let page = self.session.api("POST", "/api/v1/subnet/", Some(&body))?;
            known.extend(items(&page, "data").iter().map(|range| text(range, "name").to_lowercase()));
            if page.get("hasNext").and_then(Value::as_bool) != Some(true) {
                break;
            }
        }
        for record in records {
            let name = text(record, "name");
            if known.contains(&name.to_lowercase()) {
                reached.unchanged += 1;
                continue;
            }
            match self.session.api("POST", "/api/v1/subnet/create_rule/", Some(&range(record))) {
                Ok(_) => reached.stored += 1,
                Err(failure) if failure.exit == Exit::Failed => {
                    reached.rejected += 1;
                    self.refused(name, &failure.to_string());
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(())
    }
}

/// A range as it is made: built-in tags by id, which is the same everywhere, the tenant's own by name.
fn range(record: &Value) -> Value {
    let tags = items(record, "tags").iter().map(|tag| {
        let built_in = tag.get("type").and_then(Value::as_i64) == Some(2);
        json!(if built_in { text(tag, "id") } else { text(tag, "name") })
    });
    let subnets = items(record, "subnets").iter().map(|subnet| json!(text(subnet, "originalString")));
    json!({
        "name": record.get("name"),
        "category": record.get("category"),
        "subnets": subnets.collect::<Vec<_>>(),
        "organization": record.get("organization"),
        "location": record.get("location"),
        "tags": tags.collect::<Vec<_>>(),
    })
}

/// The tenant that is copied.
struct Source {
    http: Http,
    url: String,
    authorization: Secret,
    /// When the calls of the last minute were made.
    calls: VecDeque<Instant>,
    per_minute: usize,
}

impl Source {
    fn new(from: &str, arguments: &ImportArgs, token: &Secret) -> Result<Source, Failure> {
        let parsed = url::Url::parse(from).ok().filter(|url| url.host_str().is_some());
        let Some(parsed) = parsed else {
            return Err(Failure::usage(format!("{from:?} is not the address of a tenant")));
        };
        // An access token is a JWT, in three parts; all else is an API token.
        let scheme = if token.expose().split('.').count() == 3 { "Bearer" } else { "Token" };
        Ok(Source {
            http: Http::new(arguments.from_ca.as_deref())?,
            url: parsed.origin().ascii_serialization(),
            authorization: Secret::new(format!("{scheme} {}", token.expose().trim())),
            calls: VecDeque::new(),
            per_minute: usize::from(arguments.per_minute),
        })
    }

    /// One page of a list, from where it was left.
    fn page(
        &mut self,
        kind: &Kind,
        reached: &Reached,
        since: Option<i64>,
        progress: &mut Progress,
    ) -> Result<Value, Failure> {
        let first = match since {
            Some(since) if ["activities", "alerts"].contains(&kind.name) => {
                json!({ "date": { "gte": since } })
            }
            _ => json!({}),
        };
        let body = json!({
            "filters": reached.filters.clone().unwrap_or(first),
            "isScan": kind.into.is_some(),
            "skip": reached.skip,
            "limit": PAGE,
            "sortDirection": "asc",
        });
        let (mut busy, mut tries) = (0, 0);
        loop {
            self.pace(progress);
            let headers = [("authorization", self.authorization.expose()), ("accept", "application/json")];
            let url = format!("{}{}", self.url, kind.list);
            let wait = match self.http.send("POST", &url, &headers, Body::Json(&body)) {
                Ok(answer) if is_busy(&answer) && busy < MOST_BUSY => {
                    busy += 1;
                    let said = answer.header("retry-after").and_then(|text| text.trim().parse::<u64>().ok());
                    Duration::from_secs(said.unwrap_or(BUSY).min(LONGEST_WAIT))
                }
                Ok(answer) if matches!(answer.status, 408 | 500..=599) && tries < TRIES => {
                    tries += 1;
                    PAUSE * tries
                }
                Err(failure) if failure.exit == Exit::Unreachable && tries < TRIES => {
                    tries += 1;
                    PAUSE * tries
                }
                outcome => {
                    let named =
                        |failure: Failure| Failure::new(failure.exit, format!("{}: {failure}", self.url));
                    return outcome.map_err(named)?.json().map_err(named);
                }
            };
            progress.say(&format!("{}, waiting for the source", kind.name));
            std::thread::sleep(wait);
            progress.say(kind.name);
        }
    }

    /// Waits until another call fits into the minute.
    fn pace(&mut self, progress: &mut Progress) {
        const MINUTE: Duration = Duration::from_secs(60);
        while let Some(first) = self.calls.front().copied() {
            let age = first.elapsed();
            if age >= MINUTE {
                self.calls.pop_front();
            } else if self.calls.len() >= self.per_minute {
                progress.tick();
                std::thread::sleep(MINUTE - age);
            } else {
                break;
            }
        }
        self.calls.push_back(Instant::now());
    }
}

/// The two ways in which the source says that it is asked too often.
fn is_busy(answer: &Answer) -> bool {
    let says = || String::from_utf8_lossy(&answer.body).to_lowercase().contains("throttled");
    answer.status == 429 || (!answer.ok() && says())
}
