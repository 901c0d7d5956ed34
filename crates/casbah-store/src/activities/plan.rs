//! How a list of activities is found: along the time, or through the rarest of the things that are asked for.
//!
//! Every index of a value has the order of time within the value, so the newest activities that have it are the
//! beginning of a walk through the index. Of each condition that an index serves, so few are looked up that it
//! costs next to nothing; when there are no more, they are all that can satisfy it, and all other conditions, the
//! limits of a role among them, are looked at in those only. Of a condition that many satisfy the newest are tried
//! first: in most lists enough of them satisfy the rest too. Only when they do not, the list is walked as the
//! database likes.

use casbah_model::filter::{ActivityField, ActivityOrder, Condition, Operand, Range, Test};
use casbah_model::{Activity, Timestamp};

use super::conditions::spelled;
use super::{AGENT_TAG, IP_TAG, OBJECT};
use crate::full_text::{self, Texts, Wanted};
use crate::{Result, Tx, Value};

/// So many are looked up of each condition. In tests so few that every way is taken.
pub(super) const FEW: i64 = if cfg!(test) { 20 } else { 2_000 };
/// A list of values longer than this is no way to go.
const MOST_VALUES: usize = 16;
/// Nor is a column with more values than this, when each must be looked at.
const MOST_KNOWN: usize = if cfg!(test) { 40 } else { 2_000 };
/// The furthest end of a page for which a stream is walked that is all there is.
const MOST_ALONE: i64 = 20_000;

/// Places in the order of time among which to look.
pub(super) struct Narrow {
    /// `select` of places; its parameters stand in `values` from the second on.
    sql: String,
    values: Vec<Value>,
    /// How many it gives, or one more.
    pub(super) count: i64,
    /// The furthest of them.
    last: i64,
    /// Whether these are all that satisfy the condition; else they are the first in the order that is asked for.
    pub(super) complete: bool,
    /// Whether all of them satisfy all conditions.
    pub(super) exact: bool,
}

impl Narrow {
    /// The condition that an activity `a` is among them; `values` holds what is already numbered.
    pub(super) fn condition(&self, values: &mut Vec<Value>) -> String {
        let sql = renumbered(&self.sql, values.len());
        values.extend(self.values.iter().cloned());
        format!(" and a.seq {sql}")
    }
}

/// The nearest activities in the order that is asked for, whatever they are; none when no condition makes them
/// worth a look, or time is not the order.
pub(super) fn nearest(
    tx: &mut Tx<'_>,
    tenant: &Value,
    wanted: &[Condition<ActivityField>],
    order: ActivityOrder,
) -> Result<Option<Narrow>> {
    if order.by_created || wanted.iter().all(|condition| bounds(condition).is_some()) {
        return Ok(None);
    }
    let (direction, sign) = if order.ascending { ("asc", "<=") } else { ("desc", ">=") };
    let mut values = vec![tenant.clone()];
    let mut sql = String::from("select a.seq from activities a where a.tenant = ?1");
    let (from, to) = window(wanted);
    for (sign, end) in [(">=", from), ("<=", to)] {
        if let Some(end) = end {
            values.push(end.into());
            sql.push_str(&format!(" and a.seq {sign} ?{}", values.len()));
        }
    }
    sql.push_str(&format!(" order by a.seq {direction} limit 1 offset {FEW}"));
    Ok(match tx.row(&sql, &values)? {
        Some(row) => {
            let last: i64 = row.read().take()?;
            let sql = format!("{sign} ?2");
            Some(Narrow { sql, values: vec![last.into()], count: FEW, last, complete: false, exact: false })
        }
        // There are no more than that: no other way is shorter.
        None => {
            let sql = "is not null".into();
            Some(Narrow { sql, values: Vec::new(), count: FEW, last: 0, complete: true, exact: false })
        }
    })
}

