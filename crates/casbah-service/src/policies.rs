//! Policies: list, make, change, delete. What they find is decided where things arrive: logs in
//! `tasks/`, activities in `detection.rs`, files in `detection/files.rs`.

mod app_rules;

use casbah_authority::Caller;
use casbah_model::{Access, Bound, Part, PolicyRecord, Reach, RecordId, Severity, TenantId, Timestamp};
use casbah_store::files::matches;
use casbah_store::{Tx, audit, policies};
use serde_json::{Value, json};

use crate::{Error, Service};

pub use app_rules::AppRule;
pub(crate) use app_rules::app_rule;
pub use casbah_detection::{
    ActivityRule, Choice, Conditions, FileRule, Policy as Template, Shape, Thresholds,
};
pub use casbah_discovery::Claims;

/// The policy type of app discovery policies.
pub const NEW_SERVICE: &str = "NEW_SERVICE";
/// The policy type of a tenant's own policies on activities.
pub const AUDIT: &str = "AUDIT";
/// The policy type of the built-in policies on activities.
pub const ANOMALY_DETECTION: &str = "ANOMALY_DETECTION";
/// The policy type of policies on files.
pub const FILE: &str = "FILE";
/// The policy type of built-in policies on how cloud discovery goes.
pub const ANOMALY_DISCOVERY: &str = "ANOMALY_DISCOVERY";
/// The policy type of policies on applications and what they may do.
pub const APP_PERMISSION: &str = "APP_PERMISSION";

/// Types of which a tenant can make policies of its own: those that are evaluated here.
const CREATABLE: &[&str] = &[AUDIT, FILE, NEW_SERVICE];
/// Types that clients know.
const KNOWN: &[&str] = &[
    "INLINE",
    AUDIT,
    ANOMALY_DETECTION,
    NEW_SERVICE,
    ANOMALY_DISCOVERY,
    FILE,
    "MALWARE",
    "SESSION",
    "ACCESS",
    APP_PERMISSION,
    "APP_PERMISSION_ANOMALY",
];

/// Risk category THREAT_DETECTION.
const STORY_THREAT: i64 = 0;
/// Risk category DLP.
const STORY_DLP: i64 = 3;
/// Risk category DISCOVERY.
pub const STORY_DISCOVERY: i64 = 4;
/// Risk category CONFIGURATION_MONITORING.
pub const STORY_CONFIGURATION: i64 = 8;
/// Numbers of the risk categories.
const STORIES: [i64; 8] = [0, 1, 2, 3, 4, 5, 7, 8];

/// Policies of a tenant, built-in ones included.
const MOST_POLICIES: usize = 500;
/// Longest name and description, in characters.
const LONGEST_NAME: usize = 200;
const LONGEST_DESCRIPTION: usize = 4_000;
/// The highest daily limit.
const MOST_ALERTS: i64 = 10_000;
/// Alerts on one day of a new policy on activities or files that does not say how many.
const USUAL_ALERTS: i64 = 5;
const MS_OF_DAY: i64 = 86_400_000;

/// A policy, what it looks for, and what it has brought.
#[derive(Clone, Debug)]
pub struct PolicyView {
    /// The policy.
    pub policy: PolicyRecord,
    /// What it looks for; none where that cannot be set.
    pub rule: Option<Rule>,
    /// Its alerts that are open, of those that the caller sees.
    pub open_alerts: i64,
}

/// What a policy looks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    /// Apps in continuous reports.
    Discovery(Box<AppRule>),
    /// Activities.
    Activities {
        /// Its conditions as they were written; null for a built-in one, whose conditions stay.
        filters: Value,
        /// What they come to.
        rule: ActivityRule,
    },
    /// Files.
    Files {
        /// Its conditions as they were written.
        filters: Value,
        /// What they come to.
        rule: FileRule,
    },
}

/// How a rule on files is stored.
#[derive(serde::Serialize, serde::Deserialize)]
struct StoredFiles {
    filters: Value,
    rule: FileRule,
}

