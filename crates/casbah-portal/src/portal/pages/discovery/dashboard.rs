//! Discovery in one look: apps by category and risk, traffic over time, the most used apps and busiest users.

use casbah_model::filter::Page;
use casbah_model::{Access, Part, UsageKey, UsageOrder};
use casbah_service::discovery::{AppOrder, DiscoverySummary, UsageQuery};
use maud::{Markup, html};

use super::{asked, category, chooser, score, tabs};
use crate::portal::chart::{self, Bar};
use crate::portal::table::{self, column};
use crate::portal::text::t;
use crate::portal::visit::{Answer, Visit};
use crate::portal::{layout, shown};

const HERE: &str = "/portal/discovery";
const TOP: i64 = 10;

pub(crate) async fn show(visit: Visit) -> Answer {
    visit.check(Part::Discovery, Access::Read)?;
    let query = visit.query();
    let page = Page { skip: 0, limit: TOP };
    let asked = asked(&query, AppOrder::Total, false, page)?;
    let usage = UsageQuery {
        stream: asked.stream.clone(),
        timeframe: asked.timeframe,
        app: None,
        user: None,
        ip: None,
        order: UsageOrder::Total,
        ascending: false,
        page,
    };
    let summary = visit.service().discovery_summary(visit.caller(), asked).await?;
    let (users, _) = visit.service().list_usage(visit.caller(), UsageKey::User, usage).await?;
    let users: Vec<Bar> = users
        .iter()
        .map(|u| Bar { label: u.key.clone(), value: u.figures.total, shown: shown::bytes(u.figures.total) })
        .collect();
    let body = html! {
        (tabs(&visit, HERE))
        (chooser(&visit, HERE, &query, &html! {}).await?)
        @match &summary.figures {
            None => (table::empty(
                t("No traffic is known for this time. Upload a log of your proxy or firewall, and the apps in it appear here."),
                visit.may(Part::Uploads, Access::Change).then_some((t("Upload a log"), "/portal/discovery/upload")),
            )),
            Some(figures) => {
                ul .figures {
                    li { strong { (shown::number(figures.apps)) } " " (t("apps")) }
                    li { strong { (shown::number(figures.users)) } " " (t("users")) }
                    li { strong { (shown::number(figures.ips)) } " " (t("addresses")) }
                    li { strong { (shown::bytes(figures.total)) } " " (t("traffic")) }
                    li { strong { (shown::number(figures.events)) } " " (t("transactions")) }
                }
                (charts(&summary, &users))
            }
        }
    };
    Ok(layout::page(t("Cloud discovery"), &body))
}

fn charts(summary: &DiscoverySummary, users: &[Bar]) -> Markup {
    let days: Vec<Bar> = summary
        .days
        .iter()
        .map(|day| {
            let total = day.figures.as_ref().map_or(0, |figures| figures.total);
            Bar {
                label: day.day.seconds_text().chars().take(10).skip(5).collect(),
                value: total,
                shown: shown::bytes(total),
            }
        })
        .collect();
    let categories: Vec<Bar> = summary
        .categories
        .iter()
        .take(12)
        .map(|c| Bar { label: category(&c.id), value: c.total, shown: shown::bytes(c.total) })
        .collect();
    let bands =
        [t("High risk (1 to 3)"), t("Medium risk (4 to 7)"), t("Low risk (8 to 10)"), t("Without a score")];
    let risk: Vec<Bar> = bands
        .iter()
        .zip(summary.risk)
        .map(|(label, band)| Bar {
            label: (*label).to_string(),
            value: band.apps,
            shown: shown::number(band.apps),
        })
        .collect();
    let apps: Vec<_> = summary
        .top_apps
        .iter()
        .map(|app| {
            vec![
                html! { a href={ "/portal/discovery/apps/" (app.usage.app) } { (shown::name(&app.name)) } },
                score(app.score),
                html! { (shown::number(app.usage.users)) },
                html! { (shown::bytes(app.usage.total)) },
            ]
        })
        .collect();
    let columns =
        [column(t("App")), column(t("Score")), column(t("Users")).number(), column(t("Traffic")).number()];
    html! {
        h2 { (t("Traffic by day")) } (chart::columns(t("Traffic by day"), t("Day"), &days))
        h2 { (t("Traffic by category")) } (chart::rows(t("Traffic by category"), t("Category"), &categories))
        h2 { (t("Apps by risk")) } (chart::rows(t("Apps by risk"), t("Risk"), &risk))
        h2 { (t("Apps with most traffic")) } (table::plain(t("Apps with most traffic"), &columns, &apps))
        @if !users.is_empty() { h2 { (t("Users with most traffic")) } (chart::rows(t("Users with most traffic"), t("User"), users)) }
    }
}
