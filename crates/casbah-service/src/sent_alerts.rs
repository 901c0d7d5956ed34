//! Alerts that others have raised: taken in as they are, each once.

use std::collections::HashMap;

use casbah_authority::Caller;
use casbah_model::activity::app_name;
use casbah_model::{
    Access, Alert, AlertEntity, DIRECTORY_APP, EntityAddress, Part, Reach, RecordId, TenantId,
};
use casbah_store::activity_matches::{self, Match};
use casbah_store::entities::seen::{self, Seen};
use casbah_store::entities::{derived_id, find};
pub use casbah_store::sent_alerts::SentFacts;
use casbah_store::{Tx, activities, alerts, audit, sent_alerts};
use serde_json::{Value, json};

use crate::activities::TakenIn;
use crate::{Error, Service};

/// An alert as somebody reports it.
#[derive(Clone, Debug)]
pub struct SentAlert {
    /// Itself. Its id and that of its policy are made anew where the sender's are no record ids.
    pub alert: Alert,
    /// The sender's id, where that is no record id.
    pub external: Option<String>,
    /// The sender's id of the policy, or what stands for it, where that is no record id.
    pub external_policy: Option<String>,
    /// What not every alert has.
    pub facts: SentFacts,
    /// Ids of the activities that it came of; those that are here are tied to it.
    pub activities: Vec<String>,
}

impl Service {
    /// Takes in a batch of alerts in one transaction. One that is here stays as it is: what was done about it here
    /// counts.
    pub async fn take_in_alerts(&self, caller: &Caller, batch: Vec<SentAlert>) -> Result<TakenIn, Error> {
        if caller.reach(Part::Alerts, Access::Change) != Reach::Everything {
            let needs =
                "Alerts are taken in by whoever may change all of them, not those of chosen apps or groups.";
            return Err(Error::Forbidden { needs: needs.into() });
        }
        if batch.is_empty() {
            return Ok(TakenIn { stored: 0, unchanged: 0 });
        }
        let tenant = caller.tenant;
        let record = caller.audit(self.clock.now(), "take in alerts", "tenant", tenant, json!({}));
        self.store
            .write(move |tx| {
                let mut taken = TakenIn { stored: 0, unchanged: 0 };
                for sent in &batch {
                    let new = put(tx, tenant, sent.clone())?;
                    *(if new { &mut taken.stored } else { &mut taken.unchanged }) += 1;
                }
                if taken.stored > 0 {
                    let after = json!({ "stored": taken.stored, "unchanged": taken.unchanged });
                    audit::append(tx, tenant, &record.changed(tenant, &Value::Null, &after))?;
                }
                Ok(taken)
            })
            .await
    }

    /// What is known of those alerts among them that were sent in.
    pub async fn facts_of_alerts(
        &self,
        caller: &Caller,
        ids: Vec<RecordId>,
    ) -> Result<HashMap<RecordId, SentFacts>, Error> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let tenant = caller.tenant;
        let read = move |tx: &mut Tx<'_>| sent_alerts::of_alerts(tx, tenant, &ids);
        let found = self.store.read(read).await?;
        Ok(found.into_iter().map(|(id, _, facts)| (id, facts)).collect())
    }
}

/// Stores an alert with those whom it is about; whether it is new.
fn put(tx: &mut Tx<'_>, tenant: TenantId, sent: SentAlert) -> Result<bool, Error> {
    let SentAlert { mut alert, external, external_policy, facts, activities: sources } = sent;
    if let Some(external) = &external {
        alert.id = derived_id(tenant, &["alert", external]);
    }
    if let Some(policy) = &external_policy {
        alert.policy = derived_id(tenant, &["policy", policy]);
    }
    let id = alert.id.clone();
    if !alerts::existing(tx, tenant, &Reach::Everything, &[id.to_string()])?.is_empty() {
        return Ok(false);
    }
    for entity in &mut alert.entities {
        resolve(tx, tenant, entity)?;
    }
    if !alert.entities.iter().any(|entity| entity.kind == "policyRule") {
        alert.entities.push(AlertEntity {
            kind: "policyRule".into(),
            id: alert.policy.to_string(),
            label: alert.policy_name.clone(),
            extra: [("policyType".to_string(), json!(alert.policy_type))].into_iter().collect(),
        });
    }
    alerts::insert(tx, tenant, &alert)?;
    sent_alerts::insert(tx, tenant, &id, external.as_deref(), &facts)?;
    for source in &sources {
        let Some(activity) = activities::find(tx, tenant, &Reach::Everything, source)? else { continue };
        let policy = alert.policy.clone();
        let found = Match { policy, place: activity.seq, subject: String::new(), alert: Some(id.clone()) };
        activity_matches::insert(tx, tenant, &found)?;
    }
    Ok(true)
}

/// Gives an account or a person whom an alert names a place among the entities, and what lacks a name its name.
fn resolve(tx: &mut Tx<'_>, tenant: TenantId, entity: &mut AlertEntity) -> Result<(), Error> {
    if ["service", "discovery_service"].contains(&entity.kind.as_str()) && entity.label.is_empty() {
        let known = entity.id.parse().ok().and_then(app_name);
        entity.label = known.map_or_else(|| format!("App {}", entity.id), str::to_string);
    }
    if ["account", "user"].contains(&entity.kind.as_str()) {
        let number = |name: &str| entity.extra.get(name).and_then(Value::as_i64);
        let saas = number("saas").unwrap_or(DIRECTORY_APP);
        let inst = number("inst").unwrap_or(0);
        let address = EntityAddress { id: entity.id.clone(), saas, inst };
        let named = entity.extra.get("pa").or_else(|| entity.extra.get("em")).and_then(Value::as_str);
        let name =
            named.unwrap_or(if entity.label.is_empty() { &entity.id } else { &entity.label }).to_string();
        entity.extra.entry("saas").or_insert(json!(saas));
        entity.extra.entry("inst").or_insert(json!(inst));
        // Whom the directory knows is there; whom it does not know is nobody's account there.
        if saas != DIRECTORY_APP {
            let seen = Seen { address: address.clone(), application: false, name, at: None };
            seen::note(tx, tenant, &[seen], 0)?;
        }
        if entity.label.is_empty()
            && let Some(known) = find(tx, tenant, &Reach::Everything, &address)?
        {
            entity.label = known.display_name;
        }
    }
    if entity.label.is_empty() {
        entity.label.clone_from(&entity.id);
    }
    Ok(())
}
