//! Filters of a list: in the address as the JSON that the API takes for the same list, and as a form with a row for
//! each of them. Fields and operators are those of the API's own tables.
//!
//! ```text
//! ?filters={"severity":{"eq":2}}   what is asked for; the API reads it
//! ?f0=severity&o0=eq&v0=2          what the form sends; it leads to the address above
//! ```

pub(crate) mod labels;
mod rows;
#[cfg(test)]
mod tests;

use casbah_api::lists::List;
use maud::{Markup, html};
use serde_json::{Map, Value as Json, json};

use super::fields::Fields;
use super::form::Problem;
use super::shown;
use super::text::t;
use labels::label;
use rows::Row;

/// Rows of a form that are read at the most.
const MOST_ROWS: usize = 40;

/// What an address asks for.
pub(crate) enum Asked {
    /// Another address, which says the same as the form that was sent.
    Elsewhere(String),
    /// These filters.
    Here(Filters),
}

/// The filters of a list.
pub(crate) struct Filters {
    pub(crate) list: List,
    /// As the API takes them.
    pub(crate) given: Map<String, Json>,
    pub(crate) problem: Option<Problem>,
    /// What the form showed, where it differs from what is given.
    typed: Option<Vec<Row>>,
}

/// An address of a list with filters.
pub(crate) fn address(path: &str, filters: &Json) -> String {
    Fields::default().with("filters", Some(&filters.to_string())).address(path)
}

/// Reads what an address asks of a list.
pub(crate) fn asked(resource: &'static str, path: &str, query: &Fields) -> Asked {
    let list = List::find(resource).unwrap_or_else(|| List {
        resource: resource.to_string(),
        path: "",
        fields: Vec::new(),
        sorts: &[],
        export: None,
    });
    let sent: Vec<Row> = (0..MOST_ROWS).filter_map(|n| rows::sent(query, n)).collect();
    let wrong = |why: String, typed: Option<Vec<Row>>| {
        let problem = Some(Problem { field: "filters".to_string(), why, foreign: false });
        Asked::Here(Filters { list: list.clone(), given: Map::new(), problem, typed })
    };
    if sent.is_empty() {
        return match parsed(query.get("filters")) {
            Ok(given) => Asked::Here(Filters { list, given, problem: None, typed: None }),
            Err(why) => wrong(why, None),
        };
    }
    let mut given = Map::new();
    let mut all = sent;
    let mut is_wrong = false;
    for row in &mut all {
        if let Err(why) = row.put(&list, &mut given) {
            row.wrong = Some(why);
            is_wrong = true;
        }
    }
    if is_wrong {
        return wrong(t("One of the filters cannot be read.").to_string(), Some(all));
    }
    let added =
        query.given("add").filter(|_| query.given("more").is_some()).and_then(|name| list.field(name));
    if let Some(field) = added {
        let operator = field.operators.first().map_or("eq", |(name, _)| name);
        all.push(Row::empty(field.name, operator));
        return Asked::Here(Filters { list, given, problem: None, typed: Some(all) });
    }
    let rest = query.pairs().iter().filter(|(name, _)| matches!(name.as_str(), "sort" | "order")).cloned();
    let text = Json::Object(given).to_string();
    // The empty object says that nothing is filtered, where a list without filters begins with some.
    Asked::Elsewhere(Fields::from_pairs(rest.collect()).with("filters", Some(&text)).address(path))
}

/// Filters as a part of a form that is posted and is about more.
pub(crate) struct Within {
    list: List,
    rows: Vec<Row>,
}

impl Within {
    /// The rows of filters that there are; none when the API has no such list.
    pub(crate) fn given(resource: &str, given: &Map<String, Json>) -> Option<Within> {
        let list = List::find(resource)?;
        let rows = Row::all(&list, given);
        Some(Within { list, rows })
    }

    /// The rows that were sent, with one more if that was asked for.
    pub(crate) fn sent(resource: &str, fields: &Fields) -> Option<Within> {
        let list = List::find(resource)?;
        let mut rows: Vec<Row> = (0..MOST_ROWS).filter_map(|n| rows::sent(fields, n)).collect();
        if fields.given("more").is_some()
            && let Some(field) = list.field(fields.get("add"))
        {
            rows.push(Row::empty(field.name, field.operators.first().map_or("eq", |(name, _)| name)));
        }
        Some(Within { list, rows })
    }

    /// The filters, or that a row cannot be read, which then says why.
    pub(crate) fn read(&mut self) -> Result<Map<String, Json>, String> {
        let (mut given, mut is_wrong) = (Map::new(), false);
        for row in &mut self.rows {
            row.wrong = row.put(&self.list, &mut given).err();
            is_wrong |= row.wrong.is_some();
        }
        if is_wrong { Err(t("One of the filters cannot be read.").to_string()) } else { Ok(given) }
    }

