//! The governance log: what was asked for, and what became of it.

use casbah_model::Part;
use maud::{Markup, html};
use serde_json::Value as Json;

use crate::portal::list::{self, Listed, text, time};
use crate::portal::shown;
use crate::portal::table::column;
use crate::portal::text::t;
use crate::portal::visit::{Answer, Visit};

const LISTED: Listed = Listed {
    resource: "governance",
    path: "/portal/governance",
    title: || t("Governance log"),
    part: Part::GovernanceLog,
    common: &[("status", "eq"), ("timestamp", "gte")],
    sort: "timestamp",
    columns: || {
        vec![
            column(t("When")).sorted_by("timestamp"),
            column(t("What")),
            column(t("On what")),
            column(t("Who")),
            column(t("State")),
            column(t("Ended")),
        ]
    },
    row,
    nothing: || t("Nothing was done yet. Each log that is read, and each action that is taken, stands here."),
};

pub(crate) async fn show(visit: Visit) -> Answer {
    list::show(&visit, &LISTED, &html! {}, &html! {}).await
}

fn row(visit: &Visit, record: &Json) -> Vec<Markup> {
    let log = text(record, "/type") == "DiscoveryParseLogTask";
    vec![
        time(visit, record, "/timestamp", ""),
        html! { @if log { (t("Reading of a log")) } @else { span lang="en" { (text(record, "/title")) } } },
        html! { @if log { a href={ "/portal/discovery/logs/" (text(record, "/_id")) } { (shown::name(text(record, "/targetObject"))) } }
        @else { (shown::name(text(record, "/targetObject"))) } },
        shown::name(text(record, "/initiatedBy")),
        html! {
            @match record.pointer("/status/isSuccess") {
                Some(Json::Bool(true)) => span .badge .good { (t("done")) },
                Some(Json::Bool(false)) => span .badge .high { (t("failed")) },
                _ => span .badge .information { (t("under way")) },
            }
            @let message = text(record, "/status/statusMessage");
            @if !message.is_empty() { br; span .quiet lang="en" { (message) } }
        },
        time(visit, record, "/finished", ""),
    ]
}
