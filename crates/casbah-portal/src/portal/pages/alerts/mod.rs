//! Alerts: the queue, closing many at once, and the story of one.

mod close;
mod story;

use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use casbah_api::lists;
use casbah_model::filter::{AlertField, AlertOrder, Condition, Page, Range, Test};
use casbah_model::{Access, Alert, Part, Resolution};
use casbah_service::Service;
use casbah_service::alerts::{AlertPage, AlertQuery};
use maud::{Markup, html};
use serde_json::json;

use crate::portal::fields::Fields;
use crate::portal::filter::{self, Asked, Filters};
use crate::portal::form::{self, Problem};
use crate::portal::list::tools;
use crate::portal::table::{self, Sorted, column};
use crate::portal::text::{counted, t};
use crate::portal::visit::{Answer, Visit};
use crate::portal::{layout, shown};
use crate::respond::see_other;

const HERE: &str = "/portal/alerts";
const PAGE: i64 = 50;

/// What the queue is mostly filtered by.
const COMMON: &[(&str, &str)] =
    &[("alertOpen", "eq"), ("severity", "eq"), ("entity.user", "eq"), ("text", "text")];

/// The queue: what is open.
pub(super) fn open() -> String {
    filter::address(HERE, &json!({ "alertOpen": { "eq": true } }))
}

pub(crate) fn router() -> Router<Service> {
    Router::new()
        .route(HERE, get(show))
        .route("/portal/alerts/close", post(close::close))
        .route("/portal/alerts/{id}", get(story::show))
        .route("/portal/alerts/{id}/read", post(story::mark))
        .route("/portal/alerts/{id}/reopen", post(close::reopen))
}

pub(crate) async fn show(visit: Visit) -> Answer {
    visit.check(Part::Alerts, Access::Read)?;
    let query = visit.query();
    if visit.here.query.is_empty() {
        return Ok(see_other(&open()));
    }
    list(&visit, &query, None, None).await
}

/// The list, with what was wrong with a form on it.
pub(super) async fn list(
    visit: &Visit,
    query: &Fields,
    problem: Option<Problem>,
    typed: Option<&Fields>,
) -> Result<Response, crate::portal::visit::Failed> {
    let mut filters = match filter::asked("alerts", HERE, query) {
        Asked::Elsewhere(address) => return Ok(see_other(&address)),
        Asked::Here(filters) => filters,
    };
    let now = visit.service().clock().now();
    let mut conditions = lists::alert_conditions(&filters.given, now).unwrap_or_else(|why| {
        filters.refused(why);
        Vec::new()
    });
    let by_severity = query.get("sort") == "severity";
    let ascending = query.get("order") == "asc";
    let until = query.get("until").parse::<i64>().ok();
    let skip = query.get("skip").parse::<i64>().unwrap_or(0).clamp(0, 10_000);
    if let Some(bound) = until {
        let range = if ascending {
            Range { from: Some(bound), to: None }
        } else {
            Range { from: None, to: Some(bound) }
        };
        conditions.push(Condition { field: AlertField::Raised, test: Test::Within(vec![range]) });
    }
    let order = AlertOrder { by_severity, ascending };
    let page = Page { skip: if by_severity { skip } else { 0 }, limit: PAGE };
    let asked = AlertQuery { conditions, order, page, scan: !by_severity, whole_moments: false };
    let found = visit.service().list_alerts(visit.caller(), asked).await?;
    let may = visit.may(Part::Alerts, Access::Change);
    let sorted = Sorted { key: if by_severity { "severity" } else { "date" }, ascending };
    let wrong = filters.problem.is_some();
    let body = html! {
        @if let Some(problem) = &problem { p .problem role="alert" { (problem.why) } }
        (tools(visit, &filters, HERE, COMMON).await?)
        @if wrong {} @else if found.alerts.is_empty() {
            @if until.is_none() && skip == 0 { (nothing(visit, &filters)) } @else { (table::empty(t("There are no more."), None)) }
        } @else {
            p .count { (shown::number(found.total)) @if found.more_than_total { "+" } " " (t("alerts")) }
            @let rows = rows(visit, &found, sorted, query, may, typed);
            @if may {
                (form::form("/portal/alerts/close", &html! {
                    input type="hidden" name="back" value=(query.address(HERE));
                    div data-triage { (rows) }
                    (close::fields(typed))
                }))
                p .quiet { (t("Keys: j and k move, o opens, x marks, c closes.")) }
            } @else { div data-triage { (rows) } }
            (pager(query, &found, by_severity, skip, until))
        }
    };
    let title = t("Alerts");
    Ok(if wrong || problem.is_some() || typed.is_some() {
        layout::refused(title, &body)
    } else {
        layout::page(title, &body)
    })
}

fn rows(
    visit: &Visit,
    found: &AlertPage,
    sorted: Sorted<'_>,
    query: &Fields,
    may: bool,
    typed: Option<&Fields>,
) -> Markup {
    let ticked: Vec<&str> = typed.map(|fields| fields.all("id").collect()).unwrap_or_default();
    let rows: Vec<_> = found.alerts.iter().map(|alert| row(visit, alert, may, &ticked)).collect();
    let mut columns = vec![
        column(t("Alert")),
        column(t("Severity")).sorted_by("severity"),
        column(t("Policy")),
        column(t("State")),
        column(t("Raised")).sorted_by("date"),
    ];
    if may {
        columns.insert(0, column(t("Mark")));
    }
    table::sorted(t("Alerts"), &columns, &rows, Some((sorted, HERE, query)))
}

fn row(visit: &Visit, alert: &Alert, may: bool, ticked: &[&str]) -> Vec<Markup> {
    let mut cells = vec![
        html! { a href={ (HERE) "/" (alert.id) } {
            @if alert.status == casbah_model::AlertStatus::Unread { strong { (shown::name(&alert.title)) } }
            @else { (shown::name(&alert.title)) }
        } },
        shown::severity(alert.severity),
        html! { (shown::name(&alert.policy_name)) },
        html! { (shown::state_of(alert)) },
        shown::time(visit.service().clock(), alert.raised),
    ];
    if may {
        cells.insert(0, html! {
            @if alert.resolution == Resolution::Open {
                input type="checkbox" name="id" value=(alert.id) checked[ticked.contains(&alert.id.as_str())]
                    aria-label={ (t("Mark")) " " (alert.title) };
            }
        });
    }
    cells
}

fn nothing(visit: &Visit, filters: &Filters) -> Markup {
    let only_open = filters.given.len() == 1 && filters.is("alertOpen", &json!(true));
    if only_open {
        table::empty(
            t(
                "No alert is open. Alerts are raised by policies, out of the logs that you upload and of what happens in Casbah.",
            ),
            visit
                .may(Part::Uploads, Access::Change)
                .then_some((t("Upload a log"), "/portal/discovery/upload")),
        )
    } else {
        table::empty(t("No alert fits these filters."), Some((t("Show what is open"), &open())))
    }
}

fn pager(query: &Fields, found: &AlertPage, by_severity: bool, skip: i64, until: Option<i64>) -> Markup {
    let start = query.with("until", None).with("skip", None).address(HERE);
    let next = if by_severity {
        found.has_next.then(|| query.with("skip", Some(&(skip + PAGE).to_string())).address(HERE))
    } else {
        found.next_bound.map(|bound| query.with("until", Some(&bound.to_string())).address(HERE))
    };
    table::pager((until.is_some() || skip > 0).then_some(start.as_str()), next.as_deref())
}

/// How many were closed, in a sentence.
fn closed(n: usize) -> String {
    counted("1 alert was closed.", "{n} alerts were closed.", n as i64)
}
