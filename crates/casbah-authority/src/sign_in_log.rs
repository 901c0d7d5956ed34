//! Sign-ins that have no transaction of their own: those that failed, and those of applications that act
//! as themselves, which only read.
//!
//! They are written behind the caller's back, so that they neither slow nor break an answer, and their
//! number is bounded: of equal ones, the first is written at once and the others of its minute are
//! counted and written as one; of different failures, a tenant has so many a minute, and beyond that
//! only their number is kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use casbah_model::{Guid, Origin, SignInFacts, TenantId, Timestamp};
use casbah_store::Store;
use casbah_store::audit::{self, AuditRecord};

/// Different failures a minute that get records of their own, for each tenant, on each node.
const FAILURES: u32 = 300;
/// Different sign-ins that are told apart at once, on each node.
const MOST: usize = 10_000;
/// Records of one transaction.
const BATCH: usize = 200;

/// A sign-in. Two that are equal are counted together.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Entry {
    pub(crate) tenant: TenantId,
    /// The person; or the service principal, when an application acted as itself.
    pub(crate) actor: Option<Guid>,
    /// Whether the actor is an application.
    pub(crate) as_itself: bool,
    /// Application id of the client, when it sent one.
    pub(crate) client: Option<Guid>,
    /// Object id of the resource's service principal, and its application id.
    pub(crate) resource: Option<(Guid, Guid)>,
    pub(crate) credential: Option<Guid>,
    pub(crate) grant: Option<&'static str>,
    pub(crate) session: Option<Guid>,
    /// Number of the refusal.
    pub(crate) failure: Option<u32>,
    pub(crate) origin: Origin,
}

#[derive(Default)]
pub(crate) struct SignInLog(Arc<Inner>);

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
    /// Held by whoever takes from `pending` until it is written.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    /// What was seen since the last flush, and how often after the first time.
    window: HashMap<Entry, u64>,
    /// Different failures in the window.
    failures: HashMap<TenantId, u32>,
    /// How many were not told apart, by whether they worked.
    beyond: HashMap<(TenantId, bool), u64>,
    pending: Vec<(TenantId, Origin, AuditRecord)>,
    writing: bool,
}

impl SignInLog {
    /// Takes note of a sign-in; returns at once.
    pub(crate) fn note(&self, store: &Store, now: Timestamp, entry: Entry) {
        let mut state = self.0.state();
        if let Some(repeats) = state.window.get_mut(&entry) {
            *repeats += 1;
            return;
        }
        let failed = entry.failure.is_some();
        let failures = if failed { *state.failures.entry(entry.tenant).or_default() } else { 0 };
        if failures >= FAILURES || state.window.len() >= MOST {
            *state.beyond.entry((entry.tenant, !failed)).or_default() += 1;
            return;
        }
        if failed {
            *state.failures.entry(entry.tenant).or_default() += 1;
        }
        let record = (entry.tenant, entry.origin.clone(), entry.record(now, None));
        state.pending.push(record);
        state.window.insert(entry, 0);
        if !state.writing {
            state.writing = true;
            tokio::spawn(write(store.clone(), Arc::clone(&self.0)));
        }
    }

    /// Writes what was only counted so far, and everything that is still to be written.
    ///
    /// # Errors
    /// When the database fails; then what could not be written is lost.
    pub(crate) async fn flush(&self, store: &Store, now: Timestamp) -> Result<(), casbah_store::Error> {
        let _turn = self.0.turn.lock().await;
        let due = {
            let mut state = self.0.state();
            let window = std::mem::take(&mut state.window);
            state.failures.clear();
            let repeated = window.into_iter().filter(|(_, repeats)| *repeats > 0);
            let counted: Vec<_> = repeated
                .map(|(entry, repeats)| {
                    (entry.tenant, entry.origin.clone(), entry.record(now, Some(repeats)))
                })
                .collect();
            state.pending.extend(counted);
            let beyond = std::mem::take(&mut state.beyond);
            let summaries = beyond
                .into_iter()
                .map(|((tenant, worked), count)| (tenant, Origin::default(), summary(now, worked, count)));
            state.pending.extend(summaries);
            std::mem::take(&mut state.pending)
        };
        for batch in due.chunks(BATCH) {
            append(store, batch.to_vec()).await?;
        }
        Ok(())
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn write(store: Store, log: Arc<Inner>) {
    loop {
        let _turn = log.turn.lock().await;
        let batch = {
            let mut state = log.state();
            let end = state.pending.len().min(BATCH);
            if end == 0 {
                state.writing = false;
                return;
            }
            state.pending.drain(..end).collect::<Vec<_>>()
        };
        let count = batch.len();
        if let Err(e) = append(&store, batch).await {
            tracing::error!(error = %e, count, "sign-ins were not written to the audit trail");
        }
    }
}

async fn append(
    store: &Store,
    batch: Vec<(TenantId, Origin, AuditRecord)>,
) -> Result<(), casbah_store::Error> {
    store
        .write(move |tx| {
            for (tenant, origin, record) in &batch {
                audit::with_origin(origin.clone(), || audit::append(tx, *tenant, record))?;
            }
            Ok(())
        })
        .await
}

/// The record of sign-ins that were too many to be told apart.
fn summary(now: Timestamp, worked: bool, count: u64) -> AuditRecord {
    let facts = SignInFacts { count: Some(count), summary: true, ..SignInFacts::default() };
    let action = if worked { "sign in to application" } else { "failed sign-in" };
    let mut record = AuditRecord::new(now, ("system", ""), action, ("tenant", ""), facts.details());
    record.failure = (!worked).then_some(0);
    record
}

impl Entry {
    fn record(&self, now: Timestamp, count: Option<u64>) -> AuditRecord {
        let facts = SignInFacts {
            grant_type: self.grant.map(str::to_string),
            interactive: !self.as_itself && self.grant != Some("refresh_token"),
            session: self.session,
            resource: self.resource.map(|(_, app_id)| app_id),
            credential: self.credential,
            count,
            ..SignInFacts::default()
        };
        let kind = if self.as_itself { "application" } else { "user" };
        let actor = self.actor.map(|id| id.to_string()).unwrap_or_default();
        let action = if self.failure.is_some() { "failed sign-in" } else { "sign in to application" };
        let target = match self.resource {
            Some((principal, _)) => ("service principal", principal.to_string()),
            None => (kind, actor.clone()),
        };
        AuditRecord {
            client: self.client,
            failure: self.failure.map(i64::from),
            ..AuditRecord::new(now, (kind, actor), action, target, facts.details())
        }
    }
}
