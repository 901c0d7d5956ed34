//! What a policy looks for, as filters in the words of its type.

use casbah_model::Timestamp;
use casbah_model::filter::{Condition, Operand, Range, Test};
use casbah_service::policies::{Conditions, NEW_SERVICE, Rule, Thresholds};
use serde_json::{Map, Value, json};

use crate::filters::Operator::{Eq, Gt, Gte, Lt, Lte};
use crate::filters::{self, Field, Kind, Operator};
use crate::parameters::Parameters;
use crate::problem::Problem;

/// What a policy on discovered apps can ask, under the names that discovered apps have for it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum App {
    Score,
    Category,
    Total,
    Uploaded,
    Users,
}

const ABOVE: &[Operator] = &[Gt, Gte];
const APP_FIELDS: &[Field<App>] = &[
    Field::new(&["score"], App::Score, Kind::Number, &[Lt, Lte], ("Risk score of the app, 1 to 10", "5")),
    Field::new(
        &["category"],
        App::Category,
        Kind::Text,
        &[Eq],
        ("Category of the app", "SAASDB_CATEGORY_CLOUD_STORAGE"),
    ),
    Field::new(&["trafficTotalBytes"], App::Total, Kind::Number, ABOVE, ("Bytes of a day", "1000000")),
    Field::new(
        &["trafficUploadedBytes"],
        App::Uploaded,
        Kind::Number,
        ABOVE,
        ("Bytes of a day that were uploaded", "1000000"),
    ),
    Field::new(&["usersCount"], App::Users, Kind::Number, ABOVE, ("Users of a day", "50")),
];

/// Reads what a policy of that type is to look for; none when nothing was said about it.
pub(super) fn read(
    parameters: &Parameters,
    policy_type: &str,
    now: Timestamp,
) -> Result<Option<Rule>, Problem> {
    if parameters.raw("filters").is_none() {
        return Ok(None);
    }
    let given = filters::given(parameters)?;
    if policy_type.eq_ignore_ascii_case(NEW_SERVICE) {
        return discovery(&filters::parse(&given, APP_FIELDS, now)?)
            .map(|found| Some(Rule::Discovery(found)));
    }
    if given.is_empty() {
        return Ok(None);
    }
    Err(Problem::invalid("filters", "A policy of this type has no filters that could be set."))
}

/// The fields of a policy's record that say what it looks for.
pub(super) fn view(rule: &Rule) -> Map<String, Value> {
    let mut record = Map::new();
    match rule {
        Rule::Discovery(conditions) => record.insert("filters".into(), app_filters(conditions)),
    };
    record
}

fn discovery(given: &[Condition<App>]) -> Result<Conditions, Problem> {
    let (mut conditions, mut daily) = (Conditions::default(), Thresholds::default());
    for Condition { field, test } in given {
        match (field, test) {
            (App::Category, Test::AnyOf(operands)) => {
                let name = |operand: &Operand| match operand {
                    Operand::Text(text) => Some(category(text)),
                    _ => None,
                };
                conditions.categories = operands.iter().filter_map(name).collect();
            }
            (App::Score, Test::Within(ranges)) => conditions.score_below = Some(below(ranges)?),
            (App::Total, Test::Within(ranges)) => daily.total_bytes_above = Some(above(ranges)?),
            (App::Uploaded, Test::Within(ranges)) => daily.uploaded_bytes_above = Some(above(ranges)?),
            (App::Users, Test::Within(ranges)) => daily.users_above = Some(above(ranges)?),
            _ => {}
        }
    }
    Ok(Conditions { daily, ..conditions })
}

/// With or without the start that all categories share.
fn category(text: &str) -> String {
    const START: &str = "SAASDB_CATEGORY_";
    let upper = text.trim().to_uppercase();
    if upper.starts_with("SAASDB_") { upper } else { format!("{START}{upper}") }
}

fn below(ranges: &[Range]) -> Result<u8, Problem> {
    let most = ranges.first().and_then(|range| range.to).unwrap_or_default();
    match u8::try_from(most.saturating_add(1)) {
        Ok(below @ 2..=10) => Ok(below),
        _ => Err(Problem::invalid("filters", "score: apps have scores from 1 to 10; write lt from 2 to 10.")),
    }
}

fn above(ranges: &[Range]) -> Result<u64, Problem> {
    let least = ranges.first().and_then(|range| range.from).unwrap_or_default();
    u64::try_from(least.saturating_sub(1))
        .map_err(|_| Problem::invalid("filters", "Amounts to exceed must not be negative."))
}

fn app_filters(conditions: &Conditions) -> Value {
    let mut all = Map::new();
    if let Some(score) = conditions.score_below {
        all.insert("score".into(), json!({ "lt": score }));
    }
    if !conditions.categories.is_empty() {
        all.insert("category".into(), json!({ "eq": conditions.categories }));
    }
    for (name, amount) in [
        ("trafficTotalBytes", conditions.daily.total_bytes_above),
        ("trafficUploadedBytes", conditions.daily.uploaded_bytes_above),
        ("usersCount", conditions.daily.users_above),
    ] {
        if let Some(amount) = amount {
            all.insert(name.into(), json!({ "gt": amount }));
        }
    }
    Value::Object(all)
}
