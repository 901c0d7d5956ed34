//! Filters that people keep under a name, each for themselves: nobody sees those of others.

use casbah_authority::{Caller, Principal};
use casbah_model::{Guid, RecordId};
pub use casbah_store::saved_queries::SavedQuery;
use casbah_store::{Error as StoreError, audit, saved_queries};
use serde_json::{Map, Value, json};

use crate::{Error, Service};

/// Most queries that a person keeps for a list.
const MOST: usize = 100;
/// Longest name, in characters.
const LONGEST_NAME: usize = 100;
/// Longest filters, in bytes of JSON.
const LONGEST_FILTERS: usize = 16 * 1024;

impl Service {
    /// What the caller keeps for a list, by name. Applications keep nothing.
    pub async fn list_saved_queries(&self, caller: &Caller, list: &str) -> Result<Vec<SavedQuery>, Error> {
        let Ok(user) = person(caller) else { return Ok(Vec::new()) };
        let (tenant, list) = (caller.tenant, list.to_string());
        Ok(self.store.read(move |tx| saved_queries::list(tx, tenant, user, &list)).await?)
    }

    /// Keeps filters of a list under a name.
    pub async fn save_query(
        &self,
        caller: &Caller,
        list: &str,
        name: &str,
        filters: Map<String, Value>,
    ) -> Result<SavedQuery, Error> {
        let (tenant, now, user) = (caller.tenant, self.clock.now(), person(caller)?);
        let name = name.trim();
        let length = name.chars().count();
        if length == 0 || length > LONGEST_NAME || name.chars().any(char::is_control) {
            return Err(Error::invalid("name", format!("must have 1 to {LONGEST_NAME} characters.")));
        }
        let filters = Value::Object(filters);
        if filters.to_string().len() > LONGEST_FILTERS {
            return Err(Error::invalid(
                "filters",
                format!("must not be longer than {LONGEST_FILTERS} bytes."),
            ));
        }
        let one = SavedQuery {
            id: RecordId::new(now),
            user,
            list: list.to_string(),
            name: name.to_string(),
            filters,
            created: now,
        };
        let facts = json!({ "list": one.list, "name": one.name, "filters": one.filters });
        let record = caller.audit(now, "save query", "saved query", &one.id, json!({ "name": one.name }));
        self.store
            .write(move |tx| {
                if saved_queries::list(tx, tenant, user, &one.list)?.len() >= MOST {
                    return Err(Error::Conflict(format!("At most {MOST} queries can be saved for a list.")));
                }
                saved_queries::insert(tx, tenant, &one).map_err(|error| match error {
                    StoreError::Duplicate => {
                        Error::invalid("name", "is that of a query that you have saved already.")
                    }
                    other => other.into(),
                })?;
                audit::append(tx, tenant, &record.changed(&one.id, &Value::Null, &facts))?;
                Ok(one.clone())
            })
            .await
    }

    /// Forgets one of the caller's.
    pub async fn delete_saved_query(&self, caller: &Caller, id: RecordId) -> Result<SavedQuery, Error> {
        let (tenant, now, user) = (caller.tenant, self.clock.now(), person(caller)?);
        let record = caller.audit(now, "delete saved query", "saved query", &id, json!({}));
        self.store
            .write(move |tx| {
                let one = saved_queries::find(tx, tenant, user, &id)?.ok_or(Error::NotFound)?;
                saved_queries::delete(tx, tenant, user, &id)?;
                let before = json!({ "list": one.list, "name": one.name, "filters": one.filters });
                audit::append(tx, tenant, &record.changed(&id, &before, &Value::Null))?;
                Ok(one)
            })
            .await
    }
}

fn person(caller: &Caller) -> Result<Guid, Error> {
    match &caller.principal {
        Principal::User { id, .. } => Ok(*id),
        _ => Err(Error::Forbidden { needs: "Only people keep queries.".into() }),
    }
}
