//! How a list of activities is found: along the time, or through the rarest of the things that are asked for.
//!
//! Every index of a value has the order of time within the value, so the newest activities that have it are the
//! beginning of a walk through the index. Of each condition that an index serves, so few are looked up that it
//! costs next to nothing; when there are no more, they are all that can satisfy it, and all other conditions, the
//! limits of a role among them, are looked at in those only. Of a condition that many satisfy the newest are tried
//! first: in most lists enough of them satisfy the rest too. Only when they do not, the list is walked as the
//! database likes.

use casbah_model::filter::{ActivityField, ActivityOrder, Condition, Operand, Test};
use casbah_model::{Activity, Timestamp};

use super::conditions::spelled;
use super::{AGENT_TAG, IP_TAG, OBJECT};
use crate::full_text::{self, Texts, Wanted};
use crate::{Result, Tx, Value};

/// So many are looked up of each condition. In tests so few that every way is taken.
pub(super) const FEW: i64 = if cfg!(test) { 20 } else { 2_000 };
/// A list of values longer than this is no way to go.
const MOST_VALUES: usize = 8;

/// Places in the order of time among which to look.
pub(super) struct Narrow {
    /// `select` of places; its parameters stand in `values` from the second on.
    sql: String,
    values: Vec<Value>,
    /// How many it gives.
    count: i64,
    /// The furthest of them.
    last: i64,
    /// Whether these are all that satisfy the condition; else they are the first in the order that is asked for.
    pub(super) complete: bool,
}

impl Narrow {
    /// The condition that an activity `a` is among them; `values` holds what is already numbered.
    pub(super) fn condition(&self, values: &mut Vec<Value>) -> String {
        let sql = renumbered(&self.sql, values.len());
        values.extend(self.values.iter().cloned());
        format!(" and a.seq in ({sql})")
    }
}

/// The best way to the activities that satisfy these conditions; none when the time itself is.
pub(super) fn narrow(
    tx: &mut Tx<'_>,
    tenant: &Value,
    wanted: &[Condition<ActivityField>],
    order: ActivityOrder,
) -> Result<Option<Narrow>> {
    let window = window(wanted);
    let mut best: Option<Narrow> = None;
    for condition in wanted {
        let streams = streams(tx, tenant, condition);
        if streams.is_empty() || is_plain(wanted, &streams) {
            continue;
        }
        let found = look(tx, tenant, &streams, window, order.ascending)?;
        let further = |found: &Narrow, known: &Narrow| {
            if order.ascending { found.last > known.last } else { found.last < known.last }
        };
        let better = match &best {
            None => true,
            Some(known) if found.complete != known.complete => found.complete,
            Some(known) if found.complete => found.count < known.count,
            // The first of them reach the furthest where they are the rarest.
            Some(known) => further(&found, known),
        };
        if better {
            best = Some(found);
        }
    }
    // In the order in which they were taken in, the first are others.
    Ok(best.filter(|found| found.complete || !order.by_created))
}

/// One value of one column, and nothing else: what the database does by itself.
fn is_plain(wanted: &[Condition<ActivityField>], streams: &[Stream]) -> bool {
    let others = wanted.iter().filter(|c| !matches!(c.field, ActivityField::At | ActivityField::Place));
    others.count() == 1 && streams.len() == 1 && streams[0].is_column
}

/// Activities with one value, in the order of time: a query with the value as its second parameter.
struct Stream {
    sql: String,
    /// What is the place in it.
    place: &'static str,
    value: Value,
    is_column: bool,
}

fn of_column(column: &str, value: impl Into<Value>) -> Stream {
    // Partial indexes leave out what has no value, or the usual one.
    let partial = match column {
        "instance" | "ip_category" => format!(" and c.{column} <> 0"),
        _ => String::new(),
    };
    let sql = format!("from activities c where c.tenant = ?1 and c.{column} = ?2{partial}");
    Stream { sql, place: "c.seq", value: value.into(), is_column: true }
}

fn of_term(kind: i64, value: String) -> Stream {
    let sql = format!("from activity_terms t where t.tenant = ?1 and t.kind = {kind} and t.term = ?2");
    Stream { sql, place: "t.seq", value: value.into(), is_column: false }
}

/// The streams that together are the activities that satisfy a condition; none when no index serves it.
fn streams(tx: &Tx<'_>, tenant: &Value, condition: &Condition<ActivityField>) -> Vec<Stream> {
    use ActivityField as F;
    let field = condition.field;
    match &condition.test {
        Test::Words(texts) if field == F::Text && texts.len() <= MOST_VALUES => {
            let one = |text: &String| {
                let mut values = vec![tenant.clone()];
                let (from, place) =
                    full_text::stream(tx.dialect(), Texts::Activities, text, Wanted::Words, &mut values)?;
                Some(Stream { sql: from, place, value: values.pop()?, is_column: false })
            };
            texts.iter().map(one).collect::<Option<Vec<_>>>().unwrap_or_default()
        }
        Test::AnyOf(operands) if operands.len() <= MOST_VALUES => {
            let mut all = Vec::new();
            for operand in operands {
                match of_operand(field, operand) {
                    Some(streams) => all.extend(streams),
                    None => return Vec::new(),
                }
            }
            all
        }
        _ => Vec::new(),
    }
}

