//! Typed conditions on entities become SQL.

use casbah_model::filter::{Condition, EntityField, Operand, Test};

use super::{EXTERNAL, admin, place};
use crate::Value;
use crate::alerts::conditions::flags;
use crate::conditions::{NEVER, ascii_texts, column, contains, joined, key, numbers, texts, within};
use crate::user_tags;

/// The conditions, each after an `and`; `values` holds what is already numbered.
pub(super) fn compile(conditions: &[Condition<EntityField>], values: &mut Vec<Value>) -> String {
    let mut sql = String::new();
    for condition in conditions {
        sql.push_str(" and (");
        sql.push_str(&test(condition.field, &condition.test, values));
        sql.push(')');
    }
    sql
}

fn test(field: EntityField, test_of_it: &Test, values: &mut Vec<Value>) -> String {
    match (test_of_it, field) {
        (Test::AnyOf(operands), _) => any_of(field, operands, values),
        (Test::NoneOf(operands), _) => format!("not ({})", any_of(field, operands, values)),
        (Test::Not(inner), _) => format!("not ({})", test(field, inner, values)),
        (Test::Within(ranges), EntityField::Score) => {
            format!("e.score >= 0 and {}", within("e.score", ranges, values))
        }
        (Test::Within(ranges), EntityField::LastSeen) => {
            format!("e.last_seen > 0 and {}", within("e.last_seen", ranges, values))
        }
        (Test::Contains(all), EntityField::DisplayName) => {
            joined(all.iter().map(|text| contains("e.display_key", text, values)).collect())
        }
        // No other field has these operators.
        (Test::Within(_) | Test::Words(_) | Test::Contains(_) | Test::Begins(_), _) => NEVER.into(),
    }
}

fn any_of(field: EntityField, operands: &[Operand], values: &mut Vec<Value>) -> String {
    let nothing = operands.contains(&Operand::Nothing);
    match field {
        EntityField::Kind => column("e.kind", numbers(operands), nothing, values),
        EntityField::Service => column("e.saas", numbers(operands), nothing, values),
        EntityField::Instance => column("e.inst", numbers(operands), nothing, values),
        EntityField::Status => column("e.status", numbers(operands), nothing, values),
        EntityField::Domain => column("e.domain", texts(operands), nothing, values),
        EntityField::DisplayName => column("e.display_key", texts(operands), nothing, values),
        EntityField::Organization => column("lower(e.organization)", ascii_texts(operands), nothing, values),
        EntityField::Admin => flags(operands, &format!("{} = 1", admin())),
        EntityField::External => {
            let mut any = Vec::new();
            for (flag, number) in [(true, 1), (false, 0)] {
                if operands.contains(&Operand::Flag(flag)) {
                    any.push(format!("coalesce({EXTERNAL}, -1) = {number}"));
                }
            }
            if nothing {
                any.push(format!("{EXTERNAL} is null"));
            }
            joined(any)
        }
        EntityField::Score | EntityField::LastSeen => {
            let (name, none) = match field {
                EntityField::Score => ("e.score", "e.score < 0"),
                _ => ("e.last_seen", "e.last_seen = 0"),
            };
            let mut any = Vec::new();
            let list = numbers(operands);
            if !list.is_empty() {
                any.push(format!("not ({none}) and {}", column(name, list, false, values)));
            }
            if nothing {
                any.push(none.to_string());
            }
            joined(any)
        }
        EntityField::Group => joined(operands.iter().map(|o| group(o, values)).collect()),
        EntityField::Entity => joined(operands.iter().map(|o| entity(o, values)).collect()),
    }
}

/// Itself, or the person behind it.
fn entity(operand: &Operand, values: &mut Vec<Value>) -> String {
    let Some(key) = key(operand) else { return NEVER.into() };
    values.push(key.id.trim().to_lowercase().into());
    let id = values.len();
    let (own, of_person) = (place(&key, "e", values), place(&key, "p", values));
    format!(
        "(e.id_key = ?{id}{own}) or (e.parent is not null and e.parent in (select p.record from entities p \
         where p.tenant = ?1 and p.id_key = ?{id}{of_person}))"
    )
}

fn group(operand: &Operand, values: &mut Vec<Value>) -> String {
    match operand {
        Operand::Nothing => format!("not ({})", user_tags::in_any("e")),
        Operand::Text(id) => user_tags::in_group("e", id, values),
        _ => NEVER.into(),
    }
}