    pub(crate) fn show(&self) -> Markup {
        html! { fieldset .filters.builder {
            legend { (t("What it looks for")) }
            @for (n, row) in self.rows.iter().enumerate() { (row.show(&self.list, n, false)) }
            @if self.rows.is_empty() { p .quiet { (t("Nothing is asked for yet: add a filter.")) } }
            div .adding {
                label for="filter-add" { (t("Another filter")) }
                select #filter-add name="add" { @for field in &self.list.fields { option value=(field.name) { (label(field.name)) } } }
                button .second .small name="more" value="1" { (t("Add")) }
            }
        } }
    }
}

/// The object in a text of JSON; empty when there is no text.
pub(crate) fn parsed(text: &str) -> Result<Map<String, Json>, String> {
    if text.is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_str(text).map_err(|_| t("This is no JSON object.").to_string())
}

impl Filters {
    /// Says what the API said of them.
    pub(crate) fn refused(&mut self, why: impl Into<String>) {
        self.problem = Some(Problem { field: "filters".to_string(), why: why.into(), foreign: true });
    }

    /// The filters as the API takes them.
    pub(crate) fn json(&self) -> Json {
        Json::Object(self.given.clone())
    }

    /// Whether a field is filtered by nothing but these values.
    pub(crate) fn is(&self, field: &str, value: &Json) -> bool {
        self.given.get(field) == Some(&json!({ "eq": value }))
    }

    /// The form: rows for what a list is mostly filtered by, rows for what else is, and one to add.
    pub(crate) fn form(&self, path: &str, query: &Fields, common: &[(&'static str, &'static str)]) -> Markup {
        let mut all = self.typed.clone().unwrap_or_else(|| Row::all(&self.list, &self.given));
        for (place, (name, operator)) in common.iter().enumerate() {
            match all.iter().position(|row| row.field == *name) {
                // What a list is mostly filtered by stands first, in its order.
                Some(at) if at >= place => {
                    let row = all.remove(at);
                    all.insert(place.min(all.len()), row);
                }
                Some(_) => {}
                None => all.insert(place.min(all.len()), Row::empty(name, operator)),
            }
        }
        let fields = self.list.fields.iter().map(|field| (field.name, label(field.name)));
        html! { form .filters.builder method="get" action=(path) role="search" {
            @for name in ["sort", "order"] { @if let Some(value) = query.given(name) {
                input type="hidden" name=(name) value=(value);
            } }
            @for (n, row) in all.iter().enumerate() {
                (row.show(&self.list, n, common.iter().any(|(name, operator)| *name == row.field && *operator == row.operator)))
            }
            div .buttons {
                button .second { (t("Filter")) }
                a .button .second href=(address(path, &json!({}))) { (t("Reset")) }
            }
            div .adding {
                label for="filter-add" { (t("Another filter")) }
                select #filter-add name="add" { @for (name, label) in fields { option value=(name) { (label) } } }
                button .second .small name="more" value="1" { (t("Add")) }
            }
        } }
    }

    /// The filters as JSON, to be copied, and a place to paste others.
    pub(crate) fn as_json(&self, path: &str, query: &Fields) -> Markup {
        let wrong = self.problem.as_ref().filter(|_| self.typed.is_none());
        let now = if wrong.is_some() { query.get("filters").to_string() } else { self.json().to_string() };
        html! { details open[wrong.is_some()] {
            summary { (t("These filters as JSON, for the API")) }
            @if wrong.is_none() { (shown::copyable_lines(&now)) }
            form method="get" action=(path) { div .field {
                label for="filters" { (t("Paste filters")) }
                textarea #filters name="filters" rows="3" aria-invalid=[wrong.map(|_| "true")]
                    aria-describedby=[wrong.map(|_| "filters-wrong")] {
                    @if wrong.is_some() { (now) }
                }
                @if let Some(problem) = wrong { p .wrong #filters-wrong { (problem.told()) } }
            } button .second { (t("Use these filters")) } }
        } }
    }

    /// Links to the whole list as a file.
    pub(crate) fn as_file(&self) -> Markup {
        let link = |format: &str| {
            Fields::default()
                .with("format", Some(format))
                .with("filters", Some(&self.json().to_string()))
                .address(&format!("/portal/export/{}", self.list.resource))
        };
        html! { @if self.list.export.is_some() && self.problem.is_none() { p .files {
            (t("The whole list as a file:")) " "
            a href=(link("csv")) download { "CSV" } " · " a href=(link("jsonl")) download { (t("JSON lines")) }
        } } }
    }
}
