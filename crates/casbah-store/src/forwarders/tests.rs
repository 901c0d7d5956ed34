use casbah_model::{Alert, Chosen, Forwarder, ForwarderHealth, Outlet, RecordId, TenantId, Timestamp};
use serde_json::json;

use super::{Note, Outcome, claim, count_waiting, delete, insert, renew, save, settle, waiting, webhooks};
use crate::alerts::tests::alerts as samples;
use crate::discovery_tasks::Lease;
use crate::tests::{NOW, stores, tenant};
use crate::{Result, Store, Tx, alerts};

fn later(ms: i64) -> Timestamp {
    Timestamp(NOW.0 + ms)
}

fn webhook() -> Forwarder {
    Forwarder {
        id: RecordId::new(NOW),
        name: "Flow".into(),
        outlet: Outlet::Webhook { origin: "https://flow.example".into() },
        sealed: Some(vec![1, 2]),
        alerts: Some(Chosen { filters: json!({}), conditions: Vec::new() }),
        activities: None,
        enabled: true,
        created: NOW,
        created_by: "Ada".into(),
        modified: NOW,
        health: ForwarderHealth::default(),
    }
}

fn lease(until: Timestamp) -> Lease {
    Lease { token: RecordId::new(NOW), node: "n".into(), until }
}

async fn run<T: Send + 'static>(
    store: &Store,
    work: impl Fn(&mut Tx<'_>) -> Result<T> + Send + 'static,
) -> T {
    store.write(work).await.expect("the database answers")
}

async fn raise(store: &Store, tenant: TenantId, at: Timestamp) -> RecordId {
    let sample = samples().remove(1);
    let alert = Alert { id: RecordId::new(at), raised: at, ..sample };
    let id = alert.id.clone();
    run(store, move |tx| alerts::insert(tx, tenant, &alert)).await;
    id
}

/// What is stored is sent by one at a time, once its time has come; what nobody settles is sent again.
#[tokio::test]
async fn what_is_stored_waits_until_it_is_settled() {
    for store in stores().await {
        let (one, two) = (tenant(&store, 1).await, tenant(&store, 2).await);
        let hook = webhook();
        let id = hook.id.clone();
        // What was there before is not sent.
        raise(&store, one, NOW).await;
        run(&store, move |tx| insert(tx, one, &hook)).await;
        let (first, second) = (raise(&store, one, later(1)).await, raise(&store, one, later(2)).await);
        raise(&store, two, later(3)).await;
        let wanted = [first.clone(), second.clone()];
        let queue = id.clone();
        let notes = move |tx: &mut Tx<'_>, now| waiting(tx, one, &queue, None, now, 10);
        let (held, other) = (lease(later(60_000)), lease(later(60_000)));
        let (mine, theirs, hook_id) = (held.clone(), other.clone(), id.clone());
        let (seen, again) = run(&store, move |tx| {
            let claimed = claim(tx, &mine, later(10))?.expect("something waits");
            assert_eq!((claimed.tenant, claimed.tenant_number, &claimed.forwarder.id), (one, 1, &hook_id));
            assert!(claim(tx, &theirs, later(10))?.is_none(), "nobody else works on it");
            let seen = notes(tx, later(10))?;
            // The claim ran out.
            let taken = claim(tx, &theirs, later(60_001))?.is_some();
            Ok((seen, taken))
        })
        .await;
        let ids: Vec<&RecordId> = seen
            .iter()
            .map(|note| match note {
                Note::Alert { id, .. } => id,
                Note::Activity { .. } => unreachable!("no activities were asked for"),
            })
            .collect();
        assert_eq!((ids, again), (wanted.iter().collect(), true));

        let hook_id = id.clone();
        let (first_note, second_note) = (seen[0].clone(), seen[1].clone());
        run(&store, move |tx| {
            let outcome = Outcome { done: vec![first_note.clone()], sent: 1, ..Outcome::default() };
            assert!(!settle(tx, one, &hook_id, &held, &outcome, later(2))?, "the claim is another's");
            assert!(!renew(tx, one, &hook_id, &held)?);
            let outcome = Outcome {
                done: vec![first_note.clone()],
                sent: 1,
                later: vec![(second_note.clone(), later(90_000))],
                error: Some("400".into()),
                retry_at: later(70_000),
                ..Outcome::default()
            };
            assert!(settle(tx, one, &hook_id, &other, &outcome, later(60_002))?);
            let mut found = webhooks(tx, one)?.remove(0);
            count_waiting(tx, one, &mut found)?;
            let health = &found.health;
            assert_eq!((health.sent, health.waiting, health.failures), (1, 1, 1));
            assert_eq!(health.last_error.as_deref(), Some("400"));
            assert_eq!((health.last_sent, health.oldest_alert), (Some(later(60_002)), Some(later(2))));
            // Neither before the forwarder tries again, nor before this alert does.
            assert!(claim(tx, &lease(later(200_000)), later(69_999))?.is_none());
            assert!(claim(tx, &lease(later(200_000)), later(89_999))?.is_none());
            let claimed = claim(tx, &lease(later(200_000)), later(90_000))?;
            assert!(claimed.is_some());
            let Note::Alert { attempts, .. } = waiting(tx, one, &hook_id, None, later(90_000), 10)?[0] else {
                unreachable!("no activities were asked for")
            };
            assert_eq!(attempts, 1);
            Ok(())
        })
        .await;
        let hook_id = id.clone();
        run(&store, move |tx| {
            // An alert that is forgotten is sent to nobody; a forwarder that is off is told of nothing.
            assert_eq!(alerts::remove_before(tx, one, later(3), 10)?, 3);
            let mut hook = webhooks(tx, one)?.remove(0);
            count_waiting(tx, one, &mut hook)?;
            assert_eq!(hook.health.waiting, 0);
            save(tx, one, &Forwarder { enabled: false, ..hook })
        })
        .await;
        raise(&store, one, later(5)).await;
        run(&store, move |tx| {
            assert!(waiting(tx, one, &hook_id, None, later(100_000), 10)?.is_empty());
            delete(tx, one, &hook_id)?;
            assert!(webhooks(tx, one)?.is_empty());
            Ok(())
        })
        .await;
    }
}
