//! Activities: list, fetch, feedback, and the sign-in log.

mod taking_in;
#[cfg(test)]
mod tests;

use std::time::Duration;

use casbah_authority::Caller;
use casbah_model::activity::CASBAH_APP;
use casbah_model::filter::{ActivityField, ActivityOrder, Condition, Operand, Page, Range, Test};
use casbah_model::{Access, Activity, Guid, Part, Reach, TenantId};
use casbah_store::activities;
use serde_json::{Value, json};

use crate::{Error, Service};

pub use taking_in::{TakenIn, digest};

/// Counting takes no longer than this; after that a list says only that there are more.
const COUNTING: Duration = Duration::from_millis(250);

/// Finding a page takes no longer than this.
const FINDING: Duration = Duration::from_secs(20);
const TOO_RARE: &str = "Too few of the activities satisfy this to be found in 20 seconds. Add a date, or a condition \
                        that an index helps with, such as a user, an app or an action.";

/// Which activities, and in which order.
#[derive(Clone, Debug)]
pub struct ActivityQuery {
    /// All of these hold.
    pub conditions: Vec<Condition<ActivityField>>,
    /// In this order.
    pub order: ActivityOrder,
    /// This part of the list; scan mode looks at the limit only.
    pub page: Page,
    /// Whether the list is followed by narrowing the time window instead of by number.
    pub scan: bool,
    /// Whether the page may not end within one moment, and is rather longer than asked for: whoever goes on
    /// behind its last time would miss the rest of that moment.
    pub whole_moments: bool,
}

/// A part of a list of activities.
#[derive(Debug)]
pub struct ActivityPage {
    /// The activities.
    pub activities: Vec<Activity>,
    /// How many satisfy the conditions, over all pages.
    pub total: i64,
    /// Whether there are more than `total`: counting has an end.
    pub more_than_total: bool,
    /// Whether something is left behind this page.
    pub has_next: bool,
    /// Scan mode, while something is left: the bound of time that the next request begins at.
    pub next_bound: Option<i64>,
}

/// Whose sign-ins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInsOf {
    /// Everybody's.
    Everybody,
    /// Through the application with this application id, and its own.
    Application(Guid),
    /// Of the person with this object id.
    User(Guid),
}

impl Service {
    /// Lists activities.
    pub async fn list_activities(
        &self,
        caller: &Caller,
        query: ActivityQuery,
    ) -> Result<ActivityPage, Error> {
        let (tenant, reach) = (caller.tenant, caller.reach(Part::Activities, Access::Read));
        self.store
            .read(move |tx| {
                let ActivityQuery { conditions, order, page, scan, whole_moments } = &query;
                let skip = if *scan { 0 } else { page.skip };
                let one_more = Page { skip, limit: page.limit.saturating_add(1) };
                let mut found = tx
                    .within_time(FINDING, |tx| {
                        activities::list(tx, tenant, &reach, conditions, *order, one_more)
                    })?
                    .ok_or_else(|| Error::invalid("filters", TOO_RARE))?;
                let limit = usize::try_from(page.limit).unwrap_or(0);
                let mut has_next = found.len() > limit;
                let mut next_bound = None;
                // A page that nothing follows has counted itself.
                let seen = skip.saturating_add(found.len() as i64);
                let counted = if has_next || (found.is_empty() && skip > 0) {
                    tx.within_time(COUNTING, |tx| activities::count(tx, tenant, &reach, conditions))?
                } else {
                    Some(seen)
                };
                let more_than_total = counted.is_none_or(|total| total > activities::COUNT_CAP && has_next);
                let total = counted.map_or(seen, |total| total.min(activities::COUNT_CAP.max(seen)));
                let within = |from, to| {
                    let test = Test::Within(vec![Range { from, to }]);
                    let window = Condition { field: ActivityField::At, test };
                    conditions.iter().cloned().chain([window]).collect::<Vec<_>>()
                };
                let whole = Page { skip: 0, limit: activities::WHOLE_MOMENT };
                if has_next && *scan {
                    let bound = found.pop().map_or(0, |activity| activity.at().0);
                    // The next window begins with that millisecond, so nothing of it may be in this one ...
                    found.retain(|activity| activity.at().0 != bound);
                    next_bound = Some(bound);
                    if found.is_empty() {
                        // ... unless it alone overfills a page: then it is given whole, and the next begins beyond.
                        let this = within(Some(bound), Some(bound));
                        found = activities::list(tx, tenant, &reach, &this, *order, whole)?;
                        let (next, beyond) = if order.ascending {
                            (bound.saturating_add(1), within(Some(bound.saturating_add(1)), None))
                        } else {
                            (bound.saturating_sub(1), within(None, Some(bound.saturating_sub(1))))
                        };
                        let one = Page { skip: 0, limit: 1 };
                        has_next = !activities::list(tx, tenant, &reach, &beyond, *order, one)?.is_empty();
                        next_bound = has_next.then_some(next);
                    }
                } else if has_next && *whole_moments {
                    let next = found.pop().map_or(0, |activity| activity.at().0);
                    if found.last().is_some_and(|last| last.at().0 == next) {
                        found.retain(|activity| activity.at().0 != next);
                        let this = within(Some(next), Some(next));
                        found.extend(activities::list(tx, tenant, &reach, &this, *order, whole)?);
                        has_next = more_than_total || (found.len() as i64) < total;
                    }
                } else {
                    found.truncate(limit);
                }
                Ok(ActivityPage { activities: found, total, more_than_total, has_next, next_bound })
            })
            .await
    }

