//! Files in apps: the list, and one with its owner, who has access, and the folders above it.

use axum::extract::Path;
use casbah_model::{Access, EntityAddress, File, Part, RecordId};
use maud::{Markup, html};
use serde_json::{Value as Json, json};

use crate::portal::fields::Fields;
use crate::portal::filter::labels::value_name;
use crate::portal::list::{self, Listed, number, text, time};
use crate::portal::table::{self, column};
use crate::portal::text::t;
use crate::portal::visit::{Answer, Failed, Visit};
use crate::portal::{filter, layout, shown};

const HERE: &str = "/portal/files";

const LISTED: Listed = Listed {
    resource: "files",
    path: HERE,
    title: || t("Files"),
    part: Part::Files,
    common: &[("sharing", "eq"), ("fileType", "eq"), ("filename", "contains"), ("owner.username", "eq")],
    sort: "modifiedDate",
    columns: || {
        vec![
            column(t("Name")),
            column(t("Shared")),
            column(t("Owner")),
            column(t("App")),
            column(t("Kind")),
            column(t("Size")).number(),
            column(t("Changed")).sorted_by("modifiedDate"),
        ]
    },
    row,
    nothing: || t("No file is known yet. What apps report of their files comes in through the API."),
};

pub(crate) async fn show(visit: Visit) -> Answer {
    list::show(&visit, &LISTED, &html! {}, &html! {}).await
}

fn row(visit: &Visit, record: &Json) -> Vec<Markup> {
    let owner = [text(record, "/ownerName"), text(record, "/ownerAddress"), text(record, "/ownerId")];
    vec![
        html! { a href={ (HERE) "/" (text(record, "/_id")) } { (shown::name(text(record, "/name"))) } },
        sharing(number(record, "/facl").unwrap_or(0)),
        html! { (shown::name(owner.into_iter().find(|name| !name.is_empty()).unwrap_or_default()))
        @if record["ownerExternal"] == true { " " span .badge .medium { (t("external")) } } },
        shown::name(text(record, "/appName")),
        html! { (kind(number(record, "/ftype").unwrap_or(0))) },
        html! { @if record["isFolder"] != true { (shown::bytes(number(record, "/fileSize").unwrap_or(0))) } },
        time(visit, record, "/modifiedDate", t("unknown")),
    ]
}

/// How far a file is shared: word, colour and shape.
fn sharing(level: i64) -> Markup {
    let (class, shape) = match level {
        0 => ("good", "●"),
        1 => ("information", "○"),
        2 => ("medium", "◆"),
        _ => ("high", "▲"),
    };
    let name = value_name("sharing", &level.to_string()).unwrap_or_default();
    html! { span class={ "badge " (class) } { span aria-hidden="true" { (shape) } " " (name) } }
}

fn kind(kind: i64) -> &'static str {
    value_name("fileType", &kind.to_string()).unwrap_or_default()
}

