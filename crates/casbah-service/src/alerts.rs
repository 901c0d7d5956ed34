//! Alerts: list, fetch, mark, close.

use casbah_authority::Caller;
use casbah_model::filter::{AlertField, AlertOrder, Condition, Operand, Page, Range, Test};
use casbah_model::{Access, Alert, AlertStatus, Part, RecordId, Resolution};
use casbah_store::alerts;
use serde_json::json;

use crate::{Error, Service};

/// Which alerts, and in which order.
#[derive(Clone, Debug)]
pub struct AlertQuery {
    /// All of these hold.
    pub conditions: Vec<Condition<AlertField>>,
    /// In this order.
    pub order: AlertOrder,
    /// This part of the list; scan mode looks at the limit only.
    pub page: Page,
    /// Whether the list is followed by narrowing the time window instead of by number.
    pub scan: bool,
    /// Whether the page may not end within one moment, and is rather longer than asked for: whoever goes on
    /// behind its last time would miss the rest of that moment.
    pub whole_moments: bool,
}

/// A part of a list of alerts.
#[derive(Debug)]
pub struct AlertPage {
    /// The alerts.
    pub alerts: Vec<Alert>,
    /// How many satisfy the conditions, over all pages.
    pub total: i64,
    /// Whether there are more than `total`: counting has an end.
    pub more_than_total: bool,
    /// Whether something is left behind this page.
    pub has_next: bool,
    /// Scan mode, while something is left: the bound of time that the next request begins at.
    pub next_bound: Option<i64>,
}

/// How to close alerts.
#[derive(Clone, Debug)]
pub struct Closing {
    /// Which ones.
    pub conditions: Vec<Condition<AlertField>>,
    /// What became of them.
    pub resolution: Resolution,
    /// Why, in words.
    pub comment: String,
    /// Why, by number.
    pub reason: Option<i64>,
    /// What the caller wants the maker of the detection to know; kept in the audit trail.
    pub feedback: Option<String>,
}

/// What closing did.
#[derive(Debug, PartialEq, Eq)]
pub struct Closed {
    /// Alerts that are closed now and were open before.
    pub count: usize,
    /// Ids that were asked for and do not exist.
    pub not_found: Vec<String>,
}

impl Service {
    /// Lists alerts.
    pub async fn list_alerts(&self, caller: &Caller, query: AlertQuery) -> Result<AlertPage, Error> {
        let (tenant, reach) = (caller.tenant, caller.reach(Part::Alerts, Access::Read));
        self.store
            .read(move |tx| {
                let AlertQuery { conditions, order, page, scan, whole_moments } = &query;
                let total = alerts::count(tx, tenant, &reach, conditions)?;
                let skip = if *scan { 0 } else { page.skip };
                let one_more = Page { skip, limit: page.limit + 1 };
                let mut found = alerts::list(tx, tenant, &reach, conditions, *order, one_more)?;
                let limit = usize::try_from(page.limit).unwrap_or(0);
                let mut has_next = found.len() > limit;
                let mut next_bound = None;
                let within = |from, to| {
                    let test = Test::Within(vec![Range { from, to }]);
                    let window = Condition { field: AlertField::Raised, test };
                    conditions.iter().cloned().chain([window]).collect::<Vec<_>>()
                };
                let whole = Page { skip: 0, limit: alerts::COUNT_CAP };
                if has_next && *scan {
                    let bound = found.pop().map_or(0, |alert| alert.raised.0);
                    // The next window begins with that millisecond, so nothing of it may be in this one ...
                    found.retain(|alert| alert.raised.0 != bound);
                    next_bound = Some(bound);
                    if found.is_empty() {
                        // ... unless it alone overfills a page: then it is given whole, and the next begins beyond.
                        let this = within(Some(bound), Some(bound));
                        found = alerts::list(tx, tenant, &reach, &this, *order, whole)?;
                        let (next, beyond) = if order.ascending {
                            (bound.saturating_add(1), within(Some(bound.saturating_add(1)), None))
                        } else {
                            (bound.saturating_sub(1), within(None, Some(bound.saturating_sub(1))))
                        };
                        let one = Page { skip: 0, limit: 1 };
                        has_next = !alerts::list(tx, tenant, &reach, &beyond, *order, one)?.is_empty();
                        next_bound = has_next.then_some(next);
                    }
                } else if has_next && *whole_moments {
                    let next = found.pop().map_or(0, |alert| alert.raised.0);
                    if found.last().is_some_and(|last| last.raised.0 == next) {
                        found.retain(|alert| alert.raised.0 != next);
                        let this = within(Some(next), Some(next));
                        found.extend(alerts::list(tx, tenant, &reach, &this, *order, whole)?);
                        has_next = (found.len() as i64) < total;
                    }
                } else {
                    found.truncate(limit);
                }
                let more_than_total = total > alerts::COUNT_CAP;
                let total = total.min(alerts::COUNT_CAP);
                Ok(AlertPage { alerts: found, total, more_than_total, has_next, next_bound })
            })
            .await
    }

