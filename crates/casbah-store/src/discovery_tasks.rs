//! The queue of logs to parse, which is also the governance log.
//!
//! ```text
//! queued ──claim──> leased ──finish──> done        a lease that ran out can be claimed again;
//!    ^                 │                           only the holder of the newest lease can finish
//!    └─────release─────┘
//! ```

use casbah_model::filter::{Condition, Operand, Page, Range, TaskField, Test};
use casbah_model::{DiscoveryTask, Reach, RecordId, TaskState, TenantId, Timestamp};
use serde_json::Value as Json;

use crate::alerts::known;
use crate::reach::{Records, within};
use crate::{Result, Row, Tx, Value};

const COLUMNS: &str =
    "id, stream, upload, filename, source, initiator, created, finished, state, message, figures, parser";

fn task(row: Row) -> Result<DiscoveryTask> {
    let mut r = row.read();
    let mut task = DiscoveryTask {
        id: r.take()?,
        stream: r.take()?,
        upload: r.take()?,
        filename: r.take()?,
        source: r.take()?,
        initiator: r.take()?,
        created: r.take()?,
        finished: r.take()?,
        state: TaskState::Pending,
        figures: Json::Null,
        parser: None,
    };
    let (number, message): (i64, String) = (r.take()?, r.take()?);
    let state = match number {
        0 => Some(TaskState::Pending),
        1 => Some(TaskState::Succeeded),
        2 => Some(TaskState::Failed(message)),
        _ => None,
    };
    task.state = known(state, "state of task")?;
    task.figures = r.take_json()?;
    task.parser = r.take()?;
    Ok(task)
}

/// The number and message of a state.
fn state(state: &TaskState) -> (i64, &str) {
    match state {
        TaskState::Pending => (0, ""),
        TaskState::Succeeded => (1, ""),
        TaskState::Failed(message) => (2, message),
    }
}

/// Queues a task.
pub fn insert(tx: &mut Tx<'_>, tenant: TenantId, task: &DiscoveryTask) -> Result<()> {
    let sql = format!(
        "insert into discovery_tasks (tenant, {COLUMNS}, attempts) \
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, 0)"
    );
    let (number, message) = state(&task.state);
    let values = [
        tenant.into(),
        (&task.id).into(),
        (&task.stream).into(),
        (&task.upload).into(),
        (&task.filename).into(),
        (&task.source).into(),
        (&task.initiator).into(),
        task.created.into(),
        task.finished.into(),
        number.into(),
        message.into(),
        Value::json(&task.figures),
        task.parser.as_ref().into(),
    ];
    tx.execute(&sql, &values)?;
    Ok(())
}

/// A task, if it exists within reach.
pub fn find(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    reach: &Reach,
    id: &RecordId,
) -> Result<Option<DiscoveryTask>> {
    let mut values = vec![tenant.into(), id.into()];
    let reach = within(reach, Records::Tasks, &mut values);
    let sql = format!("select {COLUMNS} from discovery_tasks d where tenant = ?1 and id = ?2{reach}");
    tx.row(&sql, &values)?.map(task).transpose()
}

/// The tasks of a stream that have ended, of those that were queued since then; the latest `limit`, newest first.
pub fn ended_of(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    stream: &RecordId,
    since: Timestamp,
    limit: i64,
) -> Result<Vec<DiscoveryTask>> {
    let sql = format!(
        "select {COLUMNS} from discovery_tasks where tenant = ?1 and stream = ?2 and created >= ?3 and state > 0 \
         order by created desc, id desc limit ?4"
    );
    let values = [tenant.into(), stream.into(), since.into(), limit.into()];
    tx.rows(&sql, &values)?.into_iter().map(task).collect()
}

/// A right to work on a task, for a time.
#[derive(Clone, Debug)]
pub struct Lease {
    /// Random name of this attempt.
    pub token: RecordId,
    /// The node that works.
    pub node: String,
    /// Until when others keep away.
    pub until: Timestamp,
}

/// A task that was claimed.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// Its tenant.
    pub tenant: TenantId,
    /// The task.
    pub task: DiscoveryTask,
    /// How often it was begun, this time included.
    pub attempts: i64,
}

