//! Policies, to look at.

use casbah_authority::Caller;
use casbah_model::{Access, Part, PolicyRecord, RecordId};
use casbah_store::policies;

use crate::{Error, Service};

/// A policy and what it has brought.
#[derive(Clone, Debug)]
pub struct PolicyView {
    /// The policy.
    pub policy: PolicyRecord,
    /// Its alerts that are open, of those that the caller sees.
    pub open_alerts: i64,
}

impl Service {
    /// Lists all policies, by name. Whoever sees policies sees all of them.
    pub async fn list_policies(&self, caller: &Caller) -> Result<Vec<PolicyView>, Error> {
        let (tenant, reach) = (caller.tenant, caller.reach(Part::Alerts, Access::Read));
        self.prepare_tenant(tenant).await?;
        let found = self.store.read(move |tx| {
            let open = policies::open_alerts(tx, tenant, &reach)?;
            let count = |id: &RecordId| open.iter().find(|(policy, _)| policy == id).map_or(0, |(_, n)| *n);
            let all = policies::list(tx, tenant)?.into_iter();
            Ok::<_, Error>(all.map(|policy| PolicyView { open_alerts: count(&policy.id), policy }).collect())
        });
        found.await
    }

    /// Fetches a policy.
    pub async fn policy(&self, caller: &Caller, id: RecordId) -> Result<PolicyView, Error> {
        let found = self.list_policies(caller).await?.into_iter().find(|view| view.policy.id == id);
        found.ok_or(Error::NotFound)
    }
}
