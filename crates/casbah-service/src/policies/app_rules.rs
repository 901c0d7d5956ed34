//! What a policy on discovered apps looks for and does, and the templates of such policies.

use casbah_detection::{Conditions, Policy, templates};
use casbah_discovery::Catalogue;
use casbah_discovery::catalogue::is_category;
use casbah_model::{PolicyRecord, Reach, StreamKind, TenantId};
use casbah_store::{Tx, app_tags, streams};
use serde::{Deserialize, Serialize};

use super::{PolicyDetails, Rule};
use crate::{Error, Service};

/// Names in one condition.
const MOST_NAMED: usize = 1_000;

/// A rule on discovered apps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppRule {
    /// Which apps, and how much use of them.
    #[serde(flatten)]
    pub conditions: Conditions,
    /// Names of the tags that an app gets which meets them.
    #[serde(rename = "putTags", default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

/// What a policy on discovered apps looks for: what was set, or else what its template says.
pub(crate) fn app_rule(policy: &PolicyRecord) -> AppRule {
    serde_json::from_value(policy.rule.clone()).unwrap_or_else(|_| {
        let template = casbah_detection::built_in().into_iter().find(|one| one.id == policy.template);
        let conditions = template.map(|one| one.conditions).unwrap_or_default();
        AppRule { conditions, tags: Vec::new() }
    })
}

/// The rule with its tags in the spelling of the tenant, if all that it names is there.
///
/// # Errors
/// What is named and is not there: of streams, tags, categories and apps.
pub(super) fn checked(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    catalogue: &Catalogue,
    rule: &AppRule,
) -> Result<AppRule, Error> {
    let mut rule = rule.clone();
    let filters = |why: String| Error::invalid("filters", why);
    let c = &mut rule.conditions;
    for choice in [&c.streams, &c.apps, &c.names, &c.tags, &c.categories, &c.vendors, &c.headquarters] {
        if choice.any.len() > MOST_NAMED || choice.none.len() > MOST_NAMED {
            return Err(filters(format!("a filter has at most {MOST_NAMED} values")));
        }
    }
    for id in c.streams.all() {
        let all = streams::list(tx, tenant, &Reach::Everything)?;
        if !all.iter().any(|one| one.kind == StreamKind::Input && one.id.as_str() == id) {
            let why = format!("streamId: no continuous report has the id {id}");
            return Err(filters(format!("{why}; snapshot reports and views never raise alerts")));
        }
    }
    for app in c.apps.all() {
        if app.parse().ok().and_then(|id| catalogue.app(id)).is_none() {
            return Err(filters(format!("appId: the catalogue has no app {app}")));
        }
    }
    for category in c.categories.all() {
        if !is_category(category) {
            let why = format!("category: {category} is not one, such as SAASDB_CATEGORY_CLOUD_STORAGE");
            return Err(filters(why));
        }
    }
    let known = app_tags::list(tx, tenant)?;
    let spelt = |given: &str| {
        let same = |tag: &&casbah_model::AppTag| {
            tag.name.to_lowercase() == given.trim().to_lowercase() || tag.id.as_str() == given.trim()
        };
        known.iter().find(same).map(|tag| tag.name.clone()).ok_or_else(|| {
            let names: Vec<&str> = known.iter().map(|tag| tag.name.as_str()).collect();
            format!("no tag is named {given:?}; there are {}", names.join(", "))
        })
    };
    for name in c.tags.any.iter_mut().chain(&mut c.tags.none) {
        *name = spelt(name).map_err(|why| filters(format!("tag: {why}")))?;
    }
    let mut verdicts = 0;
    for name in &mut rule.tags {
        *name = spelt(name).map_err(|why| Error::invalid("actions", why))?;
        verdicts += usize::from(crate::discovery::VERDICTS.contains(&name.as_str()));
    }
    if verdicts > 1 {
        let why = "Sanctioned, Unsanctioned and Monitored exclude each other";
        return Err(Error::invalid("actions", why));
    }
    rule.tags.sort();
    rule.tags.dedup();
    Ok(rule)
}

impl Service {
    /// The templates that policies can be made of.
    pub fn policy_templates() -> Vec<Policy> {
        templates()
    }

    /// What a policy of a template would be.
    ///
    /// # Errors
    /// When there is no such template, with those that there are.
    pub fn policy_of_template(id: &str) -> Result<PolicyDetails, Error> {
        let all = templates();
        let Some(found) = all.iter().find(|one| one.id.eq_ignore_ascii_case(id.trim())) else {
            let ids: Vec<&str> = all.iter().map(|one| one.id.as_str()).collect();
            return Err(Error::invalid(
                "template",
                format!("there is none named {id:?}; there are {}", ids.join(", ")),
            ));
        };
        Ok(PolicyDetails {
            policy_type: Some(super::NEW_SERVICE.to_owned()),
            name: Some(found.name.clone()),
            description: Some(found.description.clone()),
            severity: Some(found.severity),
            rule: Some(Rule::Discovery(Box::new(AppRule {
                conditions: found.conditions.clone(),
                tags: Vec::new(),
            }))),
            ..PolicyDetails::default()
        })
    }
}
