//! Discovered apps: the list, one app, and what the organisation thinks of it.

use axum::extract::Path;
use casbah_model::filter::{Condition, DiscoveredAppField, Operand, Page, Test};
use casbah_model::{Access, Part};
use casbah_service::discovery::{AppOrder, DiscoveredApp};
use maud::{Markup, html};

use super::{asked, category, chooser, score, tabs};
use crate::portal::chart::{self, Bar};
use crate::portal::fields::Fields;
use crate::portal::table::{self, Sorted, column};
use crate::portal::text::t;
use crate::portal::visit::{Answer, Failed, Posted, Visit};
use crate::portal::{form, layout, shown};
use crate::respond::see_other;

const HERE: &str = "/portal/discovery/apps";
const PAGE: i64 = 50;

const ORDERS: &[(&str, AppOrder)] = &[
    ("name", AppOrder::Name),
    ("score", AppOrder::Score),
    ("users", AppOrder::Users),
    ("total", AppOrder::Total),
    ("uploaded", AppOrder::Uploaded),
    ("lastUsed", AppOrder::LastUsed),
];

pub(crate) async fn show(visit: Visit) -> Answer {
    visit.check(Part::Discovery, Access::Read)?;
    let query = visit.query();
    let (key, order) = ORDERS.iter().find(|(key, _)| *key == query.get("sort")).copied().unwrap_or(ORDERS[3]);
    let ascending = query.get("order") == "asc";
    let skip = query.get("skip").parse::<i64>().unwrap_or(0).clamp(0, 100_000);
    let mut wanted = asked(&query, order, ascending, Page { skip, limit: PAGE })?;
    let tag = query.given("tag");
    wanted.conditions.extend(tag.map(|tag| Condition {
        field: DiscoveredAppField::Tag,
        test: Test::AnyOf(vec![Operand::Text(tag.to_string())]),
    }));
    let found = visit.service().list_discovered_apps(visit.caller(), wanted).await?;
    let tags = visit.service().list_app_tags(visit.caller()).await?;
    let more = html! { div {
        label for="tag" { (t("Tag")) }
        select #tag name="tag" {
            option value="" { (t("All")) }
            @for one in &tags { option value=(one.name) selected[Some(one.name.as_str()) == tag] { (one.name) } }
        }
    } };
    let rows: Vec<_> = found.apps.iter().map(|app| row(&visit, app, &query)).collect();
    let columns = [
        column(t("App")).sorted_by("name"),
        column(t("Category")),
        column(t("Score")).sorted_by("score"),
        column(t("Tags")),
        column(t("Users")).sorted_by("users").number(),
        column(t("Uploaded")).sorted_by("uploaded").number(),
        column(t("Traffic")).sorted_by("total").number(),
        column(t("Last used")).sorted_by("lastUsed"),
    ];
    let start = query.with("skip", None).address(HERE);
    let next = query.with("skip", Some(&(skip + PAGE).to_string())).address(HERE);
    let body = html! {
        (tabs(&visit, HERE))
        (chooser(&visit, HERE, &query, &more).await?)
        @if rows.is_empty() {
            (table::empty(t("No app was seen in this time."), Some((t("To the dashboard"), "/portal/discovery"))))
        } @else {
            p { (shown::number(found.total)) " " (t("apps")) }
            (table::sorted(t("Discovered apps"), &columns, &rows, Some((Sorted { key, ascending }, HERE, &query))))
        }
        (table::pager((skip > 0).then_some(start.as_str()), (skip + PAGE < found.total).then_some(next.as_str())))
    };
    Ok(layout::page(t("Discovered apps"), &body))
}

fn row(visit: &Visit, app: &DiscoveredApp, query: &Fields) -> Vec<Markup> {
    let kept = Fields::default().with("stream", query.given("stream")).with("days", query.given("days"));
    vec![
        html! { a href=(kept.address(&format!("{HERE}/{}", app.usage.app))) { (shown::name(&app.name)) } },
        html! { (category(&app.category)) },
        score(app.score),
        html! { (app.tags.join(", ")) },
        html! { (shown::number(app.usage.users)) },
        html! { (shown::bytes(app.usage.uploaded)) },
        html! { (shown::bytes(app.usage.total)) },
        shown::time(visit.service().clock(), app.usage.last),
    ]
}

pub(crate) async fn show_one(visit: Visit, Path(id): Path<String>) -> Answer {
    visit.check(Part::Discovery, Access::Read)?;
    let query = visit.query();
    let id: i64 = id.parse().map_err(|_| Failed::NotFound)?;
    let wanted = asked(&query, AppOrder::Total, false, Page { skip: 0, limit: 1 })?;
    let report = visit.service().discovered_app(visit.caller(), id, wanted).await?;
    let (app, usage) = (&report.app, &report.app.usage);
    let here = format!("{HERE}/{id}");
    let clock = visit.service().clock();
    let days: Vec<Bar> = report
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
    let may = visit.may(Part::AppTags, Access::Change);
    let tags = if may { visit.service().list_app_tags(visit.caller()).await? } else { Vec::new() };
    let body = html! {
        (tabs_of(&visit))
        (chooser(&visit, &here, &query, &html! {}).await?)
        dl {
            dt { (t("Category")) } dd { (category(&app.category)) }
            dt { (t("Risk score")) } dd { (score(app.score)) " " span .quiet { (t("1 is the most risky, 10 the safest")) } }
            dt { (t("Tags")) } dd { @if app.tags.is_empty() { span .quiet { (t("none")) } } @else { (app.tags.join(", ")) } }
            dt { (t("Domains")) } dd { (app.domains.join(", ")) }
            dt { (t("Users")) } dd { (shown::number(usage.users)) }
            dt { (t("Addresses")) } dd { (shown::number(usage.ips)) }
            dt { (t("Transactions")) } dd { (shown::number(usage.events)) ", " (t("blocked:")) " " (shown::number(usage.blocked)) }
            dt { (t("Uploaded")) } dd { (shown::bytes(usage.uploaded)) }
            dt { (t("Downloaded")) } dd { (shown::bytes(usage.downloaded)) }
            dt { (t("First used")) } dd { (shown::time(clock, usage.first)) }
            dt { (t("Last used")) } dd { (shown::time(clock, usage.last)) }
        }
        @if may {
            h2 { (t("What you think of it")) }
            div .buttons { @for tag in &tags {
                @let has = app.tags.contains(&tag.name);
                (form::button(&format!("{here}/tag"), &if has { format!("{}: {}", t("Take away"), tag.name) } else { format!("{}: {}", t("Tag as"), tag.name) },
                    "second small", &[("name", &tag.name), ("add", if has { "" } else { "1" })]))
            } }
            p .quiet { (t("Unsanctioned apps go into block scripts.")) }
        }
        h2 { (t("Traffic by day")) }
        (chart::columns(t("Traffic by day"), t("Day"), &days))
    };
    Ok(layout::page(&crate::names::shown(&app.name), &body))
}

fn tabs_of(visit: &Visit) -> Markup {
    tabs(visit, HERE)
}

pub(crate) async fn tag(visit: Visit, Path(id): Path<String>, Posted(fields): Posted) -> Answer {
    visit.check(Part::AppTags, Access::Change)?;
    let app: i64 = id.parse().map_err(|_| Failed::NotFound)?;
    let name = fields.get("name").to_string();
    if fields.given("add").is_some() {
        visit.service().add_app_tag(visit.caller(), app, name).await?;
    } else {
        visit.service().remove_app_tag(visit.caller(), app, name).await?;
    }
    Ok(see_other(&format!("{HERE}/{app}")))
}
