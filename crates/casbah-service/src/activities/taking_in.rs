//! Activities that others report, taken in.

use aws_lc_rs::digest::{SHA256, digest as sha256};
use casbah_authority::Caller;
use casbah_model::{Access, Activity, Part, Reach};
use casbah_store::entities::seen::Seen;
use casbah_store::{activities, audit, entities, places};
use serde_json::{Value, json};

use crate::{Error, Service};

/// How many of a batch were new, and how many were there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakenIn {
    /// Stored now.
    pub stored: usize,
    /// Known by their ids; they stay as they are.
    pub unchanged: usize,
}

/// SHA-256 in hex: the id of a record that has none.
pub fn digest(bytes: &[u8]) -> String {
    sha256(&SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Service {
    /// Takes in a batch of activities in one transaction, each once by its id. What the tenant says of an
    /// address, its category, tags, place and owner, goes before what the sender says,
    /// and that before what a database of addresses says.
    pub async fn take_in_activities(&self, caller: &Caller, batch: Vec<Activity>) -> Result<TakenIn, Error> {
        if caller.reach(Part::Activities, Access::Change) != Reach::Everything {
            let needs = "Activities are taken in by whoever may change all of them, not those of chosen apps or groups.";
            return Err(Error::Forbidden { needs: needs.into() });
        }
        if batch.is_empty() {
            return Ok(TakenIn { stored: 0, unchanged: 0 });
        }
        let tenant = caller.tenant;
        let record = caller.audit(self.clock.now(), "take in activities", "tenant", tenant, json!({}));
        self.store
            .write(move |tx| {
                let mut taken = TakenIn { stored: 0, unchanged: 0 };
                let mut seen = Vec::new();
                for activity in &batch {
                    if activities::find(tx, tenant, &Reach::Everything, &activity.id)?.is_some() {
                        taken.unchanged += 1;
                        continue;
                    }
                    let mut placed = activity.clone();
                    places::complete(tx, tenant, &mut placed)?;
                    activities::insert(tx, tenant, &placed)?;
                    seen.extend(Seen::of(&placed));
                    taken.stored += 1;
                }
                entities::seen::note(tx, tenant, &seen, 0)?;
                if taken.stored > 0 {
                    let after = json!({ "stored": taken.stored, "unchanged": taken.unchanged });
                    audit::append(tx, tenant, &record.changed(tenant, &Value::Null, &after))?;
                }
                Ok(taken)
            })
            .await
    }
}
