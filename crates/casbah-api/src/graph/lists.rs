//! Lists that are too long to be at hand as a whole: `$filter` and `$search` as a condition of the database
//! as far as it knows the properties, the rest compared entry by entry, page by page.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use casbah_model::{Guid, Timestamp};
use casbah_service::Error;
use casbah_service::directory::{Condition, Order, Search};
use serde_json::Value;

use super::error::GraphError;
use super::filter::Filter;
use super::query::Query;

pub(super) use casbah_service::directory::Property;

/// How many are read at a time where each has to be looked at.
const BATCH: i64 = 500;
/// How many are looked at for one page before it is handed out half full, with a link that goes on.
const MOST_LOOKED_AT: usize = 20_000;
/// Counting does not go further: beyond, the filter must be one that the database knows.
const MOST_COUNTED: usize = 200_000;

/// A property that the database can look through.
pub(super) struct Column {
    name: &'static str,
    kind: Kind,
}

enum Kind {
    Id(Property),
    Text(Property),
    Bool(Property),
    Time(Property),
    /// The list of names as a resource.
    Names,
}

impl Column {
    pub(super) const fn id(name: &'static str, property: Property) -> Column {
        Column { name, kind: Kind::Id(property) }
    }

    pub(super) const fn text(name: &'static str, property: Property) -> Column {
        Column { name, kind: Kind::Text(property) }
    }

    pub(super) const fn bool(name: &'static str, property: Property) -> Column {
        Column { name, kind: Kind::Bool(property) }
    }

    pub(super) const fn time(name: &'static str, property: Property) -> Column {
        Column { name, kind: Kind::Time(property) }
    }

    pub(super) const fn names(name: &'static str) -> Column {
        Column { name, kind: Kind::Names }
    }
}

/// A page of a list.
pub(super) struct Page<T> {
    pub(super) entries: Vec<T>,
    pub(super) count: Option<usize>,
    pub(super) next: Option<String>,
}

/// One page: `fetch` reads, `total` counts, `view` shows an entry, `key` is its name and id, in the order of
/// which the list goes on.
pub(super) async fn page<T, F, FF, C, CF>(
    query: &Query,
    columns: &[Column],
    fetch: F,
    total: C,
    view: impl Fn(&T) -> Value,
    key: impl Fn(&T) -> (String, Guid),
) -> Result<Page<T>, GraphError>
where
    F: Fn(Search) -> FF,
    FF: Future<Output = Result<Vec<T>, Error>>,
    C: Fn(Search) -> CF,
    CF: Future<Output = Result<i64, Error>>,
{
    let (condition, exact) = condition(query, columns);
    let descending = order(query)?;
    let size = query.page();
    let count = match query.count {
        true => Some(counted(query, &condition, exact, &fetch, &total, &view, &key).await?),
        false => None,
    };
    let mut after = query.skip_token.as_deref().map(read_token).transpose()?;
    let mut entries: Vec<T> = Vec::new();
    let mut looked_at = 0;
    loop {
        let missing = i64::try_from(size - entries.len()).unwrap_or(BATCH);
        let limit = if exact { missing + 1 } else { BATCH };
        let wanted = search(condition.clone(), descending, after.clone(), limit);
        let batch = fetch(wanted).await?;
        let is_last = (batch.len() as i64) < limit;
        for entry in batch {
            let matches = exact || query.matches(&view(&entry))?;
            if entries.len() == size && matches {
                let next = after.as_ref().map(write_token);
                return Ok(Page { entries, count, next });
            }
            looked_at += 1;
            after = Some(key(&entry));
            if matches {
                entries.push(entry);
            }
        }
        if is_last {
            return Ok(Page { entries, count, next: None });
        }
        if looked_at >= MOST_LOOKED_AT {
            let next = after.as_ref().map(write_token);
            return Ok(Page { entries, count, next });
        }
    }
}

/// How many entries fulfil the query.
pub(super) async fn count<T, F, FF, C, CF>(
    query: &Query,
    columns: &[Column],
    fetch: F,
    total: C,
    view: impl Fn(&T) -> Value,
    key: impl Fn(&T) -> (String, Guid),
) -> Result<usize, GraphError>
where
    F: Fn(Search) -> FF,
    FF: Future<Output = Result<Vec<T>, Error>>,
    C: Fn(Search) -> CF,
    CF: Future<Output = Result<i64, Error>>,
{
    let (condition, exact) = condition(query, columns);
    counted(query, &condition, exact, &fetch, &total, &view, &key).await
}

async fn counted<T, F, FF, C, CF>(
    query: &Query,
    condition: &Condition,
    exact: bool,
    fetch: &F,
    total: &C,
    view: &impl Fn(&T) -> Value,
    key: &impl Fn(&T) -> (String, Guid),
) -> Result<usize, GraphError>
where
    F: Fn(Search) -> FF,
    FF: Future<Output = Result<Vec<T>, Error>>,
    C: Fn(Search) -> CF,
    CF: Future<Output = Result<i64, Error>>,
{
    if exact {
        let number = total(search(condition.clone(), false, None, 0)).await?;
        return Ok(usize::try_from(number).unwrap_or(0));
    }
    let (mut after, mut count, mut looked_at) = (None, 0, 0);
    loop {
        let batch = fetch(search(condition.clone(), false, after, BATCH)).await?;
        for entry in &batch {
            count += usize::from(query.matches(&view(entry))?);
        }
        looked_at += batch.len();
        if (batch.len() as i64) < BATCH {
            return Ok(count);
        }
        if looked_at >= MOST_COUNTED {
            return Err(GraphError::bad_request(
                "$count: too many entries for this $filter. Filter by properties such as displayName or appId.",
            ));
        }
        after = batch.last().map(key);
    }
}

