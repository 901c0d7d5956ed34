//! A row of the form of filters: a field, an operator, and what is compared with.

use casbah_api::lists::{Field, List, Values};
use casbah_model::Timestamp;
use maud::{Markup, html};
use serde_json::{Map, Value as Json, json};

use super::labels::{label, operator_name, value_name};
use crate::portal::fields::Fields;
use crate::portal::text::{filled, t};

/// A row as it is shown and sent: values are texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) field: String,
    pub(super) operator: String,
    pub(super) values: Vec<String>,
    pub(super) wrong: Option<String>,
}

/// The row that a form sent under that number.
pub(super) fn sent(query: &Fields, n: usize) -> Option<Row> {
    let (field, operator, value) = (format!("f{n}"), format!("o{n}"), format!("v{n}"));
    Some(Row {
        field: query.given(&field)?.to_string(),
        operator: query.get(&operator).to_string(),
        values: query.all(&value).map(str::to_string).collect(),
        wrong: None,
    })
}

impl Row {
    pub(super) fn empty(field: &str, operator: &str) -> Row {
        Row { field: field.to_string(), operator: operator.to_string(), values: Vec::new(), wrong: None }
    }

    /// A row for each operator of each field.
    pub(super) fn all(list: &List, given: &Map<String, Json>) -> Vec<Row> {
        let mut rows = Vec::new();
        for (name, operators) in given {
            let (Some(field), Json::Object(operators)) = (list.field(name), operators) else { continue };
            for (operator, value) in operators {
                let values = match value {
                    Json::Array(all) => all.clone(),
                    one => vec![one.clone()],
                };
                let texts: Vec<String> = values.iter().map(|value| written(field, operator, value)).collect();
                let values =
                    if is_chosen(field, operator) { texts } else { vec![joined(field, operator, &texts)] };
                rows.push(Row { values, ..Row::empty(name, operator) });
            }
        }
        rows
    }

    /// Adds the row to filters; one without a value adds nothing.
    pub(super) fn put(&self, list: &List, given: &mut Map<String, Json>) -> Result<(), String> {
        let unknown = |name: &str| filled("This list has no filter {name}.", &[("name", &name)]);
        let field = list.field(&self.field).ok_or_else(|| unknown(&self.field))?;
        if !field.operators.iter().any(|(name, _)| *name == self.operator) {
            return Err(unknown(&format!("{}.{}", self.field, self.operator)));
        }
        let mut values = Vec::new();
        for text in &self.values {
            let parts = if is_chosen(field, &self.operator) || !has_several(field, &self.operator) {
                vec![text.clone()]
            } else {
                split(text)
            };
            for part in parts.iter().filter(|part| !part.is_empty()) {
                values.push(
                    read(field, &self.operator, part)
                        .ok_or_else(|| filled("{value} is no value for this filter.", &[("value", part)]))?,
                );
            }
        }
        if values.is_empty() {
            return Ok(());
        }
        let value =
            if values.len() == 1 && self.operator != "range" { values.remove(0) } else { Json::from(values) };
        let operators = given.entry(self.field.clone()).or_insert_with(|| json!({}));
        match operators.get_mut(&self.operator) {
            // The same again: any of the values will do.
            Some(Json::Array(all)) => match value {
                Json::Array(more) => all.extend(more),
                one => all.push(one),
            },
            Some(present) => *present = json!([present.take(), value]),
            None => operators[&self.operator] = value,
        }
        Ok(())
    }

    /// The row as part of the form. What a list is mostly filtered by needs no choice of an operator.
    pub(super) fn show(&self, list: &List, n: usize, plain: bool) -> Markup {
        let Some(field) = list.field(&self.field) else { return html! {} };
        let id = format!("filter-{n}");
        let title = label(field.name);
        let plain = plain || field.operators.len() == 1;
        html! { div .row data-field=(field.name) {
            input type="hidden" name={ "f" (n) } value=(self.field);
            @if is_chosen(field, &self.operator) && !matches!(field.values, Values::Flag) && !is_presence(&self.operator) {
                span .label id={ (id) "-label" } title=(field.what) { (title) }
            } @else { label for=(id) title=(field.what) { (title) } }
            @if plain { input type="hidden" name={ "o" (n) } value=(self.operator); }
            @else {
                select name={ "o" (n) } aria-label={ (title) ": " (t("how it is compared")) } {
                    @for (name, what) in &field.operators {
                        option value=(name) title=(what) selected[*name == self.operator] { (operator_name(name)) }
                    }
                }
            }
            (self.control(field, n, &id))
            @if let Some(why) = &self.wrong { p .wrong { (why) } }
        } }
    }

    fn control(&self, field: &Field, n: usize, id: &str) -> Markup {
        let name = format!("v{n}");
        let has = |text: &str| self.values.iter().any(|value| value == text);
        if is_presence(&self.operator) || field.values == Values::Flag {
            return html! { select id=(id) name=(name) {
                option value="" { (t("any")) }
                @for (value, shown) in [("true", t("yes")), ("false", t("no"))] {
                    option value=(value) selected[has(value)] { (value_name(field.name, value).unwrap_or(shown)) }
                }
            } };
        }
        if let Some(all) = choices(field).filter(|_| is_chosen(field, &self.operator)) {
            return html! { div .chips role="group" aria-labelledby={ (id) "-label" } { @for (value, shown) in &all {
                label .chip { input type="checkbox" name=(name) value=(value) checked[has(value)]; (shown) }
            } } };
        }
        let hint = match (&field.values, self.operator.as_str()) {
            (_, "gte_ndays" | "lte_ndays") => "30".to_string(),
            (Values::Time, "range") => "2026-01-01..2026-01-31".to_string(),
            (Values::Time, _) => "2026-01-31 12:00".to_string(),
            (Values::Number, "range") => "1..5".to_string(),
            _ => match field.example.as_object().and_then(|example| example.values().next()) {
                Some(Json::String(text)) => text.clone(),
                Some(Json::Array(_) | Json::Null) | None => String::new(),
                Some(other) => other.to_string(),
            },
        };
        let text = self.values.first().map_or("", String::as_str);
        html! { input type="text" id=(id) name=(name) value=(text) placeholder=(hint)
        aria-invalid=[self.wrong.as_ref().map(|_| "true")]; }
    }
}

