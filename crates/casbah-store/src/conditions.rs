//! Pieces of SQL that the conditions of several nouns are made of. No text of a request ever stands in the
//! SQL: only parameters. No piece is ever unknown to SQL, so that "not" is the plain opposite.

use casbah_model::filter::{EntityKey, Operand, Range};

use crate::Value;
use crate::alerts::conditions::one_of;

pub(crate) const NEVER: &str = "1 = 0";

/// One of these; none is never true.
pub(crate) fn joined(any: Vec<String>) -> String {
    if any.is_empty() { NEVER.into() } else { any.join(" or ") }
}

/// A column has one of these values or, with `nothing`, none.
pub(crate) fn column(name: &str, list: Vec<Value>, nothing: bool, values: &mut Vec<Value>) -> String {
    let mut any = Vec::new();
    if !list.is_empty() {
        any.push(format!("({name} is not null and {name} in ({}))", one_of(list, values)));
    }
    if nothing {
        any.push(format!("{name} is null"));
    }
    joined(any)
}

/// A column that always has a value lies between the ends; a missing one is open.
pub(crate) fn between(name: &str, from: Option<i64>, to: Option<i64>, values: &mut Vec<Value>) -> String {
    let mut sql = String::from("1 = 1");
    for (sign, end) in [(">=", from), ("<=", to)] {
        if let Some(end) = end {
            values.push(end.into());
            sql.push_str(&format!(" and {name} {sign} ?{}", values.len()));
        }
    }
    sql
}

/// The same for one of several ranges; a column without a value lies in none.
pub(crate) fn within(name: &str, ranges: &[Range], values: &mut Vec<Value>) -> String {
    let one = |range: &Range, values: &mut Vec<Value>| between(name, range.from, range.to, values);
    let any = joined(ranges.iter().map(|range| one(range, values)).collect());
    format!("{name} is not null and ({any})")
}

/// A column contains that text, without regard to case.
pub(crate) fn contains(name: &str, text: &str, values: &mut Vec<Value>) -> String {
    // `!` escapes the two characters that mean something to `like`, and itself.
    let escaped = text.to_lowercase().replace('!', "!!").replace('%', "!%").replace('_', "!_");
    values.push(format!("%{escaped}%").into());
    format!("({name} is not null and lower({name}) like ?{} escape '!')", values.len())
}

/// A column begins with that text: two comparisons and not `like`, which no index helps with on both databases.
pub(crate) fn begins(name: &str, start: &str, values: &mut Vec<Value>) -> String {
    values.push(start.into());
    values.push(format!("{start}\u{10FFFF}").into());
    format!("({name} is not null and {name} >= ?{} and {name} < ?{})", values.len() - 1, values.len())
}

/// The numbers among operands.
pub(crate) fn numbers(operands: &[Operand]) -> Vec<Value> {
    let number = |o: &Operand| if let Operand::Number(n) = o { Some((*n).into()) } else { None };
    operands.iter().filter_map(number).collect()
}

/// The texts among operands, in lower case; numbers as they are written.
pub(crate) fn texts(operands: &[Operand]) -> Vec<Value> {
    let text = |o: &Operand| match o {
        Operand::Text(text) => Some(text.trim().to_lowercase().into()),
        Operand::Number(number) => Some(number.to_string().into()),
        _ => None,
    };
    operands.iter().filter_map(text).collect()
}

/// The same for columns that the database itself puts into lower case, which it does with ASCII only: other letters are
/// compared as they are.
pub(crate) fn ascii_texts(operands: &[Operand]) -> Vec<Value> {
    let text = |o: &Operand| match o {
        Operand::Text(text) => Some(text.trim().to_ascii_lowercase().into()),
        Operand::Number(number) => Some(number.to_string().into()),
        _ => None,
    };
    operands.iter().filter_map(text).collect()
}

/// The entity key that an operand is; an id alone may be in any app.
pub(crate) fn key(operand: &Operand) -> Option<EntityKey> {
    match operand {
        Operand::Entity(key) => Some(key.clone()),
        Operand::Text(id) => Some(EntityKey { id: id.clone(), saas: None, inst: None }),
        Operand::Number(id) => Some(EntityKey { id: id.to_string(), saas: None, inst: None }),
        _ => None,
    }
}
