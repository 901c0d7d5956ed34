//! Usage: what each user did with each app from each address on each day, per stream.

mod figures;
mod unmatched;

pub use figures::{Narrow, grouped, totals};
pub use unmatched::{merge_unmatched, unmatched};

use casbah_model::{AppUsage, Reach, RecordId, TenantId, Timestamp, UsageRow};

use crate::batches::{batches, places};
use crate::reach::{Records, within};
use crate::{Result, Row, Tx, Value};

/// The most that a figure says, 9 petabytes: below it a double is exact, so that sums may be doubles, which
/// do not overflow. A log may claim any number of bytes.
const CAP: i64 = 9_000_000_000_000_000;

/// Adds rows to a stream; where there is usage already, the two are added up. No two of the rows may be of
/// the same day, app, user and address: PostgreSQL refuses a statement that changes a row twice.
pub fn merge(tx: &mut Tx<'_>, tenant: TenantId, stream: &RecordId, rows: &[UsageRow]) -> Result<()> {
    batches(rows).try_for_each(|batch| merge_batch(tx, tenant, stream, batch))
}

fn merge_batch(tx: &mut Tx<'_>, tenant: TenantId, stream: &RecordId, rows: &[UsageRow]) -> Result<()> {
    let mut values: Vec<Value> = vec![tenant.into(), stream.into()];
    for row in rows {
        values.extend([
            row.day.into(),
            row.app.into(),
            (&row.user).into(),
            (&row.ip).into(),
            row.events.min(CAP).into(),
            row.blocked.min(CAP).into(),
            row.uploaded.min(CAP).into(),
            row.downloaded.min(CAP).into(),
            row.total.min(CAP).into(),
            row.first.into(),
            row.last.into(),
        ]);
    }
    // A sum that reaches the cap stays there: an overflow would make every later question fail.
    let added = |name: &str| {
        format!(
            "{name} = case when usage_rows.{name} > {CAP} then usage_rows.{name} \
             else usage_rows.{name} + excluded.{name} end"
        )
    };
    let sums = ["events", "blocked", "uploaded", "downloaded", "total"].map(added).join(", ");
    let sql = format!(
        "insert into usage_rows (tenant, stream, day, app, user_name, ip, events, blocked, uploaded, downloaded, \
         total, first_seen, last_seen) values {} \
         on conflict (tenant, stream, day, app, user_name, ip) do update set {sums}, \
         first_seen = case when excluded.first_seen < usage_rows.first_seen \
         then excluded.first_seen else usage_rows.first_seen end, \
         last_seen = case when excluded.last_seen > usage_rows.last_seen \
         then excluded.last_seen else usage_rows.last_seen end",
        places(rows.len(), 2, 11)
    );
    tx.execute(&sql, &values)?;
    Ok(())
}

/// Which usage a question is about.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The streams that count.
    pub reach: Reach,
    /// One stream; none for the global view, the sum of all continuous reports.
    pub stream: Option<RecordId>,
    /// First UTC day, in days since 1970.
    pub from_day: i64,
    /// Last UTC day.
    pub to_day: i64,
}

impl Scope {
    fn sql(&self, tenant: TenantId) -> (String, Vec<Value>) {
        let mut values = vec![tenant.into(), self.from_day.into(), self.to_day.into()];
        let wanted = match &self.stream {
            Some(stream) => {
                values.push(stream.into());
                "stream = ?4"
            }
            None => "stream in (select s.id from streams s where s.tenant = ?1 and s.kind = 1)",
        };
        let mut sql = format!("tenant = ?1 and day between ?2 and ?3 and {wanted}");
        if self.reach != Reach::Everything {
            let reach = within(&self.reach, Records::Streams, &mut values);
            sql.push_str(&format!(" and stream in (select s.id from streams s where s.tenant = ?1{reach})"));
        }
        (sql, values)
    }
}

/// The figures of a group of rows.
fn sums() -> String {
    let sum = |name: &str| {
        let double = format!("sum(cast({name} as double precision))");
        format!("cast(case when {double} > {CAP} then {CAP} else {double} end as bigint)")
    };
    let sums = ["events", "blocked", "uploaded", "downloaded", "total"].map(sum).join(", ");
    format!(
        "{sums}, count(distinct case when user_name <> '' then user_name end), count(distinct ip), \
         min(first_seen), max(last_seen)"
    )
}

