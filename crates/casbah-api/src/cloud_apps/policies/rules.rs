//! What a policy looks for, as filters in the words of its type.

use casbah_model::Timestamp;
use casbah_model::filter::{ActivityField, FileField};
use casbah_service::policies::{
    ANOMALY_DETECTION, AUDIT, ActivityRule, FILE, FileRule, NEW_SERVICE, Rule, Shape,
};
use serde_json::{Map, Value, json};

use super::super::{activities::fields, files};
use super::apps;
use crate::describe::{self, may_have};
use crate::filters::{self, Field};
use crate::parameters::{Parameters, whole_number, yes_or_no};
use crate::problem::Problem;

pub(super) const REPETITION_SHAPE: describe::Shape = describe::Shape::Inline(&[
    may_have("minimum", describe::Shape::Between(1, 10_000), "How many; 1 takes the repetition away."),
    may_have("withinMinutes", describe::Shape::Between(1, 1_440), ""),
    may_have("inSingleApp", describe::Shape::Flag, "Whether all must be in the same app."),
]);
pub(super) const REPETITION_SAYS: &str = "So many activities of one person within so many minutes.";
pub(super) const TRAVEL_SHAPE: describe::Shape = describe::Shape::Inline(&[
    may_have("kilometresPerHour", describe::Shape::Between(1, 100_000), "Speed that must be exceeded."),
    may_have("kilometres", describe::Shape::Between(0, 20_000), "Distance that must be exceeded."),
]);
pub(super) const TRAVEL_SAYS: &str =
    "Two activities of one person too far apart; of the built-in policy on that.";
pub(super) const FIRST_SAYS: &str = "The first of a person in so many days; of the built-in policy on that.";

/// The field in which each shape of a policy on activities is told, with the numbers in it.
const REPETITION: &str = "repetition";
const TRAVEL: &str = "travel";
const FIRST: &str = "firstInDays";
/// Whether the files that are found at once come in one alert.
const TOGETHER: &str = "aggregateAlerts";
pub(super) const TOGETHER_SAYS: &str =
    "Whether the files that are found at once come in one alert; of a policy on files.";

/// Reads what a policy of that type is to look for; none when nothing was said about it.
pub(super) fn read(
    parameters: &Parameters,
    policy_type: &str,
    present: Option<&Rule>,
    now: Timestamp,
) -> Result<Option<Rule>, Problem> {
    const ON_ACTIVITIES: &[&str] = &[AUDIT, ANOMALY_DETECTION];
    for (name, types) in [
        (TOGETHER, &[FILE][..]),
        (apps::ONLY_NEW, &[NEW_SERVICE]),
        (REPETITION, ON_ACTIVITIES),
        (TRAVEL, ON_ACTIVITIES),
        (FIRST, ON_ACTIVITIES),
    ] {
        if !types.contains(&policy_type) {
            refuse(parameters, name)?;
        }
    }
    match (policy_type, present) {
        (AUDIT, present) => audit(parameters, present, now),
        (FILE, present) => on_files(parameters, present, now),
        (ANOMALY_DETECTION, Some(Rule::Activities { filters, rule })) => {
            no_filters(parameters)?;
            let shape = shape(parameters, rule.shape, false)?;
            Ok(Some(Rule::Activities {
                filters: filters.clone(),
                rule: ActivityRule { shape, ..rule.clone() },
            }))
        }
        (NEW_SERVICE, present) => apps::read(parameters, present, now),
        _ => no_filters(parameters).map(|()| None),
    }
}

/// What a policy of this type does not have is not taken in.
fn refuse(parameters: &Parameters, name: &str) -> Result<(), Problem> {
    match parameters.raw(name) {
        Some(_) => Err(Problem::invalid(name, format!("This policy has no {name}."))),
        None => Ok(()),
    }
}

fn no_filters(parameters: &Parameters) -> Result<(), Problem> {
    if filters::given(parameters)?.is_empty() {
        return Ok(());
    }
    Err(Problem::invalid("filters", "This policy has no filters that could be set."))
}

