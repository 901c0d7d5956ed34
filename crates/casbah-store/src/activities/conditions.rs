//! Typed conditions on activities become SQL. No text of a request ever stands in the SQL: only parameters.

use casbah_model::filter::{ActivityField, Condition, Operand, Range, Test};
use casbah_model::{Activity, DIRECTORY_APP, Timestamp};

use super::{AGENT_TAG, IP_TAG, OBJECT};
use crate::alerts::conditions::{flags, one_of};
use crate::conditions::{self, NEVER, between, column, joined};
use crate::full_text::{self, Texts, Wanted};
use crate::migrations::Dialect;
use crate::{Value, user_tags};

/// The columns that say who did it.
const WHO: [&str; 2] = ["a.actor", "a.user_key"];

/// The conditions, each after an `and`; `values` holds what is already numbered.
pub(super) fn compile(
    dialect: Dialect,
    conditions: &[Condition<ActivityField>],
    values: &mut Vec<Value>,
) -> String {
    let mut sql = String::new();
    for condition in conditions {
        sql.push_str(" and (");
        sql.push_str(&test(dialect, condition.field, &condition.test, values));
        sql.push(')');
    }
    sql
}

/// Sets of conditions, of which one must hold; none of them never does.
pub(super) fn compile_any(
    dialect: Dialect,
    any: &[Vec<Condition<ActivityField>>],
    values: &mut Vec<Value>,
) -> String {
    joined(any.iter().map(|all| format!("(1 = 1{})", compile(dialect, all, values))).collect())
}

/// Never unknown to SQL, so that "not" is the plain opposite.
fn test(dialect: Dialect, field: ActivityField, test_of_it: &Test, values: &mut Vec<Value>) -> String {
    match test_of_it {
        Test::AnyOf(operands) => any_of(dialect, field, operands, values),
        Test::NoneOf(operands) => format!("not ({})", any_of(dialect, field, operands, values)),
        Test::Not(inner) => format!("not ({})", test(dialect, field, inner, values)),
        Test::Within(ranges) => {
            let one = |range: &Range, values: &mut Vec<Value>| match field {
                ActivityField::At => {
                    let from = range.from.map(|ms| Activity::first_at(Timestamp(ms)));
                    between("a.seq", from, range.to.map(|ms| Activity::last_at(Timestamp(ms))), values)
                }
                ActivityField::Place => between("a.seq", range.from, range.to, values),
                ActivityField::Created => between("a.created", range.from, range.to, values),
                _ => NEVER.into(),
            };
            joined(ranges.iter().map(|range| one(range, values)).collect())
        }
        Test::Words(texts) => {
            joined(texts.iter().map(|text| has(dialect, text, Wanted::Words, values)).collect())
        }
        Test::Contains(texts) => joined(texts.iter().map(|text| contains(field, text, values)).collect()),
        Test::Begins(texts) if field == ActivityField::UserGroup => {
            joined(texts.iter().map(|start| user_tags::of_people_in_beginning(&WHO, start, values)).collect())
        }
        Test::Begins(texts) => joined(texts.iter().map(|text| begins(field, text, values)).collect()),
    }
}

/// Words of an activity. SQLite is asked for each activity; its index of words is a way to them (`plan.rs`).
fn has(dialect: Dialect, text: &str, wanted: Wanted, values: &mut Vec<Value>) -> String {
    match dialect {
        Dialect::Sqlite => format!("({})", full_text::reads(text, wanted, values)),
        Dialect::Postgres => {
            format!("({})", full_text::has(dialect, Texts::Activities, text, wanted, values))
        }
    }
}

/// What the database has of a field that is one text.
fn text_column(field: ActivityField) -> Option<&'static str> {
    Some(match field {
        ActivityField::Id => "a.id",
        ActivityField::UserName => "a.user_key",
        ActivityField::UserDomain => "a.user_domain",
        ActivityField::ActionType => "a.action_type",
        ActivityField::Category => "a.category",
        ActivityField::DeviceType => "a.device_type",
        ActivityField::UserAgent => "a.agent_key",
        ActivityField::Country => "a.country",
        ActivityField::Organization => "a.organization",
        ActivityField::Address => "a.address",
        ActivityField::Client => "a.client",
        _ => return None,
    })
}

/// A text as the column has it.
pub(super) fn spelled(field: ActivityField, text: &str) -> String {
    match field {
        ActivityField::ActionType
        | ActivityField::Category
        | ActivityField::DeviceType
        | ActivityField::Country => text.trim().to_uppercase(),
        ActivityField::Organization => text.to_string(),
        ActivityField::Text => full_text::searchable(text),
        _ => text.trim().to_lowercase(),
    }
}

