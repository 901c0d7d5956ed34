//! Streams: continuous reports, the global view, snapshot reports.

use casbah_model::{Reach, RecordId, Stream, StreamKind, TenantId, Timestamp};

use crate::alerts::known;
use crate::reach::{Records, within};
use crate::{Result, Row, Tx, Value};

const COLUMNS: &str = "id, name, kind, log_type, receiver, protocol, created, modified, last_data, logs, failures, \
    entity_kinds, traffic_kinds, anonymize_users, parser";

fn stream(row: Row) -> Result<Stream> {
    let mut r = row.read();
    Ok(Stream {
        id: r.take()?,
        name: r.take()?,
        kind: known(StreamKind::from_number(r.take()?), "kind of stream")?,
        log_type: r.take()?,
        receiver: r.take()?,
        protocol: r.take()?,
        created: r.take()?,
        modified: r.take()?,
        last_data: r.take()?,
        logs: r.take()?,
        failures: r.take()?,
        entity_kinds: r.take_json()?,
        traffic_kinds: r.take_json()?,
        anonymize_users: r.take()?,
        parser: r.take()?,
    })
}

/// Adds a stream; [`crate::Error::Duplicate`] when one of that kind has the name.
pub fn insert(tx: &mut Tx<'_>, tenant: TenantId, stream: &Stream) -> Result<()> {
    let sql = format!(
        "insert into streams (tenant, {COLUMNS}, name_key) \
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)"
    );
    let values = [
        tenant.into(),
        (&stream.id).into(),
        (&stream.name).into(),
        stream.kind.number().into(),
        stream.log_type.into(),
        (&stream.receiver).into(),
        stream.protocol.as_ref().into(),
        stream.created.into(),
        stream.modified.into(),
        stream.last_data.into(),
        stream.logs.into(),
        stream.failures.into(),
        Value::json(&stream.entity_kinds),
        Value::json(&stream.traffic_kinds),
        stream.anonymize_users.into(),
        stream.parser.as_ref().into(),
        stream.name.to_lowercase().into(),
    ];
    tx.execute(&sql, &values)?;
    Ok(())
}

/// All streams within reach: views first, then data sources, then snapshot reports, each by age.
pub fn list(tx: &mut Tx<'_>, tenant: TenantId, reach: &Reach) -> Result<Vec<Stream>> {
    let mut values = vec![tenant.into()];
    let reach = within(reach, Records::Streams, &mut values);
    let sql = format!(
        "select {COLUMNS} from streams s where tenant = ?1{reach} \
         order by case kind when 3 then 0 else kind end, created, id"
    );
    tx.rows(&sql, &values)?.into_iter().map(stream).collect()
}

/// A stream, if it exists within reach.
pub fn find(tx: &mut Tx<'_>, tenant: TenantId, reach: &Reach, id: &RecordId) -> Result<Option<Stream>> {
    let mut values = vec![tenant.into(), id.into()];
    let reach = within(reach, Records::Streams, &mut values);
    let sql = format!("select {COLUMNS} from streams s where tenant = ?1 and id = ?2{reach}");
    tx.row(&sql, &values)?.map(stream).transpose()
}

/// The stream of that kind and name, if there is one within reach; names are compared without regard to case.
pub fn find_by_name(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    reach: &Reach,
    kind: StreamKind,
    name: &str,
) -> Result<Option<Stream>> {
    let mut values = vec![tenant.into(), kind.number().into(), name.trim().to_lowercase().into()];
    let reach = within(reach, Records::Streams, &mut values);
    let sql =
        format!("select {COLUMNS} from streams s where tenant = ?1 and kind = ?2 and name_key = ?3{reach}");
    tx.row(&sql, &values)?.map(stream).transpose()
}

/// Saves what changes when logs come in.
pub fn save_progress(tx: &mut Tx<'_>, tenant: TenantId, stream: &Stream) -> Result<()> {
    let sql = "update streams set modified = ?3, last_data = ?4, logs = ?5, failures = ?6, entity_kinds = ?7, \
               traffic_kinds = ?8 where tenant = ?1 and id = ?2";
    let values = [
        tenant.into(),
        (&stream.id).into(),
        stream.modified.into(),
        stream.last_data.into(),
        stream.logs.into(),
        stream.failures.into(),
        Value::json(&stream.entity_kinds),
        Value::json(&stream.traffic_kinds),
    ];
    tx.execute(sql, &values)?;
    Ok(())
}

/// Removes a stream with everything that was counted in it.
pub fn delete(tx: &mut Tx<'_>, tenant: TenantId, id: &RecordId) -> Result<()> {
    for sql in [
        "delete from usage_rows where tenant = ?1 and stream = ?2",
        "delete from discovery_unmatched where tenant = ?1 and stream = ?2",
        "delete from stream_digests where tenant = ?1 and stream = ?2",
        "delete from policy_matches where tenant = ?1 and stream = ?2",
        "delete from streams where tenant = ?1 and id = ?2",
    ] {
        tx.execute(sql, &[tenant.into(), id.into()])?;
    }
    Ok(())
}

/// Records that content was counted in a stream. False when it already was.
pub fn record_digest(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    stream: &RecordId,
    digest: &[u8],
    task: &RecordId,
    at: Timestamp,
) -> Result<bool> {
    let sql = "insert into stream_digests (tenant, stream, digest, task, at) values (?1, ?2, ?3, ?4, ?5) \
               on conflict (tenant, stream, digest) do nothing";
    let values = [tenant.into(), stream.into(), digest.into(), task.into(), at.into()];
    Ok(tx.execute(sql, &values)? > 0)
}
