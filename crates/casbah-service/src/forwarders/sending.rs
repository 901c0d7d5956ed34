//! The work of sending: claims, batches, and what became of them.

use std::time::Duration;

use casbah_authority::{Caller, WebhookSecrets};
use casbah_model::{Activity, Alert, Forwarder, RecordId, Timestamp};
use casbah_store::discovery_tasks::Lease;
use casbah_store::forwarders::{self, Claimed, Note, Outcome};
use casbah_store::{Tx, activities, alerts, audit};
use serde_json::{Value as Json, json};

use crate::{Error, Service};

/// How long a claim is believed without a sign of life.
const LEASE: Duration = Duration::from_secs(60);
/// A forwarder whose receiver cannot be reached waits a second, then twice as long each time, up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);
/// An alert that a receiver refuses waits ten seconds, then four times as long each time, up to this.
const LONGEST_WAIT: Duration = Duration::from_secs(6 * 60 * 60);
/// An alert that a receiver has refused so often is given up, after about a day and a half.
const ATTEMPTS: i64 = 12;

/// A forwarder that this node works on, and what has become of its records so far.
#[derive(Debug)]
pub struct Sending {
    claimed: Claimed,
    lease: Lease,
    outcome: Outcome,
    /// Alerts that were given up.
    given_up: Vec<RecordId>,
    /// Up to where records were asked for.
    after: Option<Note>,
}

/// Records to send, in the order in which they are to be sent.
#[derive(Debug, Default)]
pub struct Batch {
    /// Alerts.
    pub alerts: Vec<Alert>,
    /// Activities.
    pub activities: Vec<Activity>,
    notes: Vec<Note>,
}

impl Sending {
    /// The forwarder.
    pub fn forwarder(&self) -> &Forwarder {
        &self.claimed.forwarder
    }

    /// Casbah itself in the tenant of the forwarder, as whom records are read.
    pub fn caller(&self) -> Caller {
        Caller::system(self.claimed.tenant, self.claimed.tenant_number)
    }

    /// The receiver took a batch; what of it was not wanted, or could not be sent (`dropped` of them), is done with
    /// too.
    pub fn took(&mut self, batch: Batch, dropped: i64) {
        let records = (batch.alerts.len() + batch.activities.len()) as i64;
        self.outcome.sent += records - dropped;
        self.outcome.dropped += dropped;
        self.outcome.done.extend(batch.notes);
    }

    /// The receiver took one alert of a batch.
    pub fn took_alert(&mut self, batch: &Batch, id: &RecordId) {
        self.outcome.sent += 1;
        self.outcome.done.extend(batch.note_of(id).cloned());
    }

    /// The receiver refused one alert of a batch: it is tried again later, and given up after many times.
    pub fn refused_alert(&mut self, batch: &Batch, id: &RecordId, why: String, now: Timestamp) {
        self.outcome.error = Some(why);
        let Some(note @ Note::Alert { attempts, .. }) = batch.note_of(id) else { return };
        if attempts + 1 >= ATTEMPTS {
            self.outcome.dropped += 1;
            self.outcome.done.push(note.clone());
            self.given_up.push(id.clone());
            return;
        }
        let wait = Duration::from_secs(10).saturating_mul(4_u32.saturating_pow(*attempts as u32));
        self.outcome.later.push((note.clone(), now.plus(wait.min(LONGEST_WAIT))));
    }

    /// What of a batch is not wanted is done with.
    pub fn skipped(&mut self, batch: &Batch) {
        let wanted = |note: &&Note| match note {
            Note::Alert { id, .. } => batch.alerts.iter().any(|alert| alert.id == *id),
            Note::Activity { place } => batch.activities.iter().any(|one| one.seq == *place),
        };
        self.outcome.done.extend(batch.notes.iter().filter(|note| !wanted(note)).cloned());
    }

    /// The receiver could not be reached, or broke off: nothing more is tried for a while. What was not taken waits.
    pub fn failed(&mut self, why: String, now: Timestamp) {
        let failures = u32::try_from(self.claimed.forwarder.health.failures).unwrap_or(u32::MAX).min(16);
        let pause = Duration::from_secs(1).saturating_mul(2_u32.saturating_pow(failures));
        self.outcome.retry_at = now.plus(pause.min(LONGEST_PAUSE));
        self.outcome.error = Some(why);
    }
}

impl Batch {
    /// Whether nothing was waiting.
    pub fn is_empty(&self) -> bool {
        self.notes.is_empty()
    }