fn of_operand(field: ActivityField, operand: &Operand) -> Option<Vec<Stream>> {
    use ActivityField as F;
    if field == F::Entity {
        // Whoever has that id or name anywhere; the condition itself says where.
        let id = crate::conditions::key(operand)?.id.trim().to_string();
        let lower = id.to_lowercase();
        let mut all = vec![of_column("actor", lower.clone()), of_column("user_key", lower.clone())];
        if id != lower {
            all.push(of_column("actor", id));
        }
        return Some(all);
    }
    let text = match operand {
        Operand::Text(text) => spelled(field, text),
        Operand::Number(number) => number.to_string(),
        Operand::Flag(true) if field == F::Admin => return Some(vec![of_column("admin", 1_i64)]),
        _ => return None,
    };
    let number = match operand {
        Operand::Number(number) => Some(*number),
        _ => None,
    };
    Some(match field {
        F::Service => vec![of_column("service", number?)],
        F::Source => vec![of_column("source", number?)],
        F::Instance => vec![of_column("instance", number.filter(|n| *n != 0)?)],
        F::IpCategory => vec![of_column("ip_category", number.filter(|n| *n != 0)?)],
        F::UserName => vec![of_column("user_key", text)],
        F::UserDomain => vec![of_column("user_domain", text)],
        F::Category => vec![of_column("category", text)],
        F::ActionType => vec![of_column("action_type", text.clone()), of_column("category", text)],
        F::DeviceType => vec![of_column("device_type", text)],
        F::Country => vec![of_column("country", text)],
        F::Organization => vec![of_column("organization", text)],
        F::Address => vec![of_column("address", text)],
        F::Client => vec![of_column("client", text)],
        F::Object => vec![of_term(OBJECT, text)],
        F::IpTag => vec![of_term(IP_TAG, text)],
        F::AgentTag => vec![of_term(AGENT_TAG, text)],
        _ => return None,
    })
}

/// The first and the last place that conditions on the time leave, as far as they say it in one piece.
fn window(wanted: &[Condition<ActivityField>]) -> (Option<i64>, Option<i64>) {
    let (mut from, mut to) = (None::<i64>, None::<i64>);
    for condition in wanted {
        let (ActivityField::At, Test::Within(ranges)) = (condition.field, &condition.test) else { continue };
        if let [range] = ranges.as_slice() {
            let first = range.from.map(|ms| Activity::first_at(Timestamp(ms)));
            let last = range.to.map(|ms| Activity::last_at(Timestamp(ms)));
            from = from.max(first);
            to = match (to, last) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (one, other) => one.or(other),
            };
        }
    }
    (from, to)
}

/// Looks up the first places of the streams.
fn look(
    tx: &mut Tx<'_>,
    tenant: &Value,
    streams: &[Stream],
    (from, to): (Option<i64>, Option<i64>),
    ascending: bool,
) -> Result<Narrow> {
    let direction = if ascending { "asc" } else { "desc" };
    let mut values = vec![tenant.clone()];
    let mut all = Vec::new();
    for (number, stream) in streams.iter().enumerate() {
        let place = stream.place;
        values.push(stream.value.clone());
        let mut sql = stream.sql.replace("?2", &format!("?{}", values.len()));
        for (sign, end) in [(">=", from), ("<=", to)] {
            if let Some(end) = end {
                values.push(end.into());
                sql.push_str(&format!(" and {place} {sign} ?{}", values.len()));
            }
        }
        all.push(format!(
            "select seq from (select {place} as seq {sql} order by {place} {direction} limit {}) as s{number}",
            FEW + 1
        ));
    }
    let all = all.join(" union all ");
    // What stands nearest of all streams together, as far as each of them was looked up.
    let sql = format!("select seq from ({all}) as u order by seq {direction} limit {FEW}");
    let last = if ascending { "max" } else { "min" };
    let probe = format!("select count(*), {last}(seq) from ({all}) as u");
    let row = tx.row(&probe, &values)?;
    let (count, last) = match row {
        Some(row) => {
            let mut r = row.read();
            (r.take()?, r.take::<Option<i64>>()?.unwrap_or_default())
        }
        None => (0, 0),
    };
    values.remove(0);
    Ok(Narrow { sql, values, count, last, complete: count <= FEW })
}

/// The parameters from the second on, moved behind `taken` that stand before them.
fn renumbered(sql: &str, taken: usize) -> String {
    let mut out = String::with_capacity(sql.len() + 16);
    let mut rest = sql;
    while let Some((before, after)) = rest.split_once('?') {
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        let number: usize = after[..digits].parse().unwrap_or(1);
        let number = if number == 1 { 1 } else { number - 1 + taken };
        out.push_str(before);
        out.push_str(&format!("?{number}"));
        rest = &after[digits..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_tenant_stays_the_first_parameter() {
        assert_eq!(super::renumbered("a ?1 b ?2 c ?13.", 4), "a ?1 b ?5 c ?16.");
    }
}
