//! The reports: continuous ones, snapshots, and the sum of the continuous ones.

use axum::extract::Path;
use casbah_model::{Access, Part, RecordId, StreamKind};
use casbah_service::discovery::NewDataSource;
use casbah_service::{Error, Service};
use maud::html;

use super::tabs;
use crate::portal::form::{self, State};
use crate::portal::table::{self, column};
use crate::portal::text::{filled, t};
use crate::portal::visit::{Answer, Failed, Posted, Visit};
use crate::portal::{layout, shown};
use crate::respond::see_other;

const HERE: &str = "/portal/discovery/streams";

/// How logs come in: receiver and transport, as the form has them.
const WAYS: &[(&str, &str, Option<&str>)] = &[
    ("FTP", "ftp", None),
    ("FTPS", "ftps", None),
    ("Syslog, UDP", "syslog", Some("udp")),
    ("Syslog, TCP", "syslog", Some("tcp")),
    ("Syslog, TLS", "syslog", Some("tls")),
];

pub(crate) async fn show(visit: Visit) -> Answer {
    page(&visit, &State::default()).await
}

async fn page(visit: &Visit, state: &State) -> Answer {
    visit.check(Part::Discovery, Access::Read)?;
    let clock = visit.service().clock();
    let may = visit.may(Part::DiscoverySettings, Access::Change);
    let all = visit.service().list_streams(visit.caller()).await?;
    let rows: Vec<_> = all
        .iter()
        .map(|stream| {
            let address = match stream.kind {
                StreamKind::View => "/portal/discovery".to_string(),
                _ => format!("/portal/discovery?stream={}", stream.id),
            };
            vec![
                html! {
                    a href=(address) { (shown::name(&stream.name)) }
                    @if may && stream.kind == StreamKind::Snapshot {
                        " " a href={ (HERE) "/" (stream.id) "/delete" } aria-label={ (t("Delete")) " " (stream.name) } { (t("Delete")) }
                    }
                },
                html! { @match stream.kind {
                    StreamKind::Input => (t("Continuous report")),
                    StreamKind::View => (t("Sum of the continuous reports")),
                    StreamKind::Snapshot => (t("Snapshot report")),
                } },
                shown::time_or(clock, stream.last_data, t("never")),
                html! { (shown::number(stream.logs)) },
                html! { (shown::number(stream.failures)) },
            ]
        })
        .collect();
    let columns = [
        column(t("Report")),
        column(t("Kind")),
        column(t("Last data")),
        column(t("Logs read")).number(),
        column(t("Logs refused")).number(),
    ];
    let pairs =
        |names: Vec<&str>| names.into_iter().map(|n| (n.to_string(), n.to_string())).collect::<Vec<_>>();
    let body = html! {
        (tabs(visit, HERE))
        (state.summary())
        (table::plain(t("Reports"), &columns, &rows))
        @if visit.may(Part::DiscoverySettings, Access::Change) {
            h2 { (t("A new continuous report")) }
            (form::form(HERE, &html! {
                (state.text("displayName", t("Name"), Some(t("Letters, digits, - and _.")), true))
                (state.select("source", t("Where its logs come from"), &pairs(Service::log_sources())))
                (state.select("way", t("How logs come in, besides being uploaded"), &pairs(WAYS.iter().map(|way| way.0).collect())))
                div .buttons { button { (t("Make the report")) } }
            }))
        }
    };
    let title = t("Reports");
    Ok(if state.problem.is_some() { layout::refused(title, &body) } else { layout::page(title, &body) })
}

pub(crate) async fn create(visit: Visit, Posted(fields): Posted) -> Answer {
    visit.check(Part::DiscoverySettings, Access::Change)?;
    let way = WAYS.iter().find(|way| way.0 == fields.get("way")).unwrap_or(&WAYS[0]);
    let Some(log_type) = Service::log_type(fields.get("source")) else {
        return page(&visit, &State::wrong(fields, "source", t("Choose one of the sources."))).await;
    };
    let new = NewDataSource {
        name: fields.get("displayName").to_string(),
        log_type,
        receiver: way.1.to_string(),
        protocol: way.2.map(str::to_string),
        anonymize_users: None,
        parser: None,
    };
    visit.once(&fields).await?;
    match visit.service().create_data_source(visit.caller(), new).await {
        Ok(_) => Ok(see_other(HERE)),
        Err(Error::Invalid { why, .. } | Error::Conflict(why)) => {
            page(&visit, &State::refused(fields, "displayName", why)).await
        }
        Err(other) => Err(other.into()),
    }
}

/// Asks before a snapshot report goes.
pub(crate) async fn ask_to_delete(visit: Visit, Path(id): Path<String>) -> Answer {
    visit.check(Part::DiscoverySettings, Access::Change)?;
    let id: RecordId = id.parse().map_err(|_| Failed::NotFound)?;
    let report = visit.service().snapshot_report(visit.caller(), id).await?;
    let body = html! {
        (tabs(&visit, HERE))
        p .warning { (t("All figures of this report are deleted with it. They cannot be brought back.")) }
        div .buttons {
            (form::button(&format!("{HERE}/{}/delete", report.id), t("Delete the report"), "danger", &[]))
            a .button .second href=(HERE) { (t("Keep it")) }
        }
    };
    let name = crate::names::shown(&report.name);
    Ok(layout::page(&filled("Delete the report {name}?", &[("name", &name)]), &body))
}

pub(crate) async fn delete(visit: Visit, Path(id): Path<String>, _: Posted) -> Answer {
    visit.check(Part::DiscoverySettings, Access::Change)?;
    let id: RecordId = id.parse().map_err(|_| Failed::NotFound)?;
    visit.service().delete_snapshot_report(visit.caller(), id).await?;
    Ok(see_other(HERE))
}