/// The fields of a policy's record that say what it looks for.
pub(super) fn view(rule: &Rule) -> Map<String, Value> {
    let mut record = Map::new();
    match rule {
        Rule::Files { filters, rule } => {
            record.insert("filters".into(), filters.clone());
            record.insert(TOGETHER.into(), json!(rule.together));
        }
        Rule::Discovery(rule) => {
            record.extend(apps::view(rule).map(|(name, value)| (name.to_owned(), value)));
        }
        Rule::Activities { filters, rule } => {
            if filters.is_object() {
                record.insert("filters".into(), filters.clone());
            }
            match rule.shape {
                Shape::Each => {}
                Shape::Repeated { minimum, within_minutes, in_single_app } => {
                    let told = json!({
                        "minimum": minimum, "withinMinutes": within_minutes, "inSingleApp": in_single_app,
                    });
                    record.insert(REPETITION.into(), told);
                }
                Shape::FirstIn { days } => {
                    record.insert(FIRST.into(), json!(days));
                }
                Shape::Travel { kilometres_per_hour, kilometres } => {
                    let told = json!({ "kilometresPerHour": kilometres_per_hour, "kilometres": kilometres });
                    record.insert(TRAVEL.into(), told);
                }
            }
        }
    }
    record
}

/// A tenant's own policy on activities. A new one says filters; a change may leave them as they are.
fn audit(parameters: &Parameters, present: Option<&Rule>, now: Timestamp) -> Result<Option<Rule>, Problem> {
    let (filters, rule) = match (parameters.raw("filters"), present) {
        (None, Some(Rule::Activities { filters, rule })) => (filters.clone(), rule.clone()),
        (None, _) => return Ok(None),
        (Some(_), present) => {
            let given = filters::given(parameters)?;
            let any = vec![filters::parse(&given, &activity_fields(), now)?];
            let shape = match present {
                Some(Rule::Activities { rule, .. }) => rule.shape,
                _ => Shape::Each,
            };
            let rule = ActivityRule { any, shape, joined_within_minutes: 0, not_by_system: false };
            (Value::Object(given), rule)
        }
    };
    let shape = shape(parameters, rule.shape, true)?;
    // A burst that goes on is one alert.
    let joined_within_minutes = match shape {
        Shape::Repeated { within_minutes, .. } => within_minutes,
        _ => 0,
    };
    Ok(Some(Rule::Activities { filters, rule: ActivityRule { shape, joined_within_minutes, ..rule } }))
}

/// A tenant's own policy on files. A new one says filters; a change may leave them as they are.
fn on_files(
    parameters: &Parameters,
    present: Option<&Rule>,
    now: Timestamp,
) -> Result<Option<Rule>, Problem> {
    let together = parameters.flag(TOGETHER)?;
    let (filters, rule) = match (parameters.raw("filters"), present) {
        (None, Some(Rule::Files { filters, rule })) => (filters.clone(), rule.clone()),
        (None, _) => return Ok(None),
        (Some(_), present) => {
            let given = filters::given(parameters)?;
            let (fixed, moving) = apart(given.clone());
            let (fields, told) = (file_fields(), now);
            let all = filters::parse(&fixed, &fields, now)?;
            let moving = filters::parse(&moving, &fields, now)?;
            let together = matches!(present, Some(Rule::Files { rule, .. }) if rule.together);
            // Written again as they are, they are the same rule, whenever that is.
            match present {
                Some(Rule::Files { filters, rule }) if *filters == Value::Object(given.clone()) => {
                    (filters.clone(), rule.clone())
                }
                _ => (Value::Object(given), FileRule { all, moving, told, together }),
            }
        }
    };
    let together = together.unwrap_or(rule.together);
    Ok(Some(Rule::Files { filters, rule: FileRule { together, ..rule } }))
}

/// The filters without and with a bound in days, which moves with the clock.
fn apart(mut given: Map<String, Value>) -> (Map<String, Value>, Map<String, Value>) {
    let mut moving = Map::new();
    for (field, operators) in &mut given {
        let Value::Object(operators) = operators else { continue };
        let (in_days, fixed): (Map<_, _>, Map<_, _>) =
            std::mem::take(operators).into_iter().partition(|(operator, _)| operator.ends_with("_ndays"));
        *operators = fixed;
        if !in_days.is_empty() {
            moving.insert(field.clone(), Value::Object(in_days));
        }
    }
    (given, moving)
}

