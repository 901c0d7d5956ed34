//! The alert that tells people what a policy found in activities.

use std::collections::BTreeSet;

use casbah_detection::Journey;
use casbah_model::{
    Activity, Alert, AlertEntity, AlertStatus, Guid, PolicyRecord, RecordId, Resolution, Timestamp,
};
use serde_json::{Value, json};

use super::template_of;
use crate::policies::story;

/// Number of "activity policy match" (ALERT_CABINET_EVENT_MATCH_AUDIT); the original is not public.
const ALERT_TYPE: i64 = 15_728_641;
/// The directory among the apps, and the kind of an account there.
const DIRECTORY_APP: i64 = 11161;
const ACCOUNT: i64 = 2;
/// Activities that the evidence tells one by one, and addresses and countries that an alert names, each.
const TOLD: usize = 5;
const NAMED: usize = 20;

/// Why a group of activities deserves an alert.
pub(super) enum Found {
    /// Each one does.
    Each,
    /// So many within so many minutes.
    Repeated { total: i64, minutes: i64 },
    /// The first one of that person in so many days.
    First { days: i64 },
    /// Nobody travels as fast.
    Travel(Journey),
}

/// The alert; `group` is in the order of time and never empty.
pub(super) fn alert(
    policy: &PolicyRecord,
    found: &Found,
    group: &[Activity],
    (id, context): (&RecordId, Guid),
    now: Timestamp,
) -> Alert {
    let template = template_of(policy);
    Alert {
        id: id.clone(),
        raised: now,
        title: policy.name.clone(),
        description: description(policy, found, group),
        severity: policy.severity,
        status: AlertStatus::Unread,
        resolution: Resolution::Open,
        resolved: None,
        comment: String::new(),
        reason: None,
        handled_by: None,
        policy: policy.id.clone(),
        policy_name: policy.name.clone(),
        policy_type: policy.policy_type.clone(),
        built_in: !policy.template.is_empty(),
        alert_type: template.as_ref().map_or(ALERT_TYPE, |one| one.alert_type),
        stories: vec![story(policy)],
        intent: template.map(|one| one.intent.to_vec()).unwrap_or_default(),
        entities: entities(policy, group),
        evidence: group.iter().take(TOLD).map(told).collect(),
        context,
    }
}

fn description(policy: &PolicyRecord, found: &Found, group: &[Activity]) -> String {
    let who = group.first().and_then(name).unwrap_or("Somebody");
    let action = group.first().map(|a| a.action.as_str()).unwrap_or_default();
    let addresses: Vec<String> = addresses(group).into_iter().take(TOLD).collect();
    let from = if addresses.is_empty() { String::new() } else { format!(", from {}", addresses.join(", ")) };
    let seen = match found {
        Found::Each => format!("{who}: {action}{from}."),
        Found::Repeated { total, minutes } => {
            format!("{who}: {total} activities within {minutes} minutes, the first of them {action}{from}.")
        }
        Found::First { days } => format!("{who}: {action}{from}, for the first time in {days} days."),
        Found::Travel(way) => {
            let place = |activity: &Activity| {
                let location = activity.facts.location.as_ref();
                let city = location.and_then(|place| place.name.clone());
                match (city, activity.country.clone()) {
                    (Some(city), Some(country)) => format!("{city}, {country}"),
                    (Some(one), None) | (None, Some(one)) => one,
                    (None, None) => activity.address.clone().unwrap_or_else(|| "an unnamed place".into()),
                }
            };
            let places: Vec<String> = group.iter().map(place).collect();
            format!(
                "{who} was active in {}, {} km apart, within {} minutes{from}.",
                places.join(" and then in "),
                way.kilometres,
                way.minutes
            )
        }
    };
    format!("{seen} {}", policy.description).trim_end().to_string()
}

fn name(activity: &Activity) -> Option<&str> {
    activity.user_name.as_deref().or(activity.actor.as_deref())
}

fn addresses(group: &[Activity]) -> BTreeSet<String> {
    group.iter().filter_map(|activity| activity.address.clone()).collect()
}

fn entities(policy: &PolicyRecord, group: &[Activity]) -> Vec<AlertEntity> {
    let entity = |kind: &str, id: &str, label: &str, extra: &[(&str, Value)]| AlertEntity {
        kind: kind.into(),
        id: id.into(),
        label: label.into(),
        extra: extra.iter().map(|(key, value)| ((*key).to_string(), value.clone())).collect(),
    };
    let mut all = vec![entity(
        "policyRule",
        policy.id.as_str(),
        &policy.name,
        &[("policyType", json!(policy.policy_type))],
    )];
    let mut add = |new: AlertEntity| {
        if !all.iter().any(|known| known.kind == new.kind && known.id == new.id) {
            all.push(new);
        }
    };
    for activity in group {
        if let Some(label) = name(activity) {
            let id = activity.actor.as_deref().unwrap_or(label);
            let mail = label.contains('@').then_some(label);
            let extra = [
                ("entityType", json!(ACCOUNT)),
                ("saas", json!(DIRECTORY_APP)),
                ("inst", json!(0)),
                ("pa", json!(label)),
                ("em", json!(mail)),
            ];
            add(entity("account", id, label, &extra));
        }
        let app = activity.service.to_string();
        add(entity("service", &app, &activity.facts.service_name, &[("inst", json!(activity.instance))]));
    }
    for address in addresses(group).into_iter().take(NAMED) {
        add(entity("ip", &address, &address, &[("triggeredAlert", json!(true))]));
    }
    let countries: BTreeSet<&String> =
        group.iter().filter_map(|activity| activity.country.as_ref()).collect();
    for country in countries.into_iter().take(NAMED) {
        add(entity("country", country, country, &[]));
    }
    all
}

/// One activity in a few words.
fn told(activity: &Activity) -> Value {
    let place = [activity.address.as_deref(), activity.country.as_deref()];
    let place: Vec<&str> = place.into_iter().flatten().collect();
    let object = activity.facts.objects.first();
    let object = object.map(|o| if o.name.is_empty() { &o.id } else { &o.name });
    let mut parts = vec![activity.at().iso()];
    parts.extend(name(activity).map(String::from));
    parts.extend(object.cloned());
    parts.extend((!place.is_empty()).then(|| place.join(", ")));
    json!({
        "title": format!("{} in {}", activity.action, activity.facts.service_name),
        "description": parts.join(" · "),
    })
}
