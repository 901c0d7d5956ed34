//! Log collectors: what they last said of themselves.

use casbah_authority::Caller;
use casbah_model::{LogCollector, RecordId};
use casbah_store::{audit, log_collectors};
use serde_json::{Value as Json, json};

use crate::{Error, Service};

/// Bytes that a collector may say of itself.
const MOST_HEALTH: usize = 64 * 1024;
/// Collectors of a tenant.
const MOST: usize = 1_000;

impl Service {
    /// Lists log collectors, by name.
    pub async fn list_log_collectors(&self, caller: &Caller) -> Result<Vec<LogCollector>, Error> {
        let tenant = caller.tenant;
        Ok(self.store.read(move |tx| log_collectors::list(tx, tenant)).await?)
    }

    /// Takes what a collector says of itself; a name that is not known is a new collector.
    pub async fn report_log_collector(
        &self,
        caller: &Caller,
        name: String,
        health: Json,
    ) -> Result<RecordId, Error> {
        let name = name.trim().to_string();
        if name.is_empty() || name.chars().count() > 64 || name.chars().any(char::is_control) {
            return Err(Error::invalid("name", "needs 1 to 64 characters"));
        }
        if !health.is_object() || health.to_string().len() > MOST_HEALTH {
            return Err(Error::invalid(
                "health",
                format!("must be an object of at most {MOST_HEALTH} bytes"),
            ));
        }
        let (tenant, now) = (caller.tenant, self.clock.now());
        let one = LogCollector { id: RecordId::new(now), name, health, created: now, last_seen: now };
        let record = caller.audit(now, "register log collector", "log collector", &one.id, json!({}));
        self.store
            .write(move |tx| {
                let known = log_collectors::list(tx, tenant)?;
                let is_known = known.iter().any(|other| other.name.to_lowercase() == one.name.to_lowercase());
                if !is_known && known.len() >= MOST {
                    return Err(Error::invalid("name", format!("a tenant has at most {MOST} collectors")));
                }
                let (id, is_new) = log_collectors::report(tx, tenant, &one)?;
                if is_new {
                    let after = json!({ "name": one.name });
                    audit::append(tx, tenant, &record.changed(&id, &Json::Null, &after))?;
                }
                Ok(id)
            })
            .await
    }

    /// Forgets a collector; one that still runs comes back with its next report.
    pub async fn delete_log_collector(&self, caller: &Caller, id: RecordId) -> Result<(), Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let record = caller.audit(now, "delete log collector", "log collector", &id, json!({}));
        self.store
            .write(move |tx| {
                let all = log_collectors::list(tx, tenant)?;
                let one = all.iter().find(|one| one.id == id).ok_or(Error::NotFound)?;
                log_collectors::delete(tx, tenant, &id)?;
                let before = json!({ "name": one.name });
                audit::append(tx, tenant, &record.changed(&id, &before, &Json::Null))?;
                Ok(())
            })
            .await
    }
}