/// Claims the oldest task, of any tenant, that nobody works on.
pub fn claim(tx: &mut Tx<'_>, lease: &Lease, now: Timestamp) -> Result<Option<Claimed>> {
    let sql = "update discovery_tasks set lease = ?2, lease_node = ?3, lease_until = ?4, attempts = attempts + 1 \
               where (tenant, id) = (select tenant, id from discovery_tasks \
               where finished is null and (lease_until is null or lease_until < ?1) order by created, id limit 1) \
               returning tenant, id, attempts";
    let values = [now.into(), (&lease.token).into(), (&lease.node).into(), lease.until.into()];
    let Some(row) = tx.row(sql, &values)? else { return Ok(None) };
    let mut r = row.read();
    let (tenant, id, attempts): (TenantId, RecordId, i64) = (r.take()?, r.take()?, r.take()?);
    let task = known(find(tx, tenant, &Reach::Everything, &id)?, "claimed task")?;
    Ok(Some(Claimed { tenant, task, attempts }))
}

/// Prolongs a lease and shows how far the work is. False when the lease was lost.
pub fn renew(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    id: &RecordId,
    lease: &Lease,
    figures: &Json,
) -> Result<bool> {
    let sql = "update discovery_tasks set lease_until = ?4, figures = ?5 \
               where tenant = ?1 and id = ?2 and lease = ?3 and finished is null";
    let values = [tenant.into(), id.into(), (&lease.token).into(), lease.until.into(), Value::json(figures)];
    Ok(tx.execute(sql, &values)? > 0)
}

/// Ends a task. False when the lease was lost: then nothing else of that transaction may stand.
pub fn finish(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    id: &RecordId,
    lease: &Lease,
    now: Timestamp,
    ended: (&TaskState, &Json),
) -> Result<bool> {
    let sql = "update discovery_tasks set finished = ?4, state = ?5, message = ?6, figures = ?7, lease = null, \
               lease_node = null, lease_until = null \
               where tenant = ?1 and id = ?2 and lease = ?3 and finished is null";
    let (number, message) = state(ended.0);
    let values = [
        tenant.into(),
        id.into(),
        (&lease.token).into(),
        now.into(),
        number.into(),
        message.into(),
        Value::json(ended.1),
    ];
    Ok(tx.execute(sql, &values)? > 0)
}

/// Gives a task back, for others or for later.
pub fn release(tx: &mut Tx<'_>, tenant: TenantId, id: &RecordId, lease: &Lease) -> Result<()> {
    let sql = "update discovery_tasks set lease = null, lease_node = null, lease_until = null \
               where tenant = ?1 and id = ?2 and lease = ?3 and finished is null";
    tx.execute(sql, &[tenant.into(), id.into(), (&lease.token).into()])?;
    Ok(())
}

/// Queues a task that failed once more, as if it were new. False when it did not fail.
pub fn retry(tx: &mut Tx<'_>, tenant: TenantId, id: &RecordId, figures: &Json) -> Result<bool> {
    let values = [tenant.into(), id.into()];
    tx.execute("delete from discovery_destinations where tenant = ?1 and task = ?2", &values)?;
    let sql = "update discovery_tasks set finished = null, state = 0, message = '', figures = ?3, attempts = 0 \
               where tenant = ?1 and id = ?2 and state = 2 and finished is not null";
    Ok(tx.execute(sql, &[tenant.into(), id.into(), Value::json(figures)])? > 0)
}

/// Gives back everything that a node worked on when it died.
pub fn release_node(tx: &mut Tx<'_>, node: &str) -> Result<u64> {
    let sql = "update discovery_tasks set lease = null, lease_node = null, lease_until = null \
               where lease_node = ?1 and finished is null";
    tx.execute(sql, &[node.into()])
}