fn is_presence(operator: &str) -> bool {
    matches!(operator, "isset" | "isnotset")
}

/// Whether a value is chosen and not typed.
fn is_chosen(field: &Field, operator: &str) -> bool {
    is_presence(operator)
        || field.values == Values::Flag
        || (choices(field).is_some() && matches!(operator, "eq" | "neq"))
}

/// What there is to choose from: the value as a text, and its name.
fn choices(field: &Field) -> Option<Vec<(String, String)>> {
    if let Values::OneOf(all) = &field.values {
        let named = |value: &Json, name: &str| {
            let text = text_of(value);
            let shown = value_name(field.name, &text).map_or_else(|| name.to_string(), str::to_string);
            (text, shown)
        };
        return Some(all.iter().map(|(value, name)| named(value, name)).collect());
    }
    // Numbers whose names the table tells in its prose.
    let known: Vec<_> = (0..16)
        .filter_map(|n: i64| {
            value_name(field.name, &n.to_string()).map(|name| (n.to_string(), name.to_string()))
        })
        .collect();
    (field.values == Values::Number && !known.is_empty()).then_some(known)
}

/// Whether several values can be typed.
fn has_several(field: &Field, operator: &str) -> bool {
    let text_alone = matches!(operator, "text" | "startswithsingle");
    let is_json = field.values == Values::Json;
    !text_alone && !is_json && !matches!(operator, "gt" | "gte" | "lt" | "lte" | "gte_ndays" | "lte_ndays")
}

fn text_of(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A typed value as the API takes it.
fn read(field: &Field, operator: &str, text: &str) -> Option<Json> {
    match operator {
        "isset" | "isnotset" => return text.parse::<bool>().ok().map(Json::from),
        "gte_ndays" | "lte_ndays" => return text.parse::<i64>().ok().map(Json::from),
        "range" => {
            let (from, to) = text.split_once("..")?;
            let mut range = Map::new();
            for (name, end) in [("start", from.trim()), ("end", to.trim())] {
                if !end.is_empty() {
                    range.insert(name.to_string(), single(field, end)?);
                }
            }
            return (!range.is_empty()).then_some(Json::Object(range));
        }
        _ => {}
    }
    single(field, text)
}

fn single(field: &Field, text: &str) -> Option<Json> {
    if text == "null" && field.values != Values::Text {
        return Some(Json::Null);
    }
    match &field.values {
        Values::Flag => text.parse::<bool>().ok().map(Json::from),
        Values::Number => text.parse::<i64>().ok().map(Json::from),
        Values::OneOf(all) => {
            let known =
                all.iter().find(|(value, name)| text_of(value) == text || name.eq_ignore_ascii_case(text));
            known.map(|(value, _)| value.clone())
        }
        Values::Time => {
            let number = text.parse::<i64>().ok();
            number.or_else(|| Timestamp::from_text(text).map(|at| at.0)).map(Json::from)
        }
        Values::Text => Some(Json::from(text)),
        Values::Json if text.starts_with(['{', '[']) => serde_json::from_str(text).ok(),
        Values::Json => Some(Json::from(text)),
    }
}

/// A value as it is typed.
fn written(field: &Field, operator: &str, value: &Json) -> String {
    if operator == "range"
        && let Json::Object(ends) = value
    {
        let end = |name: &str| ends.get(name).map(|end| written(field, "eq", end)).unwrap_or_default();
        return format!("{}..{}", end("start"), end("end"));
    }
    match (&field.values, value.as_i64()) {
        (Values::Time, Some(at)) if !operator.ends_with("ndays") && at % 1000 == 0 => {
            Timestamp(at).seconds_text()
        }
        _ => text_of(value),
    }
}

/// Values as one text, with commas between them; one that has a comma stands in quotes.
fn joined(field: &Field, operator: &str, texts: &[String]) -> String {
    if !has_several(field, operator) {
        return match texts {
            [one] => one.clone(),
            all if field.values == Values::Json => format!("[{}]", all.join(",")),
            all => all.join(" "),
        };
    }
    let quoted = |text: &String| {
        let plain = !text.contains([',', '"']) && text.trim() == text;
        if plain { text.clone() } else { format!("\"{}\"", text.replace('"', "\"\"")) }
    };
    texts.iter().map(quoted).collect::<Vec<_>>().join(", ")
}

/// The opposite.
pub(super) fn split(text: &str) -> Vec<String> {
    let (mut all, mut now, mut quoted) = (Vec::new(), String::new(), false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                now.push('"');
            }
            '"' if quoted || now.trim().is_empty() => quoted = !quoted,
            ',' if !quoted => all.push(std::mem::take(&mut now).trim().to_string()),
            other => now.push(other),
        }
    }
    all.push(now.trim().to_string());
    all.retain(|part| !part.is_empty());
    all
}
