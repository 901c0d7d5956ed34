//! A new app whose vendor shows little that could be relied on.

use casbah_model::Severity;

use crate::policy::{Conditions, Policy, PolicyKind};

pub(super) fn policy() -> Policy {
    Policy {
        id: "new-risky-app".to_owned(),
        name: "New risky app".to_owned(),
        description: "Apps with a risk score below 6 make few or no claims of compliance; find out what is \
                      stored there, and offer a safer app."
            .to_owned(),
        kind: PolicyKind::AppDiscovery,
        severity: Severity::Medium,
        conditions: Conditions { score_below: Some(6), ..Conditions::default() },
        enabled: true,
    }
}
