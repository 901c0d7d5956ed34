//! A secret or certificate of an application that is about to end.

use casbah_model::Severity;

use crate::policy::{Conditions, Policy, PolicyKind};

pub(super) fn policy() -> Policy {
    Policy {
        id: "expiring-credential".to_owned(),
        name: "Credential about to expire".to_owned(),
        description:
            "A client secret or certificate ends in 30, 14, 7 or 1 days; without a new one its application \
                      will not be able to sign in."
                .to_owned(),
        kind: PolicyKind::CredentialExpiry,
        severity: Severity::Medium,
        conditions: Conditions::default(),
        enabled: true,
    }
}
