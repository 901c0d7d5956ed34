//! `casbah discovery upload`: logs to the server, and the wait for the report.

use std::path::{Path, PathBuf};
use std::time::Duration;

use casbah_discovery::{Options, SOURCES};
use clap::Args;
use serde_json::{Value, json};

use super::apps::{APPS, discovered_apps, streams};
use super::log::tell;
use super::sources::{detect_log, is_auto};
use crate::client::Session;
use crate::client::directory::{items, text};
use crate::client::failure::Failure;
use crate::client::upload::Upload;
use crate::output::progress::Progress;
use crate::output::{Cell, Column, Output, count, note, paint, style};

/// Arguments of `casbah discovery upload`.
#[derive(Args, Clone, Debug)]
pub struct UploadArgs {
    /// Logs, plain or compressed; - for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Their format, for example SQUID_NATIVE; auto finds out from the first of them
    #[arg(long, short, value_name = "SOURCE")]
    source: String,
    /// Name of the stream that they feed, or of the new snapshot report
    #[arg(long, value_name = "NAME")]
    stream: String,
    /// Make a snapshot report of their own, which feeds no stream and raises no alert
    #[arg(long)]
    snapshot: bool,
    /// Make the stream if there is none of that name
    #[arg(long, conflicts_with = "snapshot")]
    create_stream: bool,
    /// Do not wait for the report
    #[arg(long)]
    no_wait: bool,
    /// No progress
    #[arg(long, short)]
    quiet: bool,
}

/// What became of one file.
const FIGURES: &[Column] = &[
    Column::text("File", "file", "/file"),
    Column::new("Lines", "lines", "/figures/lines", Cell::Count),
    Column::new("Parsed", "parsed", "/figures/parsed", Cell::Count),
    Column::new("Skipped", "skipped", "/figures/skipped", Cell::Count),
    Column::new("Ignored", "ignored", "/figures/ignored", Cell::Count),
    Column::new("Too old", "tooOld", "/figures/tooOld", Cell::Count),
    Column::new("Alerts", "alerts", "/figures/alerts", Cell::Count),
    Column::text("Task", "taskId", "/taskId"),
];

/// Looking more often than this would only load the server.
const POLL: [Duration; 2] = [Duration::from_millis(150), Duration::from_secs(2)];

/// Uploads the files and shows what they gave.
pub fn run(session: &Session, output: &Output, arguments: &UploadArgs) -> Result<(), Failure> {
    let mut arguments = arguments.clone();
    if is_auto(&arguments.source) {
        let file = arguments.files[0].as_path();
        let (format, reason) = detect_log(file, &Options::at(crate::commands::clock()?.now().0))?;
        note(&format!("{} is sent as {}: {reason}", file.display(), format.id));
        arguments.source = format.id.to_string();
    }
    let arguments = &arguments;
    if arguments.create_stream {
        ensure_stream(session, &arguments.stream, &arguments.source)?;
    } else if !arguments.snapshot && !has_stream(session, &arguments.stream)? {
        // Better said before gigabytes are on their way.
        return Err(Failure::not_found(format!(
            "there is no stream {}; --create-stream makes it",
            arguments.stream
        )));
    }
    let (mut results, mut failures) = (Vec::new(), 0);
    let mut stream = String::new();
    for file in &arguments.files {
        let name = name_of(file);
        let known = known_tasks(session)?;
        let answer = send(session, file, &name, arguments)?;
        stream = text(&answer, "inputStreamId").to_string();
        if arguments.no_wait {
            note(&format!("{name} is uploaded; the governance log tells what becomes of it"));
            continue;
        }
        let task = wait_for_report(session, &answer, &name, &known, arguments.quiet)?;
        match outcome(&task) {
            Ok(()) => results.push((name, task)),
            Err(why) => {
                failures += 1;
                note(&format!("{} {name}: {why}", paint(style::BAD, "error:")));
                tell(&name, &task["figures"]);
            }
        }
    }
    if arguments.no_wait {
        return Ok(());
    }
    let rows: Vec<Value> = results.iter().map(|(name, task)| result(name, task)).collect();
    output.list(FIGURES, &rows)?;
    results.iter().for_each(|(name, task)| tell(name, &task["figures"]));
    if output.for_people() && !results.is_empty() && !stream.is_empty() {
        crate::output::write("\n")?;
        output.list(APPS, &discovered_apps(session, &stream, 90, 20)?)?;
    }
    match failures {
        0 => Ok(()),
        _ => Err(Failure::failed(format!("{failures} of {} files gave no report", arguments.files.len()))),
    }
}

fn name_of(file: &Path) -> String {
    match file.file_name() {
        Some(name) if file != Path::new("-") => name.to_string_lossy().into_owned(),
        _ => "stdin.log".to_string(),
    }
}