/// Ends the tasks of a stream that goes away.
pub fn fail_pending(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    stream: &RecordId,
    now: Timestamp,
    message: &str,
) -> Result<()> {
    let files = "update uploads set parts = '[]' where tenant = ?1 and id in \
                 (select upload from discovery_tasks where tenant = ?1 and stream = ?2 and finished is null)";
    tx.execute(files, &[tenant.into(), stream.into()])?;
    let sql = "update discovery_tasks set finished = ?3, state = 2, message = ?4, lease = null, lease_node = null, \
               lease_until = null where tenant = ?1 and stream = ?2 and finished is null";
    tx.execute(sql, &[tenant.into(), stream.into(), now.into(), message.into()])?;
    Ok(())
}

/// Forgets entries that were made before a moment and have ended, at most `limit` at once. Answers how many.
pub fn remove_before(tx: &mut Tx<'_>, tenant: TenantId, before: Timestamp, limit: i64) -> Result<u64> {
    let sql = "select id from discovery_tasks where tenant = ?1 and created < ?2 and finished is not null \
               order by created, id limit ?3";
    let rows = tx.rows(sql, &[tenant.into(), before.into(), limit.into()])?;
    let ids: Vec<RecordId> = rows.into_iter().map(|row| row.read().take()).collect::<Result<_>>()?;
    for id in &ids {
        let values = [tenant.into(), id.into()];
        tx.execute("delete from discovery_destinations where tenant = ?1 and task = ?2", &values)?;
        tx.execute("delete from discovery_tasks where tenant = ?1 and id = ?2", &values)?;
    }
    Ok(ids.len() as u64)
}

/// One page of the governance log, and how many entries satisfy all conditions.
pub fn list(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    reach: &Reach,
    conditions: &[Condition<TaskField>],
    ascending: bool,
    page: Page,
) -> Result<(Vec<DiscoveryTask>, i64)> {
    let mut values = vec![tenant.into()];
    let mut wanted = within(reach, Records::Tasks, &mut values);
    wanted.extend(conditions.iter().map(|c| format!(" and ({})", compile(c, &mut values))));
    let total =
        tx.number(&format!("select count(*) from discovery_tasks d where tenant = ?1{wanted}"), &values)?;
    values.extend([page.limit.into(), page.skip.into()]);
    let (limit, skip) = (values.len() - 1, values.len());
    let direction = if ascending { "asc" } else { "desc" };
    let sql = format!(
        "select {COLUMNS} from discovery_tasks d where tenant = ?1{wanted} \
         order by created {direction}, id {direction} limit ?{limit} offset ?{skip}"
    );
    let found = tx.rows(&sql, &values)?.into_iter().map(task).collect::<Result<_>>()?;
    Ok((found, total))
}

/// Type of every entry, as filters name it.
pub const TASK_TYPE: &str = "DiscoveryParseLogTask";

fn compile(condition: &Condition<TaskField>, values: &mut Vec<Value>) -> String {
    let holds = |operand: &Operand| match (condition.field, operand) {
        (TaskField::App, Operand::Nothing) => "1 = 1".to_string(),
        (TaskField::Type, Operand::Text(text)) if text.eq_ignore_ascii_case(TASK_TYPE) => "1 = 1".to_string(),
        (TaskField::Succeeded, Operand::Flag(true)) => "state = 1".to_string(),
        (TaskField::Succeeded, Operand::Flag(false)) => "state = 2".to_string(),
        (TaskField::Succeeded, Operand::Nothing) => "state = 0".to_string(),
        _ => "1 = 0".to_string(),
    };
    let any = |operands: &[Operand]| match operands {
        [] => "1 = 0".to_string(),
        some => some.iter().map(holds).collect::<Vec<_>>().join(" or "),
    };
    match &condition.test {
        Test::AnyOf(operands) => any(operands),
        Test::NoneOf(operands) => format!("not ({})", any(operands)),
        Test::Within(ranges) if condition.field == TaskField::Created => {
            let mut one = |range: &Range| {
                let mut sql = String::from("1 = 1");
                for (sign, end) in [(">=", range.from), ("<=", range.to)] {
                    if let Some(end) = end {
                        values.push(end.into());
                        sql.push_str(&format!(" and created {sign} ?{}", values.len()));
                    }
                }
                sql
            };
            ranges.iter().map(&mut one).collect::<Vec<_>>().join(" or ")
        }
        _ => "1 = 0".into(),
    }
}
