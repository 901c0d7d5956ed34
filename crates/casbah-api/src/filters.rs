//! Filters, from JSON to typed conditions.
//!
//! Each resource has a table of fields, with the kind of their values and the operators that make
//! sense; whatever is not in the table is refused with what is allowed, never dropped in silence.

#[cfg(test)]
mod tests;

use casbah_model::filter::{Condition, EntityKey, Operand, Range, Test, days_before};
use casbah_model::{RecordId, Timestamp};
use serde_json::{Map, Value, json};

use crate::parameters::{Parameters, whole_number, yes_or_no};
use crate::problem::{NOT_VALID, Problem};

/// A list of values longer than this is refused.
const MOST_VALUES: usize = 10_000;
/// Of a faulty value, so much is shown again.
const LONGEST_ECHO: usize = 200;
const MS_OF_DAY: f64 = 86_400_000.0;

/// A field that can be filtered by.
#[derive(Clone, Copy)]
pub(crate) struct Field<F: 'static> {
    /// Its names; the first is the documented one.
    pub(crate) names: &'static [&'static str],
    pub(crate) field: F,
    pub(crate) kind: Kind,
    pub(crate) operators: &'static [Operator],
    /// What it is about, for people.
    pub(crate) what: &'static str,
    /// A value that makes sense; JSON where it is not text.
    pub(crate) example: &'static str,
}

/// What can be told of a field, whatever it is a field of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FilterInfo {
    pub(crate) names: &'static [&'static str],
    pub(crate) kind: Kind,
    pub(crate) operators: &'static [Operator],
    pub(crate) what: &'static str,
    pub(crate) example: &'static str,
}

impl<F> Field<F> {
    /// A field with its names, kind and operators, what it is about, and a value that makes sense.
    pub(crate) const fn new(
        names: &'static [&'static str],
        field: F,
        kind: Kind,
        operators: &'static [Operator],
        (what, example): (&'static str, &'static str),
    ) -> Field<F> {
        Field { names, field, kind, operators, what, example }
    }

    /// What can be told of it.
    pub(crate) fn info(&self) -> FilterInfo {
        let Field { names, kind, operators, what, example, .. } = *self;
        FilterInfo { names, kind, operators, what, example }
    }
}

/// What the values of a field are.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Kind {
    /// Whole numbers.
    Number,
    /// Texts.
    Text,
    /// Texts; the text `null` says that there is no value.
    NullableText,
    /// Anything: texts, numbers, objects.
    Any,
    /// Ids of 24 hex digits.
    Id,
    /// Yes or no.
    Flag,
    /// One word for yes, another for no.
    Either(&'static str, &'static str),
    /// Milliseconds since 1970.
    Time,
    /// Entity keys.
    Entity,
    /// Numbers that also have names.
    Named(&'static [(&'static str, i64)]),
    /// Ids of user groups; an object with a role stands for the administrators.
    Group,
    /// A lowest and a highest number, which `eq` gives as a list of two.
    Span,
}

/// An operator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Operator {
    Eq,
    Neq,
    Gt,
    Gte,
    Lt,
    Lte,
    Range,
    GteNdays,
    LteNdays,
    Contains,
    Ncontains,
    Startswith,
    Startswithsingle,
    Doesnotstartwith,
    Isset,
    Isnotset,
    Text,
    Deq,
    Cabinetmatchedrulesequals,
}