fn send(session: &Session, file: &Path, name: &str, arguments: &UploadArgs) -> Result<Value, Failure> {
    let (mut content, size) = crate::commands::content(file)?;
    let upload = Upload {
        filename: name,
        source: &arguments.source,
        stream: &arguments.stream,
        snapshot: arguments.snapshot,
    };
    let mut progress = Progress::bytes(&format!("uploading {name}"), size, arguments.quiet);
    let answer = session.upload(&upload, &mut *content, size, &mut |bytes| progress.advance(bytes));
    progress.finish();
    answer
}

/// Makes a data source of this name, unless there is one; answers whether it made one.
pub fn ensure_stream(session: &Session, name: &str, source: &str) -> Result<bool, Failure> {
    if has_stream(session, name)? {
        return Ok(false);
    }
    let log_type = SOURCES.iter().find(|s| s.name.eq_ignore_ascii_case(source)).and_then(|s| s.log_type);
    let log_type = log_type
        .ok_or_else(|| Failure::usage(format!("{source} is not a log format that a stream can have")))?;
    let body = json!({ "displayName": name, "logType": log_type, "receiverType": "ftp", "receiverTypeFull": "ftp", "anonymizeUsers": false });
    session.api("POST", "/api/v1/discovery/data_sources/", Some(&body))?;
    Ok(true)
}

/// Whether there is a continuous report of this name that logs can feed.
fn has_stream(session: &Session, name: &str) -> Result<bool, Failure> {
    let is_input = |s: &Value| s.get("streamType").and_then(Value::as_i64) == Some(1);
    Ok(streams(session)?.iter().any(|s| is_input(s) && text(s, "displayName").eq_ignore_ascii_case(name)))
}

/// Ids of the parsing tasks that there are already, so that a new one can be told from them.
pub fn known_tasks(session: &Session) -> Result<Vec<String>, Failure> {
    Ok(tasks(session)?.iter().map(|task| text(task, "_id").to_string()).collect())
}

/// Waits until the uploaded file is a report, or is refused; answers the entry of the governance log.
pub fn wait_for_report(
    session: &Session,
    done: &Value,
    filename: &str,
    known: &[String],
    quiet: bool,
) -> Result<Value, Failure> {
    let mut progress = Progress::wait(&format!("reading {filename}"), quiet);
    let mut pause = POLL[0];
    let mut task = None;
    let found = loop {
        let found = match named_task(done).or(task.clone()) {
            Some(id) => Some(session.api("GET", &format!("/api/v1/governance/{id}/"), None)?),
            None => tasks(session)?.into_iter().find(|t| {
                text(t, "targetObject") == filename && !known.iter().any(|id| id == text(t, "_id"))
            }),
        };
        if let Some(found) = found {
            task = Some(text(&found, "_id").to_string());
            let figure = |name: &str| found.pointer(&format!("/figures/{name}")).and_then(Value::as_u64);
            if let (Some(size), Some(read)) = (figure("size"), figure("bytesRead")) {
                progress.reach(read, size);
            }
            if let Some(lines) = figure("lines") {
                progress.say(&format!(
                    "reading {filename}, {} lines",
                    count(i64::try_from(lines).unwrap_or(i64::MAX))
                ));
            }
            if found.pointer("/status/isSuccess").is_some_and(Value::is_boolean) {
                break found;
            }
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(POLL[1]);
        progress.tick();
    };
    progress.finish();
    Ok(found)
}

/// The task's id, where the server says it.
fn named_task(done: &Value) -> Option<String> {
    done.get("taskId").and_then(Value::as_str).map(str::to_string)
}

fn tasks(session: &Session) -> Result<Vec<Value>, Failure> {
    let body = json!({ "filters": { "type": { "eq": ["DiscoveryParseLogTask"] } }, "sortField": "timestamp", "sortDirection": "desc", "limit": 100 });
    Ok(items(&session.api("POST", "/api/v1/governance/", Some(&body))?, "data").to_vec())
}

/// Whether the file became a report, or the documented text that says why not.
pub fn outcome(task: &Value) -> Result<(), String> {
    if task.pointer("/status/isSuccess").and_then(Value::as_bool) == Some(true) {
        return Ok(());
    }
    let why = task.pointer("/status/statusMessage").and_then(Value::as_str).unwrap_or("no reason given");
    let more = match (task.pointer("/figures/why"), task.pointer("/figures/lines").and_then(Value::as_i64)) {
        (Some(Value::String(more)), _) => format!(": {more}"),
        (_, Some(lines)) => format!(" ({} lines)", count(lines)),
        _ => String::new(),
    };
    Err(format!("{why}{more}"))
}

/// A row of the table; the same bytes are counted once only, and that is said.
fn result(name: &str, task: &Value) -> Value {
    if task.pointer("/figures/duplicate").and_then(Value::as_bool) == Some(true) {
        note(&format!("{name} was uploaded to this stream before; it is not counted again"));
    }
    json!({ "file": name, "taskId": task["_id"], "figures": task["figures"] })
}
