//! Uploading a log, watching it being read, and what became of each of its lines.

use axum::extract::{Multipart, Path};
use casbah_model::filter::Page;
use casbah_model::{Access, DiscoveryTask, Part, RecordId, StreamKind, TaskState};
use casbah_service::tasks::TaskQuery;
use casbah_service::uploads::{Finish, NewLog};
use casbah_service::{Error, Service};
use futures_util::TryStreamExt as _;
use maud::{Markup, html};
use serde_json::Value as Json;
use tokio_util::io::StreamReader;

use super::tabs;
use crate::portal::fields::Fields;
use crate::portal::form::{self, State};
use crate::portal::table::{self, column};
use crate::portal::text::{filled, t};
use crate::portal::visit::{Answer, Failed, Visit};
use crate::portal::{layout, shown};
use crate::respond::see_other;

const HERE: &str = "/portal/discovery/upload";
const LOGS: &str = "/portal/discovery/logs";
const PAGE: i64 = 50;
/// Seconds until a page looks again.
const LOOK: u32 = 2;
/// Bytes of a field beside the file.
const LONGEST_FIELD: usize = 4096;

pub(crate) async fn show(visit: Visit) -> Answer {
    visit.check(Part::Uploads, Access::Change)?;
    page(&visit, &State::default()).await
}

async fn page(visit: &Visit, state: &State) -> Answer {
    let streams = visit.service().list_streams(visit.caller()).await?;
    let inputs: Vec<_> =
        streams.iter().filter(|s| s.kind == StreamKind::Input).map(|s| s.name.clone()).collect();
    let sources: Vec<_> =
        Service::log_sources().into_iter().map(|id| (id.to_string(), id.to_string())).collect();
    let report =
        state.fields.given("report").unwrap_or(if inputs.is_empty() { "snapshot" } else { "continuous" });
    let body = html! {
        (tabs(visit, HERE))
        (state.summary())
        (form::upload(HERE, &html! {
            (state.select("source", t("Where the log comes from"), &sources))
            fieldset {
                legend { (t("Which report it feeds")) }
                @if !inputs.is_empty() { label .choice {
                    input type="radio" name="report" value="continuous" checked[report == "continuous"];
                    span { (t("A continuous report, which grows with every log")) }
                } }
                label .choice {
                    input type="radio" name="report" value="snapshot" checked[report == "snapshot"];
                    span { (t("A snapshot report of its own")) }
                }
            }
            @if !inputs.is_empty() {
                (state.select("stream", t("Continuous report"), &inputs.iter().map(|n| (n.clone(), n.clone())).collect::<Vec<_>>()))
            }
            (state.text("name", t("Name of the snapshot report"), Some(t("Only for a snapshot report.")), false))
            div .field {
                label for="field-file" { (t("The log")) }
                p .hint #hint-file { (t("As it is, or packed with gzip, zip or zstd. You can drop it here.")) }
                input #field-file type="file" name="file" required aria-describedby="hint-file";
            }
            div .buttons { button { (t("Upload")) } }
        }))
    };
    let title = t("Upload a log");
    Ok(if state.problem.is_some() { layout::refused(title, &body) } else { layout::page(title, &body) })
}

pub(crate) async fn take(visit: Visit, mut form: Multipart) -> Answer {
    visit.check(Part::Uploads, Access::Change)?;
    let broken = || Failed::invalid("file", t("The upload broke off: send it again."));
    let mut pairs: Vec<(String, String)> = Vec::new();
    while let Some(mut field) = form.next_field().await.map_err(|_| broken())? {
        let name = field.name().unwrap_or_default().to_string();
        if name != "file" {
            let mut text = Vec::new();
            while let Some(chunk) = field.chunk().await.map_err(|_| broken())? {
                text.extend_from_slice(&chunk);
                if text.len() > LONGEST_FIELD {
                    return Err(Failed::invalid(&name, t("This is too long.")));
                }
            }
            pairs.push((name, String::from_utf8_lossy(&text).into_owned()));
            continue;
        }
        // The file is the last field, so the proof was read before the first byte of it.
        let fields = Fields::from_pairs(pairs);
        if !visit.here.proves(fields.get("proof")) {
            return Err(Failed::Stale(Fields::default()));
        }
        let snapshot = fields.get("report") == "snapshot";
        let filename = field.file_name().unwrap_or_default().to_string();
        if filename.is_empty() {
            return page(&visit, &State::wrong(fields, "file", t("Choose a file."))).await;
        }
        let new = NewLog {
            filename,
            source: fields.get("source").to_string(),
            stream: fields.get(if snapshot { "name" } else { "stream" }).to_string(),
            snapshot,
        };
        if new.stream.is_empty() {
            let why = t("Give the report a name.");
            return page(&visit, &State::wrong(fields, "name", why)).await;
        }
        let mut bytes = StreamReader::new(field.map_err(std::io::Error::other));
        return match visit.service().take_log(visit.caller(), new, &mut bytes).await {
            Ok(Finish::Queued { task, .. }) => Ok(see_other(&format!("{LOGS}/{task}"))),
            Ok(Finish::NoSuchStream { existing }) => {
                let why = filled(
                    "There is no such report within your reach; there are: {names}",
                    &[("names", &existing.join(", "))],
                );
                page(&visit, &State::wrong(fields, if snapshot { "name" } else { "stream" }, why)).await
            }
            Err(Error::Invalid { field, why }) => {
                let field = match field.as_str() {
                    "source" | "file" => field.as_str(),
                    "inputStreamName" => "name",
                    _ => "file",
                };
                page(&visit, &State::refused(fields.clone(), field, why)).await
            }
            Err(other) => Err(other.into()),
        };
    }
    Err(Failed::invalid("file", t("Choose a file.")))
}

