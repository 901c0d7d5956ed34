//! IP ranges: which addresses are whose.

use axum::extract::Path;
use casbah_model::{Access, IpCategory, IpRange, Part, RecordId};
use casbah_service::Error;
use casbah_service::ip_ranges::{IpRangeDetails, IpTagReference};
use maud::{Markup, html};
use serde_json::Value as Json;

use crate::portal::fields::Fields;
use crate::portal::filter::labels::value_name;
use crate::portal::form::{self, State};
use crate::portal::list::{self, Listed, number, text, time};
use crate::portal::table::column;
use crate::portal::text::t;
use crate::portal::visit::{Answer, Failed, Posted, Visit};
use crate::portal::{layout, shown};
use crate::respond::see_other;

const HERE: &str = "/portal/ip-ranges";

const LISTED: Listed = Listed {
    resource: "subnet",
    path: HERE,
    title: || t("IP ranges"),
    part: Part::IpRanges,
    common: &[("category", "eq")],
    sort: "name",
    columns: || {
        vec![
            column(t("Name")).sorted_by("name"),
            column(t("Category")).sorted_by("category"),
            column(t("Addresses")),
            column(t("Tags")),
            column(t("Changed")),
        ]
    },
    row,
    nothing: || {
        t("No IP range is known. Say which addresses are yours, and activities and alerts say so too.")
    },
};

pub(crate) async fn show(visit: Visit) -> Answer {
    let may = visit.may(Part::IpRanges, Access::Change);
    let new = html! { @if may {
        h2 #new { (t("A new range")) }
        (questions(HERE, &State::default(), t("Add the range")))
    } };
    list::show(&visit, &LISTED, &html! {}, &new).await
}

fn row(visit: &Visit, record: &Json) -> Vec<Markup> {
    let all = |pointer: &str| record[pointer].as_array().cloned().unwrap_or_default();
    let name = text(record, "/name");
    vec![
        html! { @if visit.may(Part::IpRanges, Access::Change) { a href={ (HERE) "/" (text(record, "/_id")) } { (shown::name(name)) } }
        @else { (shown::name(name)) } },
        html! { (category(number(record, "/category").unwrap_or(0))) },
        html! { @for subnet in all("subnets") { code { (text(&subnet, "/originalString")) } " " } },
        html! { (all("tags").iter().map(|tag| text(tag, "/name").to_string()).collect::<Vec<_>>().join(", ")) },
        html! { @match record["lastModified"].as_f64() {
            Some(at) => (shown::time(visit.service().clock(), casbah_model::Timestamp(at as i64))),
            None => (time(visit, record, "/lastModified", t("unknown"))),
        } },
    ]
}

fn category(n: i64) -> &'static str {
    value_name("category", &n.to_string()).unwrap_or_else(|| t("Other"))
}

fn questions(action: &str, state: &State, button: &str) -> Markup {
    let categories: Vec<_> =
        IpCategory::ALL.iter().map(|c| (c.number().to_string(), category(c.number()).to_string())).collect();
    form::form(
        action,
        &html! {
            (state.text("name", t("Name"), None, true))
            (state.select("category", t("Category"), &categories))
            (state.area("subnets", t("Addresses"), Some(t("One a line, with or without a mask: 192.0.2.0/24.")), 4))
            (state.text("organization", t("Organisation of the address"), Some(t("Whose they are; may be left out.")), false))
            (state.text("tags", t("Tags"), Some(t("With commas between them; may be left out.")), false))
            div .buttons { button { (button) } a .button .second href=(HERE) { (t("Cancel")) } }
        },
    )
}

fn details(fields: &Fields, present: Option<&IpRange>) -> IpRangeDetails {
    let tags = fields.get("tags").split(',').map(str::trim).filter(|tag| !tag.is_empty());
    IpRangeDetails {
        name: Some(fields.get("name").to_string()),
        category: fields.get("category").parse().ok().and_then(IpCategory::from_number),
        subnets: Some(fields.get("subnets").split_whitespace().map(str::to_string).collect()),
        organization: fields.given("organization").map(str::to_string),
        // The form does not ask for it, so it stays.
        location: present.and_then(|range| range.location.clone()),
        tags: tags.map(|tag| IpTagReference::Name(tag.to_string())).collect(),
    }
}

/// A new range that cannot be as it was typed.
fn again(fields: Fields, field: &str, why: String) -> Answer {
    let state = State::wrong(fields, field, why);
    let body = html! { (state.summary()) (questions(HERE, &state, t("Add the range"))) };
    Ok(layout::refused(t("A new range"), &body))
}

pub(crate) async fn create(visit: Visit, Posted(fields): Posted) -> Answer {
    visit.check(Part::IpRanges, Access::Change)?;
    visit.once(&fields).await?;
    match visit.service().create_ip_range(visit.caller(), details(&fields, None)).await {
        Ok(_) => Ok(see_other(HERE)),
        Err(Error::Invalid { field, why }) => again(fields, &field, why),
        Err(Error::Conflict(why)) => again(fields, "name", why),
        Err(other) => Err(other.into()),
    }
}

pub(crate) async fn show_one(visit: Visit, Path(id): Path<String>) -> Answer {
    let range = find(&visit, &id).await?;
    let tags: Vec<&str> = range.tags.iter().map(|tag| tag.name.as_str()).collect();
    let subnets: Vec<&str> = range.subnets.iter().map(|subnet| subnet.original()).collect();
    let fields = Fields::from_pairs(vec![
        ("name".to_string(), range.name.clone()),
        ("category".to_string(), range.category.number().to_string()),
        ("subnets".to_string(), subnets.join("\n")),
        ("organization".to_string(), range.organization.clone().unwrap_or_default()),
        ("tags".to_string(), tags.join(", ")),
    ]);
    Ok(page(&range, &State { fields, problem: None }))
}

async fn find(visit: &Visit, id: &str) -> Result<IpRange, Failed> {
    visit.check(Part::IpRanges, Access::Change)?;
    let id: RecordId = id.parse().map_err(|_| Failed::NotFound)?;
    Ok(visit.service().ip_range(visit.caller(), id).await?)
}

fn page(range: &IpRange, state: &State) -> axum::response::Response {
    let base = format!("{HERE}/{}", range.id);
    let body = html! {
        (state.summary())
        (questions(&base, state, t("Save the range")))
        h2 { (t("Delete it")) }
        p { (t("Activities keep what was known of their addresses when they happened.")) }
        (form::button(&format!("{base}/delete"), t("Delete"), "danger", &[]))
    };
    let title = crate::names::shown(&range.name);
    if state.problem.is_some() { layout::refused(&title, &body) } else { layout::page(&title, &body) }
}

pub(crate) async fn change(visit: Visit, Path(id): Path<String>, Posted(fields): Posted) -> Answer {
    let range = find(&visit, &id).await?;
    let wanted = details(&fields, Some(&range));
    match visit.service().change_ip_range(visit.caller(), range.id.clone(), wanted).await {
        Ok(_) => Ok(see_other(HERE)),
        Err(Error::Invalid { field, why }) => Ok(page(&range, &State::refused(fields, &field, why))),
        Err(Error::Conflict(why)) => Ok(page(&range, &State::refused(fields, "name", why))),
        Err(other) => Err(other.into()),
    }
}

pub(crate) async fn delete(visit: Visit, Path(id): Path<String>, _: Posted) -> Answer {
    visit.check(Part::IpRanges, Access::Change)?;
    let id: RecordId = id.parse().map_err(|_| Failed::NotFound)?;
    visit.service().delete_ip_range(visit.caller(), id).await?;
    Ok(see_other(HERE))
}
