//! Stopping a query: nobody waits for its answer any more, or its time is over.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// What may end a transaction that reads before it is done.
#[derive(Default)]
pub(crate) struct Watch {
    gone: AtomicBool,
    told: Notify,
    deadline: Mutex<Option<Instant>>,
}

impl Watch {
    fn deadline(&self) -> Option<Instant> {
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets or lifts the end of the time that there is.
    pub(crate) fn set_budget(&self, budget: Option<Duration>) {
        let end = budget.map(|budget| Instant::now() + budget);
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner) = end;
    }

    /// Whether nobody waits any more.
    pub(crate) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }

    /// Whether what runs is to stop.
    pub(crate) fn is_over(&self) -> bool {
        self.is_gone() || self.deadline().is_some_and(|end| Instant::now() >= end)
    }

    /// Waits until what runs is to stop.
    pub(crate) async fn over(&self) {
        let told = async {
            let mut told = std::pin::pin!(self.told.notified());
            told.as_mut().enable();
            if !self.is_gone() {
                told.await;
            }
        };
        match self.deadline() {
            None => told.await,
            Some(end) => {
                tokio::select! { () = told => {}, () = tokio::time::sleep_until(end.into()) => {} }
            }
        }
    }
}

/// Whoever waits for an answer: when this is dropped, nobody does.
pub(crate) struct Waiting(pub(crate) Arc<Watch>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.gone.store(true, Ordering::Relaxed);
        self.0.told.notify_waiters();
    }
}
