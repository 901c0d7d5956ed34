//! Policies look at activities as they arrive: those that others report, and Casbah's own audit trail. Files are
//! looked at in the same way; see `detection/files.rs`.
//!
//! An activity is noted as arrived in the transaction that stores it. A worker of any node takes a batch,
//! and in one transaction raises the alerts and forgets the notes: however often a node dies, nothing is
//! missed and nothing is found twice. Two nodes at the same batch are a conflict, which one of them loses.

mod alert;
mod files;
mod judge;

use std::collections::HashMap;
use std::time::Duration;

use casbah_authority::Caller;
use casbah_model::{Access, Guid, Part, PolicyRecord, RecordId, TenantId, Timestamp};
use casbah_store::activity_matches::{self, Match};
use casbah_store::{Tx, activities, arrivals, forwarders, policies};
use tokio::sync::watch;

use crate::policies::{Rule, effective_rule};
use crate::{Error, Service};
use judge::Judge;

/// How often the worker looks for what other nodes have left.
const LOOK: Duration = Duration::from_secs(5);
/// Activities of one transaction.
const BATCH: i64 = 200;
/// Alerts of one transaction, at the most: more than there can be policies.
const MOST_ALERTS: usize = 1_000;
/// Activities that an alert names.
const NAMED: i64 = 100;
/// Activities or alerts that one question is about.
const ASKED_AT_ONCE: usize = 1_000;

impl Service {
    /// Looks at what arrives until `stopped` says yes; then finishes the batch in hand.
    pub async fn watch_arrivals(&self, mut stopped: watch::Receiver<bool>) {
        let mut look = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                biased;
                _ = stopped.wait_for(|yes| *yes) => return,
                () = self.store.arrival() => {}
                _ = look.tick() => {}
            }
            if let Err(e) = self.look_at_arrivals(&stopped).await {
                tracing::error!(error = %e, "activities could not be looked at");
            }
            if let Err(e) = self.look_at_files(&stopped).await {
                tracing::error!(error = %e, "files could not be looked at");
            }
        }
    }

    /// Looks at everything that waits, one batch of each tenant after the other.
    async fn look_at_arrivals(&self, stopped: &watch::Receiver<bool>) -> Result<(), Error> {
        let mut after = None;
        while !*stopped.borrow() {
            match self.store.read(move |tx| arrivals::next_tenant(tx, after)).await? {
                Some(tenant) => {
                    self.look_at_batch(tenant).await?;
                    after = Some(tenant);
                }
                // Round again, until there is none from the beginning.
                None if after.is_some() => after = None,
                None => return Ok(()),
            }
        }
        Ok(())
    }

    /// Looks at the activities of a tenant that have waited longest; answers how many alerts came of it.
    pub async fn look_at_batch(&self, tenant: TenantId) -> Result<usize, Error> {
        self.prepare_tenant(tenant).await?;
        let now = self.clock.now();
        let ids: Vec<(RecordId, Guid)> =
            (0..MOST_ALERTS).map(|_| (RecordId::new(now), Guid::random())).collect();
        let looked = self.store.write(move |tx| look(tx, tenant, &ids, now)).await;
        match looked {
            Ok(raised) => Ok(raised),
            // Another node is at it.
            Err(casbah_store::Error::Conflict) => Ok(0),
            Err(e) => Err(e.into()),
        }
    }

    /// Which policies these activities satisfied, by their places in the order of time, and which alerts came of it.
    pub async fn matches_of_activities(
        &self,
        caller: &Caller,
        places: Vec<i64>,
    ) -> Result<HashMap<i64, Vec<Match>>, Error> {
        let tenant = caller.tenant;
        let read = self.store.read(move |tx| {
            let mut all: HashMap<i64, Vec<Match>> = HashMap::new();
            for some in places.chunks(ASKED_AT_ONCE) {
                for found in activity_matches::of_places(tx, tenant, some)? {
                    all.entry(found.place).or_default().push(found);
                }
            }
            Ok::<_, casbah_store::Error>(all)
        });
        Ok(read.await?)
    }

    /// The ids of the activities that alerts came of, of those that the caller reaches; at most 100 of each alert.
    pub async fn activities_of_alerts(
        &self,
        caller: &Caller,
        alerts: Vec<RecordId>,
    ) -> Result<HashMap<RecordId, Vec<String>>, Error> {
        let (tenant, reach) = (caller.tenant, caller.reach(Part::Activities, Access::Read));
        let read = self.store.read(move |tx| {
            let mut all: HashMap<RecordId, Vec<String>> = HashMap::new();
            for some in alerts.chunks(ASKED_AT_ONCE) {
                for (alert, id) in activity_matches::of_alerts(tx, tenant, &reach, some, NAMED)? {
                    all.entry(alert).or_default().push(id);
                }
            }
            Ok::<_, casbah_store::Error>(all)
        });
        Ok(read.await?)
    }
}

fn look(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    ids: &[(RecordId, Guid)],
    now: Timestamp,
) -> Result<usize, casbah_store::Error> {
    let waiting = arrivals::waiting(tx, tenant, BATCH)?;
    if waiting.is_empty() {
        return Ok(0);
    }
    let found = arrivals::activities(tx, tenant, &waiting)?;
    let mut rules = Vec::new();
    for policy in policies::list(tx, tenant)?.into_iter().filter(|policy| policy.enabled) {
        if let Some(Rule::Activities { rule, .. }) = effective_rule(&policy) {
            let places = activities::satisfying(tx, tenant, &waiting, &rule.any)?;
            if !places.is_empty() {
                rules.push((policy, rule, places));
            }
        }
    }
    let mut judge = Judge::new(tenant, ids, now);
    // What is left for the next batch begins here.
    let mut end = None;
    for activity in &found {
        if judge.alerts_left() < rules.len() {
            end = Some(activity.seq);
            break;
        }
        for (policy, rule, places) in &rules {
            if places.contains(&activity.seq) {
                judge.judge(tx, policy, rule, activity)?;
            }
        }
    }
    let done: Vec<i64> = waiting.into_iter().filter(|seq| end.is_none_or(|end| *seq < end)).collect();
    // Now that it is known what came of them, they may leave.
    forwarders::note_activities(tx, tenant, &done)?;
    arrivals::forget(tx, tenant, &done)?;
    Ok(judge.raised())
}

/// What the built-in policies are made of, beside what a tenant can change.
fn template_of(policy: &PolicyRecord) -> Option<casbah_detection::ActivityPolicy> {
    casbah_detection::built_in_on_activities().into_iter().find(|template| template.id == policy.template)
}