/// How a rule on activities is stored.
#[derive(serde::Serialize, serde::Deserialize)]
struct StoredActivities {
    filters: Value,
    rule: ActivityRule,
}

/// How what a tenant changed about a built-in one is stored.
#[derive(serde::Serialize, serde::Deserialize)]
struct StoredShape {
    shape: Shape,
}

/// What a policy is to be. A new one needs a name and a type; what a change leaves out stays.
#[derive(Clone, Debug, Default)]
pub struct PolicyDetails {
    /// Its type; a change can only repeat it.
    pub policy_type: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// What it looks for, for people.
    pub description: Option<String>,
    /// Severity of its alerts.
    pub severity: Option<Severity>,
    /// Whether it is evaluated.
    pub enabled: Option<bool>,
    /// Risk category of its alerts.
    pub story: Option<i64>,
    /// Alerts on one day at the most; `Some(None)` takes the limit away.
    pub daily_limit: Option<Option<i64>>,
    /// What it looks for.
    pub rule: Option<Rule>,
}

impl Service {
    /// Lists all policies, by name. Whoever sees policies sees all of them.
    pub async fn list_policies(&self, caller: &Caller) -> Result<Vec<PolicyView>, Error> {
        let (tenant, reach) = (caller.tenant, caller.reach(Part::Alerts, Access::Read));
        self.prepare_tenant(tenant).await?;
        let found = self.store.read(move |tx| {
            let open = policies::open_alerts(tx, tenant, &reach)?;
            let count = |id: &RecordId| open.iter().find(|(policy, _)| policy == id).map_or(0, |(_, n)| *n);
            let all = policies::list(tx, tenant)?.into_iter();
            Ok::<_, Error>(all.map(|policy| view(policy, &count)).collect())
        });
        found.await
    }

    /// Fetches a policy.
    pub async fn policy(&self, caller: &Caller, id: RecordId) -> Result<PolicyView, Error> {
        let found = self.list_policies(caller).await?.into_iter().find(|view| view.policy.id == id);
        found.ok_or(Error::NotFound)
    }

    /// Whether the caller may change policies at all.
    ///
    /// # Errors
    /// [`Error::Forbidden`] says who may.
    pub fn may_change_policies(caller: &Caller) -> Result<(), Error> {
        may_change(caller, None)
    }

