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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::stores;
    use crate::{Error, Tx};

    /// A query without end.
    fn endless(tx: &mut Tx<'_>) -> Result<i64, Error> {
        let sql = "with recursive n (i) as (select cast(1 as bigint) union all select i + 1 from n where i > 0) \
                   select count(*) from n";
        tx.number(sql, &[])
    }

    /// More of them than there are connections: were one to go on, the last look would never be answered.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_query_ends_when_nobody_waits_for_it() {
        for store in stores().await {
            for _ in 0..12 {
                let waiting = tokio::time::timeout(Duration::from_millis(20), store.read(endless));
                assert!(waiting.await.is_err(), "it has no end");
            }
            store.ping().await.expect("the database answers");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_takes_too_long_is_left_out_and_the_rest_goes_on() {
        for store in stores().await {
            let found = store.read(|tx| {
                let late = tx.within_time(Duration::from_millis(20), endless)?;
                let early = tx.within_time(Duration::from_secs(3600), |tx| tx.number("select 7", &[]))?;
                Ok::<_, Error>((late, early, tx.number("select 8", &[])?))
            });
            assert_eq!(found.await.expect("it is read"), (None, Some(7), 8));
        }
    }
}
