//! What is known of alerts that others have raised and sent in.

use casbah_model::{RecordId, TenantId};
use serde::{Deserialize, Serialize};

use crate::alerts::conditions::one_of;
use crate::{Result, Row, Tx, Value};

/// What a sender says of an alert, beside what every alert has.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SentFacts {
    /// Whether the description is ready-made markup.
    pub markdown: bool,
    /// Whether it is about the product that raised it.
    pub system: bool,
    /// Whether its detection is still being tried out.
    pub preview: bool,
    /// Priority of an investigation, as the sender has it.
    pub threat_score: Option<i64>,
}

/// Notes that an alert was sent in; `external` is the sender's id where that is no record id.
pub fn insert(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    alert: &RecordId,
    external: Option<&str>,
    facts: &SentFacts,
) -> Result<()> {
    let sql = "insert into sent_alerts (tenant, alert, external, facts) values (?1, ?2, ?3, ?4)";
    tx.execute(sql, &[tenant.into(), alert.into(), external.into(), Value::json(facts)])?;
    Ok(())
}

/// Those of these alerts that were sent in.
pub fn of_alerts(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    alerts: &[RecordId],
) -> Result<Vec<(RecordId, Option<String>, SentFacts)>> {
    let mut values = vec![tenant.into()];
    let list = one_of(alerts.iter().map(Into::into).collect(), &mut values);
    let sql =
        format!("select alert, external, facts from sent_alerts where tenant = ?1 and alert in ({list})");
    let read = |row: Row| {
        let mut r = row.read();
        Ok((r.take()?, r.take()?, r.take_json()?))
    };
    tx.rows(&sql, &values)?.into_iter().map(read).collect()
}
