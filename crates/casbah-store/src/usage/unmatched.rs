//! Destinations of no known app.

use casbah_model::filter::Page;
use casbah_model::{RecordId, TenantId, UnmatchedDomain};

use super::{CAP, Scope};
use crate::batches::{batches, places};
use crate::{Result, Row, Tx, Value};

/// Adds what a log has; where the same domain of that day is there, the two are added up. No two may be the same.
pub fn merge_unmatched(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    stream: &RecordId,
    all: &[UnmatchedDomain],
) -> Result<()> {
    for batch in batches(all) {
        let mut values: Vec<Value> = vec![tenant.into(), stream.into()];
        for one in batch {
            values.extend([
                one.day.into(),
                (&one.domain).into(),
                one.events.min(CAP).into(),
                one.total.min(CAP).into(),
                one.first.into(),
                one.last.into(),
            ]);
        }
        let added = |name: &str| {
            format!(
                "{name} = case when discovery_unmatched.{name} > {CAP} then discovery_unmatched.{name} \
                 else discovery_unmatched.{name} + excluded.{name} end"
            )
        };
        let sql = format!(
            "insert into discovery_unmatched (tenant, stream, day, domain, events, total, first_seen, last_seen) \
             values {} on conflict (tenant, stream, day, domain) do update set {}, {}, \
             first_seen = case when excluded.first_seen < discovery_unmatched.first_seen \
             then excluded.first_seen else discovery_unmatched.first_seen end, \
             last_seen = case when excluded.last_seen > discovery_unmatched.last_seen \
             then excluded.last_seen else discovery_unmatched.last_seen end",
            places(batch.len(), 2, 6),
            added("events"),
            added("total"),
        );
        tx.execute(&sql, &values)?;
    }
    Ok(())
}

/// A part of the domains in a scope, those with most transactions first, and how many there are.
pub fn unmatched(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    scope: &Scope,
    page: Page,
) -> Result<(Vec<UnmatchedDomain>, i64)> {
    let (wanted, mut values) = scope.sql(tenant);
    let total = tx
        .number(&format!("select count(distinct domain) from discovery_unmatched where {wanted}"), &values)?;
    values.extend([page.limit.into(), page.skip.into()]);
    let sum = |name: &str| {
        let double = format!("sum(cast({name} as double precision))");
        format!("cast(case when {double} > {CAP} then {CAP} else {double} end as bigint)")
    };
    let sql = format!(
        "select domain, max(day), {}, {}, min(first_seen), max(last_seen) \
         from discovery_unmatched where {wanted} group by domain order by 3 desc, domain limit ?{} offset ?{}",
        sum("events"),
        sum("total"),
        values.len() - 1,
        values.len()
    );
    let found = tx.rows(&sql, &values)?.into_iter().map(one).collect::<Result<_>>()?;
    Ok((found, total))
}

fn one(row: Row) -> Result<UnmatchedDomain> {
    let mut r = row.read();
    Ok(UnmatchedDomain {
        domain: r.take()?,
        day: r.take()?,
        events: r.take()?,
        total: r.take()?,
        first: r.take()?,
        last: r.take()?,
    })
}