    /// The types of which the caller may make policies.
    pub fn types_of_new_policies(caller: &Caller) -> Vec<&'static str> {
        CREATABLE
            .iter()
            .copied()
            .filter(|one| Service::type_of_new_policy(caller, Some(one)).is_ok())
            .collect()
    }

    /// The type of a policy that the caller wants to make, in its one spelling.
    ///
    /// # Errors
    /// When policies of that type are not evaluated, or the caller may not make any.
    pub fn type_of_new_policy(caller: &Caller, given: Option<&str>) -> Result<&'static str, Error> {
        may_change(caller, None)?;
        let policy_type = creatable(given)?;
        may_change(caller, Some(policy_type))?;
        Ok(policy_type)
    }

    /// Makes a policy.
    pub async fn create_policy(&self, caller: &Caller, details: PolicyDetails) -> Result<PolicyView, Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let policy_type = Service::type_of_new_policy(caller, details.policy_type.as_deref())?;
        let missing = |field: &str| Error::invalid(field, "is missing");
        let rule = details.rule.clone().ok_or_else(|| missing("filters"))?;
        let template = PolicyRecord {
            id: RecordId::new(now),
            template: String::new(),
            name: details.name.clone().ok_or_else(|| missing("name"))?,
            description: String::new(),
            policy_type: policy_type.to_string(),
            severity: Severity::Medium,
            enabled: true,
            created: now,
            modified: now,
            rule: stored(&rule)?,
            story: None,
            daily_limit: matches!(policy_type, AUDIT | FILE).then_some(USUAL_ALERTS),
            flow: None,
        };
        self.prepare_tenant(tenant).await?;
        let record = caller.audit(now, "create policy", "policy", &template.id, Value::Null);
        let catalogue = self.catalogue_of(tenant).await?;
        self.store
            .write(move |tx| {
                let mut details = details.clone();
                if let Some(Rule::Discovery(rule)) = &mut details.rule {
                    **rule = app_rules::checked(tx, tenant, &catalogue, rule)?;
                }
                let template = PolicyRecord {
                    rule: stored(details.rule.as_ref().unwrap_or(&rule))?,
                    ..template.clone()
                };
                let policy = applied(&details, template, now)?;
                check_name(tx, tenant, &policy)?;
                policies::insert(tx, tenant, &policy)?;
                look_again(tx, tenant, None, &policy, now)?;
                audit::append(tx, tenant, &record.changed(&policy.id, &Value::Null, &facts(&policy)))?;
                Ok(view(policy, &|_| 0))
            })
            .await
    }

    /// Changes a policy; what `details` leaves out stays.
    pub async fn change_policy(
        &self,
        caller: &Caller,
        id: RecordId,
        details: PolicyDetails,
    ) -> Result<PolicyView, Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let action = match details {
            PolicyDetails { enabled: Some(true), name: None, rule: None, .. } => "enable policy",
            PolicyDetails { enabled: Some(false), name: None, rule: None, .. } => "disable policy",
            _ => "change policy",
        };
        let record = caller.audit(now, action, "policy", &id, Value::Null);
        may_change(caller, None)?;
        let whoever = caller.clone();
        let (given, wanted) = (details, id.clone());
        let catalogue = self.catalogue_of(tenant).await?;
        self.store
            .write(move |tx| {
                let present = policies::find(tx, tenant, &id)?.ok_or(Error::NotFound)?;
                may_change(&whoever, Some(&present.policy_type))?;
                let before = facts(&present);
                let mut given = given.clone();
                let is_new = given.rule != effective_rule(&present);
                if let Some(Rule::Discovery(rule)) = given.rule.as_mut().filter(|_| is_new) {
                    **rule = app_rules::checked(tx, tenant, &catalogue, rule)?;
                }
                let mut policy = applied(&given, present.clone(), now)?;
                check_name(tx, tenant, &policy)?;
                if facts(&policy) == before {
                    // Nothing changed, so nothing is said to have changed.
                    policy.modified = present.modified;
                } else {
                    policies::save(tx, tenant, &policy)?;
                    look_again(tx, tenant, Some(&present), &policy, now)?;
                    if policy.rule != present.rule {
                        // A changed policy starts afresh, so it may speak of apps that it has spoken of before.
                        policies::forget_matches(tx, tenant, &id)?;
                    }
                    audit::append(tx, tenant, &record.changed(&id, &before, &facts(&policy)))?;
                }
                Ok::<_, Error>(())
            })
            .await?;
        self.policy(caller, wanted).await
    }

    /// Deletes a policy of the tenant's own. Its alerts stay.
    pub async fn delete_policy(&self, caller: &Caller, id: RecordId) -> Result<(), Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        may_change(caller, None)?;
        let record = caller.audit(now, "delete policy", "policy", &id, Value::Null);
        let whoever = caller.clone();
        self.store
            .write(move |tx| {
                let policy = policies::find(tx, tenant, &id)?.ok_or(Error::NotFound)?;
                may_change(&whoever, Some(&policy.policy_type))?;
                if !policy.template.is_empty() {
                    let why = "a built-in policy cannot be deleted; it can be disabled";
                    return Err(Error::invalid("id", why));
                }
                policies::delete(tx, tenant, &id)?;
                matches::forget_policy(tx, tenant, &id)?;
                audit::append(tx, tenant, &record.changed(&id, &facts(&policy), &Value::Null))?;
                Ok(())
            })
            .await
    }
}

/// A policy on files that is new, looks for something else or is evaluated again looks through all files.
fn look_again(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    before: Option<&PolicyRecord>,
    policy: &PolicyRecord,
    now: Timestamp,
) -> Result<(), casbah_store::Error> {
    let as_before =
        before.is_some_and(|before| before.rule == policy.rule && before.enabled == policy.enabled);
    if policy.policy_type != FILE || as_before {
        return Ok(());
    }
    matches::begin_round(tx, tenant, &policy.id, now)
}

