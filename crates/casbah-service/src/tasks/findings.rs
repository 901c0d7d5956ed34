//! From usage to findings, and from findings to alerts.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use casbah_detection::{AppFacts, DayFacts, Finding, Policy, PolicyKind};
use casbah_discovery::Catalogue;
use casbah_model::{
    Alert, AlertEntity, AlertStatus, AppTag, Guid, PolicyRecord, Reach, RecordId, Resolution, Stream,
    TenantId, Timestamp, UsageRow,
};
use casbah_store::usage::{self, Scope};
use casbah_store::{Tx, app_tags};
use serde_json::{Map, Value as Json, json};

use crate::policies::{NEW_SERVICE, app_rule, story};

/// A policy raises one alert about an app in a stream within this time.
pub(crate) const ONCE_IN: Duration = Duration::from_secs(90 * 24 * 60 * 60);
const MEMORY_DAYS: i64 = 90;
/// An app stays new for a week, so that it can exceed a daily threshold after its first day.
const NEW_FOR_DAYS: i64 = 7;
/// Our number for "new app discovered" (ALERT_CABINET_DISCOVERY_NEW_SERVICE); the original is not public.
const ALERT_TYPE: i64 = 15_728_645;
/// Users and addresses that an alert names, each.
const NAMED: usize = 20;

/// Where usage came in.
pub(crate) struct Place<'s> {
    pub(crate) tenant: TenantId,
    pub(crate) stream: &'s Stream,
    pub(crate) catalogue: &'s Catalogue,
}

/// An app in a log, and the days on which it was used there.
#[derive(Clone, Debug)]
pub(crate) struct Touched {
    pub(crate) app: i64,
    pub(crate) first_day: i64,
    pub(crate) last_day: i64,
}

/// The apps of a log.
pub(crate) fn touched(rows: &[UsageRow]) -> Vec<Touched> {
    let mut apps: BTreeMap<i64, Touched> = BTreeMap::new();
    for row in rows {
        let new = Touched { app: row.app, first_day: row.day, last_day: row.day };
        let app = apps.entry(row.app).or_insert(new);
        app.first_day = app.first_day.min(row.day);
        app.last_day = app.last_day.max(row.day);
    }
    apps.into_values().collect()
}

/// What the policies find in the stream as it is now, usage of this log included.
///
/// Of an app that is new to the stream all days count, since it may exceed a threshold after its first; of one that
/// is known, those of this log.
pub(crate) fn evaluate(
    tx: &mut Tx<'_>,
    place: &Place<'_>,
    records: &[PolicyRecord],
    touched: &[Touched],
    now: Timestamp,
) -> Result<Vec<(PolicyRecord, Finding)>, casbah_store::Error> {
    let rules: Vec<Policy> = records.iter().filter_map(as_set).collect();
    if rules.is_empty() {
        return Ok(Vec::new());
    }
    let tags = app_tags::list(tx, place.tenant)?;
    let today = now.0.div_euclid(86_400_000);
    let (kind, stream) = (place.stream.kind, &place.stream.id);
    let mut facts = Vec::new();
    for app in touched {
        let Some(known) = app_facts(place.catalogue, &tags, app.app) else { continue };
        let first = usage::first_day(tx, place.tenant, stream, app.app, today - MEMORY_DAYS)?;
        let first = first.unwrap_or(app.first_day);
        let newly_seen = first >= app.first_day - NEW_FOR_DAYS;
        let known = AppFacts { newly_seen, ..known };
        // Their days are looked up only where they could matter.
        if !rules.iter().any(|rule| rule.conditions.wants(stream.as_str(), &known)) {
            continue;
        }
        let from_day = if newly_seen { first } else { app.first_day };
        let scope =
            Scope { reach: Reach::Everything, stream: Some(stream.clone()), from_day, to_day: app.last_day };
        let rows = usage::of_app(tx, place.tenant, &scope, app.app)?;
        facts.push(AppFacts { days: days(&rows), ..known });
    }
    // Whether a finding is news is decided where it is recorded.
    let found = casbah_detection::evaluate(&rules, (kind, stream.as_str()), &facts, &|_, _| false);
    let record = |id: &str| records.iter().find(|record| record.id.as_str() == id).cloned();
    Ok(found.into_iter().filter_map(|finding| Some((record(&finding.policy_id)?, finding))).collect())
}