/// What a policy finds cannot stand on what policies find.
fn file_fields() -> Vec<Field<FileField>> {
    files::FIELDS.iter().filter(|field| field.field != FileField::Policy).copied().collect()
}

/// Activities are looked at as they arrive, so their times say nothing; and what no activity has would never match.
fn activity_fields() -> Vec<Field<ActivityField>> {
    use ActivityField::{Absent, Alert, At, Created, False, Place, Policy};
    let usable = |field: &&Field<ActivityField>| {
        !matches!(field.field, Absent | Alert | At | Created | False | Place | Policy)
    };
    fields::FIELDS.iter().filter(usable).copied().collect()
}

/// The shape that was asked for. A tenant's own policy may repeat or not; of a built-in one only the numbers
/// can be changed.
fn shape(parameters: &Parameters, present: Shape, own: bool) -> Result<Shape, Problem> {
    for (name, has) in [
        (REPETITION, own || matches!(present, Shape::Repeated { .. })),
        (TRAVEL, matches!(present, Shape::Travel { .. })),
        (FIRST, matches!(present, Shape::FirstIn { .. })),
    ] {
        if !has {
            refuse(parameters, name)?;
        }
    }
    if let Some(value) = parameters.raw(REPETITION) {
        return repetition(&object(value, REPETITION)?, present, own);
    }
    if let (Some(value), Shape::Travel { kilometres_per_hour, kilometres }) =
        (parameters.raw(TRAVEL), present)
    {
        let given = object(value, TRAVEL)?;
        return Ok(Shape::Travel {
            kilometres_per_hour: number(&given, TRAVEL, "kilometresPerHour", (1, 100_000))?
                .unwrap_or(kilometres_per_hour),
            kilometres: number(&given, TRAVEL, "kilometres", (0, 20_000))?.unwrap_or(kilometres),
        });
    }
    if let (Some(value), Shape::FirstIn { .. }) = (parameters.raw(FIRST), present) {
        let days = whole_number(value).filter(|days| (1..=180).contains(days));
        let text = format!("{FIRST} must be a number of days from 1 to 180.");
        return days.map(|days| Shape::FirstIn { days }).ok_or_else(|| Problem::invalid(FIRST, text));
    }
    Ok(present)
}

fn repetition(given: &Map<String, Value>, present: Shape, own: bool) -> Result<Shape, Problem> {
    let (before, minutes, single) = match present {
        Shape::Repeated { minimum, within_minutes, in_single_app } => {
            (Some(minimum), Some(within_minutes), in_single_app)
        }
        _ => (None, None, false),
    };
    let least = if own { 1 } else { 2 };
    let missing = |name: &str| Problem::invalid(REPETITION, format!("{REPETITION} needs {name}."));
    let minimum = number(given, REPETITION, "minimum", (least, 10_000))?.or(before);
    let minimum = minimum.ok_or_else(|| missing("minimum"))?;
    if minimum == 1 {
        // Each activity is enough.
        return Ok(Shape::Each);
    }
    let within = number(given, REPETITION, "withinMinutes", (1, 1_440))?.or(minutes);
    let in_single_app = match given.get("inSingleApp") {
        None | Some(Value::Null) => single,
        Some(value) => yes_or_no(value)
            .ok_or_else(|| Problem::invalid(REPETITION, "inSingleApp must be true or false."))?,
    };
    let within_minutes = within.ok_or_else(|| missing("withinMinutes"))?;
    Ok(Shape::Repeated { minimum, within_minutes, in_single_app })
}

/// An object, also as JSON text.
fn object(value: &Value, name: &str) -> Result<Map<String, Value>, Problem> {
    let found = match value {
        Value::Object(found) => Some(found.clone()),
        Value::String(text) => serde_json::from_str(text).ok(),
        _ => None,
    };
    found.ok_or_else(|| Problem::invalid(name, format!("{name} must be an object.")))
}

fn number(
    given: &Map<String, Value>,
    section: &str,
    name: &str,
    (least, most): (i64, i64),
) -> Result<Option<i64>, Problem> {
    let Some(value) = given.get(name).filter(|value| !value.is_null()) else { return Ok(None) };
    let number = whole_number(value).filter(|number| (least..=most).contains(number));
    let text = format!("{name} must be a whole number from {least} to {most}.");
    number.map(Some).ok_or_else(|| Problem::invalid(section, text))
}
