//! A new app that moves a lot at once.

use casbah_model::Severity;

use crate::policy::{Conditions, Policy, PolicyKind, Thresholds};

/// 500 MB, as in the product's template.
const TOTAL_BYTES: u64 = 500_000_000;

pub(super) fn policy() -> Policy {
    Policy {
        id: "new-high-volume-app".to_owned(),
        name: "New high volume app".to_owned(),
        description:
            "More than 500 MB in a day with an app that is new here may be a migration, a backup or \
                      a leak."
                .to_owned(),
        kind: PolicyKind::AppDiscovery,
        severity: Severity::Medium,
        conditions: Conditions {
            daily: Thresholds { total_bytes_above: Some(TOTAL_BYTES), ..Thresholds::default() },
            ..Conditions::default()
        },
        enabled: true,
    }
}