/// The best way to the activities that satisfy these conditions; none when the time itself is. With `alone` the
/// conditions are all there is, and the first so many in the order that is asked for are enough.
pub(super) fn narrow(
    tx: &mut Tx<'_>,
    tenant: &Value,
    wanted: &[Condition<ActivityField>],
    order: ActivityOrder,
    alone: Option<i64>,
) -> Result<Option<Narrow>> {
    let window = window(wanted);
    let others = wanted.iter().filter(|condition| bounds(condition).is_none());
    let alone = alone.filter(|enough| others.count() == 1 && !order.by_created && *enough <= MOST_ALONE);
    let mut best: Option<Narrow> = None;
    for condition in wanted {
        let Some(streams) = streams(tx, tenant, condition)? else { continue };
        let exact = alone.filter(|_| matches!(streams.as_slice(), [only] if only.exact));
        let Some(mut found) = look(tx, tenant, &streams, window, order.ascending, exact)? else { continue };
        found.complete |= exact.is_some();
        found.exact = exact.is_some();
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

/// Activities with one value: a query with the value as its second parameter, and perhaps another as its third.
struct Stream {
    sql: String,
    /// What is the place in it.
    place: &'static str,
    values: Vec<Value>,
    /// Whether the condition holds for all of them, so that it need not be looked at again.
    exact: bool,
    /// Whether the index has them in the order of time.
    in_order: bool,
}

fn of_column(column: &str, value: impl Into<Value>) -> Stream {
    // Partial indexes leave out what has no value, or the usual one.
    let partial = match column {
        "instance" | "ip_category" => format!(" and c.{column} <> 0"),
        _ => String::new(),
    };
    let sql = format!("from activities c where c.tenant = ?1 and c.{column} = ?2{partial}");
    Stream { sql, place: "c.seq", values: vec![value.into()], exact: true, in_order: true }
}

fn of_term(kind: i64, value: String) -> Stream {
    let sql = format!("from activity_terms t where t.tenant = ?1 and t.kind = {kind} and t.term = ?2");
    Stream { sql, place: "t.seq", values: vec![value.into()], exact: true, in_order: true }
}

/// What satisfied a policy, or led to an alert. An activity may stand there more than once.
fn of_match(column: &str, value: String) -> Stream {
    let sql = format!("from activity_matches m where m.tenant = ?1 and m.{column} = ?2");
    Stream { sql, place: "m.seq", values: vec![value.into()], exact: false, in_order: true }
}

/// What was taken in within these moments; no index has it in the order of time.
fn of_created(range: &Range) -> Stream {
    let (from, to) = (range.from.unwrap_or(i64::MIN), range.to.unwrap_or(i64::MAX));
    let sql = "from activities c where c.tenant = ?1 and c.created >= ?2 and c.created <= ?3".to_string();
    Stream { sql, place: "c.seq", values: vec![from.into(), to.into()], exact: true, in_order: false }
}

/// What has these words, as the index of words knows it; none where that has no order.
fn of_words(tx: &Tx<'_>, tenant: &Value, text: &str, wanted: Wanted) -> Option<Stream> {
    let mut values = vec![tenant.clone()];
    let (sql, place) = full_text::stream(tx.dialect(), Texts::Activities, text, wanted, &mut values)?;
    Some(Stream { sql, place, values: values.split_off(1), exact: false, in_order: true })
}

/// The streams that together have all activities that satisfy a condition; none when no index serves it.
fn streams(
    tx: &mut Tx<'_>,
    tenant: &Value,
    condition: &Condition<ActivityField>,
) -> Result<Option<Vec<Stream>>> {
    use ActivityField as F;
    let field = condition.field;
    let all = |each: Vec<Option<Vec<Stream>>>| -> Option<Vec<Stream>> {
        Some(each.into_iter().collect::<Option<Vec<_>>>()?.into_iter().flatten().collect())
    };
    Ok(match &condition.test {
        Test::Words(texts) if field == F::Text && texts.len() <= MOST_VALUES => {
            texts.iter().map(|text| of_words(tx, tenant, text, Wanted::Words)).collect()
        }
        Test::Begins(texts) if field == F::Text && texts.len() <= MOST_VALUES => {
            let words = texts.iter().map(|text| spelled(field, text));
            words.map(|text| of_words(tx, tenant, &text, Wanted::Words)).collect()
        }
        Test::AnyOf(operands) if field == F::Text && operands.len() <= MOST_VALUES => operands
            .iter()
            .map(|operand| match operand {
                Operand::Text(text) => of_words(tx, tenant, &spelled(field, text), Wanted::Phrase),
                _ => None,
            })
            .collect(),
        Test::AnyOf(operands) if operands.len() <= MOST_VALUES => {
            all(operands.iter().map(|operand| of_operand(field, operand)).collect())
        }
        Test::Within(ranges) if field == F::Created && ranges.len() == 1 => {
            Some(ranges.iter().map(of_created).collect())
        }
        Test::Contains(texts) => {
            let texts: Vec<String> = texts.iter().map(|text| text.to_lowercase()).collect();
            let has = |value: &str| {
                let value = value.to_lowercase();
                texts.iter().any(|text| value.contains(text.as_str()))
            };
            of_known(tx, tenant, field, None, has)?
        }
        Test::Begins(texts) if texts.len() == 1 => {
            let start = spelled(field, &texts[0]);
            of_known(tx, tenant, field, Some(&start), |_| true)?
        }
        Test::NoneOf(operands) => {
            let but: Vec<String> = operands
                .iter()
                .filter_map(|operand| match operand {
                    Operand::Text(text) => Some(spelled(field, text)),
                    Operand::Number(number) => Some(number.to_string()),
                    _ => None,
                })
                .collect();
            // Only where everything has a value: what has none is not one of them either.
            let always = matches!(field, F::Service | F::Source | F::Category);
            if always {
                of_known(tx, tenant, field, None, |value| !but.iter().any(|b| b == value))?
            } else {
                None
            }
        }
        _ => None,
    })
}

/// The column that an index has in the order of its values, and of time within a value.
fn indexed(field: ActivityField) -> Option<&'static str> {
    use ActivityField as F;
    Some(match field {
        F::Service => "service",
        F::Source => "source",
        F::UserName => "user_key",
        F::UserDomain => "user_domain",
        F::Category => "category",
        F::ActionType => "action_type",
        F::DeviceType => "device_type",
        F::UserAgent => "agent_key",
        F::Country => "country",
        F::Organization => "organization",
        F::Address => "address",
        F::Client => "client",
        _ => return None,
    })
}

/// Streams of those values of a column that are wanted; none when there are too many values to look at, or too
/// many that are wanted. Each step from one value to the next is a look-up in the index.
fn of_known(
    tx: &mut Tx<'_>,
    tenant: &Value,
    field: ActivityField,
    start: Option<&str>,
    wanted: impl Fn(&str) -> bool,
) -> Result<Option<Vec<Stream>>> {
    let Some(column) = indexed(field) else { return Ok(None) };
    let mut values = vec![tenant.clone()];
    let mut within = format!("c.tenant = ?1 and c.{column} is not null");
    let mut most = MOST_KNOWN;
    if let Some(start) = start {
        values.extend([start.into(), format!("{start}\u{10FFFF}").into()]);
        within.push_str(&format!(" and c.{column} >= ?2 and c.{column} < ?3"));
        // All of them are wanted.
        most = MOST_VALUES;
    }
    let next = format!("select min(c.{column}) from activities c where {within}");
    let sql = format!(
        "with recursive known (value) as ({next} union all \
         select ({next} and c.{column} > known.value) from known where known.value is not null) \
         select value from known where value is not null limit {}",
        most + 1
    );
    let rows = tx.rows(&sql, &values)?;
    if rows.len() > most {
        return Ok(None);
    }
    let mut streams = Vec::new();
    for row in rows {
        let number = matches!(field, ActivityField::Service | ActivityField::Source);
        let (value, text): (Value, String) = if number {
            let number: i64 = row.read().take()?;
            (number.into(), number.to_string())
        } else {
            let text: String = row.read().take()?;
            (text.as_str().into(), text)
        };
        if wanted(&text) {
            // What counts as the same in another case is for the database to say.
            streams.push(Stream { exact: false, ..of_column(column, value) });
        }
    }
    Ok(Some(streams).filter(|streams| streams.len() <= MOST_VALUES))
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
        all.iter_mut().for_each(|stream| stream.exact = false);
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
        F::Id => vec![of_column("id", text)],
        F::Service => vec![of_column("service", number?)],
        F::Source => vec![of_column("source", number?)],
        F::Failure => vec![of_column("failure", number?)],
        F::Instance => vec![of_column("instance", number.filter(|n| *n != 0)?)],
        F::IpCategory => vec![of_column("ip_category", number.filter(|n| *n != 0)?)],
        F::UserName => vec![of_column("user_key", text)],
        F::UserDomain => vec![of_column("user_domain", text)],
        F::Category => vec![of_column("category", text)],
        F::ActionType => {
            let mut both = vec![of_column("action_type", text.clone()), of_column("category", text)];
            both.iter_mut().for_each(|stream| stream.exact = false);
            both
        }
        F::DeviceType => vec![of_column("device_type", text)],
        F::UserAgent => vec![of_column("agent_key", text)],
        F::Country => vec![of_column("country", text)],
        F::Organization => vec![of_column("organization", text)],
        F::Address => vec![of_column("address", text)],
        F::Client => vec![of_column("client", text)],
        F::Object => vec![of_term(OBJECT, text)],
        F::IpTag => vec![of_term(IP_TAG, text)],
        F::AgentTag => vec![of_term(AGENT_TAG, text)],
        F::Policy => vec![of_match("policy", text)],
        F::Alert => vec![of_match("alert", text)],
        _ => return None,
    })
}