pub(crate) async fn show_one(visit: Visit, Path(id): Path<String>) -> Answer {
    visit.check(Part::Files, Access::Read)?;
    let id: RecordId = id.parse().map_err(|_| Failed::NotFound)?;
    let file = visit.service().file(visit.caller(), id.clone()).await?;
    let above = visit.service().folders_above(visit.caller(), id).await?;
    let clock = visit.service().clock();
    let facts = &file.facts;
    let owner = facts.owner_name.as_deref().or(facts.owner_address.as_deref()).or(file.owner.as_deref());
    let body = html! {
        @if !above.is_empty() { nav aria-label=(t("Folders above")) { ol .crumbs {
            @for folder in above.iter().rev() { li { a href={ (HERE) "/" (folder.record) } { (shown::name(&folder.name)) } } }
            li aria-current="page" { (shown::name(&file.name)) }
        } } }
        p { (sharing(file.access)) " " (kind(file.kind))
            @if file.state == 1 { " " span .badge .medium { (t("In the trash")) } }
            @if file.state == 2 { " " span .badge .medium { (t("deleted")) } }
            @if file.quarantined { " " span .badge .high { (t("In quarantine")) } } }
        dl {
            dt { (t("Owner")) }
            dd { @match owner {
                Some(name) => { (entity(&visit, &file, file.owner.as_deref(), name))
                    @if facts.owner_external { " " span .badge .medium { (t("external")) } } }
                None => (t("unknown")),
            } }
            dt { (t("App")) } dd { (shown::name(&facts.app_name)) " " code { (file.service) } }
            dt { (t("Size")) } dd { (shown::bytes(file.size)) }
            dt { (t("Media type")) } dd { @match &file.mime { Some(mime) => code { (mime) }, None => (t("unknown")) } }
            dt { (t("Made")) } dd { (shown::time_or(clock, file.created, t("unknown"))) }
            dt { (t("Changed")) } dd { (shown::time_or(clock, file.modified, t("unknown"))) }
            dt { (t("Last heard of")) } dd { (shown::time(clock, file.snapshot)) }
            @if !facts.labels.is_empty() { dt { (t("Labels")) } dd { (facts.labels.join(", ")) } }
            @if !facts.scan_labels.is_empty() { dt { (t("Found inside")) } dd { (facts.scan_labels.join(", ")) } }
            dt { (t("Id in the app")) } dd { (shown::copyable(&file.id)) }
            dt { (t("Id")) } dd { (shown::copyable(&file.record.to_string())) }
        }
        h2 { (t("Who has access")) }
        (access(&visit, &file))
        @if !facts.domains.is_empty() { p { (t("Domains with access")) ": " (facts.domains.join(", ")) } }
        @if !facts.groups.is_empty() { p { (t("Groups with access")) ": " (facts.groups.join(", ")) } }
        p {
            @if file.kind == casbah_model::FOLDER {
                a href=(filter::address(HERE, &json!({ "parentFolder": { "eq": file.record } }))) { (t("What is in this folder")) } " · "
            }
            @if visit.may(Part::Alerts, Access::Read) {
                a href=(filter::address("/portal/alerts", &json!({ "entity.file": { "eq": file.record } }))) { (t("Its alerts")) } " · "
            }
            a href=(HERE) { (t("To all files")) }
        }
    };
    Ok(layout::page(&crate::names::shown(&file.name), &body))
}

fn access(visit: &Visit, file: &File) -> Markup {
    let rows: Vec<_> = file
        .facts
        .collaborators
        .iter()
        .map(|one| {
            vec![
                html! { @if one.kind == 1 { (entity(visit, file, Some(&one.id), &one.name)) } @else { (shown::name(&one.name)) } },
                shown::name(one.email.as_deref().unwrap_or_default()),
                html! { @if one.kind == 2 { (t("group")) } @else { (t("person")) } },
                html! { (role(one.role)) },
                html! { @if one.access_level == 2 { span .badge .medium { (t("external")) } } @else { (t("internal")) } },
            ]
        })
        .collect();
    let columns =
        [column(t("Name")), column(t("Mail")), column(t("Kind")), column(t("May")), column(t("Where"))];
    html! { @if rows.is_empty() { p { (t("Nobody but its owner, as far as the app says.")) } }
    @else { (table::plain(t("Who has access"), &columns, &rows)) } }
}

fn role(role: Option<i64>) -> &'static str {
    match role {
        Some(1) => t("own"),
        Some(2) => t("write"),
        Some(3) => t("read"),
        _ => t("unknown"),
    }
}

/// Somebody of the app that a file is in.
fn entity(visit: &Visit, file: &File, id: Option<&str>, name: &str) -> Markup {
    let address = id.filter(|_| visit.may(Part::Entities, Access::Read)).map(|id| {
        let address = EntityAddress { id: id.to_string(), saas: file.service, inst: file.instance };
        Fields::default().with("ii", Some(&address.joined())).address("/portal/entities/one")
    });
    html! { @match address { Some(address) => a href=(address) { (shown::name(name)) }, None => (shown::name(name)) } }
}
