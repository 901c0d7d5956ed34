//! Typed conditions become SQL. No text of a request ever stands in the SQL: only parameters.

use casbah_model::filter::{AlertField, Condition, EntityKey, Operand, Range, Test};
use casbah_model::{AlertStatus, Resolution};

use crate::Value;
use crate::full_text::{self, Texts, Wanted};
use crate::migrations::Dialect;

/// The kinds of entity that stand for a person.
pub(crate) const PEOPLE: &str = "('user', 'account', 'discovery_user')";
const NEVER: &str = "1 = 0";

/// The conditions, each after an `and`; `values` holds what is already numbered.
pub(crate) fn compile(
    dialect: Dialect,
    conditions: &[Condition<AlertField>],
    values: &mut Vec<Value>,
) -> String {
    let mut sql = String::new();
    for condition in conditions {
        sql.push_str(" and (");
        sql.push_str(&compile_one(dialect, condition, values));
        sql.push(')');
    }
    sql
}

/// Parameters for a list, padded to a power of two with its last value, so that lists of every
/// length do not fill the cache of prepared statements.
pub(crate) fn one_of(mut list: Vec<Value>, values: &mut Vec<Value>) -> String {
    let Some(last) = list.last().cloned() else { return "null".into() };
    list.resize(list.len().next_power_of_two(), last);
    let places: Vec<String> = (0..list.len()).map(|i| format!("?{}", values.len() + 1 + i)).collect();
    values.extend(list);
    places.join(", ")
}

fn compile_one(dialect: Dialect, condition: &Condition<AlertField>, values: &mut Vec<Value>) -> String {
    match &condition.test {
        Test::AnyOf(operands) => any_of(condition.field, operands, values),
        // A field is never unknown to `any_of`, so "not" is its plain opposite.
        Test::NoneOf(operands) => format!("not ({})", any_of(condition.field, operands, values)),
        Test::Within(ranges) => match condition.field {
            AlertField::Raised => within("a.raised", ranges, values),
            AlertField::Resolved => within("a.resolved", ranges, values),
            _ => NEVER.into(),
        },
        Test::Words(texts) => {
            let has = |text: &String, values: &mut Vec<Value>| {
                format!("({})", full_text::has(dialect, Texts::Alerts, text, Wanted::Words, values))
            };
            let found: Vec<String> = texts.iter().map(|text| has(text, values)).collect();
            if found.is_empty() { NEVER.into() } else { found.join(" or ") }
        }
        // No field of an alert has these operators.
        Test::Contains(_) | Test::Begins(_) | Test::Not(_) => NEVER.into(),
    }
}

fn any_of(field: AlertField, operands: &[Operand], values: &mut Vec<Value>) -> String {
    let nothing = operands.contains(&Operand::Nothing);
    let numbers = || -> Vec<Value> {
        operands
            .iter()
            .filter_map(|o| if let Operand::Number(n) = o { Some((*n).into()) } else { None })
            .collect()
    };
    let texts = |lower: bool| -> Vec<Value> {
        let text = |o: &Operand| match o {
            Operand::Text(text) => Some(if lower { text.to_lowercase() } else { text.clone() }.into()),
            Operand::Number(n) => Some(n.to_string().into()),
            _ => None,
        };
        operands.iter().filter_map(text).collect()
    };
    match field {
        AlertField::Severity => column("a.severity", numbers(), values),
        AlertField::Resolution => column("a.resolution", numbers(), values),
        AlertField::Type => column("a.alert_type", numbers(), values),
        AlertField::Policy => column("a.policy", texts(true), values),
        AlertField::Id => column("a.id", texts(true), values),
        AlertField::Open => flags(operands, &format!("a.resolution = {}", Resolution::Open.number())),
        AlertField::Read => flags(operands, &format!("a.status <> {}", AlertStatus::Unread.number())),
        AlertField::BuiltIn => flags(operands, "a.built_in <> 0"),
        AlertField::Story => {
            let list = one_of(numbers(), values);
            format!(
                "exists (select 1 from alert_stories s where s.tenant = ?1 and s.alert = a.id and s.story in ({list}))"
            )
        }
        AlertField::Ip => {
            entities("e.kind in ('ip', 'discovery_ip')", "e.id_key", texts(true), nothing, values)
        }
        AlertField::Service => {
            entities("e.kind in ('service', 'discovery_service')", "e.id_key", texts(true), nothing, values)
        }
        AlertField::File => entities("e.kind = 'file'", "e.id_key", texts(true), nothing, values),
        AlertField::Instance => entities("e.inst is not null", "e.inst", numbers(), nothing, values),
        AlertField::User => {
            let kind = format!("e.kind in {PEOPLE}");
            let by_id = entities(&kind, "e.id_key", texts(true), nothing, values);
            let by_name = entities(&kind, "e.label_key", texts(true), false, values);
            format!("{by_id} or {by_name}")
        }
        AlertField::Entity => keys(operands, nothing, values),
        AlertField::Raised | AlertField::Resolved | AlertField::Text => NEVER.into(),
    }
}

