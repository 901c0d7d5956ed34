//! Usage summed up by user, address or day, as far as one wants to look into it.

use casbah_model::filter::Page;
use casbah_model::{KeyedUsage, TenantId, UsageFigures, UsageKey, UsageOrder};

use super::{Scope, sums};
use crate::value::Reader;
use crate::{Result, Tx, Value};

/// What of the usage in a scope counts; what is not named is not narrowed.
#[derive(Clone, Debug, Default)]
pub struct Narrow {
    /// One app.
    pub app: Option<i64>,
    /// One user, by name in lower case.
    pub user: Option<String>,
    /// One client address.
    pub ip: Option<String>,
}

impl Narrow {
    pub(super) fn within(&self, scope: &Scope, tenant: TenantId) -> (String, Vec<Value>) {
        let (mut wanted, mut values) = scope.sql(tenant);
        let parts: [(&str, Option<Value>); 3] = [
            ("app", self.app.map(Value::from)),
            ("user_name", self.user.as_ref().map(Value::from)),
            ("ip", self.ip.as_ref().map(Value::from)),
        ];
        for (column, value) in parts {
            let Some(value) = value else { continue };
            values.push(value);
            wanted.push_str(&format!(" and {column} = ?{}", values.len()));
        }
        (wanted, values)
    }
}

/// All of it together; none where there is no usage.
pub fn totals(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    scope: &Scope,
    narrow: &Narrow,
) -> Result<Option<UsageFigures>> {
    let (wanted, values) = narrow.within(scope, tenant);
    let sums = sums();
    let sql =
        format!("select {sums}, count(distinct app) from usage_rows where {wanted} having count(*) > 0");
    tx.row(&sql, &values)?.map(|row| figures(&mut row.read())).transpose()
}

/// A part of the sums by a key, and how many keys there are.
pub fn grouped(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    scope: &Scope,
    narrow: &Narrow,
    key: UsageKey,
    (order, ascending): (UsageOrder, bool),
    page: Page,
) -> Result<(Vec<KeyedUsage>, i64)> {
    let (mut wanted, mut values) = narrow.within(scope, tenant);
    let column = match key {
        UsageKey::User => "user_name",
        UsageKey::Ip => "ip",
        UsageKey::Day => "day",
    };
    if key == UsageKey::User {
        wanted.push_str(" and user_name <> ''");
    }
    let count =
        format!("select count(*) from (select distinct {column} from usage_rows where {wanted}) as keys");
    let total = tx.number(&count, &values)?;
    values.extend([page.limit.into(), page.skip.into()]);
    let direction = if ascending { "asc" } else { "desc" };
    let sums = sums();
    let sql = format!(
        "select cast({column} as text), {sums}, count(distinct app) from usage_rows where {wanted} \
         group by {column} order by {} {direction}, {column} limit ?{} offset ?{}",
        place(order, column),
        values.len() - 1,
        values.len()
    );
    let rows = tx.rows(&sql, &values)?.into_iter();
    let found = rows.map(|row| {
        let mut r = row.read();
        Ok(KeyedUsage { key: r.take()?, figures: figures(&mut r)? })
    });
    Ok((found.collect::<Result<_>>()?, total))
}

/// The column of the sums, counted from 1, behind that of the key.
fn place(order: UsageOrder, column: &str) -> String {
    let place = match order {
        UsageOrder::Key => return column.to_string(),
        UsageOrder::Events => 2,
        UsageOrder::Blocked => 3,
        UsageOrder::Uploaded => 4,
        UsageOrder::Downloaded => 5,
        UsageOrder::Total => 6,
        UsageOrder::Users => 7,
        UsageOrder::Ips => 8,
        UsageOrder::First => 9,
        UsageOrder::Last => 10,
        UsageOrder::Apps => 11,
    };
    place.to_string()
}

fn figures(r: &mut Reader) -> Result<UsageFigures> {
    Ok(UsageFigures {
        events: r.take()?,
        blocked: r.take()?,
        uploaded: r.take()?,
        downloaded: r.take()?,
        total: r.take()?,
        users: r.take()?,
        ips: r.take()?,
        first: r.take()?,
        last: r.take()?,
        apps: r.take()?,
    })
}
