//! Logs that do not come any more, or cannot be read.

use casbah_model::Severity;

use crate::policy::{Conditions, Policy, PolicyKind};

/// A report that gets no logs, one whose logs cannot be read, and a collector that sends nothing.
pub(super) fn policies() -> [Policy; 3] {
    let policy = |id: &str, name: &str, description: &str| Policy {
        id: id.to_owned(),
        name: name.to_owned(),
        description: description.to_owned(),
        kind: PolicyKind::ReportHealth,
        severity: Severity::Medium,
        conditions: Conditions::default(),
        enabled: true,
    };
    [
        policy(
            "silent-report",
            "Continuous report without logs",
            "Look whether the device still writes logs, and whether what uploads them still runs.",
        ),
        policy(
            "unreadable-logs",
            "Logs that cannot be read",
            "Look in the governance log for the refused lines; the format of the device may have changed.",
        ),
        policy(
            "silent-collector",
            "Log collector without data",
            "Look whether the collector runs, and whether devices still send to it.",
        ),
    ]
}
