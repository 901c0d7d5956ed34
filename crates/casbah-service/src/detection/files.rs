//! Policies look at files: at each that comes in or changes, and at all of them when a policy is made, changed or
//! enabled, and once a day, because some conditions come to hold without the file: those on days, on units and
//! accounts of owners, on folders by their record id.
//!
//! Which files wait, and how far a policy has looked through all of them, is written down; a batch is one
//! transaction with the alerts that come of it.

use std::collections::BTreeSet;
use std::time::Duration;

use casbah_model::{
    ACCESS_LEVELS, Alert, AlertEntity, AlertStatus, File, Guid, PolicyRecord, RecordId, Resolution, TenantId,
    Timestamp,
};
use casbah_store::files::matches;
use casbah_store::{Tx, alerts, policies};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::files::of_those_there;
use crate::policies::{FILE, FileRule, Rule, effective_rule, may_raise, story};
use crate::{Error, Service};

/// Number of "file policy match" (ALERT_CABINET_EVENT_MATCH_FILE).
const ALERT_TYPE: i64 = 15_728_642;
/// The kind of an account.
const ACCOUNT: i64 = 2;
/// Files of one transaction.
const BATCH: i64 = 200;
/// Alerts of one transaction, at the most: more than there can be policies.
const MOST_ALERTS: usize = 1_000;
/// A policy looks through all files again after this time.
const ROUND: Duration = Duration::from_secs(24 * 60 * 60);
/// Files that an alert names, and that its evidence tells one by one.
const NAMED: usize = 100;
const TOLD: usize = 5;

impl Service {
    /// Looks at everything that waits, one batch of each tenant after the other.
    pub(super) async fn look_at_files(&self, stopped: &watch::Receiver<bool>) -> Result<(), Error> {
        let mut after = None;
        while !*stopped.borrow() {
            let now = self.clock.now();
            match self.store.read(move |tx| matches::next_tenant(tx, after, now)).await? {
                Some(tenant) => {
                    self.look_at_files_of(tenant).await?;
                    after = Some(tenant);
                }
                // Round again, until there is none from the beginning.
                None if after.is_some() => after = None,
                None => return Ok(()),
            }
        }
        Ok(())
    }

    /// Looks at the files of a tenant that wait, and goes on with a round that is due.
    async fn look_at_files_of(&self, tenant: TenantId) -> Result<(), Error> {
        let now = self.clock.now();
        let ids: Vec<(RecordId, Guid)> =
            (0..MOST_ALERTS).map(|_| (RecordId::new(now), Guid::random())).collect();
        let looked = self.store.write(move |tx| look(tx, tenant, &ids, now)).await;
        match looked {
            // Another node is at it.
            Ok(()) | Err(casbah_store::Error::Conflict) => Ok(()),
            Err(e) => Err(e.into()),
        }
    }
}

fn look(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    ids: &[(RecordId, Guid)],
    now: Timestamp,
) -> Result<(), casbah_store::Error> {
    let mut look = Look { tenant, now, ids, used: 0 };
    let waiting = matches::waiting(tx, tenant, BATCH)?;
    if !waiting.is_empty() {
        let mut of_files = Vec::new();
        for policy in policies::list(tx, tenant)? {
            of_files.extend(look.news(tx, policy, &waiting)?);
        }
        let end = look.raise(tx, &of_files, &waiting)?;
        return matches::forget(tx, tenant, waiting.get(..end).unwrap_or_default());
    }
    let Some(round) = matches::due_round(tx, tenant, now)? else { return Ok(()) };
    let files = matches::behind(tx, tenant, &round.after, BATCH)?;
    let Some(policy) = policies::find(tx, tenant, &round.policy)? else {
        return matches::forget_policy(tx, tenant, &round.policy);
    };
    if files.is_empty() {
        return matches::begin_round(tx, tenant, &round.policy, now.plus(ROUND));
    }
    let found: Vec<News> = look.news(tx, policy, &files)?.into_iter().collect();
    let end = look.raise(tx, &found, &files)?;
    match files.get(end.saturating_sub(1)) {
        Some(last) if end > 0 => matches::continue_round(tx, tenant, &round.policy, last),
        _ => Ok(()),
    }
}

/// A policy, and the files that match it and did not before.
struct News {
    policy: PolicyRecord,
    rule: FileRule,
    files: BTreeSet<RecordId>,
}

struct Look<'i> {
    tenant: TenantId,
    now: Timestamp,
    /// Ids for alerts, drawn before the transaction.
    ids: &'i [(RecordId, Guid)],
    used: usize,
}

