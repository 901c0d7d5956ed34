//! The lists of the API for whoever shows them to people: what each can be filtered and sorted by, out of the same
//! tables that its filters are read by, and whether it can be taken out as a file.

use casbah_model::Timestamp;
use casbah_model::filter::{ActivityField, AlertField, Condition};
use serde_json::{Map, Value};

use crate::cloud_apps;
use crate::filters::{self, FilterInfo, Kind, example};

/// A list of the API.
#[derive(Clone, Debug)]
pub struct List {
    /// The end of its path, such as `alerts`.
    pub resource: String,
    /// Its path in the uniform spelling, such as `/api/v1/alerts`.
    pub path: &'static str,
    /// What it can be filtered by.
    pub fields: Vec<Field>,
    /// What it can be sorted by, the default first.
    pub sorts: &'static [&'static str],
    /// The path that gives it as a file, where there is one.
    pub export: Option<&'static str>,
}

/// A field that a list can be filtered by.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its documented name.
    pub name: &'static str,
    /// Other names of it.
    pub aliases: &'static [&'static str],
    /// What its values are.
    pub values: Values,
    /// Its operators, by name, with when each holds.
    pub operators: Vec<(&'static str, &'static str)>,
    /// What it is about.
    pub what: &'static str,
    /// An operator with a value that makes sense.
    pub example: Value,
}

/// What the values of a field are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Values {
    /// Some of these: the value as JSON has it, and its name.
    OneOf(Vec<(Value, &'static str)>),
    /// Yes or no.
    Flag,
    /// Whole numbers.
    Number,
    /// Milliseconds since 1970.
    Time,
    /// Texts and ids.
    Text,
    /// Texts, or objects as JSON.
    Json,
}

impl List {
    /// The list with that end of its path; none when it takes no filters.
    pub fn find(resource: &str) -> Option<List> {
        List::all().into_iter().find(|list| list.resource == resource)
    }

    /// All lists that take filters.
    pub fn all() -> Vec<List> {
        let endpoints = crate::endpoints();
        let list = |of: &crate::EndpointInfo| {
            let export = format!("{}/export", of.path);
            List {
                resource: cloud_apps::filters::resource(of),
                path: of.path,
                fields: of.says.filters.iter().map(field).collect(),
                sorts: of.says.sorts,
                export: endpoints.iter().find(|other| other.path == export).map(|other| other.path),
            }
        };
        cloud_apps::filters::lists().iter().map(list).collect()
    }

    /// The field of that name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name || field.aliases.contains(&name))
    }
}

fn field(info: &FilterInfo) -> Field {
    Field {
        name: info.names[0],
        aliases: &info.names[1..],
        values: values(info.kind),
        operators: info.operators.iter().map(|operator| (operator.name(), operator.what())).collect(),
        what: info.what,
        example: example(info),
    }
}

fn values(kind: Kind) -> Values {
    match kind {
        Kind::Named(names) => {
            Values::OneOf(names.iter().map(|(name, number)| (Value::from(*number), *name)).collect())
        }
        Kind::Either(yes, no) => Values::OneOf(vec![(Value::from(yes), yes), (Value::from(no), no)]),
        Kind::Flag => Values::Flag,
        Kind::Number | Kind::Span => Values::Number,
        Kind::Time => Values::Time,
        Kind::Text | Kind::NullableText | Kind::Id => Values::Text,
        Kind::Any | Kind::Entity | Kind::Group => Values::Json,
    }
}

/// Reads filters of alerts.
///
/// # Errors
/// What is wrong, with what is allowed, as the API says it.
pub fn alert_conditions(
    filters: &Map<String, Value>,
    now: Timestamp,
) -> Result<Vec<Condition<AlertField>>, String> {
    filters::parse(filters, cloud_apps::ALERT_FIELDS, now).map_err(|problem| problem.text().to_string())
}

/// Reads filters of activities.
///
/// # Errors
/// What is wrong, with what is allowed, as the API says it.
pub fn activity_conditions(
    filters: &Map<String, Value>,
    now: Timestamp,
) -> Result<Vec<Condition<ActivityField>>, String> {
    filters::parse(filters, cloud_apps::ACTIVITY_FIELDS, now).map_err(|problem| problem.text().to_string())
}
