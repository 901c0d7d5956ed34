//! How long records are kept: what is older than its tenant wants to keep it is forgotten.

use std::time::Duration;

use casbah_authority::Caller;
use casbah_model::{TenantId, Timestamp};
use casbah_store::{Tx, activities, alerts, audit, discovery_tasks, tenant_settings, tenants, usage};
use serde_json::{Value, json};

use crate::{Error, Service};

/// Records that one transaction forgets: few enough that writers need not wait long.
const AT_ONCE: i64 = 2_000;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Forgets some of a tenant's records from before a moment, at most so many; answers how many.
type Forget = fn(&mut Tx<'_>, TenantId, Timestamp, i64) -> Result<u64, casbah_store::Error>;

impl Service {
    /// Forgets what is older than its tenant wants to keep it; the hourly clean-up calls it. With several nodes one
    /// finds what the other has left. The audit trail says once of each kind how
    /// much it was. Answers how many records.
    pub async fn forget_old_records(&self) -> Result<u64, Error> {
        let wanted = |tx: &mut Tx<'_>| -> Result<_, Error> {
            let mut wanted = Vec::new();
            for tenant in tenants::all(tx)? {
                wanted.push((tenant.id, tenant.number, tenant_settings::find(tx, tenant.id)?.retention));
            }
            Ok(wanted)
        };
        let mut all = 0;
        for (tenant, number, kept) in self.store.read(wanted).await? {
            let kinds: [(&'static str, Option<u32>, Forget); 4] = [
                ("activities", kept.activities, activities::remove_before),
                ("alerts", kept.alerts, alerts::remove_before),
                ("governance", kept.governance, discovery_tasks::remove_before),
                ("discovery", kept.discovery, usage::remove_before),
            ];
            for (kind, days, forget) in kinds {
                if let Some(days) = days {
                    let before = self.clock.now().minus(DAY * days);
                    all += self.forget(Caller::system(tenant, number), kind, before, forget).await?;
                }
            }
        }
        Ok(all)
    }

    /// Forgets records of one kind; with the last of them goes the record that says how many there were.
    async fn forget(
        &self,
        caller: Caller,
        kind: &'static str,
        before: Timestamp,
        forget: Forget,
    ) -> Result<u64, Error> {
        let tenant = caller.tenant;
        let record = caller.audit(self.clock.now(), "forget old records", "tenant", tenant, json!({}));
        let mut count = 0;
        loop {
            let record = record.clone();
            let step = self.store.write(move |tx| {
                let gone = forget(tx, tenant, before, AT_ONCE)?;
                let last = gone < AT_ONCE.unsigned_abs();
                if last && count + gone > 0 {
                    let facts = json!({ kind: count + gone });
                    audit::append(tx, tenant, &record.changed(tenant, &facts, &Value::Null))?;
                }
                Ok::<_, casbah_store::Error>((gone, last))
            });
            let (gone, last) = step.await?;
            count += gone;
            if last {
                return Ok(count);
            }
        }
    }
}