impl Look<'_> {
    /// What is new about these files for a policy; what matches no longer is forgotten. A disabled policy finds
    /// nothing new.
    fn news(
        &self,
        tx: &mut Tx<'_>,
        policy: PolicyRecord,
        files: &[RecordId],
    ) -> Result<Option<News>, casbah_store::Error> {
        if policy.policy_type != FILE {
            return Ok(None);
        }
        let Some(Rule::Files { rule, .. }) = effective_rule(&policy) else { return Ok(None) };
        let conditions = of_those_there(rule.at(self.now));
        let matching = matches::satisfying(tx, self.tenant, files, &conditions)?;
        let known = matches::known(tx, self.tenant, &policy.id, files)?;
        let gone: Vec<RecordId> = known.iter().filter(|id| !matching.contains(id)).cloned().collect();
        if !gone.is_empty() {
            matches::remove(tx, self.tenant, &policy.id, &gone)?;
        }
        let files: BTreeSet<RecordId> = matching.into_iter().filter(|id| !known.contains(id)).collect();
        Ok((policy.enabled && !files.is_empty()).then_some(News { policy, rule, files }))
    }

    /// Raises the alerts file by file, and answers how many of the files are done with: the rest waits when there
    /// would be too many alerts for one transaction.
    fn raise(
        &mut self,
        tx: &mut Tx<'_>,
        news: &[News],
        files: &[RecordId],
    ) -> Result<usize, casbah_store::Error> {
        let together = news.iter().filter(|one| one.rule.together).count();
        let mut end = files.len();
        for (place, id) in files.iter().enumerate() {
            let each: Vec<&News> =
                news.iter().filter(|one| !one.rule.together && one.files.contains(id)).collect();
            if self.used + each.len() + together > self.ids.len() {
                end = place;
                break;
            }
            let file = if each.is_empty() {
                Vec::new()
            } else {
                matches::with_ids(tx, self.tenant, std::slice::from_ref(id))?
            };
            for one in each {
                self.tell(tx, &one.policy, &file)?;
            }
        }
        let done = files.get(..end).unwrap_or_default();
        for one in news.iter().filter(|one| one.rule.together) {
            let wanted: Vec<RecordId> = done.iter().filter(|id| one.files.contains(id)).cloned().collect();
            if !wanted.is_empty() {
                let found = matches::with_ids(tx, self.tenant, &wanted)?;
                self.tell(tx, &one.policy, &found)?;
            }
        }
        Ok(end)
    }

    /// Raises one alert about these files, unless the policy has raised enough today; either way they match it
    /// from now on.
    fn tell(
        &mut self,
        tx: &mut Tx<'_>,
        policy: &PolicyRecord,
        files: &[File],
    ) -> Result<(), casbah_store::Error> {
        if may_raise(tx, self.tenant, policy, self.now)?
            && let Some((id, context)) = self.ids.get(self.used)
        {
            alerts::insert(tx, self.tenant, &alert(policy, files, (id, *context), self.now))?;
            self.used += 1;
        }
        files.iter().try_for_each(|file| matches::add(tx, self.tenant, &policy.id, &file.record))
    }
}

fn alert(policy: &PolicyRecord, files: &[File], (id, context): (&RecordId, Guid), now: Timestamp) -> Alert {
    Alert {
        id: id.clone(),
        raised: now,
        title: policy.name.clone(),
        description: description(policy, files),
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
        alert_type: ALERT_TYPE,
        stories: vec![story(policy)],
        intent: Vec::new(),
        entities: entities(policy, files),
        evidence: files.iter().take(TOLD).map(told).collect(),
        context,
    }
}

/// How far a file is shared, in words.
fn shared(file: &File) -> &'static str {
    let level = usize::try_from(file.access).ok().and_then(|level| ACCESS_LEVELS.get(level));
    match level.copied().unwrap_or_default() {
        "PRIVATE" => "private",
        "INTERNAL" => "shared within the organization",
        "EXTERNAL" => "shared with others outside the organization",
        "PUBLIC" => "open to everybody who has the link",
        _ => "open to everybody on the internet",
    }
}

fn owner(file: &File) -> Option<&str> {
    let facts = &file.facts;
    facts.owner_address.as_deref().or(facts.owner_name.as_deref()).or(file.owner.as_deref())
}

fn description(policy: &PolicyRecord, files: &[File]) -> String {
    let seen = match files {
        [file] => {
            let of = owner(file).map(|owner| format!(" of {owner}")).unwrap_or_default();
            format!("{:?}{of} in {} is {}.", file.name, file.facts.app_name, shared(file))
        }
        _ => {
            let names: Vec<String> = files.iter().take(TOLD).map(|file| format!("{:?}", file.name)).collect();
            let more = files.len() - names.len();
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("{} files: {}{more}.", files.len(), names.join(", "))
        }
    };
    format!("{seen} {}", policy.description).trim_end().to_string()
}

fn entities(policy: &PolicyRecord, files: &[File]) -> Vec<AlertEntity> {
    let mut all: Vec<AlertEntity> = Vec::new();
    let mut add = |kind: &str, id: &str, label: &str, extra: &[(&str, Value)]| {
        if !all.iter().any(|known| known.kind == kind && known.id == id) {
            let extra = extra.iter().map(|(key, value)| ((*key).to_string(), value.clone())).collect();
            all.push(AlertEntity { kind: kind.into(), id: id.into(), label: label.into(), extra });
        }
    };
    add("policyRule", policy.id.as_str(), &policy.name, &[("policyType", json!(policy.policy_type))]);
    for file in files.iter().take(NAMED) {
        let place = [("saas", json!(file.service)), ("inst", json!(file.instance))];
        add("file", file.record.as_str(), &file.name, &place);
        if let (Some(id), Some(label)) = (&file.owner, owner(file)) {
            let extra = [
                ("entityType", json!(ACCOUNT)),
                ("saas", json!(file.service)),
                ("inst", json!(file.instance)),
                ("pa", json!(label)),
                ("em", json!(file.facts.owner_address)),
            ];
            add("account", id, label, &extra);
        }
        let app = file.service.to_string();
        add("service", &app, &file.facts.app_name, &[("inst", json!(file.instance))]);
    }
    all
}

/// One file in a few words.
fn told(file: &File) -> Value {
    let mut parts = Vec::new();
    parts.extend(file.modified.map(Timestamp::iso));
    parts.extend(owner(file).map(String::from));
    parts.push(shared(file).to_string());
    json!({
        "title": format!("{:?} in {}", file.name, file.facts.app_name),
        "description": parts.join(" · "),
    })
}
