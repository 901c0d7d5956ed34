//! What every tenant has from the start: the global view, the built-in policies and tags.
//!
//! Made when a tenant first needs them, so that a tenant may come from anywhere, also from a
//! release that knew fewer of them.

use casbah_detection::PolicyKind;
use casbah_model::{AppTag, PolicyRecord, Reach, RecordId, Stream, StreamKind, TenantId, Timestamp};
use casbah_store::{Tx, app_tags, policies, streams};

use super::streams::GLOBAL_VIEW;
use crate::policies::{ANOMALY_DETECTION, ANOMALY_DISCOVERY, APP_PERMISSION, NEW_SERVICE};
use crate::{Error, Service};

/// Names of the tags that come with the product. An app bears at most one of the first three.
pub(crate) const VERDICTS: [&str; 3] = ["Sanctioned", "Unsanctioned", "Monitored"];

/// The tag of the apps that a tenant has added; it comes with the product, too.
pub(crate) const CUSTOM_APP: &str = "Custom app";

/// The rows to be, with their ids drawn.
#[derive(Clone)]
pub(crate) struct BuiltIn {
    view: Stream,
    policies: Vec<PolicyRecord>,
    tags: Vec<AppTag>,
    now: Timestamp,
}

impl BuiltIn {
    pub(crate) fn new(now: Timestamp) -> BuiltIn {
        let policy = |template: String, policy_type: &str, severity| PolicyRecord {
            id: RecordId::new(now),
            template,
            name: String::new(),
            description: String::new(),
            policy_type: policy_type.to_string(),
            severity,
            enabled: true,
            created: now,
            modified: now,
            rule: serde_json::Value::Null,
            story: None,
            daily_limit: None,
            flow: None,
        };
        let on_usage = casbah_detection::built_in().into_iter().map(|p| PolicyRecord {
            name: p.name,
            description: p.description,
            enabled: p.enabled,
            ..policy(
                p.id,
                match p.kind {
                    PolicyKind::AppDiscovery => NEW_SERVICE,
                    PolicyKind::CredentialExpiry => APP_PERMISSION,
                    PolicyKind::ReportHealth => ANOMALY_DISCOVERY,
                },
                p.severity,
            )
        });
        let on_activities = casbah_detection::built_in_on_activities().into_iter().map(|p| PolicyRecord {
            name: p.name.to_string(),
            description: p.description.to_string(),
            ..policy(p.id.to_string(), ANOMALY_DETECTION, p.severity)
        });
        let tag = |name: &str| AppTag {
            id: RecordId::new(now),
            name: name.into(),
            built_in: true,
            apps: Vec::new(),
        };
        BuiltIn {
            view: Stream {
                id: RecordId::new(now),
                name: GLOBAL_VIEW.into(),
                kind: StreamKind::View,
                log_type: 0,
                receiver: "builtin".into(),
                protocol: None,
                created: now,
                modified: now,
                last_data: None,
                logs: 0,
                failures: 0,
                entity_kinds: Vec::new(),
                traffic_kinds: Vec::new(),
                anonymize_users: false,
                parser: None,
            },
            policies: on_usage.chain(on_activities).collect(),
            tags: VERDICTS.iter().chain([&CUSTOM_APP]).map(|name| tag(name)).collect(),
            now,
        }
    }

    /// Adds what is missing.
    pub(crate) fn add_missing(&self, tx: &mut Tx<'_>, tenant: TenantId) -> Result<(), casbah_store::Error> {
        if streams::find_by_name(tx, tenant, &Reach::Everything, StreamKind::View, GLOBAL_VIEW)?.is_none() {
            streams::insert(tx, tenant, &self.view)?;
        }
        for policy in &self.policies {
            policies::insert(tx, tenant, policy)?;
        }
        for tag in &self.tags {
            app_tags::insert(tx, tenant, tag, self.now)?;
        }
        Ok(())
    }

    fn is_complete(&self, tx: &mut Tx<'_>, tenant: TenantId) -> Result<bool, casbah_store::Error> {
        let policies = policies::list(tx, tenant)?;
        let tags = app_tags::list(tx, tenant)?;
        Ok(streams::find_by_name(tx, tenant, &Reach::Everything, StreamKind::View, GLOBAL_VIEW)?.is_some()
            && self.policies.iter().all(|p| policies.iter().any(|found| found.template == p.template))
            && self.tags.iter().all(|t| tags.iter().any(|found| found.name == t.name)))
    }
}

impl Service {
    /// Makes sure that a tenant has what every tenant has. Cheap when it does.
    pub async fn prepare_tenant(&self, tenant: TenantId) -> Result<(), Error> {
        let built_in = BuiltIn::new(self.clock.now());
        let wanted = built_in.clone();
        if self.store.read(move |tx| wanted.is_complete(tx, tenant)).await? {
            return Ok(());
        }
        match self.store.write(move |tx| built_in.add_missing(tx, tenant)).await {
            // Somebody else did the same at the same time.
            Err(casbah_store::Error::Duplicate) => Ok(()),
            other => Ok(other?),
        }
    }
}
