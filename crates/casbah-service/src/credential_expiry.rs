//! The built-in policy *Credential about to expire*: alerts 30, 14, 7 and 1 days before the end of a secret
//! or certificate, closed when it was replaced or removed.

use std::time::Duration;

use casbah_detection::{EXPIRY_STEPS, expiry_severity, expiry_step};
use casbah_model::filter::{AlertField, Condition, Operand, Test};
use casbah_model::{
    Alert, AlertEntity, AlertStatus, Guid, PolicyRecord, Reach, RecordId, Resolution, TenantId, Timestamp,
};
use casbah_store::credential_warnings::{self, Ending};
use casbah_store::{alerts, audit, policies, tenants};
use serde_json::json;

use casbah_authority::Caller;

use crate::{Error, Service};

const TEMPLATE: &str = "expiring-credential";
/// Our number for it; the original has none.
const ALERT_TYPE: i64 = 15_728_646;
/// Risk category CONFIGURATION_MONITORING.
const STORY_CONFIGURATION: i64 = 8;
/// The directory among the apps, and the kind of an account there.
const DIRECTORY_APP: i64 = 11161;
const ACCOUNT: i64 = 2;

impl Service {
    /// Raises and closes the alerts about credentials that end soon, in every tenant. Every node may call it
    /// at any time: what one has raised, no other raises again. Answers how many were raised and closed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn watch_credentials(&self) -> Result<(usize, usize), Error> {
        let tenants = self.store.read(tenants::all).await?;
        let (mut raised, mut closed) = (0, 0);
        for tenant in tenants {
            closed += self.close_settled(tenant.id, tenant.number).await?;
            raised += self.raise_expiring(tenant.id).await?;
        }
        Ok((raised, closed))
    }

    async fn raise_expiring(&self, tenant: TenantId) -> Result<usize, Error> {
        let now = self.clock.now();
        let furthest = EXPIRY_STEPS.into_iter().max().unwrap_or_default().unsigned_abs();
        let until = now.plus(Duration::from_secs(furthest * 24 * 60 * 60));
        let due = self
            .store
            .read(move |tx| -> Result<_, Error> {
                let mut due = Vec::new();
                for credential in credential_warnings::ending(tx, tenant, now, until)? {
                    let Some(step) = expiry_step(credential.ends, now) else { continue };
                    let key = (credential.application, credential.key_id);
                    if !credential_warnings::is_recorded(tx, tenant, key, step)? {
                        due.push((credential, step));
                    }
                }
                Ok(due)
            })
            .await?;
        if due.is_empty() {
            return Ok(0);
        }
        self.prepare_tenant(tenant).await?;
        let due: Vec<(Ending, i64, RecordId, Guid)> =
            due.into_iter().map(|(c, step)| (c, step, RecordId::new(now), Guid::random())).collect();
        self.store
            .write(move |tx| {
                let policies = policies::list(tx, tenant)?;
                let policy = policies.iter().find(|p| p.template == TEMPLATE && p.enabled);
                let Some(policy) = policy else { return Ok(0) };
                let mut raised = 0;
                for (credential, step, id, context) in &due {
                    let key = (credential.application, credential.key_id);
                    // Another node may have been here between reading and writing.
                    if credential_warnings::record(tx, tenant, key, *step, id, now)? {
                        alerts::insert(tx, tenant, &alert(policy, credential, *step, id, *context, now))?;
                        raised += 1;
                    }
                }
                Ok(raised)
            })
            .await
    }

    async fn close_settled(&self, tenant: TenantId, number: i64) -> Result<usize, Error> {
        let now = self.clock.now();
        let settled = self.store.read(move |tx| credential_warnings::settled(tx, tenant)).await?;
        if settled.is_empty() {
            return Ok(0);
        }
        let ids = settled.into_iter().map(Operand::Text).collect();
        let conditions = [Condition { field: AlertField::Id, test: Test::AnyOf(ids) }];
        let record = Caller::system(tenant, number).audit(now, "close alerts", "alert", "", json!({}));
        let closing = alerts::Closing {
            resolution: Resolution::TruePositive,
            at: now,
            comment: "The credential was replaced or removed.".to_string(),
            reason: None,
            by: "Casbah".to_string(),
        };
        self.store
            .write(move |tx| {
                let closed = alerts::close(tx, tenant, &Reach::Everything, &conditions, &closing)?;
                if !closed.is_empty() {
                    let details = crate::alerts::closing_facts(&closed, &closing);
                    audit::append(tx, tenant, &audit::AuditRecord { details, ..record.clone() })?;
                }
                Ok(closed.len())
            })
            .await
    }
}

fn alert(
    policy: &PolicyRecord,
    credential: &Ending,
    step: i64,
    id: &RecordId,
    context: Guid,
    now: Timestamp,
) -> Alert {
    let kind = if credential.certificate { "certificate" } else { "client secret" };
    let name = &credential.application_name;
    let day = credential.ends.iso();
    let day = day.get(..16).unwrap_or(&day).replace('T', " ");
    let days = if step == 1 { "one day".to_string() } else { format!("{step} days") };
    let label =
        if credential.name.is_empty() { credential.key_id.to_string() } else { credential.name.clone() };
    let extra = |pairs: &[(&str, serde_json::Value)]| {
        pairs.iter().map(|(key, value)| ((*key).to_string(), value.clone())).collect()
    };
    let app_id = credential.app_id.to_string();
    let entities = vec![
        AlertEntity {
            kind: "account".into(),
            id: app_id.clone(),
            label: name.clone(),
            extra: extra(&[
                ("entityType", json!(ACCOUNT)),
                ("saas", json!(DIRECTORY_APP)),
                ("inst", json!(0)),
                ("pa", json!(app_id)),
            ]),
        },
        AlertEntity {
            kind: "policyRule".into(),
            id: policy.id.to_string(),
            label: policy.name.clone(),
            extra: extra(&[("policyType", json!(policy.policy_type))]),
        },
    ];
    Alert {
        id: id.clone(),
        raised: now,
        title: format!("{}: {name}", policy.name),
        description: format!(
            "The {kind} {label} of the application {name} ends within {days}, on {day} UTC. From then on the \
             application cannot sign in with it. Make a new one, let the application use it, and remove the old one."
        ),
        severity: expiry_severity(step, policy.severity),
        status: AlertStatus::Unread,
        resolution: Resolution::Open,
        resolved: None,
        comment: String::new(),
        reason: None,
        handled_by: None,
        policy: policy.id.clone(),
        policy_name: policy.name.clone(),
        policy_type: policy.policy_type.clone(),
        built_in: true,
        alert_type: ALERT_TYPE,
        stories: vec![STORY_CONFIGURATION],
        intent: Vec::new(),
        entities,
        evidence: vec![json!({
            "title": format!("{kind} {label}"),
            "description": format!("key id {}, application id {app_id}, ends {}", credential.key_id, credential.ends.iso()),
        })],
        context,
    }
}