/// The first and the last place that conditions on the time leave, as far as they say it in one piece.
fn window(wanted: &[Condition<ActivityField>]) -> (Option<i64>, Option<i64>) {
    let (mut from, mut to) = (None::<i64>, None::<i64>);
    for (first, last) in wanted.iter().filter_map(bounds) {
        from = from.max(first);
        to = match (to, last) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (one, other) => one.or(other),
        };
    }
    (from, to)
}

/// The same of one condition, when that is all it says.
fn bounds(condition: &Condition<ActivityField>) -> Option<(Option<i64>, Option<i64>)> {
    let Test::Within(ranges) = &condition.test else { return None };
    let [range] = ranges.as_slice() else { return None };
    match condition.field {
        ActivityField::At => Some((
            range.from.map(|ms| Activity::first_at(Timestamp(ms))),
            range.to.map(|ms| Activity::last_at(Timestamp(ms))),
        )),
        ActivityField::Place => Some((range.from, range.to)),
        _ => None,
    }
}

/// Looks up the first places of the streams: [`FEW`], or so many as are `enough`. Nothing when they are of no use,
/// because there are many and not in the order of time.
fn look(
    tx: &mut Tx<'_>,
    tenant: &Value,
    streams: &[Stream],
    (from, to): (Option<i64>, Option<i64>),
    ascending: bool,
    enough: Option<i64>,
) -> Result<Option<Narrow>> {
    let direction = if ascending { "asc" } else { "desc" };
    let few = enough.unwrap_or(0).max(FEW);
    let mut values = vec![tenant.clone()];
    let mut all = Vec::new();
    for (number, stream) in streams.iter().enumerate() {
        let place = stream.place;
        let mut sql = renumbered(&stream.sql, values.len());
        values.extend(stream.values.iter().cloned());
        for (sign, end) in [(">=", from), ("<=", to)] {
            if let Some(end) = end {
                values.push(end.into());
                sql.push_str(&format!(" and {place} {sign} ?{}", values.len()));
            }
        }
        let order = if stream.in_order { format!("order by {place} {direction} ") } else { String::new() };
        all.push(format!(
            "select seq from (select {place} as seq {sql} {order}limit {}) as s{number}",
            few + 1
        ));
    }
    if all.is_empty() {
        all.push("select c.seq as seq from activities c where c.tenant = ?1 and 1 = 0".into());
    }
    let all = all.join(" union all ");
    // What stands nearest of all streams together, as far as each of them was looked up.
    let sql = format!("in (select seq from ({all}) as u order by seq {direction} limit {few})");
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
    let complete = count <= few;
    let useful = complete || streams.iter().all(|stream| stream.in_order);
    Ok(useful.then_some(Narrow { sql, values, count, last, complete, exact: false }))
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
