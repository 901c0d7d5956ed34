//! Which files policies have still to look at, and which they match.

use casbah_model::filter::{Condition, FileField};
use casbah_model::{File, RecordId, TenantId, Timestamp};

use super::{COLUMNS, KEYS, conditions, file};
use crate::alerts::conditions::one_of;
use crate::{Result, Row, Tx, Value, entities};

/// A policy that looks through all files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round {
    /// The policy.
    pub policy: RecordId,
    /// The last file that it has looked at, by record id; empty at the beginning.
    pub after: String,
}

/// Notes a file that was just stored or changed.
pub(super) fn note(tx: &mut Tx<'_>, tenant: TenantId, file: &RecordId) -> Result<()> {
    tx.arrived = true;
    let sql =
        "insert into arrived_files (tenant, file) values (?1, ?2) on conflict (tenant, file) do nothing";
    tx.execute(sql, &[tenant.into(), file.into()])?;
    Ok(())
}

/// The next tenant, in the order of ids, with files that wait or a policy whose round is due at `now`; the first
/// one after none.
pub fn next_tenant(tx: &mut Tx<'_>, after: Option<TenantId>, now: Timestamp) -> Result<Option<TenantId>> {
    let after = after.map(|tenant| tenant.to_string()).unwrap_or_default();
    let sql = "select min(tenant) from (select min(tenant) as tenant from arrived_files where tenant > ?1 \
               union all select min(tenant) as tenant from file_policy_rounds where due <= ?2 and tenant > ?1) as waiting";
    let found = tx.row(sql, &[after.into(), now.into()])?;
    Ok(found.map(|row| row.read().take()).transpose()?.flatten())
}

fn ids(rows: Vec<Row>) -> Result<Vec<RecordId>> {
    rows.into_iter().map(|row| row.read().take()).collect()
}

/// Files that wait, by record id.
pub fn waiting(tx: &mut Tx<'_>, tenant: TenantId, limit: i64) -> Result<Vec<RecordId>> {
    let sql = "select file from arrived_files where tenant = ?1 order by file limit ?2";
    ids(tx.rows(sql, &[tenant.into(), limit.into()])?)
}

/// These files were looked at.
pub fn forget(tx: &mut Tx<'_>, tenant: TenantId, files: &[RecordId]) -> Result<()> {
    let mut values = vec![tenant.into()];
    let list = one_of(files.iter().map(Value::from).collect(), &mut values);
    tx.execute(&format!("delete from arrived_files where tenant = ?1 and file in ({list})"), &values)?;
    Ok(())
}

/// A policy is to look through all files from `due` on, from the beginning.
pub fn begin_round(tx: &mut Tx<'_>, tenant: TenantId, policy: &RecordId, due: Timestamp) -> Result<()> {
    tx.arrived = true;
    let sql = "insert into file_policy_rounds (tenant, policy, due, after) values (?1, ?2, ?3, '') \
               on conflict (tenant, policy) do update set due = excluded.due, after = excluded.after";
    tx.execute(sql, &[tenant.into(), policy.into(), due.into()])?;
    Ok(())
}

/// A round whose time has come.
pub fn due_round(tx: &mut Tx<'_>, tenant: TenantId, now: Timestamp) -> Result<Option<Round>> {
    let sql = "select policy, after from file_policy_rounds where tenant = ?1 and due <= ?2 order by due, policy limit 1";
    let found = tx.row(sql, &[tenant.into(), now.into()])?;
    let round = found.map(|row| {
        let mut r = row.read();
        Ok(Round { policy: r.take()?, after: r.take()? })
    });
    round.transpose()
}

/// The round goes on behind that file.
pub fn continue_round(tx: &mut Tx<'_>, tenant: TenantId, policy: &RecordId, after: &RecordId) -> Result<()> {
    let sql = "update file_policy_rounds set after = ?3 where tenant = ?1 and policy = ?2";
    tx.execute(sql, &[tenant.into(), policy.into(), after.into()])?;
    Ok(())
}

/// The files behind `after`, by record id, deleted ones too.
pub fn behind(tx: &mut Tx<'_>, tenant: TenantId, after: &str, limit: i64) -> Result<Vec<RecordId>> {
    let sql = "select id from files where tenant = ?1 and id > ?2 order by id limit ?3";
    ids(tx.rows(sql, &[tenant.into(), after.into(), limit.into()])?)
}

/// The files with these record ids.
pub fn with_ids(tx: &mut Tx<'_>, tenant: TenantId, wanted: &[RecordId]) -> Result<Vec<File>> {
    let mut values = vec![tenant.into()];
    let list = one_of(wanted.iter().map(Value::from).collect(), &mut values);
    let sql = format!("select {COLUMNS} from files where tenant = ?1 and id in ({list}) order by id");
    tx.rows(&sql, &values)?.into_iter().map(file).collect()
}

/// Which of these files satisfy all conditions.
pub fn satisfying(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    files: &[RecordId],
    wanted: &[Condition<FileField>],
) -> Result<Vec<RecordId>> {
    let wanted = entities::expanded(tx, tenant, wanted, &KEYS)?;
    let mut values = vec![tenant.into()];
    let list = one_of(files.iter().map(Value::from).collect(), &mut values);
    let conditions = conditions::compile(tx.dialect(), &wanted, &mut values);
    let sql = format!(
        "select f.id from files f where f.tenant = ?1 and f.id in ({list}){conditions} order by f.id"
    );
    ids(tx.rows(&sql, &values)?)
}

/// Which of these files are known to match the policy.
pub fn known(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    policy: &RecordId,
    files: &[RecordId],
) -> Result<Vec<RecordId>> {
    let mut values = vec![tenant.into(), policy.into()];
    let list = one_of(files.iter().map(Value::from).collect(), &mut values);
    let sql = format!(
        "select file from file_matches where tenant = ?1 and policy = ?2 and file in ({list}) order by file"
    );
    ids(tx.rows(&sql, &values)?)
}

/// A file matches a policy from now on.
pub fn add(tx: &mut Tx<'_>, tenant: TenantId, policy: &RecordId, file: &RecordId) -> Result<()> {
    let sql = "insert into file_matches (tenant, policy, file) values (?1, ?2, ?3) \
               on conflict (tenant, policy, file) do nothing";
    tx.execute(sql, &[tenant.into(), policy.into(), file.into()])?;
    Ok(())
}

/// These files match the policy no longer.
pub fn remove(tx: &mut Tx<'_>, tenant: TenantId, policy: &RecordId, files: &[RecordId]) -> Result<()> {
    let mut values = vec![tenant.into(), policy.into()];
    let list = one_of(files.iter().map(Value::from).collect(), &mut values);
    let sql = format!("delete from file_matches where tenant = ?1 and policy = ?2 and file in ({list})");
    tx.execute(&sql, &values)?;
    Ok(())
}

/// Forgets all that a policy has found and has yet to look at.
pub fn forget_policy(tx: &mut Tx<'_>, tenant: TenantId, policy: &RecordId) -> Result<()> {
    let values = [tenant.into(), policy.into()];
    tx.execute("delete from file_matches where tenant = ?1 and policy = ?2", &values)?;
    tx.execute("delete from file_policy_rounds where tenant = ?1 and policy = ?2", &values)?;
    Ok(())
}
