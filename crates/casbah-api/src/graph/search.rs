//! `$filter`, `$search` and `$orderby` of lists that the database answers by an index: turned into a
//! [`Search`]. What cannot be turned is refused by name, never ignored.

use casbah_model::{Guid, Timestamp};
use casbah_service::directory::{Condition, Order, Property, Search};
use serde_json::Value;

use super::error::GraphError;
use super::filter::Filter;
use super::query::Query;

/// A property that lists can be filtered by.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) property: Property,
    pub(super) kind: Kind,
}

/// How the values of a property are compared.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text, without regard to case; also by its start.
    Text,
    /// An object id.
    Id,
    /// Yes or no.
    Flag,
    /// `Guest` or `Member`.
    UserType,
    /// A moment.
    Time,
}

/// The search that a query asks for; `usual` is the order when none is asked for.
pub(super) fn search(query: &Query, fields: &[Field], usual: Property) -> Result<Search, GraphError> {
    let mut all = Vec::new();
    if let Some(filter) = &query.filter {
        all.push(condition(filter, fields)?);
    }
    for (name, word) in &query.search {
        let field = field(fields, name, "searched")?;
        all.push(match (field.property, field.kind) {
            (Property::DisplayName, _) => Condition::Word(word.clone()),
            (property, Kind::Text) => Condition::Starts(property, word.clone()),
            _ => return Err(not_so(fields, name, "searched")),
        });
    }
    let order = match &query.order {
        Some((name, descending)) => {
            let field = field(fields, name, "sorted")?;
            if !matches!(field.property, Property::DisplayName | Property::Name) {
                return Err(not_so(fields, name, "sorted"));
            }
            Order { by: field.property, descending: *descending }
        }
        // In the order of the index that finds the entries, so that few are found fast among many.
        None => Order { by: index_of(&all).unwrap_or(usual), descending: false },
    };
    let after = query.skip_token.as_deref().map(token).transpose()?;
    Ok(Search { condition: Condition::All(all), order, after, limit: query.page() as i64 + 1 })
}

/// The order that serves the first condition which an index knows.
fn index_of(all: &[Condition]) -> Option<Property> {
    let indexed = |p: Property| {
        matches!(p, Property::DisplayName | Property::Name | Property::Mail | Property::Nickname)
    };
    all.iter().find_map(|condition| match condition {
        Condition::All(inner) => index_of(inner),
        Condition::Starts(property, _) | Condition::Is(property, _) if indexed(*property) => Some(*property),
        _ => None,
    })
}

/// Where a page ended: the id and the key that the list is in order by.
pub(super) fn skip_token(id: Guid, key: &str) -> String {
    format!("{id}{key}")
}

fn token(text: &str) -> Result<(String, Guid), GraphError> {
    let (id, key) = text.split_at_checked(36).unwrap_or_default();
    let id = id.parse().map_err(|_| GraphError::bad_request("$skiptoken is not one of ours."))?;
    Ok((key.to_string(), id))
}

fn condition(filter: &Filter, fields: &[Field]) -> Result<Condition, GraphError> {
    let each = |all: &[Filter]| all.iter().map(|f| condition(f, fields)).collect::<Result<Vec<_>, _>>();
    Ok(match filter {
        Filter::Or(any) => Condition::Any(each(any)?),
        Filter::And(all) => Condition::All(each(all)?),
        Filter::Not(inner) => Condition::Not(Box::new(condition(inner, fields)?)),
        Filter::Equal(name, value) => equal(field(fields, name, "filtered")?, value)?,
        Filter::StartsWith(name, start) => {
            let field = field(fields, name, "filtered")?;
            if field.kind != Kind::Text {
                return Err(not_so(fields, name, "filtered"));
            }
            Condition::Starts(field.property, start.clone())
        }
        Filter::Beyond(name, greater, or_equal, value) => {
            let field = field(fields, name, "filtered")?;
            let time = value.as_str().and_then(|text| text.parse::<Timestamp>().ok());
            let (Kind::Time, Some(Timestamp(at))) = (field.kind, time) else {
                return Err(not_so(fields, name, "filtered"));
            };
            let property = field.property;
            match (greater, or_equal) {
                (true, true) => Condition::AtLeast(property, at.into()),
                (true, false) => Condition::AtLeast(property, (at + 1).into()),
                (false, true) => Condition::AtMost(property, at.into()),
                (false, false) => Condition::AtMost(property, (at - 1).into()),
            }
        }
        Filter::EndsWith(name, _)
        | Filter::Contains(name, _)
        | Filter::Any(name, _)
        | Filter::All(name, _) => return Err(not_so(fields, name, "filtered")),
    })
}

fn equal(field: &Field, value: &Value) -> Result<Condition, GraphError> {
    let wrong = |wanted: &str| {
        GraphError::bad_request(format!("$filter: '{}' is compared with {wanted}.", field.name))
    };
    let value = match (field.kind, value) {
        (Kind::Text, Value::String(text)) => text.trim().to_lowercase().into(),
        // An absent text has an empty key.
        (Kind::Text, Value::Null) => "".into(),
        (Kind::Id, Value::String(text)) => match text.parse::<Guid>() {
            Ok(id) => id.into(),
            // What is no id nobody has.
            Err(_) => return Ok(Condition::Any(Vec::new())),
        },
        (Kind::Flag, Value::Bool(yes)) => (*yes).into(),
        (Kind::UserType, Value::String(text)) => match text.to_ascii_lowercase().as_str() {
            "guest" => true.into(),
            "member" => false.into(),
            _ => return Err(wrong("'Guest' or 'Member'")),
        },
        (Kind::Time, Value::String(text)) => {
            let at: Timestamp = text.parse().map_err(|_| wrong("a time such as 2027-01-31T00:00:00Z"))?;
            at.into()
        }
        (Kind::Text, _) => return Err(wrong("a text in single quotes")),
        (Kind::Id, _) => return Err(wrong("an id")),
        (Kind::Flag, _) => return Err(wrong("true or false")),
        (Kind::UserType, _) => return Err(wrong("'Guest' or 'Member'")),
        (Kind::Time, _) => return Err(wrong("a time such as 2027-01-31T00:00:00Z")),
    };
    Ok(Condition::Is(field.property, value))
}

fn field<'f>(fields: &'f [Field], name: &str, done: &str) -> Result<&'f Field, GraphError> {
    fields.iter().find(|f| f.name.eq_ignore_ascii_case(name)).ok_or_else(|| not_so(fields, name, done))
}

fn not_so(fields: &[Field], name: &str, done: &str) -> GraphError {
    let names: Vec<&str> = fields.iter().map(|f| f.name).collect();
    GraphError::bad_request(format!(
        "This list cannot be {done} by '{name}' in this way; its properties for that are {}.",
        names.join(", ")
    ))
}
