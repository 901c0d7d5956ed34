//! Discovery in one look: apps by category and risk, traffic over time, the most used apps and busiest users.

use casbah_model::filter::Page;
use casbah_model::{Access, Part};
use casbah_service::discovery::{AppOrder, DiscoverySummary};
use maud::{Markup, html};

use super::usage::{self, By};
use super::{asked, category, chooser, kept, score, tabs};
use crate::portal::chart::{self, Bar};
use crate::portal::fields::Fields;
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
    let summary = visit.service().discovery_summary(visit.caller(), asked).await?;
    let users = usage::top(&visit, By::User, &query, None).await?;
    let addresses = usage::top(&visit, By::Address, &query, None).await?;
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
                (charts(&summary, &query))
                (users)
                (addresses)
            }
        }
    };
    Ok(layout::page(t("Cloud discovery"), &body))
}

fn charts(summary: &DiscoverySummary, query: &Fields) -> Markup {
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
                html! { a href=(kept(query).address(&format!("/portal/discovery/apps/{}", app.usage.app))) { (shown::name(&app.name)) } },
                score(app.score),
                html! { (shown::number(app.usage.users)) },
                html! { (shown::bytes(app.usage.total)) },
            ]
        })
        .collect();
    let columns =
        [column(t("App")), column(t("Score")), column(t("Users")).number(), column(t("Traffic")).number()];
    html! {
        h2 { (t("Traffic by day")) } (usage::days(&summary.days))
        h2 { (t("Traffic by category")) } (chart::rows(t("Traffic by category"), t("Category"), &categories))
        h2 { (t("Apps by risk")) } (chart::rows(t("Apps by risk"), t("Risk"), &risk))
        h2 { (t("Apps with most traffic")) } (table::plain(t("Apps with most traffic"), &columns, &apps))
    }
}
