//! The signing keys of the installation, for who operates it.
//!
//! All tenants share them, so a tenant's administrator has no business with them, but for one tenant: that
//! of the operator. It is the only tenant there is, or the one that the operator names (`operator_tenant`).

use casbah_authority::{Caller, InSameTransaction, KeyError, KeySummary, Pace};
use casbah_model::TenantId;
use casbah_store::{audit, tenants};
use serde_json::{Value, json};

use crate::{Error, Service};

impl Service {
    /// The published keys, the next one first.
    ///
    /// # Errors
    /// [`Error::Forbidden`] to who is not of the operator's tenant.
    pub async fn list_signing_keys(&self, caller: &Caller) -> Result<Vec<KeySummary>, Error> {
        self.check_operator(caller).await?;
        self.authority.list_keys().await.map_err(failed)
    }

    /// Makes the next key take over earlier than planned. Answers the published keys.
    ///
    /// # Errors
    /// As [`Service::list_signing_keys`].
    pub async fn rotate_signing_keys(&self, caller: &Caller, pace: Pace) -> Result<Vec<KeySummary>, Error> {
        self.check_operator(caller).await?;
        let record = self.key_record(caller, "rotate signing keys", String::new());
        self.authority.rotate_keys(pace, record).await.map_err(failed)
    }

    /// Withdraws a key that must not be trusted any more. Answers the keys that are left.
    ///
    /// # Errors
    /// As [`Service::list_signing_keys`]; [`Error::NotFound`] for a key that is not published.
    pub async fn revoke_signing_key(&self, caller: &Caller, id: String) -> Result<Vec<KeySummary>, Error> {
        self.check_operator(caller).await?;
        let record = self.key_record(caller, "revoke signing key", id.clone());
        self.authority.revoke_key(id, record).await.map_err(failed)
    }

    fn key_record(&self, caller: &Caller, action: &str, key: String) -> Box<InSameTransaction> {
        let tenant = caller.tenant;
        let template = caller.audit(self.clock.now(), action, "signing key", key.clone(), json!({}));
        Box::new(move |tx, before, after| {
            let record = template.changed(&key, &facts(before), &facts(after));
            audit::append(tx, tenant, &record)
        })
    }

    async fn check_operator(&self, caller: &Caller) -> Result<(), Error> {
        let named = self.operator_tenant.clone();
        let operator = self
            .store
            .read(move |tx| -> Result<Option<TenantId>, Error> {
                let Some(named) = &named else {
                    let all = tenants::all(tx)?;
                    return Ok(if let [only] = all.as_slice() { Some(only.id) } else { None });
                };
                match named.parse() {
                    Ok(id) => Ok(Some(TenantId(id))),
                    Err(_) => Ok(tenants::find_by_domain(tx, &named.to_lowercase())?.map(|t| t.id)),
                }
            })
            .await?;
        if operator == Some(caller.tenant) {
            return Ok(());
        }
        Err(Error::Forbidden {
            needs:
                "The signing keys belong to the whole installation: only administrators of the tenant that \
                    its operator names in operator_tenant may see and change them."
                    .to_string(),
        })
    }
}

fn facts(keys: &[KeySummary]) -> Value {
    let key = |key: &KeySummary| {
        let facts = json!({
            "state": format!("{:?}", key.state),
            "signsFrom": key.signs_from.iso(),
            "signsUntil": key.signs_until.iso(),
            "publishedUntil": key.published_until.iso(),
        });
        (key.id.clone(), facts)
    };
    Value::Object(keys.iter().map(key).collect())
}

fn failed(error: KeyError) -> Error {
    match error {
        KeyError::NoSuchKey => Error::NotFound,
        other => Error::internal(other),
    }
}