    /// Fetches an alert.
    pub async fn alert(&self, caller: &Caller, id: RecordId) -> Result<Alert, Error> {
        let (tenant, reach) = (caller.tenant, caller.reach(Part::Alerts, Access::Read));
        self.store.read(move |tx| alerts::find(tx, tenant, &reach, &id)?.ok_or(Error::NotFound)).await
    }

    /// Marks an alert as read or as unread; a closed one stays archived.
    pub async fn mark_alert(&self, caller: &Caller, id: RecordId, read: bool) -> Result<(), Error> {
        // Who reads alerts says which ones were read, as with the permissions.
        let (tenant, reach) = (caller.tenant, caller.reach(Part::Alerts, Access::Read));
        let (status, action) = if read {
            (AlertStatus::Read, "mark alert read")
        } else {
            (AlertStatus::Unread, "mark alert unread")
        };
        let record = caller.audit(self.clock.now(), action, "alert", &id, json!({}));
        self.store
            .write(move |tx| {
                let before = alerts::find(tx, tenant, &reach, &id)?.ok_or(Error::NotFound)?.status;
                alerts::mark(tx, tenant, &reach, &id, status)?;
                // A closed one stays archived.
                let after = if before == AlertStatus::Archived { before } else { status };
                let facts = |status: AlertStatus| json!({ "status": status.number() });
                let record = record.changed(&id, &facts(before), &facts(after));
                casbah_store::audit::append(tx, tenant, &record)?;
                Ok(())
            })
            .await
    }

    /// Closes the open ones among the alerts that satisfy all conditions; closing again changes nothing.
    pub async fn close_alerts(&self, caller: &Caller, closing: Closing) -> Result<Closed, Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let reach = caller.reach(Part::Alerts, Access::Change);
        let Closing { conditions, resolution, comment, reason, feedback } = closing;
        let store_closing =
            alerts::Closing { resolution, at: now, comment, reason, by: caller.name().to_string() };
        let record = caller.audit(now, "close alerts", "alert", "", json!({}));
        self.store
            .write(move |tx| {
                let asked = ids_asked_for(&conditions);
                let existing = alerts::existing(tx, tenant, &reach, &asked)?;
                let not_found = asked.into_iter().filter(|id| !existing.contains(id)).collect();
                let closed = alerts::close(tx, tenant, &reach, &conditions, &store_closing)?;
                if !closed.is_empty() {
                    let mut record = record.clone();
                    record.details = closing_facts(&closed, &store_closing);
                    record.details["feedback"] = json!(feedback);
                    casbah_store::audit::append(tx, tenant, &record)?;
                }
                Ok(Closed { count: closed.len(), not_found })
            })
            .await
    }

    /// Opens those closed alerts again that satisfy all conditions; answers how many.
    pub async fn reopen_alerts(
        &self,
        caller: &Caller,
        conditions: Vec<Condition<AlertField>>,
    ) -> Result<usize, Error> {
        let (tenant, reach) = (caller.tenant, caller.reach(Part::Alerts, Access::Change));
        let now = self.clock.now();
        let record = caller.audit(now, "reopen alerts", "alert", "", json!({}));
        self.store
            .write(move |tx| {
                let opened = alerts::reopen(tx, tenant, &reach, &conditions, now)?;
                if !opened.is_empty() {
                    let mut record = record.clone();
                    record.details = json!({
                        "alerts": opened,
                        "before": { "status": AlertStatus::Archived.number() },
                        "after": { "status": AlertStatus::Read.number(), "resolution": 0 },
                    });
                    casbah_store::audit::append(tx, tenant, &record)?;
                }
                Ok(opened.len())
            })
            .await
    }
}

/// What the audit trail says of alerts that were closed, which were all open before.
pub(crate) fn closing_facts(closed: &[String], closing: &alerts::Closing) -> serde_json::Value {
    json!({
        "alerts": closed,
        "before": { "resolution": 0 },
        "after": {
            "status": AlertStatus::Archived.number(),
            "resolution": closing.resolution.number(),
            "reason": closing.reason,
            "comment": closing.comment,
        },
    })
}

/// The ids that conditions name one by one, each once.
fn ids_asked_for(conditions: &[Condition<AlertField>]) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for condition in conditions {
        if let (AlertField::Id, Test::AnyOf(operands)) = (condition.field, &condition.test) {
            ids.extend(operands.iter().filter_map(|o| match o {
                Operand::Text(id) => Some(id.to_lowercase()),
                _ => None,
            }));
        }
    }
    ids.sort_unstable();
    ids.dedup();
    ids
}
