//! When people are told of the end of a credential.

use casbah_detection::{PolicyKind, built_in, expiry_severity, expiry_step};
use casbah_model::{Severity, Timestamp};

const DAY: i64 = 86_400_000;

#[test]
fn the_nearest_step_counts() {
    let now = Timestamp(1_795_435_200_000);
    let step = |left: i64| expiry_step(Timestamp(now.0 + left), now);
    for (left, expected) in [
        (31 * DAY, None),
        (30 * DAY + 1, None),
        (30 * DAY, Some(30)),
        (14 * DAY + 1, Some(30)),
        (14 * DAY, Some(14)),
        (7 * DAY, Some(7)),
        (DAY + 1, Some(7)),
        (DAY, Some(1)),
        (1, Some(1)),
        (0, None),
        (-DAY, None),
        (i64::MAX - now.0, None),
    ] {
        assert_eq!(step(left), expected, "{left}");
    }
}

#[test]
fn it_grows_louder() {
    let levels = [30, 14, 7, 1].map(|step| expiry_severity(step, Severity::Medium));
    assert_eq!(levels, [Severity::Low, Severity::Low, Severity::Medium, Severity::High]);
    assert!(built_in().iter().any(|policy| policy.kind == PolicyKind::CredentialExpiry && policy.enabled));
}
