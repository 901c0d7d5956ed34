//! Where the lines of one log went.

use casbah_model::filter::Page;
use casbah_model::{DestinationUsage, RecordId, TenantId};

use crate::batches::{batches, places};
use crate::{Result, Row, Tx, Value};

const COLUMNS: &str =
    "destination, app, transactions, users, client_ips, uploaded, downloaded, total, blocked";

fn destination(row: Row) -> Result<DestinationUsage> {
    let mut r = row.read();
    Ok(DestinationUsage {
        destination: r.take()?,
        app: r.take()?,
        transactions: r.take()?,
        users: r.take()?,
        client_ips: r.take()?,
        uploaded: r.take()?,
        downloaded: r.take()?,
        total: r.take()?,
        blocked: r.take()?,
    })
}

/// Keeps the destinations of a task, busiest first.
pub fn insert(tx: &mut Tx<'_>, tenant: TenantId, task: &RecordId, all: &[DestinationUsage]) -> Result<()> {
    let mut position = 0_i64;
    for batch in batches(all) {
        let mut values: Vec<Value> = vec![tenant.into(), task.into()];
        for one in batch {
            values.extend([
                position.into(),
                (&one.destination).into(),
                one.app.into(),
                one.transactions.into(),
                one.users.into(),
                one.client_ips.into(),
                one.uploaded.into(),
                one.downloaded.into(),
                one.total.into(),
                one.blocked.into(),
            ]);
            position += 1;
        }
        let places = places(batch.len(), 2, 10);
        let sql =
            format!("insert into discovery_destinations (tenant, task, position, {COLUMNS}) values {places}");
        tx.execute(&sql, &values)?;
    }
    Ok(())
}

/// A part of the destinations of a task, busiest first, and how many are kept of it.
pub fn list(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    task: &RecordId,
    page: Page,
) -> Result<(Vec<DestinationUsage>, i64)> {
    let of_task = [tenant.into(), task.into()];
    let total =
        tx.number("select count(*) from discovery_destinations where tenant = ?1 and task = ?2", &of_task)?;
    let sql = format!(
        "select {COLUMNS} from discovery_destinations where tenant = ?1 and task = ?2 and position >= ?3 \
         order by position limit ?4"
    );
    let values: [Value; 4] = [tenant.into(), task.into(), page.skip.into(), page.limit.into()];
    let rows = tx.rows(&sql, &values)?;
    Ok((rows.into_iter().map(destination).collect::<Result<_>>()?, total))
}