    fn note_of(&self, wanted: &RecordId) -> Option<&Note> {
        self.notes.iter().find(|note| matches!(note, Note::Alert { id, .. } if id == wanted))
    }
}

impl Service {
    /// Claims a forwarder that something waits for and that nobody works on; none when there is none.
    pub async fn claim_forwarder(&self) -> Result<Option<Sending>, Error> {
        let now = self.clock.now();
        let node = self.folder().node().await.map_err(Error::internal)?;
        let lease = Lease { token: RecordId::new(now), node, until: now.plus(LEASE) };
        let wanted = lease.clone();
        let claimed = self.store.write(move |tx| forwarders::claim(tx, &wanted, now)).await?;
        let outcome = Outcome { retry_at: now, ..Outcome::default() };
        let sending = |claimed| Sending { claimed, lease, outcome, given_up: Vec::new(), after: None };
        Ok(claimed.map(sending))
    }

    /// Says that a forwarder is worked on. False when the claim was lost: nothing more may be sent.
    pub async fn renew_forwarder(&self, sending: &Sending) -> Result<bool, Error> {
        let (tenant, id) = (sending.claimed.tenant, sending.claimed.forwarder.id.clone());
        let renewed = Lease { until: self.clock.now().plus(LEASE), ..sending.lease.clone() };
        Ok(self.store.write(move |tx| forwarders::renew(tx, tenant, &id, &renewed)).await?)
    }

    /// The next records of a forwarder, at most `limit`; each is given once for a claim.
    pub async fn next_batch(&self, sending: &mut Sending, limit: i64) -> Result<Batch, Error> {
        let (claimed, now) = (sending.claimed.clone(), self.clock.now());
        let after = sending.after.clone();
        let batch = self.store.read(move |tx| batch(tx, &claimed, after.as_ref(), now, limit)).await?;
        if let Some(last) = batch.notes.last() {
            sending.after = Some(last.clone());
        }
        Ok(batch)
    }

    /// The secrets of a webhook; none when they were sealed under another master key.
    pub fn webhook_secrets(&self, sending: &Sending) -> Option<WebhookSecrets> {
        let forwarder = &sending.claimed.forwarder;
        self.authority.open_webhook(sending.claimed.tenant, &forwarder.id, forwarder.sealed.as_deref()?)
    }

    /// Writes down what became of the records, and gives the claim back. False when the claim was lost meanwhile.
    pub async fn settle_forwarder(&self, sending: Sending) -> Result<bool, Error> {
        let now = self.clock.now();
        let Sending { claimed, lease, outcome, given_up, .. } = sending;
        let (tenant, id) = (claimed.tenant, claimed.forwarder.id.clone());
        let caller = Caller::system(tenant, claimed.tenant_number);
        let record = caller.audit(now, "give up alerts for webhook", "webhook", &id, json!({}));
        let record = record.changed(&id, &json!({ "alerts": given_up }), &Json::Null);
        let settled = self.store.write(move |tx| {
            let settled = forwarders::settle(tx, tenant, &id, &lease, &outcome, now)?;
            if settled && !given_up.is_empty() {
                audit::append(tx, tenant, &record)?;
            }
            Ok::<_, casbah_store::Error>(settled)
        });
        Ok(settled.await?)
    }
}

fn batch(
    tx: &mut Tx<'_>,
    claimed: &Claimed,
    after: Option<&Note>,
    now: Timestamp,
    limit: i64,
) -> Result<Batch, casbah_store::Error> {
    let (tenant, forwarder) = (claimed.tenant, &claimed.forwarder);
    let notes = forwarders::waiting(tx, tenant, &forwarder.id, after, now, limit)?;
    let (mut ids, mut places) = (Vec::new(), Vec::new());
    for note in &notes {
        match note {
            Note::Alert { id, .. } => ids.push(id.clone()),
            Note::Activity { place } => places.push(*place),
        }
    }
    let mut batch = Batch { notes, ..Batch::default() };
    if let Some(chosen) = forwarder.alerts.as_ref().filter(|_| !ids.is_empty()) {
        batch.alerts = alerts::among(tx, tenant, &ids, &chosen.conditions)?;
    }
    if let Some(chosen) = forwarder.activities.as_ref().filter(|_| !places.is_empty()) {
        batch.activities = activities::among(tx, tenant, &places, &chosen.conditions)?;
    }
    Ok(batch)
}
