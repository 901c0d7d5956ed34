//! Credentials that are about to end: when to say so, and how loudly.

use casbah_model::{Severity, Timestamp};

/// Days before the end at which people are told.
pub const EXPIRY_STEPS: [i64; 4] = [1, 7, 14, 30];

const MS_OF_DAY: i64 = 86_400_000;

/// The step that a credential has reached: the least number of days of [`EXPIRY_STEPS`] within which it
/// ends. None when its end is further away, or over.
///
/// Only this one is worth an alert: whoever looks after a week away needs to hear "7 days" and not "30" too.
pub fn expiry_step(ends: Timestamp, now: Timestamp) -> Option<i64> {
    let left = ends.0.saturating_sub(now.0);
    if left <= 0 {
        return None;
    }
    EXPIRY_STEPS.into_iter().find(|days| left <= days * MS_OF_DAY)
}

/// How bad it is: the policy's own severity in the last week, high on the last day, low before.
pub fn expiry_severity(step: i64, of_policy: Severity) -> Severity {
    match step {
        ..=1 => Severity::High,
        2..=7 => of_policy,
        _ => Severity::Low,
    }
}
