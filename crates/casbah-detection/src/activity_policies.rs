//! The built-in policies on activities. They need no training: what they look for can be said in a sentence,
//! and that sentence is their description.

use casbah_model::Severity;
use casbah_model::filter::{ActivityField, Condition, Operand, Test};

use crate::activity::{ActivityRule, Shape};

/// A built-in policy on activities.
#[derive(Clone, Debug)]
pub struct ActivityPolicy {
    /// Stable words.
    pub id: &'static str,
    /// As shown.
    pub name: &'static str,
    /// What it is for, in a sentence or two.
    pub description: &'static str,
    /// How bad its findings are.
    pub severity: Severity,
    /// Number of the type of its alerts.
    pub alert_type: i64,
    /// Risk category of its alerts.
    pub story: i64,
    /// Stages of an attack that it speaks of.
    pub intent: &'static [i64],
    /// What it looks for.
    pub rule: ActivityRule,
}

/// Tags of addresses that hide who is behind them: anonymous proxy, Tor.
const ANONYMOUS: &[&str] = &["000000030000000000000000", "2dfa95cd7922d979d66fcff5"];
/// Tags of addresses that are known for attacks: botnet, command and control, scanning of the darknet, brute force.
const SUSPICIOUS: &[&str] = &[
    "0000000c0000000000000000",
    "0000000d0000000000000000",
    "0000001f0000000000000000",
    "000000380000000000000000",
];
/// Number of the category of risky addresses.
const RISKY: i64 = 3;
/// Categories of addresses that many people come from, wherever they are: VPN, cloud provider.
const SHARED: [i64; 2] = [4, 5];

/// What somebody becomes an administrator by: here, in Entra ID, Google Workspace and Okta.
const NEW_ADMINISTRATOR: &[&str] = &[
    "EVENT_CASBAH_ADD_ROLE",
    "EVENT_CASBAH_ADD_ADMINISTRATOR",
    "EVENT_ADD_MEMBER_TO_ROLE",
    "EVENT_ADD_MEMBER_TO_ROLE_",
    "EVENT_ASSIGN_ROLE",
    "EVENT_GRANT_ADMIN_PRIVILEGE",
    "EVENT_USER_ACCOUNT_PRIVILEGE_GRANT",
];
/// What gives an application another credential: here and in Entra ID.
const NEW_CREDENTIAL: &[&str] = &[
    "EVENT_CASBAH_ADD_SECRET",
    "EVENT_CASBAH_ADD_CERTIFICATE",
    "EVENT_CASBAH_ADD_FEDERATED_CREDENTIAL",
    "EVENT_ADD_SERVICE_PRINCIPAL_CREDENTIALS",
    "EVENT_ADD_SERVICE_PRINCIPAL_CREDENTIALS_",
    "EVENT_UPDATE_APPLICATION___CERTIFICATES_AND_SECRETS_MANAGEMENT",
    "EVENT_UPDATE_APPLICATION___CERTIFICATES_AND_SECRETS_MANAGEMENT_",
];

const A_DAY: i64 = 24 * 60;