/// The logs that were read or are being read.
pub(crate) async fn logs(visit: Visit) -> Answer {
    visit.check(Part::GovernanceLog, Access::Read)?;
    let skip = visit.query().get("skip").parse::<i64>().unwrap_or(0).clamp(0, 100_000);
    let query = TaskQuery { conditions: Vec::new(), ascending: false, page: Page { skip, limit: PAGE } };
    let found = visit.service().list_tasks(visit.caller(), query).await?;
    let clock = visit.service().clock();
    let rows: Vec<_> = found
        .tasks
        .iter()
        .map(|task| {
            vec![
                html! { a href={ (LOGS) "/" (task.id) } { (shown::name(&task.filename)) } },
                html! { code { (task.source) } },
                state(task),
                shown::name(&task.initiator),
                shown::time(clock, task.created),
            ]
        })
        .collect();
    let columns = [
        column(t("Log")),
        column(t("Source")),
        column(t("State")),
        column(t("Uploaded by")),
        column(t("When")),
    ];
    let next = format!("{LOGS}?skip={}", skip + PAGE);
    let body = html! {
        (tabs(&visit, LOGS))
        @if rows.is_empty() {
            (table::empty(t("No log was uploaded yet."), visit.may(Part::Uploads, Access::Change).then_some((t("Upload a log"), HERE))))
        } @else { (table::plain(t("Logs"), &columns, &rows)) }
        (table::pager((skip > 0).then_some(LOGS), (skip + PAGE < found.total).then_some(next.as_str())))
    };
    Ok(layout::page(t("Logs"), &body))
}

fn state(task: &DiscoveryTask) -> Markup {
    match &task.state {
        TaskState::Pending => html! { span .badge .information { (t("being read")) } },
        TaskState::Succeeded => html! { span .badge .good { (t("read")) } },
        TaskState::Failed(why) => html! { span .badge .high { (t("refused")) } " " span lang="en" { (why) } },
    }
}

/// One log: how far it is, or what became of its lines.
pub(crate) async fn show_one(visit: Visit, Path(id): Path<String>) -> Answer {
    visit.check(Part::GovernanceLog, Access::Read)?;
    let id: RecordId = id.parse().map_err(|_| Failed::NotFound)?;
    let task = visit.service().task(visit.caller(), id).await?;
    let clock = visit.service().clock();
    let pending = task.state == TaskState::Pending;
    let body = html! {
        (tabs(&visit, LOGS))
        p role="status" { (state(&task)) @if pending { " " (t("This page looks again by itself.")) } }
        @if pending { progress aria-label=(t("being read")) {} }
        dl {
            dt { (t("Source")) } dd { code { (task.source) } }
            dt { (t("Uploaded by")) } dd { (shown::name(&task.initiator)) " " (shown::time(clock, task.created)) }
            @if let Some(at) = task.finished { dt { (t("Finished")) } dd { (shown::time(clock, at)) } }
        }
        @if !pending {
            h2 { (t("What became of its lines")) }
            (figures(&task.figures))
            @if task.state == TaskState::Succeeded {
                div .buttons { a .button href={ "/portal/discovery?stream=" (task.stream) "&days=90" } { (t("To the report")) } }
            }
        }
    };
    let title = crate::names::shown(&task.filename);
    Ok(if pending { layout::watching(&title, LOOK, &body) } else { layout::page(&title, &body) })
}

/// The accounting as it was written down: every figure, lists of reasons below.
fn figures(all: &Json) -> Markup {
    html! { @if let Json::Object(fields) = all { dl { @for (name, value) in fields {
        dt { code { (name) } }
        dd { @match value {
            Json::Object(_) => (figures(value)),
            Json::Array(list) => ul { @for entry in list { li { @match entry {
                Json::Object(_) => (figures(entry)), Json::String(text) => code { (text) }, other => (other)
            } } } },
            Json::Number(n) => @match n.as_i64() { Some(n) => (shown::number(n)), None => (n) },
            Json::String(text) => (shown::name(text)),
            other => (other),
        } }
    } } } }
}
