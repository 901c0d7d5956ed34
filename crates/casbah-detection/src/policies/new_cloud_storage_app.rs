//! A new place where files may go.

use casbah_model::Severity;

use crate::choice::Choice;
use crate::policy::{Conditions, Policy, PolicyKind};

pub(super) fn policy() -> Policy {
    Policy {
        id: "new-cloud-storage-app".to_owned(),
        name: "New cloud storage app".to_owned(),
        description:
            "Files kept in a storage app that nobody manages are out of reach; decide whether it is \
                      sanctioned."
                .to_owned(),
        kind: PolicyKind::AppDiscovery,
        severity: Severity::Low,
        conditions: Conditions {
            categories: Choice::of(["SAASDB_CATEGORY_CLOUD_STORAGE"]),
            ..Conditions::default()
        },
        enabled: true,
    }
}