/// A policy on discovered apps as the engine takes it; none for one of another type.
fn as_set(record: &PolicyRecord) -> Option<Policy> {
    (record.policy_type == NEW_SERVICE).then(|| Policy {
        id: record.id.to_string(),
        name: record.name.clone(),
        description: record.description.clone(),
        kind: PolicyKind::AppDiscovery,
        severity: record.severity,
        conditions: app_rule(record).conditions,
        enabled: record.enabled,
    })
}

/// What is known of an app, beside its use; none when the catalogue does not have it any more.
fn app_facts(catalogue: &Catalogue, tags: &[AppTag], app: i64) -> Option<AppFacts> {
    let known = catalogue.app(u32::try_from(app).ok()?)?;
    let tags = tags.iter().filter(|tag| tag.apps.contains(&app)).map(|tag| tag.name.clone());
    Some(AppFacts {
        app_id: known.id,
        name: known.name.clone(),
        category: known.category.clone(),
        score: known.score,
        vendor: known.vendor.clone(),
        headquarters: known.headquarters.clone(),
        founded: known.founded,
        domains: known.domains.clone(),
        tags: tags.collect(),
        claims: known.claims.made().map(str::to_owned).collect(),
        ..AppFacts::default()
    })
}

fn days(rows: &[UsageRow]) -> Vec<DayFacts> {
    let mut days: BTreeMap<i64, (DayFacts, BTreeSet<&str>, BTreeSet<&str>)> = BTreeMap::new();
    let amount = |n: i64| u64::try_from(n).unwrap_or(0);
    for row in rows {
        let (day, users, ips) = days.entry(row.day).or_default();
        day.events = day.events.saturating_add(amount(row.events));
        day.total = day.total.saturating_add(amount(row.total));
        day.up = day.up.saturating_add(amount(row.uploaded));
        day.down = day.down.saturating_add(amount(row.downloaded));
        if !row.user.is_empty() {
            users.insert(&row.user);
        }
        ips.insert(&row.ip);
    }
    let names = |set: BTreeSet<&str>| set.into_iter().map(String::from).collect();
    let days = days.into_iter().filter_map(|(number, (day, users, ips))| {
        Some(DayFacts { day: i32::try_from(number).ok()?, users: names(users), ips: names(ips), ..day })
    });
    days.collect()
}

/// The alert that tells people of a finding.
pub(crate) fn alert(
    stream: &Stream,
    policy: &PolicyRecord,
    finding: &Finding,
    id: &RecordId,
    context: Guid,
    now: Timestamp,
) -> Alert {
    Alert {
        id: id.clone(),
        raised: now,
        title: finding.title.clone(),
        description: finding.description.clone(),
        severity: finding.severity,
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
        alert_type: ALERT_TYPE,
        stories: vec![story(policy)],
        intent: Vec::new(),
        entities: entities(stream, policy, finding),
        evidence: evidence(stream, finding),
        context,
    }
}

fn entities(stream: &Stream, policy: &PolicyRecord, finding: &Finding) -> Vec<AlertEntity> {
    let entity = |kind: &str, id: &str, label: &str, extra: &[(&str, Json)]| AlertEntity {
        kind: kind.into(),
        id: id.into(),
        label: label.into(),
        extra: extra.iter().map(|(key, value)| ((*key).to_string(), value.clone())).collect::<Map<_, _>>(),
    };
    let app = finding.app_id.to_string();
    let policy_type = json!(policy.policy_type);
    let mut all = vec![
        entity("discovery_service", &app, &finding.app_name, &[]),
        entity("service", &app, &finding.app_name, &[]),
        entity("discovery_stream", stream.id.as_str(), &stream.name, &[]),
        entity("policyRule", policy.id.as_str(), &policy.name, &[("policyType", policy_type)]),
    ];
    let seen = &finding.evidence;
    all.extend(seen.user_names.iter().take(NAMED).map(|name| entity("discovery_user", name, name, &[])));
    all.extend(seen.ips.iter().take(NAMED).map(|ip| entity("discovery_ip", ip, ip, &[])));
    all
}

fn evidence(stream: &Stream, finding: &Finding) -> Vec<Json> {
    let seen = &finding.evidence;
    let day = Timestamp(i64::from(seen.day).saturating_mul(86_400_000)).iso();
    let day = day.get(..10).unwrap_or(&day);
    vec![json!({
        "title": format!("{} on {day}, in {}", finding.app_name, stream.name),
        "description": format!(
            "transactions: {}, bytes: {} (uploaded: {}), users: {}, addresses: {}",
            seen.events, seen.total_bytes, seen.uploaded_bytes, seen.users, seen.ips.len()
        ),
    })]
}
