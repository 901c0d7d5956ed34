//! Typed conditions on files become SQL.

use casbah_model::filter::{Condition, FileField, Operand, Test};

use super::{ADDRESS, COLLABORATOR, DOMAIN, GROUP, LABEL, PARENT, SCAN_LABEL};
use crate::Value;
use crate::alerts::conditions::{flags, one_of};
use crate::conditions::{NEVER, ascii_texts, column, contains, joined, key, numbers, texts, within};
use crate::full_text::{self, Texts, Wanted};
use crate::migrations::Dialect;

/// The conditions, each after an `and`; `values` holds what is already numbered.
pub(super) fn compile(
    dialect: Dialect,
    conditions: &[Condition<FileField>],
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

fn test(dialect: Dialect, field: FileField, test_of_it: &Test, values: &mut Vec<Value>) -> String {
    match (test_of_it, field) {
        (Test::AnyOf(operands), _) => any_of(field, operands, values),
        (Test::NoneOf(operands), _) => format!("not ({})", any_of(field, operands, values)),
        (Test::Not(inner), FileField::WithDomain) => beside(inner, values),
        (Test::Not(inner), _) => format!("not ({})", test(dialect, field, inner, values)),
        (Test::Within(ranges), FileField::Created) => within("f.created", ranges, values),
        (Test::Within(ranges), FileField::Modified) => within("f.modified", ranges, values),
        (Test::Within(ranges), FileField::Snapshot) => within("f.snapshot", ranges, values),
        (Test::Contains(all), FileField::Name) => {
            joined(all.iter().map(|text| contains("f.name_l", text, values)).collect())
        }
        (Test::Words(all), FileField::Name) => {
            let one = |text: &String, values: &mut Vec<Value>| {
                full_text::has(dialect, Texts::Files, text, Wanted::Words, values)
            };
            joined(all.iter().map(|text| one(text, values)).collect())
        }
        // No other field has these operators.
        (Test::Within(_) | Test::Words(_) | Test::Contains(_) | Test::Begins(_), _) => NEVER.into(),
    }
}

/// A domain with access that is outside the list: `deq`.
fn beside(inner: &Test, values: &mut Vec<Value>) -> String {
    let Test::AnyOf(operands) = inner else { return NEVER.into() };
    let list = one_of(texts(operands), values);
    format!(
        "f.id in (select t.file from file_terms t where t.tenant = ?1 and t.kind = {DOMAIN} and t.term not in ({list}))"
    )
}

fn any_of(field: FileField, operands: &[Operand], values: &mut Vec<Value>) -> String {
    let nothing = operands.contains(&Operand::Nothing);
    match field {
        FileField::Service => column("f.service", numbers(operands), nothing, values),
        FileField::Instance => column("f.instance", numbers(operands), nothing, values),
        FileField::Kind => column("f.kind", numbers(operands), nothing, values),
        FileField::Sharing => column("f.access", numbers(operands), nothing, values),
        FileField::State => column("f.state", numbers(operands), nothing, values),
        FileField::Name => column("f.name_l", texts(operands), nothing, values),
        FileField::Extension => column("f.extension", texts(operands), nothing, values),
        FileField::MimeType => column("lower(f.mime)", texts(operands), nothing, values),
        FileField::Folder => flags(operands, "f.kind = 6"),
        FileField::Quarantined => flags(operands, "f.quarantined <> 0"),
        FileField::Trashed => flags(operands, "f.state = 1"),
        // It says which lists are looked through, and nothing of a file.
        FileField::AllowDeleted => "1 = 1".into(),
        FileField::Id => {
            let own = column("f.id", texts(operands), nothing, values);
            format!("{own} or {}", column("f.file_key", texts(operands), false, values))
        }
        FileField::Created => column("f.created", numbers(operands), nothing, values),
        FileField::Modified => column("f.modified", numbers(operands), nothing, values),
        FileField::Snapshot => column("f.snapshot", numbers(operands), nothing, values),
        FileField::Domain | FileField::WithDomain => term(&[DOMAIN], operands, values),
        FileField::Group => term(&[GROUP], operands, values),
        FileField::User => term(&[COLLABORATOR, ADDRESS], operands, values),
        FileField::Label => term(&[LABEL], operands, values),
        FileField::ScanLabel => term(&[SCAN_LABEL], operands, values),
        FileField::Policy => {
            let matches = "select m.file from file_matches m where m.tenant = ?1";
            held(matches, "m.policy", operands, values)
        }
        FileField::Parent => parent(operands, values),
        FileField::OwnerName => {
            let address = column("f.owner_address_key", texts(operands), nothing, values);
            format!("{address} or {}", column("f.owner_key", texts(operands), false, values))
        }
        FileField::OwnerUnit => {
            let unit = "lower((select o.organization from entities o where o.tenant = ?1 and o.saas = f.service \
                        and o.inst = f.instance and o.id_key = f.owner_key))";
            column(unit, ascii_texts(operands), nothing, values)
        }
        FileField::Owner => joined(operands.iter().map(|o| owner(o, values)).collect()),
        FileField::Collaborator => joined(operands.iter().map(|o| collaborator(o, values)).collect()),
    }
}

/// A term of one of these kinds; with nothing among the operands also none of them.
fn term(kinds: &[i64], operands: &[Operand], values: &mut Vec<Value>) -> String {
    let kinds: Vec<String> = kinds.iter().map(i64::to_string).collect();
    let select =
        format!("select t.file from file_terms t where t.tenant = ?1 and t.kind in ({})", kinds.join(", "));
    held(&select, "t.term", operands, values)
}

/// One of these is in the column of what `select` finds; with nothing among the operands also where it finds none.
fn held(select: &str, column: &str, operands: &[Operand], values: &mut Vec<Value>) -> String {
    let mut any = Vec::new();
    let list = texts(operands);
    if !list.is_empty() {
        any.push(format!("f.id in ({select} and {column} in ({}))", one_of(list, values)));
    }
    if operands.contains(&Operand::Nothing) {
        any.push(format!("f.id not in ({select})"));
    }
    joined(any)
}

/// A folder that the file is directly in, by its id in the app or by its record id.
fn parent(operands: &[Operand], values: &mut Vec<Value>) -> String {
    let by_key = term(&[PARENT], operands, values);
    let list = texts(operands);
    if list.is_empty() {
        return by_key;
    }
    let list = one_of(list, values);
    format!(
        "{by_key} or f.id in (select t.file from file_terms t join files p on p.tenant = ?1 and p.file_key = t.term \
         and p.id in ({list}) where t.tenant = ?1 and t.kind = {PARENT} and p.service = f.service \
         and p.instance = f.instance)"
    )
}

/// What a key says of app and instance, each after an `and`.
fn place(operand: &Operand, values: &mut Vec<Value>) -> Option<(usize, String)> {
    let key = key(operand)?;
    values.push(key.id.trim().to_lowercase().into());
    let (id, mut sql) = (values.len(), String::new());
    for (name, part) in [("f.service", key.saas), ("f.instance", key.inst)] {
        if let Some(number) = part {
            values.push(number.into());
            sql.push_str(&format!(" and {name} = ?{}", values.len()));
        }
    }
    Some((id, sql))
}

fn owner(operand: &Operand, values: &mut Vec<Value>) -> String {
    let Some((id, place)) = place(operand, values) else {
        return if *operand == Operand::Nothing { "f.owner_key is null".into() } else { NEVER.into() };
    };
    format!(
        "(f.owner_key is not null and f.owner_key = ?{id}{place}) \
         or (f.owner_address_key is not null and f.owner_address_key = ?{id}{place})"
    )
}

fn collaborator(operand: &Operand, values: &mut Vec<Value>) -> String {
    if *operand == Operand::Nothing {
        return term(&[COLLABORATOR], std::slice::from_ref(operand), values);
    }
    let Some((id, place)) = place(operand, values) else { return NEVER.into() };
    format!(
        "(f.id in (select t.file from file_terms t where t.tenant = ?1 and t.kind in ({COLLABORATOR}, {ADDRESS}) \
         and t.term = ?{id}){place})"
    )
}
