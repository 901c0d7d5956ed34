//! Templates: app discovery policies that a tenant can make its own of.

use casbah_model::Severity::{self, High, Low, Medium};

use crate::choice::Choice;
use crate::policy::{Conditions, Policy, PolicyKind, Thresholds};

const MEGABYTE: u64 = 1_000_000;

/// The daily use above which the product's templates speak: more than 50 people and 50 MB.
const MUCH_USED: Thresholds = Thresholds {
    total_bytes_above: Some(50 * MEGABYTE),
    users_above: Some(50),
    uploaded_bytes_above: None,
    downloaded_bytes_above: None,
    ips_above: None,
    events_above: None,
};

/// Id, name, what to think of it, severity, conditions beside the daily ones.
type OfCategory = (&'static str, &'static str, &'static str, Severity, &'static str);

/// New apps of a category that are used by many.
const OF_CATEGORY: &[OfCategory] = &[
    (
        "new-cloud-storage-app",
        "New cloud storage app",
        "Many people keep files in a storage app that is new here; decide whether it is sanctioned.",
        Low,
        "CLOUD_STORAGE",
    ),
    (
        "new-code-hosting-app",
        "New code hosting app",
        "Many people use a new app for source code; see that no code leaves that should not.",
        Low,
        "CODE_HOSTING",
    ),
    (
        "new-collaboration-app",
        "New collaboration app",
        "Many people work together in an app that is new here.",
        Low,
        "COLLABORATION",
    ),
    ("new-crm-app", "New CRM app", "Many people use a new app for data of customers.", Low, "CRM"),
    (
        "new-human-resource-management-app",
        "New human resource management app",
        "Many people use a new app for data of employees.",
        Low,
        "HUMAN_RESOURCE_MANAGEMENT",
    ),
    (
        "new-online-meetings-app",
        "New online meetings app",
        "Many people meet in an app that is new here.",
        Low,
        "ONLINE_MEETINGS",
    ),
    ("new-sales-app", "New sales app", "Many people use a new app for sales.", Low, "SALES"),
    (
        "new-vendor-management-system-app",
        "New vendor management app",
        "Many people use a new app for data of suppliers.",
        Low,
        "VENDOR_MANAGEMENT_SYSTEM",
    ),
];

/// New apps of a category that are used by many and miss at least one of the named claims, of those that the
/// catalogue knows.
const NOT_COMPLIANT: &[(OfCategory, &[&str])] = &[
    (
        (
            "collaboration-app-compliance-check",
            "Collaboration app compliance check",
            "A new collaboration app is used by many, and its vendor does not claim SOC 2.",
            Medium,
            "COLLABORATION",
        ),
        &["soc2"],
    ),
    (
        (
            "cloud-storage-app-compliance-check",
            "Cloud storage app compliance check",
            "A new storage app is used by many, and its vendor does not claim all of SOC 2 and PCI DSS.",
            Medium,
            "CLOUD_STORAGE",
        ),
        &["soc2", "pciDss"],
    ),
    (
        (
            "crm-app-compliance-check",
            "CRM app compliance check",
            "A new CRM app is used by many, and its vendor does not claim all of SOC 2, ISO 27001 and HIPAA.",
            Medium,
            "CRM",
        ),
        &["soc2", "iso27001", "hipaa"],
    ),
];

/// All templates, as the policies that they would make.
pub fn templates() -> Vec<Policy> {
    let template = |id: &str, name: &str, description: &str, severity, conditions| Policy {
        id: id.to_owned(),
        name: name.to_owned(),
        description: description.to_owned(),
        kind: PolicyKind::AppDiscovery,
        severity,
        conditions,
        enabled: true,
    };
    let of_category = |&(id, name, description, severity, category): &OfCategory, missing: &[&str]| {
        let conditions = Conditions {
            categories: Choice::of([format!("SAASDB_CATEGORY_{category}").as_str()]),
            missing_claims: Choice::of(missing.iter().copied()),
            daily: MUCH_USED,
            ..Conditions::default()
        };
        template(id, name, description, severity, conditions)
    };
    let daily = |daily| Conditions { daily, ..Conditions::default() };
    let mut all = vec![
        template(
            "new-risky-app",
            "New risky app",
            "Many people use a new app with a risk score below 6, which few or no claims of compliance back.",
            High,
            Conditions { score_below: Some(6), daily: MUCH_USED, ..Conditions::default() },
        ),
        template(
            "new-high-volume-app",
            "New high volume app",
            "More than 500 MB in a day with an app that is new here may be a migration, a backup or a leak.",
            Medium,
            daily(Thresholds { total_bytes_above: Some(500 * MEGABYTE), ..Thresholds::default() }),
        ),
        template(
            "new-high-upload-volume-app",
            "New high upload volume app",
            "More than 500 MB were uploaded in a day to an app that is new here.",
            Medium,
            daily(Thresholds { uploaded_bytes_above: Some(500 * MEGABYTE), ..Thresholds::default() }),
        ),
        template(
            "new-popular-app",
            "New popular app",
            "More than 500 people use an app that is new here.",
            Low,
            daily(Thresholds { users_above: Some(500), ..Thresholds::default() }),
        ),
    ];
    all.extend(OF_CATEGORY.iter().map(|one| of_category(one, &[])));
    all.extend(NOT_COMPLIANT.iter().map(|(one, missing)| of_category(one, missing)));
    all
}
