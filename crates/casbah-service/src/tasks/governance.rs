//! The governance log: what was asked for, and what became of it.

use std::collections::HashSet;

use casbah_authority::Caller;
use casbah_model::filter::{Condition, Page, TaskField};
use casbah_model::{Access, DestinationUsage, DiscoveryTask, Part, Reach, RecordId, TaskState};
use casbah_store::{audit, discovery_destinations, discovery_tasks, streams, uploads};
use serde_json::json;

use crate::{Error, Service};

/// Which entries of the governance log.
#[derive(Clone, Debug)]
pub struct TaskQuery {
    /// All of these hold.
    pub conditions: Vec<Condition<TaskField>>,
    /// Oldest first.
    pub ascending: bool,
    /// This part of the list.
    pub page: Page,
}

/// A part of the governance log.
#[derive(Debug)]
pub struct TaskPage {
    /// The entries.
    pub tasks: Vec<DiscoveryTask>,
    /// How many there are, over all pages.
    pub total: i64,
}

impl Service {
    /// Lists the governance log.
    pub async fn list_tasks(&self, caller: &Caller, query: TaskQuery) -> Result<TaskPage, Error> {
        let (tenant, reach) = (caller.tenant, caller.reach(Part::GovernanceLog, Access::Read));
        self.store
            .read(move |tx| {
                let TaskQuery { conditions, ascending, page } = &query;
                let (tasks, total) =
                    discovery_tasks::list(tx, tenant, &reach, conditions, *ascending, *page)?;
                Ok(TaskPage { tasks, total })
            })
            .await
    }

    /// Fetches an entry of the governance log.
    pub async fn task(&self, caller: &Caller, id: RecordId) -> Result<DiscoveryTask, Error> {
        let (tenant, reach) = (caller.tenant, caller.reach(Part::GovernanceLog, Access::Read));
        self.store
            .read(move |tx| discovery_tasks::find(tx, tenant, &reach, &id)?.ok_or(Error::NotFound))
            .await
    }

    /// Those of these entries that can be tried again: they failed, and what they worked on is still here.
    pub async fn retriable_tasks(
        &self,
        caller: &Caller,
        tasks: &[DiscoveryTask],
    ) -> Result<HashSet<RecordId>, Error> {
        let tenant = caller.tenant;
        let failed: Vec<(RecordId, RecordId)> = tasks
            .iter()
            .filter(|task| matches!(task.state, TaskState::Failed(_)))
            .map(|task| (task.id.clone(), task.upload.clone()))
            .collect();
        let named: Vec<RecordId> = failed.iter().map(|(_, upload)| upload.clone()).collect();
        let kept = self.store.read(move |tx| uploads::kept(tx, tenant, &named)).await?;
        Ok(failed.into_iter().filter(|(_, upload)| kept.contains(upload)).map(|(id, _)| id).collect())
    }

    /// Tries a task that failed again: the same log goes into the same report, with the apps and parsers that there
    /// are by now.
    ///
    /// # Errors
    /// [`Error::Invalid`] for one that did not fail, or whose log or report is gone.
    pub async fn retry_task(&self, caller: &Caller, id: RecordId) -> Result<DiscoveryTask, Error> {
        let (tenant, reach) = (caller.tenant, caller.reach(Part::GovernanceLog, Access::Change));
        let record = caller.audit(self.clock.now(), "retry task", "discovery task", &id, json!({}));
        let retried = self
            .store
            .write(move |tx| {
                let task = discovery_tasks::find(tx, tenant, &reach, &id)?.ok_or(Error::NotFound)?;
                let refused = |why: &str| Err(Error::invalid("id", why));
                match task.state {
                    TaskState::Failed(_) => {}
                    TaskState::Pending => return refused("The task is still pending."),
                    TaskState::Succeeded => {
                        return refused("The task succeeded; there is nothing to try again.");
                    }
                }
                let upload = uploads::find(tx, tenant, &task.upload)?;
                let Some(upload) = upload.filter(|upload| !upload.parts.is_empty()) else {
                    return refused("The log is no longer here; upload it again.");
                };
                if streams::find(tx, tenant, &Reach::Everything, &task.stream)?.is_none() {
                    return refused("The report that it belongs to was deleted.");
                }
                discovery_tasks::retry(tx, tenant, &id, &json!({ "size": upload.size }))?;
                let facts = |state: &TaskState| match state {
                    TaskState::Failed(why) => json!({ "state": "failed", "message": why }),
                    _ => json!({ "state": "pending" }),
                };
                let after = discovery_tasks::find(tx, tenant, &reach, &id)?.ok_or(Error::NotFound)?;
                audit::append(tx, tenant, &record.changed(&id, &facts(&task.state), &facts(&after.state)))?;
                Ok(after)
            })
            .await?;
        self.tasks.notify_one();
        Ok(retried)
    }

    /// Lists where the lines of a parsed log went, busiest first; answers how many are kept, too.
    pub async fn list_task_destinations(
        &self,
        caller: &Caller,
        id: RecordId,
        page: Page,
    ) -> Result<(Vec<DestinationUsage>, i64), Error> {
        let (tenant, reach) = (caller.tenant, caller.reach(Part::GovernanceLog, Access::Read));
        self.store
            .read(move |tx| {
                discovery_tasks::find(tx, tenant, &reach, &id)?.ok_or(Error::NotFound)?;
                Ok(discovery_destinations::list(tx, tenant, &id, page)?)
            })
            .await
    }
}
