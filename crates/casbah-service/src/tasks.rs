//! Parsing tasks: the worker, and the governance log.
//!
//! A task is a row, so it survives whatever dies. A worker claims one for a time, reads the log
//! outside any transaction, and ends it in one transaction that counts the usage, raises the alerts
//! and marks the task done, if the claim is still its own. So each log is counted exactly once.

mod findings;
mod governance;
mod ingest;
mod parse;
#[cfg(test)]
mod tests;

pub use governance::{TaskPage, TaskQuery};
pub(crate) use ingest::accounting;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use casbah_discovery::{FileError, Plan};
use casbah_model::{RecordId, TaskState, UploadPart};
use casbah_store::discovery_tasks::{self, Claimed, Lease};
use casbah_store::{Tx, custom_parsers, forwarders, uploads};
use serde_json::{Value as Json, json};
use tokio::sync::watch;

use crate::discovery::plan_of;
use crate::{Error, Service};
use parse::{Parsed, Reading};

/// How long a claim is believed without a sign of life.
const LEASE: Duration = Duration::from_secs(30);
/// How often the worker gives one, with its progress.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);
/// How often the worker looks for work without being told.
const LOOK: Duration = Duration::from_secs(2);
/// How often it sweeps.
const SWEEP: Duration = Duration::from_secs(60 * 60);
/// A log that so many attempts could not finish (it may take the process down) is given up. Many, since
/// every attempt that an operator's restart cuts off counts too.
const ATTEMPTS: i64 = 20;

/// What the parsing thread and the worker tell each other.
#[derive(Default)]
pub(crate) struct Progress {
    pub(crate) bytes: AtomicU64,
    pub(crate) lines: AtomicU64,
    /// Set when the claim was lost: the rest would be for nothing.
    pub(crate) stop: AtomicBool,
}

/// An error of the wait means that nobody is left who could say so.
async fn said_to_stop(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|yes| *yes).await;
}

impl Service {
    /// Works on tasks until `stopped` says yes; then finishes the one in hand.
    pub async fn work(&self, mut stopped: watch::Receiver<bool>) {
        let mut look = tokio::time::interval(LOOK);
        let mut sweep = tokio::time::interval(SWEEP);
        loop {
            tokio::select! {
                biased;
                () = said_to_stop(&mut stopped) => return,
                _ = sweep.tick() => self.sweep_or_log().await,
                () = self.tasks.notified() => {}
                _ = look.tick() => self.refresh_catalogue().await,
            }
            let is_stopped = || *stopped.borrow() || stopped.has_changed().is_err();
            while !is_stopped() && self.run_or_log().await {}
        }
    }

    async fn sweep_or_log(&self) {
        if let Err(e) = self.sweep_uploads().await {
            tracing::error!(error = %e, "uploads could not be swept");
        }
        if let Err(e) = self.purge_expired_items().await {
            tracing::error!(error = %e, "deleted items could not be deleted for good");
        }
    }

    async fn run_or_log(&self) -> bool {
        self.run_next_task().await.unwrap_or_else(|e| {
            tracing::error!(error = %e, "a discovery task could not be worked on");
            false
        })
    }