fn any_of(dialect: Dialect, field: ActivityField, operands: &[Operand], values: &mut Vec<Value>) -> String {
    let nothing = operands.contains(&Operand::Nothing);
    let numbers: Vec<Value> = operands
        .iter()
        .filter_map(|o| if let Operand::Number(n) = o { Some((*n).into()) } else { None })
        .collect();
    let texts = |of: Vec<String>| of.into_iter().map(Value::from).collect::<Vec<Value>>();
    let all_texts = operands.iter().filter_map(|o| match o {
        Operand::Text(text) => Some(spelled(field, text)),
        Operand::Number(number) => Some(number.to_string()),
        _ => None,
    });
    match field {
        ActivityField::Service => column("a.service", numbers, nothing, values),
        ActivityField::Instance => column("a.instance", numbers, nothing, values),
        ActivityField::Source => column("a.source", numbers, nothing, values),
        ActivityField::IpCategory => column("a.ip_category", numbers, nothing, values),
        ActivityField::Failure => column("a.failure", numbers, nothing, values),
        ActivityField::At => {
            let moments: Vec<Range> = operands
                .iter()
                .filter_map(|o| {
                    if let Operand::Number(n) = o {
                        Some(Range { from: Some(*n), to: Some(*n) })
                    } else {
                        None
                    }
                })
                .collect();
            test(dialect, field, &Test::Within(moments), values)
        }
        ActivityField::Place => column("a.seq", numbers, nothing, values),
        ActivityField::Created => column("a.created", numbers, nothing, values),
        ActivityField::Admin => flags(operands, "a.admin <> 0"),
        ActivityField::False => flags(operands, NEVER),
        ActivityField::Object => term(OBJECT, texts(all_texts.collect()), nothing, values),
        ActivityField::AgentTag => term(AGENT_TAG, texts(all_texts.collect()), nothing, values),
        ActivityField::IpTag => term(IP_TAG, texts(all_texts.collect()), nothing, values),
        ActivityField::UserGroup => joined(operands.iter().map(|o| user_group(o, values)).collect()),
        ActivityField::Policy => matched("policy", texts(all_texts.collect()), nothing, values),
        ActivityField::Alert => matched("alert", texts(all_texts.collect()), nothing, values),
        ActivityField::Entity => joined(operands.iter().map(|o| entity(o, values)).collect()),
        ActivityField::Text => {
            let texts: Vec<String> = all_texts.collect();
            joined(texts.iter().map(|text| has(dialect, text, Wanted::Phrase, values)).collect())
        }
        // Its value is null everywhere.
        ActivityField::Absent => if nothing { "1 = 1" } else { NEVER }.into(),
        // The fine type, or the category that it belongs to.
        ActivityField::ActionType => {
            let list: Vec<String> = all_texts.collect();
            let fine = column("a.action_type", texts(list.clone()), nothing, values);
            format!("{fine} or {}", column("a.category", texts(list), false, values))
        }
        _ => match text_column(field) {
            Some(name) => column(name, texts(all_texts.collect()), nothing, values),
            None => NEVER.into(),
        },
    }
}

/// Asked for each activity: a list of all that have a common term would be a long one.
fn term(kind: i64, list: Vec<Value>, nothing: bool, values: &mut Vec<Value>) -> String {
    let select = format!(
        "exists (select 1 from activity_terms t where t.tenant = ?1 and t.seq = a.seq and t.kind = {kind}"
    );
    let mut any = Vec::new();
    if !list.is_empty() {
        any.push(format!("{select} and t.term in ({}))", one_of(list, values)));
    }
    if nothing {
        any.push(format!("not {select})"));
    }
    joined(any)
}

/// A policy that it satisfied, or an alert that came of it.
fn matched(name: &str, list: Vec<Value>, nothing: bool, values: &mut Vec<Value>) -> String {
    let select = format!(
        "exists (select 1 from activity_matches m where m.tenant = ?1 and m.seq = a.seq and m.{name}"
    );
    let mut any = Vec::new();
    if !list.is_empty() {
        any.push(format!("{select} in ({}))", one_of(list, values)));
    }
    if nothing {
        any.push(format!("not {select} is not null)"));
    }
    joined(any)
}

fn user_group(operand: &Operand, values: &mut Vec<Value>) -> String {
    match operand {
        Operand::Nothing => format!("not ({})", user_tags::of_people_in(&WHO, None, values)),
        Operand::Text(id) => user_tags::of_people_in(&WHO, Some(id), values),
        _ => NEVER.into(),
    }
}

/// Whoever did it, by id or by name, whichever the key's id is. A key of the directory is that of a person,
/// wherever they did it; one of another app is that of an account, which does things in its app only.
fn entity(operand: &Operand, values: &mut Vec<Value>) -> String {
    let Some(key) = conditions::key(operand) else {
        return if *operand == Operand::Nothing { "a.actor is null".into() } else { NEVER.into() };
    };
    let elsewhere = key.saas.is_some_and(|saas| saas != DIRECTORY_APP);
    if !elsewhere && key.inst.is_some_and(|inst| inst != 0) {
        return NEVER.into();
    }
    // Ids of other apps are kept as they are written; those of the directory are in lower case.
    values.extend([key.id.trim().into(), key.id.trim().to_lowercase().into()]);
    let (given, id) = (values.len() - 1, values.len());
    let mut place = String::new();
    if elsewhere {
        for (name, part) in [("a.service", key.saas), ("a.instance", key.inst)] {
            if let Some(number) = part {
                values.push(number.into());
                place.push_str(&format!(" and {name} = ?{}", values.len()));
            }
        }
    }
    format!(
        "(a.actor is not null and a.actor in (?{given}, ?{id}){place}) or (a.user_key is not null and a.user_key = ?{id}{place})"
    )
}

fn contains(field: ActivityField, text: &str, values: &mut Vec<Value>) -> String {
    let Some(name) = text_column(field) else { return NEVER.into() };
    conditions::contains(name, text, values)
}

fn begins(field: ActivityField, text: &str, values: &mut Vec<Value>) -> String {
    let name = match field {
        ActivityField::Entity => "a.actor",
        ActivityField::Text => "a.search",
        _ => match text_column(field) {
            Some(name) => name,
            None => return NEVER.into(),
        },
    };
    conditions::begins(name, &spelled(field, text), values)
}
