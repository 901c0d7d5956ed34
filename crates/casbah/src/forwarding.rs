//! What sends records elsewhere as they arrive: webhooks and SIEM agents.
//!
//! A forwarder is worked on by one node at a time, under a claim that runs out when the node dies. A record is
//! forgotten when its receiver has it, so it arrives at least once: a node that dies between the two sends it again.

mod syslog;
mod webhook;

use std::sync::Arc;
use std::time::Duration;

use casbah_model::Outlet;
use casbah_service::forwarders::Sending;
use casbah_service::{Error, Service};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

/// How often a node looks for what others have left, and for what is to be tried again.
const LOOK: Duration = Duration::from_secs(1);
/// Forwarders that a node works on at once.
const AT_ONCE: usize = 8;

/// Sends until `stopped` says yes; then finishes what is in hand.
pub async fn run(service: Service, mut stopped: watch::Receiver<bool>) {
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut work = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            _ = stopped.wait_for(|yes| *yes) => break,
            () = service.store().outgoing() => {}
            _ = look.tick() => {}
        }
        while work.try_join_next().is_some() {}
        while let Ok(turn) = turns.clone().try_acquire_owned() {
            let sending = match service.claim_forwarder().await {
                Ok(Some(sending)) => sending,
                Ok(None) => break,
                Err(e) => {
                    tracing::error!(error = %e, "nothing could be sent elsewhere");
                    break;
                }
            };
            let (service, stopped) = (service.clone(), stopped.clone());
            work.spawn(async move {
                let id = sending.forwarder().id.clone();
                if let Err(e) = send(&service, sending, &stopped).await {
                    tracing::error!(error = %e, forwarder = %id, "a forwarder could not be worked on");
                }
                drop(turn);
            });
        }
    }
    while work.join_next().await.is_some() {}
}

async fn send(service: &Service, mut sending: Sending, stopped: &watch::Receiver<bool>) -> Result<(), Error> {
    match sending.forwarder().outlet.clone() {
        Outlet::Webhook { .. } => webhook::send(service, &mut sending, stopped).await?,
        Outlet::Syslog(receiver) => syslog::send(service, &mut sending, receiver, stopped).await?,
    }
    service.settle_forwarder(sending).await.map(drop)
}
