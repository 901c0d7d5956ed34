//! What a tenant's administrators set for everybody in it.

use casbah_authority::Caller;
use casbah_model::TenantSettings;
use casbah_store::{audit, tenant_settings};
use serde_json::{Map, Value, json};

use crate::{Error, Service};

impl Service {
    /// The settings of the caller's tenant, defaults included.
    pub async fn tenant_settings(&self, caller: &Caller) -> Result<TenantSettings, Error> {
        let tenant = caller.tenant;
        Ok(self.store.read(move |tx| tenant_settings::find(tx, tenant)).await?)
    }

    /// Changes those settings that `change` names: a part of the settings as JSON, with null for a setting
    /// that is to be taken back to none. Answers all of them. They count from the next token or sign-in on,
    /// on every node.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a setting that does not exist or a value that it does not take.
    pub async fn change_tenant_settings(
        &self,
        caller: &Caller,
        change: Map<String, Value>,
    ) -> Result<TenantSettings, Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let record = caller.audit(now, "change tenant settings", "tenant", tenant, json!({}));
        self.store
            .write(move |tx| {
                let current = tenant_settings::find(tx, tenant)?;
                let before = serde_json::to_value(&current).map_err(Error::internal)?;
                let mut after = before.clone();
                merge(&mut after, &Value::Object(change.clone()), "")?;
                let changed: TenantSettings = serde_json::from_value(after.clone()).map_err(|e| {
                    Error::invalid("tenantSettings", format!("a value has the wrong kind: {e}."))
                })?;
                if let Err(wrong) = changed.check() {
                    return Err(Error::invalid(wrong.setting, format!("must be {}.", wrong.takes)));
                }
                if changed != current {
                    tenant_settings::save(tx, tenant, &changed)?;
                    audit::append(tx, tenant, &record.changed(tenant, &before, &after))?;
                }
                Ok(changed)
            })
            .await
    }
}

/// Puts the values of `change` into `document`, in which every setting stands already.
fn merge(document: &mut Value, change: &Value, place: &str) -> Result<(), Error> {
    match (document, change) {
        (Value::Object(settings), Value::Object(changes)) => {
            for (name, change) in changes.iter().filter(|(name, _)| !name.starts_with('@')) {
                let place = if place.is_empty() { name.clone() } else { format!("{place}.{name}") };
                let setting = settings
                    .get_mut(name)
                    .ok_or_else(|| Error::invalid(place.as_str(), "there is no such setting."))?;
                merge(setting, change, &place)?;
            }
        }
        (Value::Object(_), _) => return Err(Error::invalid(place, "must be an object of settings.")),
        (setting, change) => *setting = change.clone(),
    }
    Ok(())
}
