//! Filters of a list: in the address, as a form, and as the JSON that the API takes for the same list.

use casbah_model::RecordId;
use casbah_model::filter::{Condition, Operand, Test};
use maud::{Markup, html};
use serde_json::{Map, Value as Json, json};

use super::fields::Fields;
use super::form::Problem;
use super::shown;
use super::text::{filled, t};

/// How a value is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Number,
    Text,
    /// A record's id.
    Id,
    Flag,
    /// Words that must all be found.
    Words,
}

/// One thing that a list can be filtered by.
pub(crate) struct Facet<F: 'static> {
    /// In the address.
    pub(crate) name: &'static str,
    /// In the API's filters.
    pub(crate) json: &'static str,
    pub(crate) field: F,
    pub(crate) kind: Kind,
}

impl<F: Copy> Facet<F> {
    fn operator(&self) -> &'static str {
        if self.kind == Kind::Words { "text" } else { "eq" }
    }

    fn operand(&self, text: &str) -> Result<Operand, Problem> {
        let operand = match self.kind {
            Kind::Number => text.parse().map(Operand::Number).ok(),
            Kind::Text | Kind::Words => Some(Operand::Text(text.to_string())),
            Kind::Id => text.parse::<RecordId>().map(|id| Operand::Text(id.to_string())).ok(),
            Kind::Flag => text.parse().map(Operand::Flag).ok(),
        };
        operand.ok_or_else(|| Problem {
            field: self.name.to_string(),
            why: filled("{value} is no value for this filter.", &[("value", &text)]),
        })
    }
}

/// What the address asks for.
pub(crate) fn conditions<F: Copy>(facets: &[Facet<F>], query: &Fields) -> Result<Vec<Condition<F>>, Problem> {
    let mut all = Vec::new();
    for facet in facets {
        let operands: Vec<Operand> =
            query.all(facet.name).map(|text| facet.operand(text)).collect::<Result<_, _>>()?;
        if operands.is_empty() {
            continue;
        }
        let test = match facet.kind {
            Kind::Words => Test::Words(query.all(facet.name).map(str::to_string).collect()),
            _ => Test::AnyOf(operands),
        };
        all.push(Condition { field: facet.field, test });
    }
    Ok(all)
}

/// The same as the API takes it.
pub(crate) fn json<F: Copy>(facets: &[Facet<F>], query: &Fields) -> Json {
    let mut whole = Map::new();
    for facet in facets {
        let values: Vec<Json> = query
            .all(facet.name)
            .map(|text| match facet.kind {
                Kind::Number => text.parse::<i64>().map_or(Json::Null, Json::from),
                Kind::Flag => Json::from(text == "true"),
                Kind::Text | Kind::Id | Kind::Words => Json::from(text),
            })
            .collect();
        if values.is_empty() {
            continue;
        }
        let value = if facet.kind == Kind::Flag { values[0].clone() } else { Json::from(values) };
        whole.insert(facet.json.to_string(), json!({ facet.operator(): value }));
    }
    Json::Object(whole)
}

/// The address for filters that somebody pasted. What the page has no field for is named, not left out.
fn pasted<F: Copy>(facets: &[Facet<F>], text: &str) -> Result<Fields, String> {
    let whole: Map<String, Json> =
        serde_json::from_str(text).map_err(|_| t("This is no JSON object.").to_string())?;
    let mut fields = Vec::new();
    for (name, operators) in &whole {
        let unknown = || filled("This page has no filter {name}.", &[("name", name)]);
        let facet = facets.iter().find(|facet| facet.json == name).ok_or_else(unknown)?;
        let operators = operators.as_object().ok_or_else(unknown)?;
        for (operator, value) in operators {
            if operator != facet.operator() {
                let name = format!("{name}.{operator}");
                return Err(filled("This page has no filter {name}.", &[("name", &name)]));
            }
            let values = match value {
                Json::Array(list) => list.clone(),
                one => vec![one.clone()],
            };
            fields.extend(values.iter().map(|value| match value {
                Json::String(text) => (facet.name.to_string(), text.clone()),
                other => (facet.name.to_string(), other.to_string()),
            }));
        }
    }
    Ok(Fields::from_pairs(fields))
}

/// The address to go to when filters were pasted; `None` when none were.
pub(crate) fn paste<F: Copy>(
    facets: &[Facet<F>],
    path: &str,
    query: &Fields,
) -> Option<Result<String, Problem>> {
    let text = query.given("filters")?;
    let address = pasted(facets, text).map(|fields| fields.address(path));
    Some(address.map_err(|why| Problem { field: "filters".to_string(), why }))
}

/// The filters as JSON, to be copied, and a place to paste others.
pub(crate) fn as_json<F: Copy>(
    facets: &[Facet<F>],
    path: &str,
    query: &Fields,
    wrong: Option<&Problem>,
) -> Markup {
    let wrong = wrong.filter(|problem| problem.field == "filters");
    html! { details open[wrong.is_some()] {
        summary { (t("These filters as JSON, for the API")) }
        (shown::copyable_lines(&json(facets, query).to_string()))
        form method="get" action=(path) { div .field {
            label for="filters" { (t("Paste filters")) }
            textarea #filters name="filters" rows="3" aria-invalid=[wrong.map(|_| "true")] { (query.get("filters")) }
            @if let Some(problem) = wrong { p .wrong { (problem.why) } }
        } button .second { (t("Use these filters")) } }
    } }
}

/// A choice among the values of a facet.
pub(crate) fn choice(query: &Fields, name: &str, label: &str, values: &[(&str, &str)]) -> Markup {
    let now = query.get(name);
    html! { div {
        label for={ "filter-" (name) } { (label) }
        select id={ "filter-" (name) } name=(name) {
            option value="" { (t("All")) }
            @for (value, shown) in values { option value=(value) selected[*value == now] { (shown) } }
        }
    } }
}

/// A text to be typed.
pub(crate) fn typed(query: &Fields, name: &str, label: &str) -> Markup {
    html! { div {
        label for={ "filter-" (name) } { (label) }
        input id={ "filter-" (name) } type="text" name=(name) value=(query.get(name));
    } }
}

/// The form around the filters of a list.
pub(crate) fn form(path: &str, fields: &Markup) -> Markup {
    html! { form .filters method="get" action=(path) role="search" { (fields)
    button .second { (t("Filter")) } a .button .second href=(path) { (t("Reset")) } } }
}