    /// Fetches an activity.
    pub async fn activity(&self, caller: &Caller, id: String) -> Result<Activity, Error> {
        let (tenant, reach) = (caller.tenant, caller.reach(Part::Activities, Access::Read));
        self.store.read(move |tx| activities::find(tx, tenant, &reach, &id)?.ok_or(Error::NotFound)).await
    }

    /// Keeps what the caller says of an activity; said again, the last word counts.
    pub async fn give_feedback(
        &self,
        caller: &Caller,
        id: String,
        feedback: Value,
    ) -> Result<Activity, Error> {
        let (tenant, now, by) = (caller.tenant, self.clock.now(), caller.name().to_string());
        let reach = caller.reach(Part::Activities, Access::Read);
        let record = caller.audit(now, "give feedback", "activity", &id, json!({}));
        self.store
            .write(move |tx| {
                let activity = activities::find(tx, tenant, &reach, &id)?.ok_or(Error::NotFound)?;
                let before = json!({ "feedback": activities::find_feedback(tx, tenant, &id)? });
                activities::save_feedback(tx, tenant, &id, now, &by, &feedback)?;
                let record = record.changed(&id, &before, &json!({ "feedback": feedback }));
                casbah_store::audit::append(tx, tenant, &record)?;
                Ok(activity)
            })
            .await
    }

    /// Sign-ins at Casbah, successful or not, the newest first: for the pages of a person and of an
    /// application, and for Graph. What others report of sign-ins elsewhere is not among them.
    pub async fn sign_ins(
        &self,
        tenant: TenantId,
        of: SignInsOf,
        also: Vec<Condition<ActivityField>>,
        page: Page,
    ) -> Result<Vec<Activity>, Error> {
        let is = |field, value: String| Condition { field, test: Test::AnyOf(vec![Operand::Text(value)]) };
        let categories = ["EVENT_CATEGORY_LOGIN", "EVENT_CATEGORY_FAILED_LOGIN"];
        let categories = categories.map(|name| Operand::Text(name.to_string()));
        let here = Test::AnyOf(vec![Operand::Number(CASBAH_APP)]);
        let mut conditions = vec![
            Condition { field: ActivityField::Service, test: here },
            Condition { field: ActivityField::Category, test: Test::AnyOf(categories.to_vec()) },
        ];
        conditions.extend(also);
        match of {
            SignInsOf::Everybody => {}
            SignInsOf::Application(id) => conditions.push(is(ActivityField::Client, id.to_string())),
            SignInsOf::User(id) => conditions.push(is(ActivityField::Entity, id.to_string())),
        }
        self.newest_activities(tenant, conditions, page).await
    }

    /// The newest activities that satisfy all conditions, for those whom no role of Cloud Apps limits.
    pub async fn newest_activities(
        &self,
        tenant: TenantId,
        conditions: Vec<Condition<ActivityField>>,
        page: Page,
    ) -> Result<Vec<Activity>, Error> {
        let order = ActivityOrder { by_created: false, ascending: false };
        let every = Reach::Everything;
        self.store.read(move |tx| Ok(activities::list(tx, tenant, &every, &conditions, order, page)?)).await
    }
}
