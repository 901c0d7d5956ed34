//! Cloud discovery: what is used, how risky it is, and where that is known from.

mod app;
mod apps;
mod dashboard;
mod scripts;
mod streams;
mod upload;
mod usage;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use casbah_model::filter::Page;
use casbah_model::{Access, Part, RecordId};
use casbah_service::Service;
use casbah_service::discovery::{AppOrder, AppQuery, Timeframe};
use maud::{Markup, html};

use crate::portal::fields::Fields;
use crate::portal::text::{filled, t};
use crate::portal::visit::{Failed, Visit};

pub(crate) fn router() -> Router<Service> {
    Router::new()
        .route("/portal/discovery", get(dashboard::show))
        .route("/portal/discovery/apps", get(apps::show))
        .route("/portal/discovery/apps/{id}", get(app::show))
        .route("/portal/discovery/apps/{id}/tag", post(app::tag))
        .route("/portal/discovery/apps/{id}/opinion", post(app::judge))
        .route("/portal/discovery/users", get(usage::users))
        .route("/portal/discovery/users/one", get(usage::user))
        .route("/portal/discovery/addresses", get(usage::addresses))
        .route("/portal/discovery/addresses/one", get(usage::address))
        // A log is as large as it is; the use case has its own limit.
        .route(
            "/portal/discovery/upload",
            get(upload::show).post(upload::take).layer(DefaultBodyLimit::disable()),
        )
        .route("/portal/discovery/logs", get(upload::logs))
        .route("/portal/discovery/logs/{id}", get(upload::show_one))
        .route("/portal/discovery/streams", get(streams::show).post(streams::create))
        .route("/portal/discovery/streams/{id}/delete", get(streams::ask_to_delete).post(streams::delete))
        .route("/portal/discovery/scripts", get(scripts::show))
}

/// The pages of discovery.
fn tabs(visit: &Visit, current: &str) -> Markup {
    let mut all = vec![
        ("/portal/discovery", t("Dashboard")),
        ("/portal/discovery/apps", t("Apps")),
        ("/portal/discovery/users", t("Users")),
        ("/portal/discovery/addresses", t("Addresses")),
        ("/portal/discovery/streams", t("Reports")),
        ("/portal/discovery/scripts", t("Block scripts")),
    ];
    if visit.may(Part::GovernanceLog, Access::Read) {
        all.push(("/portal/discovery/logs", t("Logs")));
    }
    if visit.may(Part::Uploads, Access::Change) {
        all.push(("/portal/discovery/upload", t("Upload a log")));
    }
    html! { nav aria-label=(t("Cloud discovery")) { ul .tabs { @for (path, title) in all {
        li { a href=(path) aria-current=[(path == current).then_some("page")] { (title) } }
    } } } }
}

/// The stream and the days that an address names.
fn asked(query: &Fields, order: AppOrder, ascending: bool, page: Page) -> Result<AppQuery, Failed> {
    let stream = query.given("stream").map(str::parse::<RecordId>).transpose();
    let days = query.get("days").parse().unwrap_or(30);
    Ok(AppQuery {
        stream: stream.map_err(|_| Failed::NotFound)?,
        timeframe: Timeframe::of_days(days).ok_or_else(|| Failed::invalid("days", "7, 30, 90"))?,
        user: query.given("user").map(str::to_string),
        ip: query.given("ip").map(str::to_string),
        conditions: Vec::new(),
        order,
        ascending,
        page,
    })
}

/// What of an address goes along to another page: the report and the time.
fn kept(query: &Fields) -> Fields {
    Fields::default().with("stream", query.given("stream")).with("days", query.given("days"))
}

/// Which report, over which days.
async fn chooser(visit: &Visit, path: &str, query: &Fields, more: &Markup) -> Result<Markup, Failed> {
    let streams = visit.service().list_streams(visit.caller()).await?;
    let (stream, days) = (query.get("stream"), query.get("days").parse::<i64>().unwrap_or(30));
    Ok(html! { form .filters method="get" action=(path) role="search" {
        div {
            label for="stream" { (t("Report")) }
            select #stream name="stream" {
                option value="" { (t("All of them together")) }
                @for one in streams.iter().filter(|one| one.kind != casbah_model::StreamKind::View) {
                    option value=(one.id) selected[one.id.as_str() == stream] { (one.name) }
                }
            }
        }
        div {
            label for="days" { (t("Time")) }
            select #days name="days" { @for n in Timeframe::DAYS {
                option value=(n) selected[n == days] { (filled("{n} days", &[("n", &n)])) }
            } }
        }
        (more)
        button .second { (t("Show")) }
    } })
}

/// `SAASDB_CATEGORY_CLOUD_STORAGE` for people.
fn category(id: &str) -> String {
    let words = id.trim_start_matches("SAASDB_CATEGORY_").replace('_', " ").to_lowercase();
    let mut letters = words.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// A risk score, 1 to 10: the higher, the safer.
fn score(score: Option<i64>) -> Markup {
    match score {
        Some(n) => {
            let class = match n {
                ..4 => "high",
                4..8 => "medium",
                _ => "good",
            };
            html! { span class={ "badge " (class) } { (n) } }
        }
        None => html! { span .quiet { (t("none")) } },
    }
}
