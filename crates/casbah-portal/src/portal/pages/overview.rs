//! The first page: what wants attention, and on an empty installation what to do first.

use casbah_model::filter::{AlertField, AlertOrder, Condition, Operand, Page, Test};
use casbah_model::{Access, Part, Severity};
use casbah_service::alerts::AlertQuery;
use casbah_service::directory::{Condition as Wanted, Order, Property, Search};
use maud::{Markup, html};
use serde_json::json;

use crate::portal::text::{counted, t};
use crate::portal::visit::{Answer, Failed, Visit};
use crate::portal::{filter, layout, shown, table};

/// Milliseconds: secrets that end within this time are shown.
const SOON: i64 = 14 * 86_400_000;

pub(crate) async fn show(visit: Visit) -> Answer {
    let body = html! {
        div .cards {
            @if visit.may(Part::Alerts, Access::Read) { (alerts(&visit).await?) }
            (applications(&visit).await?)
        }
    };
    Ok(layout::page(t("Overview"), &body))
}

async fn alerts(visit: &Visit) -> Result<Markup, Failed> {
    let open = Condition { field: AlertField::Open, test: Test::AnyOf(vec![Operand::Flag(true)]) };
    let mut counts = Vec::new();
    for severity in [Severity::High, Severity::Medium, Severity::Low] {
        let test = Test::AnyOf(vec![Operand::Number(severity.number())]);
        let query = AlertQuery {
            conditions: vec![open.clone(), Condition { field: AlertField::Severity, test }],
            order: AlertOrder { by_severity: false, ascending: false },
            page: Page { skip: 0, limit: 1 },
            scan: false,
            whole_moments: false,
        };
        counts.push((severity, visit.service().list_alerts(visit.caller(), query).await?.total));
    }
    Ok(html! { section .card aria-labelledby="alerts" {
        h2 #alerts { (t("Open alerts")) }
        @if counts.iter().all(|(_, n)| *n == 0) {
            (table::empty(
                t("No alert is open. Alerts are raised by policies, out of the logs that you upload and of what happens in Casbah."),
                visit.may(Part::Uploads, Access::Change).then_some((t("Upload a log"), "/portal/discovery/upload")),
            ))
        } @else {
            ul .figures { @for (severity, n) in &counts { li {
                a href=(filter::address("/portal/alerts", &json!({ "alertOpen": { "eq": true }, "severity": { "eq": severity.number() } }))) { strong { (shown::number(*n)) } } " " (shown::severity(*severity))
            } } }
        }
    } })
}

async fn applications(visit: &Visit) -> Result<Markup, Failed> {
    let now = visit.service().clock().now();
    let order = Order { by: Property::DisplayName, descending: false };
    let search = Search { condition: Wanted::All(Vec::new()), order, after: None, limit: 500 };
    let all = visit.service().search_applications(visit.caller(), search).await?;
    let own: Vec<_> = all.iter().filter(|a| !super::apps::is_built_in(a)).collect();
    let ends =
        own.iter().flat_map(|a| &a.secrets).filter(|s| s.ends > now && s.ends.0 - now.0 < SOON).count();
    Ok(html! { section .card aria-labelledby="apps" {
        h2 #apps { (t("Apps and tokens")) }
        @if own.is_empty() {
            (table::empty(
                t("No application is registered yet. A program that calls the API needs one, with a key of its own."),
                super::apps::may_register(visit).then_some((t("Register an application"), "/portal/apps/new")),
            ))
        } @else {
            p { a href="/portal/apps" { (counted("1 application", "{n} applications", own.len() as i64)) } }
            @if ends > 0 { p .warning { (counted("1 secret ends within 14 days.", "{n} secrets end within 14 days.", ends as i64)) } }
        }
    } })
}