/// Policies are about everything in the tenant, so whoever is limited to some of it changes none; those
/// who look after all of discovery change its policies.
fn may_change(caller: &Caller, policy_type: Option<&str>) -> Result<(), Error> {
    let of_discovery = policy_type.is_none_or(|one| [NEW_SERVICE, ANOMALY_DISCOVERY].contains(&one));
    match caller.reach(Part::Policies, Access::Change) {
        Reach::Everything => Ok(()),
        Reach::Within(bounds) if of_discovery && bounds.contains(&Bound::Discovery) => Ok(()),
        Reach::Within(_) => {
            let needs = "Policies look at everything, so they are changed by whoever may change all of them; those \
                         of discovery also by whoever looks after all of discovery.";
            Err(Error::Forbidden { needs: needs.into() })
        }
    }
}

/// The type of a new policy, if policies of it are evaluated.
fn creatable(given: Option<&str>) -> Result<&'static str, Error> {
    let can = || CREATABLE.join(", ");
    let Some(given) = given.map(str::trim).filter(|text| !text.is_empty()) else {
        return Err(Error::invalid("type", format!("is missing; it is one of {}", can())));
    };
    if let Some(known) = CREATABLE.iter().find(|known| known.eq_ignore_ascii_case(given)) {
        return Ok(known);
    }
    let why = if KNOWN.iter().any(|known| known.eq_ignore_ascii_case(given)) {
        format!(
            "policies of this type are not evaluated here, so none can be made; those that are: {}",
            can()
        )
    } else {
        format!("is no type of policy that can be made; those are: {}", can())
    };
    Err(Error::invalid("type", why))
}

/// The policy as it will be.
fn applied(details: &PolicyDetails, present: PolicyRecord, now: Timestamp) -> Result<PolicyRecord, Error> {
    let mut policy = PolicyRecord { modified: now, ..present };
    if let Some(given) = &details.policy_type
        && !given.eq_ignore_ascii_case(&policy.policy_type)
    {
        return Err(Error::invalid("type", "cannot be changed; make another policy"));
    }
    if let Some(name) = &details.name {
        policy.name = text("name", name, LONGEST_NAME)?;
        if policy.name.is_empty() {
            return Err(Error::invalid("name", "must not be empty"));
        }
    }
    if let Some(description) = &details.description {
        policy.description = text("description", description, LONGEST_DESCRIPTION)?;
    }
    policy.severity = details.severity.unwrap_or(policy.severity);
    policy.enabled = details.enabled.unwrap_or(policy.enabled);
    if let Some(story) = details.story {
        if !STORIES.contains(&story) {
            return Err(Error::invalid("story", "must be one of 0, 1, 2, 3, 4, 5, 7, 8"));
        }
        policy.story = Some(story).filter(|story| *story != usual_story(&policy));
    }
    if let Some(limit) = details.daily_limit {
        if limit.is_some_and(|limit| !(1..=MOST_ALERTS).contains(&limit)) {
            let why = format!("must be a number from 1 to {MOST_ALERTS}, or null for no limit");
            return Err(Error::invalid("dailyAlertLimit", why));
        }
        policy.daily_limit = limit;
    }
    if let Some(rule) = &details.rule
        && effective_rule(&policy).as_ref() != Some(rule)
    {
        policy.rule = stored(rule)?;
    }
    Ok(policy)
}

/// A text for people, without control characters and blanks around it.
fn text(field: &str, given: &str, longest: usize) -> Result<String, Error> {
    let given = given.trim();
    if given.chars().count() > longest || given.chars().any(|c| c.is_control() && c != '\n') {
        let why = format!("must have at most {longest} characters and no control characters");
        return Err(Error::invalid(field, why));
    }
    Ok(given.to_string())
}

