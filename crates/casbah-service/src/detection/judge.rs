//! Whether an activity that a policy counts deserves an alert, together with which others.

use casbah_detection::{ActivityRule, DAYS_TO_COMPARE, Shape, Sighting, burst, impossible};
use casbah_model::{Activity, Guid, PolicyRecord, RecordId, TenantId, Timestamp};
use casbah_store::activity_matches::{self, Match};
use casbah_store::{Error, Tx, activities, alerts};
use serde_json::Value;

use super::alert::{Found, alert};

const MS_OF_MINUTE: i64 = 60_000;
const MS_OF_DAY: i64 = 86_400_000;
/// An alert takes further activities for so long after its first one.
const LONGEST_ALERT: i64 = MS_OF_DAY;
/// Activities around one that are looked at.
const AROUND: i64 = 2_000;
/// Activities before and after one among which a place is looked for.
const SIGHTINGS: i64 = 200;

/// Judges activities one after the other, in the order of time.
pub(super) struct Judge<'i> {
    tenant: TenantId,
    now: Timestamp,
    /// Ids for alerts, drawn before the transaction.
    ids: &'i [(RecordId, Guid)],
    used: usize,
}

impl<'i> Judge<'i> {
    pub(super) fn new(tenant: TenantId, ids: &'i [(RecordId, Guid)], now: Timestamp) -> Judge<'i> {
        Judge { tenant, now, ids, used: 0 }
    }

    pub(super) fn alerts_left(&self) -> usize {
        self.ids.len() - self.used
    }

    pub(super) fn raised(&self) -> usize {
        self.used
    }

    pub(super) fn judge(
        &mut self,
        tx: &mut Tx<'_>,
        policy: &PolicyRecord,
        rule: &ActivityRule,
        activity: &Activity,
    ) -> Result<(), Error> {
        if rule.not_by_system && activity.actor_kind == "system" {
            return Ok(());
        }
        let this = Subject { policy, rule, somebody: somebody(activity).unwrap_or_default(), activity };
        if self.is_known(tx, &this)? || self.joins(tx, &this)? {
            return Ok(());
        }
        let found = match rule.shape {
            Shape::Each => Some(Found::Each),
            Shape::Repeated { minimum, within_minutes, in_single_app } => {
                let window = within_minutes.saturating_mul(MS_OF_MINUTE);
                let app = in_single_app.then_some(activity.service);
                return self.repeated(tx, &this, (minimum, window), app);
            }
            Shape::FirstIn { days } => self.is_first(tx, &this, days)?.then_some(Found::First { days }),
            Shape::Travel { kilometres_per_hour, kilometres } => {
                return self.travelled(tx, &this, kilometres_per_hour, kilometres);
            }
        };
        match found {
            Some(found) => self.raise(tx, &this, &found, std::slice::from_ref(activity)),
            None => Ok(()),
        }
    }

    /// Whether it belongs to an alert already, because it came in together with others of it.
    fn is_known(&self, tx: &mut Tx<'_>, this: &Subject<'_>) -> Result<bool, Error> {
        let place = (this.activity.seq, this.activity.seq);
        let found = activity_matches::places(tx, self.tenant, &this.policy.id, &this.key(), place)?;
        Ok(!found.is_empty())
    }

    /// Whether it belongs to an alert that was raised about the same person shortly before, or after.
    fn joins(&self, tx: &mut Tx<'_>, this: &Subject<'_>) -> Result<bool, Error> {
        let within = this.rule.joined_within_minutes.saturating_mul(MS_OF_MINUTE);
        if within == 0 {
            return Ok(false);
        }
        let key = this.key();
        let around = around(this.activity, within, within);
        let near = activity_matches::alert_between(tx, self.tenant, &this.policy.id, &key, around)?;
        let Some((alert, first)) = near else { return Ok(false) };
        let since = this.activity.at().0.saturating_sub(place_time(first));
        if since > LONGEST_ALERT.max(within) {
            return Ok(false);
        }
        self.record(tx, this, this.activity.seq, Some(&alert))?;
        Ok(true)
    }

    fn repeated(
        &mut self,
        tx: &mut Tx<'_>,
        this: &Subject<'_>,
        (minimum, window): (i64, i64),
        app: Option<i64>,
    ) -> Result<(), Error> {
        if this.somebody.is_empty() {
            return Ok(());
        }
        let around = around(this.activity, window, window);
        let known = activity_matches::places(tx, self.tenant, &this.policy.id, &this.key(), around)?;
        let any = &this.rule.any;
        let order = (false, AROUND);
        let mut seen = activities::of_somebody(tx, self.tenant, &this.somebody, around, any, order)?;
        seen.retain(|a| !known.contains(&a.seq) && app.is_none_or(|app| a.service == app));
        let Some(place) = seen.iter().position(|a| a.seq == this.activity.seq) else { return Ok(()) };
        let times: Vec<(i64, i64)> = seen.iter().map(|a| (a.at().0, count(a))).collect();
        let Some(range) = burst(&times, place, window, minimum) else { return Ok(()) };
        let total = times[range.clone()].iter().fold(0_i64, |sum, (_, count)| sum.saturating_add(*count));
        let minutes = window / MS_OF_MINUTE;
        self.raise(tx, this, &Found::Repeated { total, minutes }, &seen[range])
    }

    /// Whether nobody can call it usual: the tenant has a week of activities, and none like it of this person.
    fn is_first(&self, tx: &mut Tx<'_>, this: &Subject<'_>, days: i64) -> Result<bool, Error> {
        let at = this.activity.at().0;
        let week_ago = Timestamp(at.saturating_sub(DAYS_TO_COMPARE * MS_OF_DAY));
        if this.somebody.is_empty() || !activities::any_before(tx, self.tenant, week_ago)? {
            return Ok(false);
        }
        let from = Activity::first_at(Timestamp(at.saturating_sub(days.saturating_mul(MS_OF_DAY))));
        let before = (from, this.activity.seq.saturating_sub(1));
        let any = &this.rule.any;
        let found = activities::of_somebody(tx, self.tenant, &this.somebody, before, any, (true, 1))?;
        Ok(found.is_empty())
    }

    fn travelled(
        &mut self,
        tx: &mut Tx<'_>,
        this: &Subject<'_>,
        kilometres_per_hour: i64,
        kilometres: i64,
    ) -> Result<(), Error> {
        let (Some(here), false) = (sighting(this.activity), this.somebody.is_empty()) else { return Ok(()) };
        let seq = this.activity.seq;
        let (from, to) = around(this.activity, MS_OF_DAY, MS_OF_DAY);
        for (range, order) in [
            ((from, seq.saturating_sub(1)), (true, SIGHTINGS)),
            ((seq.saturating_add(1), to), (false, SIGHTINGS)),
        ] {
            let any = &this.rule.any;
            let others = activities::of_somebody(tx, self.tenant, &this.somebody, range, any, order)?;
            for other in others {
                let way = sighting(&other)
                    .and_then(|there| impossible(here, there, kilometres_per_hour, kilometres));
                let Some(way) = way else { continue };
                let mut both = vec![other, this.activity.clone()];
                both.sort_by_key(|activity| activity.seq);
                return self.raise(tx, this, &Found::Travel(way), &both);
            }
        }
        Ok(())
    }

    /// Raises the alert, unless the policy has raised enough today; either way the activities are known to it.
    fn raise(
        &mut self,
        tx: &mut Tx<'_>,
        this: &Subject<'_>,
        found: &Found,
        group: &[Activity],
    ) -> Result<(), Error> {
        let mut raised = None;
        if crate::policies::may_raise(tx, self.tenant, this.policy, self.now)?
            && let Some((id, context)) = self.ids.get(self.used)
        {
            let alert = alert(this.policy, found, group, (id, *context), self.now);
            alerts::insert(tx, self.tenant, &alert)?;
            self.used += 1;
            raised = Some(id);
        }
        group.iter().try_for_each(|activity| self.record(tx, this, activity.seq, raised))
    }

    fn record(
        &self,
        tx: &mut Tx<'_>,
        this: &Subject<'_>,
        place: i64,
        alert: Option<&RecordId>,
    ) -> Result<(), Error> {
        let policy = this.policy.id.clone();
        let found = Match { policy, place, subject: this.key(), alert: alert.cloned() };
        activity_matches::insert(tx, self.tenant, &found)
    }
}

/// An activity, and the policy that counts it.
struct Subject<'s> {
    policy: &'s PolicyRecord,
    rule: &'s ActivityRule,
    /// Whoever did it; empty when nobody knows.
    somebody: String,
    activity: &'s Activity,
}