    /// Gives back what this node worked on when it died. For the start.
    pub async fn release_leases_of_this_node(&self) -> Result<u64, Error> {
        let node = self.folder().node().await.map_err(Error::internal)?;
        let release = move |tx: &mut Tx<'_>| {
            Ok(discovery_tasks::release_node(tx, &node)? + forwarders::release_node(tx, &node)?)
        };
        Ok(self.store.write::<_, casbah_store::Error, _>(release).await?)
    }

    /// Works on the oldest waiting task. False when there is none.
    pub async fn run_next_task(&self) -> Result<bool, Error> {
        let Some((claimed, lease)) = self.claim_task().await? else { return Ok(false) };
        self.run_task(claimed, lease).await?;
        Ok(true)
    }

    pub(crate) async fn claim_task(&self) -> Result<Option<(Claimed, Lease)>, Error> {
        let now = self.clock.now();
        let node = self.folder().node().await.map_err(Error::internal)?;
        let lease = Lease { token: RecordId::new(now), node, until: now.plus(LEASE) };
        let wanted = lease.clone();
        let claimed = self.store.write(move |tx| discovery_tasks::claim(tx, &wanted, now)).await?;
        Ok(claimed.map(|claimed| (claimed, lease)))
    }

    pub(crate) async fn run_task(&self, claimed: Claimed, lease: Lease) -> Result<(), Error> {
        let (tenant, upload_id) = (claimed.tenant, claimed.task.upload.clone());
        let upload = self.store.read(move |tx| uploads::find(tx, tenant, &upload_id)).await?;
        let parts = upload.map(|u| u.parts).unwrap_or_default();
        let parsed = if claimed.attempts > ATTEMPTS {
            Some(Parsed::given_up())
        } else {
            self.parse_with_signs_of_life(&claimed, &lease, &parts).await?
        };
        let Some(parsed) = parsed else { return Ok(()) };
        if matches!(parsed.outcome, Err(FileError::Read(_))) && claimed.attempts < ATTEMPTS && !parsed.final_
        {
            // Our fault, and it may pass: the claim runs out, and then somebody tries again.
            tracing::warn!(task = %claimed.task.id, attempt = claimed.attempts, "an uploaded log could not be read");
            return Ok(());
        }
        if self.finish_task(&claimed, &lease, parsed).await? == Some(TaskState::Succeeded) {
            let files: Vec<String> = parts.into_iter().map(|part| part.file).collect();
            self.folder().delete(&files).await;
        }
        Ok(())
    }

    /// Parses on a blocking thread. None when the claim was lost meanwhile.
    async fn parse_with_signs_of_life(
        &self,
        claimed: &Claimed,
        lease: &Lease,
        parts: &[UploadPart],
    ) -> Result<Option<Parsed>, Error> {
        let progress = Arc::new(Progress::default());
        let paths = self.folder().paths(parts);
        let Some(plan) = self.plan_of_task(claimed).await? else { return Ok(Some(Parsed::given_up())) };
        let (theirs, now) = (progress.clone(), self.clock.now());
        let (catalogue, inflated_limit) = (self.catalogue_of(claimed.tenant).await?, self.inflated_limit);
        let mut parsing = tokio::task::spawn_blocking(move || {
            let reading = Reading { plan: &plan, catalogue: &catalogue, now, inflated_limit };
            parse::parse(paths, &reading, &theirs)
        });
        let size: i64 = parts.iter().map(|part| part.size).sum();
        loop {
            match tokio::time::timeout(SIGN_OF_LIFE, &mut parsing).await {
                Ok(Ok(parsed)) => return Ok(Some(parsed)),
                // A panic in the parser will come again with the same bytes.
                Ok(Err(_)) => return Ok(Some(Parsed::given_up())),
                Err(_) => {}
            }
            match self.give_sign_of_life(claimed, lease, &progress, size).await {
                Ok(true) => {}
                Ok(false) => {
                    progress.stop.store(true, Ordering::Relaxed);
                    return Ok(None);
                }
                // The end of the task asks again whether the claim is still ours.
                Err(e) => tracing::warn!(error = %e, "the progress of a task could not be saved"),
            }
        }
    }

    /// How the log of a task is to be read; none when its parser is gone.
    async fn plan_of_task(&self, claimed: &Claimed) -> Result<Option<Plan>, Error> {
        let Some(parser) = claimed.task.parser.clone() else {
            return Ok(casbah_discovery::format(&claimed.task.source).ok().map(|format| format.plan()));
        };
        let tenant = claimed.tenant;
        let found = self.store.read(move |tx| custom_parsers::find(tx, tenant, &parser)).await?;
        let definition = found.and_then(|found| serde_json::from_str(&found.definition).ok());
        Ok(definition.and_then(|definition: Json| plan_of(&definition).ok()))
    }

    /// Says that the task is worked on, and how far it is. False when the claim was lost.
    async fn give_sign_of_life(
        &self,
        claimed: &Claimed,
        lease: &Lease,
        progress: &Progress,
        size: i64,
    ) -> Result<bool, Error> {
        let figures = figures_so_far(progress, size);
        let (tenant, id) = (claimed.tenant, claimed.task.id.clone());
        let renewed = Lease { until: self.clock.now().plus(LEASE), ..lease.clone() };
        Ok(self.store.write(move |tx| discovery_tasks::renew(tx, tenant, &id, &renewed, &figures)).await?)
    }
}

fn figures_so_far(progress: &Progress, size: i64) -> Json {
    json!({
        "size": size,
        "bytesRead": progress.bytes.load(Ordering::Relaxed),
        "lines": progress.lines.load(Ordering::Relaxed),
    })
}