fn search(condition: Condition, descending: bool, after: Option<(String, Guid)>, limit: i64) -> Search {
    let after = after.map(|(name, id)| (name.trim().to_lowercase(), id));
    Search { condition, order: Order { by: Property::DisplayName, descending }, after, limit }
}

/// Lists go by name.
fn order(query: &Query) -> Result<bool, GraphError> {
    match &query.order {
        None => Ok(false),
        Some((name, descending)) if name.eq_ignore_ascii_case("displayName") => Ok(*descending),
        Some((name, _)) => {
            Err(GraphError::bad_request(format!("$orderby {name} is not supported here; displayName is.")))
        }
    }
}

/// What the database can decide of a query, and whether that is all of it. What it cannot is left out, so the
/// condition lets through too much, never too little.
pub(super) fn condition(query: &Query, columns: &[Column]) -> (Condition, bool) {
    let mut all = Vec::new();
    let mut exact = true;
    if let Some(filter) = &query.filter {
        let (condition, is_exact) = compile(filter, columns);
        all.extend(condition);
        exact &= is_exact;
    }
    for (name, start) in &query.search {
        let known = columns.iter().any(|c| {
            c.name.eq_ignore_ascii_case(name) && matches!(c.kind, Kind::Text(Property::DisplayName))
        });
        if known {
            all.push(Condition::Word(start.clone()));
        } else {
            exact = false;
        }
    }
    (Condition::All(all), exact)
}

/// A condition, none for one that the database cannot decide; and whether it says all.
fn compile(filter: &Filter, columns: &[Column]) -> (Option<Condition>, bool) {
    let known = |condition: Option<Condition>| {
        let exact = condition.is_some();
        (condition, exact)
    };
    match filter {
        Filter::And(parts) => {
            let (parts, exact): (Vec<_>, Vec<bool>) = parts.iter().map(|f| compile(f, columns)).unzip();
            (Some(Condition::All(parts.into_iter().flatten().collect())), exact.into_iter().all(|yes| yes))
        }
        Filter::Or(parts) => {
            let (parts, exact): (Vec<_>, Vec<bool>) = parts.iter().map(|f| compile(f, columns)).unzip();
            let any: Option<Vec<_>> = parts.into_iter().collect();
            (any.map(Condition::Any), exact.into_iter().all(|yes| yes))
        }
        Filter::Not(inner) => match compile(inner, columns) {
            (Some(inner), true) => (Some(Condition::Not(Box::new(inner))), true),
            _ => (None, false),
        },
        Filter::Equal(name, value) => known(column(columns, name).and_then(|kind| equal(kind, value))),
        Filter::StartsWith(name, start) => known(match column(columns, name) {
            Some(Kind::Text(property)) => Some(Condition::Starts(*property, start.clone())),
            _ => None,
        }),
        Filter::Beyond(name, greater, or_equal, value) => {
            let Some(Kind::Time(property)) = column(columns, name) else { return (None, false) };
            let Some(at) = value.as_str().and_then(|t| t.parse::<Timestamp>().ok()) else {
                return (None, false);
            };
            let step = i64::from(!or_equal);
            known(Some(match greater {
                true => Condition::AtLeast(*property, (at.0 + step).into()),
                false => Condition::AtMost(*property, (at.0 - step).into()),
            }))
        }
        Filter::Any(name, inner) => known(match (column(columns, name), &**inner) {
            (Some(Kind::Names), Filter::Equal(element, Value::String(text))) if element.is_empty() => {
                Some(Condition::Named(text.to_lowercase()))
            }
            _ => None,
        }),
        Filter::EndsWith(..) | Filter::Contains(..) | Filter::All(..) => (None, false),
    }
}

fn column<'a>(columns: &'a [Column], name: &str) -> Option<&'a Kind> {
    columns.iter().find(|c| c.name.eq_ignore_ascii_case(name)).map(|c| &c.kind)
}

fn equal(kind: &Kind, value: &Value) -> Option<Condition> {
    match (kind, value) {
        (Kind::Id(property), Value::String(text)) => Some(match text.parse::<Guid>() {
            Ok(id) => Condition::Is(*property, id.into()),
            // What is no id equals none.
            Err(_) => Condition::Any(Vec::new()),
        }),
        (Kind::Text(property), Value::String(text)) => {
            Some(Condition::Is(*property, text.trim().to_lowercase().into()))
        }
        (Kind::Bool(property), Value::Bool(yes)) => Some(Condition::Is(*property, (*yes).into())),
        (Kind::Time(property), Value::String(text)) => {
            text.parse::<Timestamp>().ok().map(|at| Condition::Is(*property, at.into()))
        }
        _ => None,
    }
}

/// Where a page ended. Only we read it, so only its form is ours to keep.
fn write_token(at: &(String, Guid)) -> String {
    URL_SAFE_NO_PAD.encode(format!("{}{}", at.1, at.0))
}

fn read_token(token: &str) -> Result<(String, Guid), GraphError> {
    let wrong = || GraphError::bad_request("$skiptoken is not one of ours.");
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| wrong())?;
    let text = String::from_utf8(bytes).map_err(|_| wrong())?;
    let id = text.get(..36).ok_or_else(wrong)?.parse().map_err(|_| wrong())?;
    Ok((text[36..].to_string(), id))
}