impl Subject<'_> {
    /// What one alert of the policy is about.
    fn key(&self) -> String {
        match self.rule.shape {
            Shape::Repeated { in_single_app: true, .. } => {
                format!("{} {}", self.somebody, self.activity.service)
            }
            // Who comes from a bad address, and from which one.
            Shape::Each if self.rule.joined_within_minutes > 0 => {
                format!("{} {}", self.somebody, self.activity.address.as_deref().unwrap_or_default())
            }
            _ => self.somebody.clone(),
        }
    }
}

/// The user name in lower case, or else the object id, as the store looks for it.
fn somebody(activity: &Activity) -> Option<String> {
    match &activity.user_name {
        Some(name) => Some(name.trim().to_lowercase()),
        None => activity.actor.clone(),
    }
}

/// How many activities a record stands for.
fn count(activity: &Activity) -> i64 {
    activity.facts.details.get("count").and_then(Value::as_i64).unwrap_or(1).max(1)
}

fn sighting(activity: &Activity) -> Option<Sighting> {
    let place = activity.facts.location.as_ref()?;
    Some(Sighting { at: activity.at().0, latitude: place.latitude?, longitude: place.longitude? })
}

/// The places in the order of time so many milliseconds before and after.
fn around(activity: &Activity, before: i64, after: i64) -> (i64, i64) {
    let at = activity.at().0;
    let from = Activity::first_at(Timestamp(at.saturating_sub(before)));
    (from, Activity::last_at(Timestamp(at.saturating_add(after))))
}

/// The moment of a place in the order of time.
fn place_time(place: i64) -> i64 {
    place >> casbah_model::activity::BELOW
}