/// That no other policy bears the name, and that there are not too many.
fn check_name(tx: &mut Tx<'_>, tenant: TenantId, policy: &PolicyRecord) -> Result<(), Error> {
    let others: Vec<_> = policies::list(tx, tenant)?.into_iter().filter(|p| p.id != policy.id).collect();
    if others.len() >= MOST_POLICIES {
        return Err(Error::invalid("name", format!("there can be at most {MOST_POLICIES} policies")));
    }
    let name = policy.name.to_lowercase();
    if others.iter().any(|other| other.name.to_lowercase() == name) {
        return Err(Error::invalid("name", "another policy bears this name"));
    }
    Ok(())
}

fn view(policy: PolicyRecord, count: &dyn Fn(&RecordId) -> i64) -> PolicyView {
    PolicyView { open_alerts: count(&policy.id), rule: effective_rule(&policy), policy }
}

/// What the policy looks for now.
pub(crate) fn effective_rule(policy: &PolicyRecord) -> Option<Rule> {
    match policy.policy_type.as_str() {
        AUDIT => {
            let stored: StoredActivities = serde_json::from_value(policy.rule.clone()).ok()?;
            Some(Rule::Activities { filters: stored.filters, rule: stored.rule })
        }
        ANOMALY_DETECTION => {
            let all = casbah_detection::built_in_on_activities();
            let mut rule = all.into_iter().find(|one| one.id == policy.template)?.rule;
            if let Ok(stored) = serde_json::from_value::<StoredShape>(policy.rule.clone()) {
                rule.shape = stored.shape;
            }
            Some(Rule::Activities { filters: Value::Null, rule })
        }
        FILE => {
            let stored: StoredFiles = serde_json::from_value(policy.rule.clone()).ok()?;
            Some(Rule::Files { filters: stored.filters, rule: stored.rule })
        }
        NEW_SERVICE => Some(Rule::Discovery(Box::new(app_rule(policy)))),
        _ => None,
    }
}

fn stored(rule: &Rule) -> Result<Value, Error> {
    match rule {
        Rule::Discovery(rule) => serde_json::to_value(rule),
        Rule::Activities { filters: Value::Null, rule } => {
            serde_json::to_value(StoredShape { shape: rule.shape })
        }
        Rule::Activities { filters, rule } => {
            serde_json::to_value(StoredActivities { filters: filters.clone(), rule: rule.clone() })
        }
        Rule::Files { filters, rule } => {
            serde_json::to_value(StoredFiles { filters: filters.clone(), rule: rule.clone() })
        }
    }
    .map_err(Error::internal)
}

/// The risk category of a policy's alerts.
pub fn story(policy: &PolicyRecord) -> i64 {
    policy.story.unwrap_or_else(|| usual_story(policy))
}

/// The same, if nobody has chosen another.
fn usual_story(policy: &PolicyRecord) -> i64 {
    let templates = casbah_detection::built_in_on_activities();
    if let Some(template) = templates.iter().find(|template| template.id == policy.template) {
        return template.story;
    }
    match policy.policy_type.as_str() {
        NEW_SERVICE => STORY_DISCOVERY,
        FILE => STORY_DLP,
        AUDIT | ANOMALY_DETECTION => STORY_THREAT,
        _ => STORY_CONFIGURATION,
    }
}

/// Whether the policy may raise another alert today.
pub(crate) fn may_raise(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    policy: &PolicyRecord,
    now: Timestamp,
) -> Result<bool, casbah_store::Error> {
    let Some(limit) = policy.daily_limit else { return Ok(true) };
    let today = Timestamp(now.0.div_euclid(MS_OF_DAY) * MS_OF_DAY);
    Ok(policies::raised_since(tx, tenant, &policy.id, today)? < limit)
}

/// What the audit trail says of a policy.
fn facts(policy: &PolicyRecord) -> Value {
    json!({
        "name": policy.name,
        "description": policy.description,
        "type": policy.policy_type,
        "severity": policy.severity.number(),
        "enabled": policy.enabled,
        "story": policy.story,
        "dailyAlertLimit": policy.daily_limit,
        "rule": policy.rule,
    })
}