impl Operator {
    /// When it holds, for people.
    pub(crate) const fn what(self) -> &'static str {
        match self {
            Operator::Eq => "the field equals, or among its values has, one of the values",
            Operator::Neq => "the field equals none of the values",
            Operator::Gt => "the field is greater than the value",
            Operator::Gte => "the field is the value or greater",
            Operator::Lt => "the field is less than the value",
            Operator::Lte => "the field is the value or less",
            Operator::Range => "the field lies within one of the ranges, both ends included",
            Operator::GteNdays => "the field is not older than so many days",
            Operator::LteNdays => "the field is older than so many days",
            Operator::Contains => "the field contains one of the texts, without regard to case",
            Operator::Ncontains => "the field contains none of the texts, without regard to case",
            Operator::Startswith => "the field begins with one of the texts",
            Operator::Startswithsingle => "the field begins with the text",
            Operator::Doesnotstartwith => "the field begins with none of the texts",
            Operator::Isset => "the field has a value (true), or has none (false)",
            Operator::Isnotset => "the field has no value (true), or has one (false)",
            Operator::Text => "the record has all words of the text",
            Operator::Deq => "among the values of the field is one that is not named",
            Operator::Cabinetmatchedrulesequals => "the record matches one of the policies",
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Operator::Eq => "eq",
            Operator::Neq => "neq",
            Operator::Gt => "gt",
            Operator::Gte => "gte",
            Operator::Lt => "lt",
            Operator::Lte => "lte",
            Operator::Range => "range",
            Operator::GteNdays => "gte_ndays",
            Operator::LteNdays => "lte_ndays",
            Operator::Contains => "contains",
            Operator::Ncontains => "ncontains",
            Operator::Startswith => "startswith",
            Operator::Startswithsingle => "startswithsingle",
            Operator::Doesnotstartwith => "doesnotstartwith",
            Operator::Isset => "isset",
            Operator::Isnotset => "isnotset",
            Operator::Text => "text",
            Operator::Deq => "deq",
            Operator::Cabinetmatchedrulesequals => "cabinetmatchedrulesequals",
        }
    }
}

/// The filters of a call as JSON; what stands for "none" is an empty object.
pub(crate) fn given(parameters: &Parameters) -> Result<Map<String, Value>, Problem> {
    named(parameters, "filters")
}

/// The same, of a parameter with another name.
pub(crate) fn named(parameters: &Parameters, name: &str) -> Result<Map<String, Value>, Problem> {
    object(parameters.raw(name).unwrap_or(&Value::Null))
}

fn object(value: &Value) -> Result<Map<String, Value>, Problem> {
    match value {
        Value::Null => Ok(Map::new()),
        // PowerShell makes this of an empty table.
        Value::Array(list) if list.is_empty() => Ok(Map::new()),
        Value::Object(all) => Ok(all.clone()),
        Value::String(text) if text.trim().is_empty() => Ok(Map::new()),
        Value::String(text) => match serde_json::from_str(text) {
            Ok(Value::String(_)) | Err(_) => Err(refused(value, "filters is not valid JSON".into())),
            Ok(parsed) => object(&parsed),
        },
        _ => Err(refused(value, "filters must be an object".into())),
    }
}

/// The filters that go on where a scanned page ended: all that were given, the window narrowed at
/// one side; a bound given for the other side stays.
pub(crate) fn narrowed(mut filters: Map<String, Value>, bound: i64, ascending: bool) -> Value {
    let date = filters.entry("date").or_insert_with(|| json!({}));
    if !date.is_object() {
        *date = json!({});
    }
    date[if ascending { "gte" } else { "lte" }] = json!(bound);
    Value::Object(filters)
}

/// Reads filters against the table of a resource.
pub(crate) fn parse<F: Copy>(
    filters: &Map<String, Value>,
    table: &[Field<F>],
    now: Timestamp,
) -> Result<Vec<Condition<F>>, Problem> {
    let mut conditions = Vec::new();
    for (name, operators) in filters {
        let Some(field) = table.iter().find(|f| f.names.contains(&name.as_str())) else {
            let names: Vec<&str> = table.iter().map(|f| f.names[0]).collect();
            let why = format!("there is no filter {:?}; there are {}", short(name), names.join(", "));
            return Err(refused(&json!(name), why));
        };
        let operators = match operators {
            Value::Object(all) => all,
            Value::Null => continue,
            Value::Array(list) if list.is_empty() => continue,
            other => {
                let why =
                    format!("{name}: write an operator and a value, such as {{\"{}\": ...}}", first(field));
                return Err(refused(other, why));
            }
        };
        for (operator, value) in operators {
            let Some(operator) = field.operators.iter().find(|o| o.name() == operator) else {
                let names: Vec<&str> = field.operators.iter().map(|o| o.name()).collect();
                let why =
                    format!("{name} has no operator {:?}; it has {}", short(operator), names.join(", "));
                return Err(refused(&json!(operator), why));
            };
            let place = Place { name, operator: *operator, kind: field.kind };
            if let Some(test) = place.test(value, now)? {
                conditions.push(Condition { field: field.field, test });
            }
        }
    }
    Ok(conditions)
}