fn column(name: &str, list: Vec<Value>, values: &mut Vec<Value>) -> String {
    if list.is_empty() { NEVER.into() } else { format!("{name} in ({})", one_of(list, values)) }
}

pub(crate) fn flags(operands: &[Operand], is_true: &str) -> String {
    match (operands.contains(&Operand::Flag(true)), operands.contains(&Operand::Flag(false))) {
        (true, true) => "1 = 1".into(),
        (true, false) => is_true.into(),
        (false, true) => format!("not ({is_true})"),
        (false, false) => NEVER.into(),
    }
}

/// An entity of that kind whose `name` is in the list; with `nothing`, also when there is no such entity.
fn entities(kind: &str, name: &str, list: Vec<Value>, nothing: bool, values: &mut Vec<Value>) -> String {
    let select = "select e.alert from alert_entities e where e.tenant = ?1";
    let mut found = Vec::new();
    if !list.is_empty() {
        found.push(format!("a.id in ({select} and {kind} and {name} in ({}))", one_of(list, values)));
    }
    if nothing {
        found.push(format!("a.id not in ({select} and {kind})"));
    }
    if found.is_empty() { NEVER.into() } else { found.join(" or ") }
}

fn keys(operands: &[Operand], nothing: bool, values: &mut Vec<Value>) -> String {
    let kind = format!("e.kind in {PEOPLE}");
    let mut found = Vec::new();
    for operand in operands {
        let key = match operand {
            Operand::Entity(key) => key.clone(),
            Operand::Text(id) => EntityKey { id: id.clone(), saas: None, inst: None },
            _ => continue,
        };
        values.push(key.id.to_lowercase().into());
        let mut one = format!("e.id_key = ?{}", values.len());
        for (name, part) in [("saas", key.saas), ("inst", key.inst)] {
            if let Some(number) = part {
                values.push(number.into());
                one.push_str(&format!(" and e.{name} = ?{}", values.len()));
            }
        }
        found.push(format!(
            "a.id in (select e.alert from alert_entities e where e.tenant = ?1 and {kind} and {one})"
        ));
    }
    if nothing {
        found.push(format!(
            "a.id not in (select e.alert from alert_entities e where e.tenant = ?1 and {kind})"
        ));
    }
    if found.is_empty() { NEVER.into() } else { found.join(" or ") }
}

fn within(name: &str, ranges: &[Range], values: &mut Vec<Value>) -> String {
    let one = |range: &Range| {
        let mut sql = format!("{name} is not null");
        for (sign, end) in [(">=", range.from), ("<=", range.to)] {
            if let Some(end) = end {
                values.push(end.into());
                sql.push_str(&format!(" and {name} {sign} ?{}", values.len()));
            }
        }
        sql
    };
    let all: Vec<String> = ranges.iter().map(one).collect();
    if all.is_empty() { NEVER.into() } else { all.join(" or ") }
}
