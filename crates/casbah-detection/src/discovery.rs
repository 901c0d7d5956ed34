//! Discovery policies: which apps of a stream deserve a finding.

use casbah_model::StreamKind;

use crate::facts::{AppFacts, DayFacts};
use crate::finding::{Evidence, Finding};
use crate::policy::{Conditions, Policy, PolicyKind, Thresholds};

/// Names and addresses kept with a finding.
const LISTED: usize = 100;

/// Findings of all enabled policies over one stream, in the order of policies, then of apps.
///
/// `stream` is its kind and id. An app gives at most one finding to a policy, from the earliest day that meets
/// it; to a policy on new apps only while it is new to the stream. `already_raised` answers for a policy and an app whether the stream has had that
/// finding within 90 days: an app may be new, stay below a threshold on its first day and exceed it on the
/// next, so being new does not prove that nothing was raised.
pub fn evaluate(
    policies: &[Policy],
    (kind, stream): (StreamKind, &str),
    apps: &[AppFacts],
    already_raised: &dyn Fn(&str, u32) -> bool,
) -> Vec<Finding> {
    if kind == StreamKind::Snapshot {
        return Vec::new();
    }
    let enabled = policies.iter().filter(|policy| policy.enabled && policy.kind == PolicyKind::AppDiscovery);
    enabled
        .flat_map(|policy| {
            let found =
                apps.iter().filter_map(move |app| Some((app, first_day(&policy.conditions, stream, app)?)));
            found
                .filter(|(app, _)| !already_raised(&policy.id, app.app_id))
                .map(move |(app, day)| finding(policy, app, day))
        })
        .collect()
}

/// The earliest day that meets the conditions.
fn first_day<'a>(conditions: &Conditions, stream: &str, app: &'a AppFacts) -> Option<&'a DayFacts> {
    if !conditions.wants(stream, app) {
        return None;
    }
    app.days.iter().filter(|day| day.events > 0 && exceeds(&conditions.daily, day)).min_by_key(|day| day.day)
}

fn exceeds(thresholds: &Thresholds, day: &DayFacts) -> bool {
    let above = |limit: Option<u64>, amount: u64| limit.is_none_or(|limit| amount > limit);
    above(thresholds.total_bytes_above, day.total)
        && above(thresholds.uploaded_bytes_above, day.up)
        && above(thresholds.downloaded_bytes_above, day.down)
        && above(thresholds.users_above, day.users.len() as u64)
        && above(thresholds.ips_above, day.ips.len() as u64)
        && above(thresholds.events_above, day.events)
}

fn finding(policy: &Policy, app: &AppFacts, day: &DayFacts) -> Finding {
    Finding {
        policy_id: policy.id.clone(),
        app_id: app.app_id,
        app_name: app.name.clone(),
        category: app.category.clone(),
        score: app.score,
        title: format!("{}: {}", policy.name, app.name),
        description: describe(policy, app, day),
        evidence: Evidence {
            day: day.day,
            events: day.events,
            total_bytes: day.total,
            uploaded_bytes: day.up,
            users: day.users.len() as u64,
            user_names: listed(&day.users),
            ips: listed(&day.ips),
        },
        severity: policy.severity,
    }
}

fn describe(policy: &Policy, app: &AppFacts, day: &DayFacts) -> String {
    let score = match app.score {
        Some(score) => format!("has a risk score of {score} out of 10"),
        None => "has no risk score".to_owned(),
    };
    let seen = if app.newly_seen { "was seen for the first time in 90 days" } else { "is in use" };
    format!(
        "{} {seen}, and {score}. On that day: {} by {} from {}, {} in total, \
         {} uploaded. {}",
        app.name,
        counted(day.events, "transaction", "transactions"),
        counted(day.users.len() as u64, "user", "users"),
        counted(day.ips.len() as u64, "address", "addresses"),
        bytes(day.total),
        bytes(day.up),
        policy.description,
    )
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Decimal units, as network traffic is counted.
fn bytes(count: u64) -> String {
    const UNITS: [(u64, &str); 4] =
        [(1_000_000_000_000, "TB"), (1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    match UNITS.iter().find(|(size, _)| count >= *size) {
        // Cut, not rounded, so that the text never says more than there was.
        Some((size, unit)) => format!("{}.{} {unit}", count / size, count % size / (size / 10)),
        None => counted(count, "byte", "bytes"),
    }
}

fn listed(names: &[String]) -> Vec<String> {
    let mut names = names.to_vec();
    names.sort();
    names.truncate(LISTED);
    names
}