fn first<F>(field: &Field<F>) -> &'static str {
    field.operators.first().map_or("eq", |o| o.name())
}

/// What was sent is shown again only while it is short.
fn refused(value: &Value, why: String) -> Problem {
    let params = if value.to_string().len() <= LONGEST_ECHO { json!({ "value": value }) } else { json!({}) };
    Problem::coded("filters", NOT_VALID, params, format!("{why}."))
}

fn short(name: &str) -> &str {
    if name.len() <= LONGEST_ECHO { name } else { "(too long to show)" }
}

/// One operator of one field.
struct Place<'n> {
    name: &'n str,
    operator: Operator,
    kind: Kind,
}

impl Place<'_> {
    /// What the value means; none when it is no constraint.
    fn test(&self, value: &Value, now: Timestamp) -> Result<Option<Test>, Problem> {
        // Null says "no value" to these two, and nothing at all to the others.
        if value.is_null() && !matches!(self.operator, Operator::Eq | Operator::Neq) {
            return Ok(None);
        }
        if list(value).is_empty() {
            return Ok(None);
        }
        if list(value).len() > MOST_VALUES {
            return Err(self.wrong(&json!(null), &format!("at most {MOST_VALUES} values")));
        }
        let one = |from: Option<i64>, to: Option<i64>| Ok(Some(Test::Within(vec![Range { from, to }])));
        match self.operator {
            Operator::Eq if self.kind == Kind::Span => self.span(value).map(Some),
            Operator::Eq => self.operands(value).map(|all| Some(Test::AnyOf(all))),
            Operator::Neq => self.operands(value).map(|all| Some(Test::NoneOf(all))),
            Operator::Cabinetmatchedrulesequals => self.operands(value).map(|all| Some(Test::AnyOf(all))),
            Operator::Deq => self.operands(value).map(|all| Some(Test::Not(Box::new(Test::AnyOf(all))))),
            Operator::Gte => one(Some(self.single(value)?), None),
            Operator::Gt => one(Some(self.single(value)?.saturating_add(1)), None),
            Operator::Lte => one(None, Some(self.single(value)?)),
            Operator::Lt => one(None, Some(self.single(value)?.saturating_sub(1))),
            Operator::GteNdays => one(Some(self.days(value, now)?), None),
            Operator::LteNdays => one(None, Some(self.days(value, now)?)),
            Operator::Range => {
                let ranges: Result<Vec<Range>, Problem> = list(value).iter().map(|r| self.range(r)).collect();
                Ok(Some(Test::Within(ranges?)))
            }
            Operator::Contains => self.texts(value).map(|texts| Some(Test::Contains(texts))),
            Operator::Ncontains => {
                self.texts(value).map(|texts| Some(Test::Not(Box::new(Test::Contains(texts)))))
            }
            Operator::Startswith | Operator::Startswithsingle => {
                self.texts(value).map(|texts| Some(Test::Begins(texts)))
            }
            Operator::Doesnotstartwith => {
                self.texts(value).map(|texts| Some(Test::Not(Box::new(Test::Begins(texts)))))
            }
            Operator::Isset => self.presence(value, true).map(Some),
            Operator::Isnotset => self.presence(value, false).map(Some),
            Operator::Text => self.texts(value).map(|texts| Some(Test::Words(texts))),
        }
    }

    fn wrong(&self, value: &Value, wanted: &str) -> Problem {
        refused(value, format!("{} {} needs {wanted}", self.name, self.operator.name()))
    }

    fn operands(&self, value: &Value) -> Result<Vec<Operand>, Problem> {
        list(value).iter().map(|v| self.operand(v)).collect()
    }

    fn operand(&self, value: &Value) -> Result<Operand, Problem> {
        let says_null = value.as_str().is_some_and(|text| text.trim().eq_ignore_ascii_case("null"));
        if value.is_null() || (says_null && self.kind != Kind::Text) {
            return Ok(Operand::Nothing);
        }
        let (operand, wanted) = match self.kind {
            Kind::Number | Kind::Time | Kind::Span => {
                (whole_number(value).map(Operand::Number), "whole numbers".to_string())
            }
            Kind::Text | Kind::NullableText => (text(value).map(Operand::Text), "texts".to_string()),
            Kind::Any => (Some(Operand::Text(value.to_string())), String::new()),
            Kind::Flag => (yes_or_no(value).map(Operand::Flag), "true or false".to_string()),
            Kind::Id => {
                let id = text(value).and_then(|t| t.trim().parse::<RecordId>().ok());
                (id.map(|id| Operand::Text(id.to_string())), "ids of 24 hex digits".to_string())
            }
            Kind::Either(yes, no) => {
                let said = |word: &str| value.as_str().is_some_and(|t| t.trim().eq_ignore_ascii_case(word));
                let flag = if said(yes) { Some(true) } else { said(no).then_some(false) };
                (flag.map(Operand::Flag), format!("{yes:?} or {no:?}"))
            }
            Kind::Named(names) => {
                let said = value.as_str().unwrap_or_default().trim();
                let named = names.iter().find(|(name, _)| name.eq_ignore_ascii_case(said)).map(|(_, n)| *n);
                let known = whole_number(value).filter(|n| names.iter().any(|(_, known)| known == n));
                let all: Vec<String> =
                    names.iter().map(|(name, number)| format!("{number} ({name})")).collect();
                (named.or(known).map(Operand::Number), format!("one of {}", all.join(", ")))
            }
            Kind::Group => (
                group(value).map(Operand::Text),
                "ids of user groups, or {\"role\": 1} for administrators".to_string(),
            ),
            Kind::Entity => (
                entity(value),
                "entity keys such as {\"id\": \"...\", \"saas\": 11161, \"inst\": 0}".to_string(),
            ),
        };
        operand.ok_or_else(|| self.wrong(value, &wanted))
    }

    fn single(&self, value: &Value) -> Result<i64, Problem> {
        let wanted = if self.kind == Kind::Time { "one number: milliseconds or days" } else { "one number" };
        match list(value).as_slice() {
            [one] => whole_number(one).or_else(|| fraction(one)).ok_or_else(|| self.wrong(one, wanted)),
            _ => Err(self.wrong(value, wanted)),
        }
    }

    /// So many days ago; a part of a day counts.
    fn days(&self, value: &Value, now: Timestamp) -> Result<i64, Problem> {
        if let [one] = list(value).as_slice()
            && whole_number(one).is_none()
            && let Some(days) = float(one).filter(|days| days.abs() < 1.0e6)
        {
            return Ok(now.0.saturating_sub((days * MS_OF_DAY).round() as i64));
        }
        Ok(days_before(now, self.single(value)?))
    }

    fn range(&self, value: &Value) -> Result<Range, Problem> {
        let wanted = "ranges such as {\"start\": 1, \"end\": 2}";
        let Value::Object(ends) = value else { return Err(self.wrong(value, wanted)) };
        let end = |name: &str| match ends.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(end) => {
                let number = whole_number(end).or_else(|| fraction(end));
                number.map(Some).ok_or_else(|| self.wrong(end, wanted))
            }
        };
        Ok(Range { from: end("start")?, to: end("end")? })
    }

    /// The one exception of the interface: `score {"eq": [1, 5]}` is from 1 to 5.
    fn span(&self, value: &Value) -> Result<Test, Problem> {
        if let [one] = list(value).as_slice()
            && self.operand(one).is_ok_and(|operand| operand == Operand::Nothing)
        {
            return Ok(Test::AnyOf(vec![Operand::Nothing]));
        }
        let numbers: Option<Vec<i64>> = list(value).iter().map(|v| whole_number(v)).collect();
        let range = match numbers.as_deref() {
            Some([one]) => Range { from: Some(*one), to: Some(*one) },
            Some([from, to]) => Range { from: Some(*from), to: Some(*to) },
            _ => return Err(self.wrong(value, "a lowest and a highest number")),
        };
        Ok(Test::Within(vec![range]))
    }

    /// Whether the field has a value; `wanted` is what `true` asks for.
    fn presence(&self, value: &Value, wanted: bool) -> Result<Test, Problem> {
        let [one] = list(value)[..] else { return Err(self.wrong(value, "true or false")) };
        let yes = yes_or_no(one).ok_or_else(|| self.wrong(one, "true or false"))?;
        let nothing = vec![Operand::Nothing];
        Ok(if yes == wanted { Test::NoneOf(nothing) } else { Test::AnyOf(nothing) })
    }

    fn texts(&self, value: &Value) -> Result<Vec<String>, Problem> {
        // Of an entity it is the id that begins with something.
        let id = |v: &Value| match self.kind {
            Kind::Entity => v.get("id").and_then(text),
            _ => None,
        };
        list(value).iter().map(|v| text(v).or_else(|| id(v)).ok_or_else(|| self.wrong(v, "texts"))).collect()
    }
}

