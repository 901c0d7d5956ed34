//! The list of discovered apps.

use casbah_model::filter::{Condition, DiscoveredAppField, Operand, Page, Test};
use casbah_model::{Access, Part};
use casbah_service::discovery::{AppOrder, DiscoveredApp};
use maud::{Markup, html};

use super::{asked, category, chooser, kept, score, tabs};
use crate::portal::fields::Fields;
use crate::portal::table::{self, Sorted, column};
use crate::portal::text::t;
use crate::portal::visit::{Answer, Visit};
use crate::portal::{layout, shown};

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
    vec![
        html! { a href=(kept(query).address(&format!("{HERE}/{}", app.usage.app))) { (shown::name(&app.name)) } },
        html! { (category(&app.category)) },
        score(app.score),
        html! { (app.tags.join(", ")) },
        html! { (shown::number(app.usage.users)) },
        html! { (shown::bytes(app.usage.uploaded)) },
        html! { (shown::bytes(app.usage.total)) },
        shown::time(visit.service().clock(), app.usage.last),
    ]
}