/// The built-in policies on activities, all of them enabled.
pub fn built_in_on_activities() -> Vec<ActivityPolicy> {
    vec![
        ActivityPolicy {
            id: "failed-log-ons",
            name: "Multiple failed log-ons",
            description: "Ten failed log-ons of one person within five minutes: somebody may be guessing the password.",
            severity: Severity::Medium,
            alert_type: 15_859_721,
            story: 0,
            intent: &[6],
            rule: repeated(category("EVENT_CATEGORY_FAILED_LOGIN"), 10, 5),
        },
        ActivityPolicy {
            id: "impossible-travel",
            name: "Impossible travel activity",
            description: "One person was active in two places, with less time between them than the way takes. Only \
                          activities that worked count, and only those whose place is known; addresses of VPNs and \
                          cloud providers say nothing about where somebody is.",
            severity: Severity::Medium,
            alert_type: 15_859_716,
            story: 0,
            intent: &[2],
            rule: ActivityRule {
                any: vec![vec![
                    is(ActivityField::Failure, vec![Operand::Nothing]),
                    Condition {
                        field: ActivityField::IpCategory,
                        test: Test::NoneOf(SHARED.map(Operand::Number).to_vec()),
                    },
                ]],
                shape: Shape::Travel { kilometres_per_hour: 900, kilometres: 500 },
                joined_within_minutes: A_DAY,
                not_by_system: true,
            },
        },
        ActivityPolicy {
            id: "anonymous-address",
            name: "Activity from an anonymous IP address",
            description: "The address is tagged as an anonymous proxy or as Tor; somebody hides where they are.",
            severity: Severity::Medium,
            alert_type: 15_859_717,
            story: 0,
            intent: &[2, 5],
            rule: each(vec![vec![tagged(ANONYMOUS)]], A_DAY),
        },
        ActivityPolicy {
            id: "risky-address",
            name: "Activity from a risky IP address",
            description: "The address lies in a range of the category Risky, or is tagged as one that attacks come from.",
            severity: Severity::Medium,
            alert_type: 15_859_718,
            story: 0,
            intent: &[2],
            rule: each(
                vec![
                    vec![is(ActivityField::IpCategory, vec![Operand::Number(RISKY)])],
                    vec![tagged(SUSPICIOUS)],
                ],
                A_DAY,
            ),
        },
        ActivityPolicy {
            id: "new-administrator",
            name: "New administrator",
            description: "Somebody was given a role that administers. Make sure that it was meant.",
            severity: Severity::Low,
            alert_type: 15_859_719,
            story: 1,
            intent: &[4],
            rule: each(vec![vec![worked(), action_types(NEW_ADMINISTRATOR)]], 0),
        },
        ActivityPolicy {
            id: "mass-download",
            name: "Mass download by a single user",
            description: "Thirty downloads of one person within five minutes; somebody may be taking data away.",
            severity: Severity::Medium,
            alert_type: 15_859_722,
            story: 3,
            intent: &[10, 11],
            rule: repeated(category("EVENT_CATEGORY_DOWNLOAD_FILE"), 30, 5),
        },
        ActivityPolicy {
            id: "mass-delete",
            name: "Mass delete by a single user",
            description: "Thirty deletions of one person within five minutes; somebody may be destroying data.",
            severity: Severity::Medium,
            alert_type: 15_859_723,
            story: 0,
            intent: &[13],
            rule: repeated(category("EVENT_CATEGORY_DELETE_OBJECT"), 30, 5),
        },
        ActivityPolicy {
            id: "unusual-credential",
            name: "Unusual addition of credentials to an application",
            description: "A secret, a certificate or a trusted issuer was added to an application by somebody who had \
                          not done so in the 90 days before. Whoever holds it can act as the application.",
            severity: Severity::Medium,
            alert_type: 15_859_720,
            story: 0,
            intent: &[3, 4],
            rule: ActivityRule {
                any: vec![vec![worked(), action_types(NEW_CREDENTIAL)]],
                shape: Shape::FirstIn { days: 90 },
                joined_within_minutes: 0,
                not_by_system: true,
            },
        },
    ]
}

fn each(any: Vec<Vec<Condition<ActivityField>>>, joined_within_minutes: i64) -> ActivityRule {
    ActivityRule { any, shape: Shape::Each, joined_within_minutes, not_by_system: true }
}

fn repeated(condition: Condition<ActivityField>, minimum: i64, within_minutes: i64) -> ActivityRule {
    ActivityRule {
        any: vec![vec![condition]],
        shape: Shape::Repeated { minimum, within_minutes, in_single_app: false },
        joined_within_minutes: within_minutes,
        not_by_system: true,
    }
}

fn is(field: ActivityField, any_of: Vec<Operand>) -> Condition<ActivityField> {
    Condition { field, test: Test::AnyOf(any_of) }
}

fn texts(all: &[&str]) -> Vec<Operand> {
    all.iter().map(|text| Operand::Text((*text).to_owned())).collect()
}

fn category(name: &str) -> Condition<ActivityField> {
    is(ActivityField::Category, texts(&[name]))
}

fn action_types(names: &[&str]) -> Condition<ActivityField> {
    is(ActivityField::ActionType, texts(names))
}

fn tagged(ids: &[&str]) -> Condition<ActivityField> {
    is(ActivityField::IpTag, texts(ids))
}

fn worked() -> Condition<ActivityField> {
    is(ActivityField::Failure, vec![Operand::Nothing])
}