/// A scalar is a list of one.
fn list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(all) => all.iter().collect(),
        Value::Object(all) if all.is_empty() => Vec::new(),
        other => vec![other],
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Some clients send milliseconds with a fraction; the part below one does not matter, nor how far beyond all
/// records a moment lies.
fn fraction(value: &Value) -> Option<i64> {
    float(value)
        .filter(|number| number.is_finite())
        .map(|number| number.floor().clamp(-9.0e15, 9.0e15) as i64)
}

fn float(value: &Value) -> Option<f64> {
    let number: f64 = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    number.is_finite().then_some(number)
}

fn group(value: &Value) -> Option<String> {
    match value {
        Value::Object(role) => {
            let any = role.get("role").is_some_and(|role| whole_number(role).is_some_and(|role| role > 0));
            any.then(|| casbah_service::entities::ADMINISTRATORS.to_string())
        }
        Value::String(text) => {
            let id = text.trim();
            let known = id.parse::<RecordId>().is_ok() || id.parse::<casbah_model::Guid>().is_ok();
            known.then(|| id.to_lowercase())
        }
        _ => None,
    }
}

fn entity(value: &Value) -> Option<Operand> {
    let key = match value {
        Value::String(text) if text.trim_start().starts_with('{') => {
            return entity(&serde_json::from_str::<Map<String, Value>>(text).ok()?.into());
        }
        Value::Object(key) => key,
        other => return text(other).map(Operand::Text),
    };
    let part = |name: &str| match key.get(name) {
        None | Some(Value::Null) => Some(None),
        Some(number) => whole_number(number).map(Some),
    };
    Some(Operand::Entity(EntityKey { id: text(key.get("id")?)?, saas: part("saas")?, inst: part("inst")? }))
}

/// What a filter on this field may look like.
pub(crate) fn example(field: &FilterInfo) -> Value {
    let operator = field.operators.first().copied().unwrap_or(Operator::Eq);
    let value = example_value(field);
    let is_list =
        matches!(operator, Operator::Eq | Operator::Neq | Operator::Deq) && field.kind != Kind::Span;
    json!({ operator.name(): if is_list { json!([value]) } else { value } })
}

/// A value that makes sense for a field, as JSON.
fn example_value(field: &FilterInfo) -> Value {
    let as_json = || serde_json::from_str(field.example).ok();
    match field.kind {
        Kind::Text | Kind::Id | Kind::Group | Kind::Either(..) => json!(field.example),
        Kind::NullableText if field.example == "null" => Value::Null,
        _ => as_json().unwrap_or_else(|| json!(field.example)),
    }
}
