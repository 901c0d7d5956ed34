//! The governance log: what was asked for, and what became of it.

use casbah_authority::Caller;
use casbah_model::filter::{Condition, Page, TaskField};
use casbah_model::{Access, DestinationUsage, DiscoveryTask, Part, RecordId};
use casbah_store::{discovery_destinations, discovery_tasks};

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
