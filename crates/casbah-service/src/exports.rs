//! Whole lists, step by step: each step is a transaction of its own and begins behind the place at which the last
//! one ended, so that memory and cost do not grow with the list, and nothing is missed or given twice while others
//! write.

use casbah_authority::Caller;
use casbah_model::filter::{ActivityField, AlertField, Condition};
use casbah_model::{Access, Activity, Alert, Part};
use casbah_store::{activities, alerts, audit};
use serde_json::{Value, json};

use crate::{Error, Service};

pub use casbah_store::alerts::Place;

/// Records of one step.
pub const STEP: i64 = 500;

/// What is wanted of a list, and in which direction.
#[derive(Clone, Debug)]
pub struct Walk<F> {
    /// All of these hold.
    pub conditions: Vec<Condition<F>>,
    /// Oldest first.
    pub ascending: bool,
}

impl Service {
    /// Writes down that somebody takes a whole list out, before the first record of it is read. `list` names it,
    /// `facts` are what was asked for.
    pub async fn begin_export(&self, caller: &Caller, list: &str, facts: Value) -> Result<(), Error> {
        let tenant = caller.tenant;
        let record = caller.audit(self.clock.now(), &format!("export {list}"), "tenant", tenant, json!({}));
        let record = record.changed(tenant, &Value::Null, &facts);
        Ok(self.store.write(move |tx| audit::append(tx, tenant, &record)).await?)
    }

    /// The place of the last activity that a walk from old to new goes to: what arrives later is not waited for. None
    /// for the other direction, in which whatever is new lies behind the beginning.
    pub async fn end_of_activities(
        &self,
        caller: &Caller,
        walk: &Walk<ActivityField>,
    ) -> Result<Option<i64>, Error> {
        let back = Walk { ascending: false, ..walk.clone() };
        Ok(match walk.ascending {
            true => Some(self.step(caller, back, None, None, 1).await?.first().map_or(-1, |last| last.seq)),
            false => None,
        })
    }

    /// The next activities of a walk, behind the place of the last one; none at its end.
    pub async fn next_activities(
        &self,
        caller: &Caller,
        walk: Walk<ActivityField>,
        after: Option<i64>,
        until: Option<i64>,
    ) -> Result<Vec<Activity>, Error> {
        self.step(caller, walk, after, until, STEP).await
    }

    async fn step(
        &self,
        caller: &Caller,
        walk: Walk<ActivityField>,
        after: Option<i64>,
        until: Option<i64>,
        limit: i64,
    ) -> Result<Vec<Activity>, Error> {
        let (tenant, reach) = (caller.tenant, caller.reach(Part::Activities, Access::Read));
        let read = self.store.read(move |tx| {
            let Walk { conditions, ascending } = &walk;
            activities::list_after(tx, tenant, &reach, conditions, *ascending, (after, until), limit)
        });
        Ok(read.await?)
    }

    /// The place of the last alert that a walk from old to new goes to; none for the other direction, and when there
    /// is no alert at all.
    pub async fn end_of_alerts(
        &self,
        caller: &Caller,
        walk: &Walk<AlertField>,
    ) -> Result<Option<Place>, Error> {
        if !walk.ascending {
            return Ok(None);
        }
        let back = Walk { ascending: false, ..walk.clone() };
        let newest = self.step_of_alerts(caller, back, None, None, 1).await?;
        Ok(newest.into_iter().next().map(|alert| (alert.raised, alert.id)))
    }

    /// The next alerts of a walk, behind the place of the last one; none at its end.
    pub async fn next_alerts(
        &self,
        caller: &Caller,
        walk: Walk<AlertField>,
        after: Option<Place>,
        until: Option<Place>,
    ) -> Result<Vec<Alert>, Error> {
        self.step_of_alerts(caller, walk, after, until, STEP).await
    }

    async fn step_of_alerts(
        &self,
        caller: &Caller,
        walk: Walk<AlertField>,
        after: Option<Place>,
        until: Option<Place>,
        limit: i64,
    ) -> Result<Vec<Alert>, Error> {
        let (tenant, reach) = (caller.tenant, caller.reach(Part::Alerts, Access::Read));
        let read = self.store.read(move |tx| {
            let Walk { conditions, ascending } = &walk;
            let places = (after.as_ref(), until.as_ref());
            alerts::list_after(tx, tenant, &reach, conditions, *ascending, places, limit)
        });
        Ok(read.await?)
    }
}
