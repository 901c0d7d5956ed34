//! One page for every list that the API has: filters, order and place stand in the address, rows are what the API
//! answers.

use casbah_model::{Access, Part};
use http::Method;
use maud::{Markup, html};
use serde_json::{Value as Json, json};

use super::filter::{self, Asked};
use super::table::{self, Column, Sorted};
use super::text::t;
use super::visit::{Answer, Failed, Visit};
use super::{layout, saved, shown};
use crate::respond::see_other;

/// Records on a page.
const PAGE: i64 = 50;
/// So far can be leafed through; filters lead further.
const FURTHEST: i64 = 100_000;

/// A list of the API as a page.
pub(crate) struct Listed {
    /// The end of its path in the API.
    pub(crate) resource: &'static str,
    /// The page.
    pub(crate) path: &'static str,
    pub(crate) title: fn() -> &'static str,
    pub(crate) part: Part,
    /// What it is mostly filtered by: fields with their operators.
    pub(crate) common: &'static [(&'static str, &'static str)],
    /// What it is sorted by at first, the largest first.
    pub(crate) sort: &'static str,
    pub(crate) columns: fn() -> Vec<Column>,
    pub(crate) row: fn(&Visit, &Json) -> Vec<Markup>,
    /// What to say when there is nothing at all.
    pub(crate) nothing: fn() -> &'static str,
}

/// The page.
pub(crate) async fn show(visit: &Visit, listed: &Listed, above: &Markup, below: &Markup) -> Answer {
    visit.check(listed.part, Access::Read)?;
    let query = visit.query();
    let mut filters = match filter::asked(listed.resource, listed.path, &query) {
        Asked::Elsewhere(address) => return Ok(see_other(&address)),
        Asked::Here(filters) => filters,
    };
    let sort = query.given("sort").filter(|sort| filters.list.sorts.contains(sort)).unwrap_or(listed.sort);
    let ascending = query.get("order") == "asc";
    let skip = query.get("skip").parse::<i64>().unwrap_or(0).clamp(0, FURTHEST);
    let mut body = json!({
        "filters": filters.json(), "skip": skip, "limit": PAGE,
        "sortDirection": if ascending { "asc" } else { "desc" },
    });
    if !sort.is_empty() {
        body["sortField"] = sort.into();
    }
    let answer = match visit.ask(Method::POST, filters.list.path, &body).await? {
        Ok(answer) => answer,
        Err(told) => {
            filters.refused(told.why);
            json!({ "data": [], "total": 0, "hasNext": false })
        }
    };
    let found = answer["data"].as_array().cloned().unwrap_or_default();
    let rows: Vec<_> = found.iter().map(|record| (listed.row)(visit, record)).collect();
    let place =
        |to: Option<i64>| query.with("skip", to.map(|n| n.to_string()).as_deref()).address(listed.path);
    let next = (answer["hasNext"] == true && skip + PAGE <= FURTHEST).then(|| place(Some(skip + PAGE)));
    let (columns, title) = ((listed.columns)(), (listed.title)());
    let body = html! {
        (above)
        (tools(visit, &filters, listed.path, listed.common).await?)
        @if rows.is_empty() && filters.problem.is_none() {
            @if filters.given.is_empty() && skip == 0 { (table::empty((listed.nothing)(), None)) }
            @else { (table::empty(t("Nothing fits these filters."), Some((t("Show all"), &filter::address(listed.path, &json!({})))))) }
        } @else if !rows.is_empty() {
            p .count { (shown::number(answer["total"].as_i64().unwrap_or(0))) @if answer["moreThanTotal"] == true { "+" } " " (t("in all")) }
            div data-triage {
                (table::sorted(title, &columns, &rows, Some((Sorted { key: sort, ascending }, listed.path, &query))))
            }
        }
        (table::pager((skip > 0).then(|| place(None)).as_deref(), next.as_deref()))
        (below)
    };
    Ok(if filters.problem.is_some() { layout::refused(title, &body) } else { layout::page(title, &body) })
}

/// What stands above every list: what is wrong with its filters, the form of them, and what can be done with them.
pub(crate) async fn tools(
    visit: &Visit,
    filters: &filter::Filters,
    path: &'static str,
    common: &[(&'static str, &'static str)],
) -> Result<Markup, Failed> {
    let query = visit.query();
    Ok(html! {
        @if let Some(problem) = &filters.problem { p .problem role="alert" { (problem.told()) } }
        (filters.form(path, &query, common))
        div .tools {
            (filters.as_json(path, &query))
            (saved::of(visit, filters, path).await?)
            (filters.as_file())
        }
    })
}

/// A text of a record.
pub(crate) fn text<'a>(record: &'a Json, pointer: &str) -> &'a str {
    record.pointer(pointer).and_then(Json::as_str).unwrap_or_default()
}

/// A number of a record.
pub(crate) fn number(record: &Json, pointer: &str) -> Option<i64> {
    record.pointer(pointer).and_then(Json::as_i64)
}

/// A time of a record, in milliseconds or as a text.
pub(crate) fn time(visit: &Visit, record: &Json, pointer: &str, none: &str) -> Markup {
    let at = match record.pointer(pointer) {
        Some(Json::String(text)) => casbah_model::Timestamp::from_text(text),
        Some(Json::Number(number)) => number.as_i64().map(casbah_model::Timestamp),
        _ => None,
    };
    shown::time_or(visit.service().clock(), at, none)
}