fn app_usage(row: Row) -> Result<AppUsage> {
    let mut r = row.read();
    Ok(AppUsage {
        app: r.take()?,
        events: r.take()?,
        blocked: r.take()?,
        uploaded: r.take()?,
        downloaded: r.take()?,
        total: r.take()?,
        users: r.take()?,
        ips: r.take()?,
        first: r.take()?,
        last: r.take()?,
    })
}

/// The apps in use, each with its figures, by number.
pub fn by_app(tx: &mut Tx<'_>, tenant: TenantId, scope: &Scope, narrow: &Narrow) -> Result<Vec<AppUsage>> {
    let (wanted, values) = narrow.within(scope, tenant);
    let sql = format!("select app, {} from usage_rows where {wanted} group by app order by app", sums());
    tx.rows(&sql, &values)?.into_iter().map(app_usage).collect()
}

/// The rows of one app, by day.
pub fn of_app(tx: &mut Tx<'_>, tenant: TenantId, scope: &Scope, app: i64) -> Result<Vec<UsageRow>> {
    let (wanted, mut values) = scope.sql(tenant);
    values.push(app.into());
    let sql = format!(
        "select day, app, user_name, ip, events, blocked, uploaded, downloaded, total, first_seen, last_seen \
         from usage_rows where {wanted} and app = ?{} order by day, user_name, ip",
        values.len()
    );
    tx.rows(&sql, &values)?.into_iter().map(usage_row).collect()
}

fn usage_row(row: Row) -> Result<UsageRow> {
    let mut r = row.read();
    Ok(UsageRow {
        day: r.take()?,
        app: r.take()?,
        user: r.take()?,
        ip: r.take()?,
        events: r.take()?,
        blocked: r.take()?,
        uploaded: r.take()?,
        downloaded: r.take()?,
        total: r.take()?,
        first: r.take()?,
        last: r.take()?,
    })
}

/// The apps that a user was seen with; the name in lower case.
pub fn apps_of_user(tx: &mut Tx<'_>, tenant: TenantId, scope: &Scope, user: &str) -> Result<Vec<i64>> {
    let (wanted, mut values) = scope.sql(tenant);
    values.push(user.into());
    let sql = format!("select distinct app from usage_rows where {wanted} and user_name = ?{}", values.len());
    tx.rows(&sql, &values)?.into_iter().map(|row| row.read().take()).collect()
}

/// The first UTC day, from `from_day` on, on which an app was seen in a stream.
pub fn first_day(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    stream: &RecordId,
    app: i64,
    from_day: i64,
) -> Result<Option<i64>> {
    let sql = "select day from usage_rows where tenant = ?1 and stream = ?2 and app = ?3 and day >= ?4 \
               order by day limit 1";
    let values = [tenant.into(), stream.into(), app.into(), from_day.into()];
    tx.row(sql, &values)?.map(|row| row.read().take()).transpose()
}

/// Forgets usage of days before that of a moment, a stream's day at a time, until there are `limit` rows or more.
/// Answers how many rows.
pub fn remove_before(tx: &mut Tx<'_>, tenant: TenantId, before: Timestamp, limit: i64) -> Result<u64> {
    const MS_OF_DAY: i64 = 86_400_000;
    let oldest =
        "select stream, min(day) from usage_rows where tenant = ?1 and day < ?2 group by stream limit 1";
    let unmatched = "delete from discovery_unmatched where tenant = ?1 and day < ?2";
    tx.execute(unmatched, &[tenant.into(), before.0.div_euclid(MS_OF_DAY).into()])?;
    let mut gone = 0;
    while gone < limit.unsigned_abs() {
        let row = tx.row(oldest, &[tenant.into(), before.0.div_euclid(MS_OF_DAY).into()])?;
        let Some(row) = row else { break };
        let mut row = row.read();
        let (stream, day): (RecordId, i64) = (row.take()?, row.take()?);
        let sql = "delete from usage_rows where tenant = ?1 and stream = ?2 and day = ?3";
        gone += tx.execute(sql, &[tenant.into(), (&stream).into(), day.into()])?;
    }
    Ok(gone)
}
