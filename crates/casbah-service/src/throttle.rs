//! How many calls of the Cloud Apps API a tenant may make in a minute.
//!
//! Counted on each node for itself: what several nodes let through together is the sum. Time is the
//! machine's, not the clock that tests set: a minute must pass even where that one stands still.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use casbah_model::TenantId;

const MINUTE: Duration = Duration::from_secs(60);
/// Calls of a tenant that are held back at once, at the most: each costs a connection.
const MOST_HELD: u32 = 100;
/// Tenants that are kept count of before those whose minute is over are forgotten.
const MOST_TENANTS: usize = 10_000;

/// What an operator can set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThrottleSettings {
    /// Calls of a tenant in a minute; none is no limit.
    pub calls: Option<u32>,
    /// Whether a call beyond that is held back until the minute is over, instead of being refused.
    pub held: bool,
}

impl ThrottleSettings {
    /// The limit of the product: 30 a minute.
    pub const MICROSOFT: u32 = 30;
    /// Generous: it stops a loop that has gone wild and nobody else.
    pub const USUAL: u32 = 600_000;
}

impl Default for ThrottleSettings {
    fn default() -> ThrottleSettings {
        ThrottleSettings { calls: Some(ThrottleSettings::USUAL), held: false }
    }
}

/// The calls of this minute.
#[derive(Clone, Default)]
pub(crate) struct Throttle {
    settings: ThrottleSettings,
    minutes: Arc<Mutex<HashMap<TenantId, Minute>>>,
}

/// A minute that begins with a tenant's first call.
struct Minute {
    began: Instant,
    calls: u32,
    held: u32,
}

/// What becomes of a call.
enum Verdict {
    Passes,
    Waits(Duration),
    Refused(Duration),
}

impl Throttle {
    pub(crate) fn new(settings: ThrottleSettings) -> Throttle {
        Throttle { settings, ..Throttle::default() }
    }

    /// What the operator has set.
    pub(crate) fn settings(&self) -> ThrottleSettings {
        self.settings
    }

    /// Lets a call of the tenant through, at once or when its minute is over.
    ///
    /// # Errors
    /// How long to wait, when there were too many.
    pub(crate) async fn pass(&self, tenant: TenantId) -> Result<(), Duration> {
        let mut waiting = false;
        loop {
            match self.count(tenant, Instant::now(), waiting) {
                Verdict::Passes => return Ok(()),
                Verdict::Refused(wait) => return Err(wait),
                Verdict::Waits(wait) => tokio::time::sleep(wait).await,
            }
            waiting = true;
        }
    }

    /// `waiting` is a call that was held back before, and so is not counted among those again.
    fn count(&self, tenant: TenantId, now: Instant, waiting: bool) -> Verdict {
        let Some(most) = self.settings.calls else { return Verdict::Passes };
        let mut minutes = self.minutes.lock().unwrap_or_else(PoisonError::into_inner);
        if minutes.len() >= MOST_TENANTS {
            minutes.retain(|_, minute| now.duration_since(minute.began) < MINUTE);
        }
        let minute = minutes.entry(tenant).or_insert(Minute { began: now, calls: 0, held: 0 });
        let passed = now.duration_since(minute.began);
        if passed >= MINUTE {
            *minute = Minute { began: now, calls: 0, held: 0 };
        }
        if minute.calls < most {
            minute.calls += 1;
            return Verdict::Passes;
        }
        let left = MINUTE.saturating_sub(passed);
        if self.settings.held && (waiting || minute.held < MOST_HELD) {
            minute.held += 1;
            return Verdict::Waits(left);
        }
        Verdict::Refused(left)
    }
}

#[cfg(test)]
mod tests {
    use casbah_model::Guid;

    use super::*;

    #[test]
    fn so_many_pass_in_a_minute_and_the_others_are_told_how_long_to_wait() {
        let throttle = Throttle::new(ThrottleSettings { calls: Some(30), held: false });
        let (one, other, start) = (TenantId(Guid::random()), TenantId(Guid::random()), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        let passes = |tenant, seconds| match throttle.count(tenant, at(seconds), false) {
            Verdict::Passes => None,
            Verdict::Refused(wait) | Verdict::Waits(wait) => Some(wait.as_secs()),
        };
        assert!((0..30).all(|n| passes(one, n).is_none()));
        assert_eq!(passes(one, 30), Some(30));
        assert_eq!(passes(one, 59), Some(1));
        assert_eq!(passes(other, 59), None, "tenants are counted apart");
        assert!((0..30).all(|_| passes(one, 60).is_none()));
        assert_eq!(passes(one, 61), Some(59));
    }

    #[test]
    fn only_so_many_are_held_back() {
        let throttle = Throttle::new(ThrottleSettings { calls: Some(1), held: true });
        let (tenant, now) = (TenantId(Guid::random()), Instant::now());
        assert!(matches!(throttle.count(tenant, now, false), Verdict::Passes));
        for _ in 0..MOST_HELD {
            assert!(matches!(throttle.count(tenant, now, false), Verdict::Waits(_)));
        }
        assert!(matches!(throttle.count(tenant, now, false), Verdict::Refused(_)));
        assert!(matches!(throttle.count(tenant, now + MINUTE, true), Verdict::Passes));
    }
}
