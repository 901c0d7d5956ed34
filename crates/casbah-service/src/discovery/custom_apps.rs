//! What a tenant tells the catalogue: apps of its own, scores, notes, tags and weights.

use casbah_authority::Caller;
use casbah_discovery::Catalogue;
use casbah_discovery::catalogue::own_app;
use casbah_model::{
    AppOverride, AppTag, CustomApp, DiscoverySettings, Importance, RecordId, SCORE_FACTORS, ScoreWeights,
};
use casbah_store::{app_tags, audit, custom_apps, discovery_settings};
use serde_json::{Value as Json, json};

use super::built_in::{CUSTOM_APP, VERDICTS};
use crate::{Error, Service};

/// Longest notes and descriptions, in characters.
const LONGEST_TEXT: usize = 4_000;
/// Apps that a tenant may add, and tags.
const MOST_APPS: usize = 2_000;
const MOST_TAGS: usize = 200;

impl Service {
    /// Lists the apps that the tenant has added, by number.
    pub async fn list_custom_apps(&self, caller: &Caller) -> Result<Vec<CustomApp>, Error> {
        let tenant = caller.tenant;
        Ok(self.store.read(move |tx| custom_apps::list(tx, tenant)).await?)
    }

    /// Adds an app, under the lowest free number; logs from now on know it.
    pub async fn create_custom_app(&self, caller: &Caller, new: CustomApp) -> Result<CustomApp, Error> {
        self.prepare_tenant(caller.tenant).await?;
        self.save_custom_app(caller, new, None).await
    }

    /// Replaces an app that the tenant has added.
    pub async fn change_custom_app(
        &self,
        caller: &Caller,
        id: i64,
        new: CustomApp,
    ) -> Result<CustomApp, Error> {
        self.save_custom_app(caller, new, Some(id)).await
    }

    async fn save_custom_app(
        &self,
        caller: &Caller,
        new: CustomApp,
        known: Option<i64>,
    ) -> Result<CustomApp, Error> {
        for (field, text) in [
            ("description", &new.description),
            ("notes", &new.notes),
            ("hostingPlatform", &new.hosting_platform),
            ("subscriptionId", &new.subscription_id),
            ("businessUnit", &new.business_unit),
        ] {
            check_text(field, text)?;
        }
        let (tenant, now) = (caller.tenant, self.clock.now());
        let base = self.catalogue();
        let action = if known.is_some() { "change custom app" } else { "create custom app" };
        let record = caller.audit(now, action, "app", known.unwrap_or_default(), json!({ "name": new.name }));
        self.store
            .write(move |tx| {
                let all = custom_apps::list(tx, tenant)?;
                let before = match known {
                    None => None,
                    Some(id) => Some(all.iter().find(|app| app.id == id).ok_or(Error::NotFound)?),
                };
                let free = || CustomApp::IDS.clone().find(|id| all.iter().all(|app| app.id != *id));
                if known.is_none() && all.len() >= MOST_APPS {
                    return Err(Error::invalid(
                        "name",
                        format!("a tenant has at most {MOST_APPS} custom apps"),
                    ));
                }
                let id = known.or_else(free).ok_or_else(|| Error::Conflict("no number is free".into()))?;
                let app = CustomApp { id, name: new.name.trim().to_string(), ..new.clone() };
                check_app(&base, &all, &app)?;
                custom_apps::save(tx, tenant, &app)?;
                let tag =
                    app_tags::list(tx, tenant)?.into_iter().find(|t| t.built_in && t.name == CUSTOM_APP);
                if let Some(tag) = tag {
                    app_tags::add(tx, tenant, &tag.id, id, now)?;
                }
                let facts = |app: Option<&CustomApp>| app.map_or(Json::Null, |app| json!(app));
                audit::append(tx, tenant, &record.changed(id, &facts(before), &facts(Some(&app))))?;
                Ok(app)
            })
            .await
    }

    /// Removes an app that the tenant has added. Its usage stays, under its number.
    pub async fn delete_custom_app(&self, caller: &Caller, id: i64) -> Result<(), Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let record = caller.audit(now, "delete custom app", "app", id, json!({}));
        self.store
            .write(move |tx| {
                let all = custom_apps::list(tx, tenant)?;
                let app = all.iter().find(|app| app.id == id).ok_or(Error::NotFound)?;
                custom_apps::delete(tx, tenant, id)?;
                audit::append(tx, tenant, &record.changed(id, &json!(app), &Json::Null))?;
                Ok(())
            })
            .await
    }

    /// Lists what the tenant says of apps: scores of its own, notes.
    pub async fn list_app_overrides(&self, caller: &Caller) -> Result<Vec<AppOverride>, Error> {
        let tenant = caller.tenant;
        Ok(self.store.read(move |tx| custom_apps::overrides(tx, tenant)).await?)
    }

    /// Says a score instead of the computed one, and notes; none and an empty text take them back.
    pub async fn override_app(
        &self,
        caller: &Caller,
        app: i64,
        score: Option<i64>,
        notes: String,
    ) -> Result<(), Error> {
        check_text("notes", &notes)?;
        if score.is_some_and(|score| !(1..=10).contains(&score)) {
            return Err(Error::invalid("score", "must be 1 to 10, or null"));
        }
        let (tenant, now) = (caller.tenant, self.clock.now());
        let catalogue = self.catalogue_of(tenant).await?;
        let known = u32::try_from(app).ok().and_then(|id| catalogue.app(id)).ok_or(Error::NotFound)?;
        let record = caller.audit(now, "override app", "app", app, json!({ "name": known.name }));
        self.store
            .write(move |tx| {
                let all = custom_apps::overrides(tx, tenant)?;
                let facts = |score: Option<i64>, notes: &str| json!({ "score": score, "notes": notes });
                let before = all.iter().find(|one| one.app == app);
                let before = before.map_or_else(|| facts(None, ""), |one| facts(one.score, &one.notes));
                let after = facts(score, &notes);
                custom_apps::save_override(tx, tenant, (app, score, &notes), now)?;
                if before != after {
                    audit::append(tx, tenant, &record.changed(app, &before, &after))?;
                }
                Ok(())
            })
            .await
    }

    /// Makes a tag of the tenant's own.
    pub async fn create_app_tag(&self, caller: &Caller, name: String) -> Result<AppTag, Error> {
        let name = name.trim().to_string();
        if name.is_empty() || name.chars().count() > 64 || name.chars().any(char::is_control) {
            return Err(Error::invalid("name", "needs 1 to 64 characters"));
        }
        self.prepare_tenant(caller.tenant).await?;
        let (tenant, now) = (caller.tenant, self.clock.now());
        let tag = AppTag { id: RecordId::new(now), name, built_in: false, apps: Vec::new() };
        let record = caller.audit(now, "create app tag", "app tag", &tag.id, json!({}));
        let made = tag.clone();
        self.store
            .write(move |tx| {
                let all = app_tags::list(tx, tenant)?;
                if all.iter().any(|other| other.name.to_lowercase() == tag.name.to_lowercase()) {
                    return Err(Error::invalid("name", format!("a tag named {:?} exists", tag.name)));
                }
                if all.len() >= MOST_TAGS {
                    return Err(Error::invalid("name", format!("a tenant has at most {MOST_TAGS} tags")));
                }
                app_tags::insert(tx, tenant, &tag, now)?;
                audit::append(
                    tx,
                    tenant,
                    &record.changed(&tag.id, &Json::Null, &json!({ "name": tag.name })),
                )?;
                Ok(())
            })
            .await?;
        Ok(made)
    }

    /// Removes a tag of the tenant's own from all apps and altogether.
    pub async fn delete_app_tag(&self, caller: &Caller, id: RecordId) -> Result<(), Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let record = caller.audit(now, "delete app tag", "app tag", &id, json!({}));
        self.store
            .write(move |tx| {
                let all = app_tags::list(tx, tenant)?;
                let tag = all.iter().find(|tag| tag.id == id).ok_or(Error::NotFound)?;
                if tag.built_in {
                    return Err(Error::invalid("id", "tags that come with the product cannot be removed"));
                }
                app_tags::delete(tx, tenant, &id)?;
                let before = json!({ "name": tag.name, "apps": tag.apps });
                audit::append(tx, tenant, &record.changed(&id, &before, &Json::Null))?;
                Ok(())
            })
            .await
    }

    /// What administrators have set for cloud discovery.
    pub async fn discovery_settings(&self, caller: &Caller) -> Result<DiscoverySettings, Error> {
        let tenant = caller.tenant;
        Ok(self.store.read(move |tx| discovery_settings::find(tx, tenant)).await?)
    }

    /// Sets how much each part of the score weighs.
    pub async fn set_score_weights(&self, caller: &Caller, weights: ScoreWeights) -> Result<(), Error> {
        let groups: Vec<&str> = SCORE_FACTORS.iter().map(|(group, _)| *group).collect();
        let factors: Vec<&str> =
            SCORE_FACTORS.iter().flat_map(|(_, factors)| factors.iter().copied()).collect();
        for (field, given, known) in
            [("groups", &weights.groups, &groups), ("factors", &weights.factors, &factors)]
        {
            if let Some(unknown) = given.keys().find(|name| !known.contains(&name.as_str())) {
                return Err(Error::invalid(field, format!("{unknown:?} is not one of {}", known.join(", "))));
            }
        }
        if SCORE_FACTORS.iter().all(|(group, _)| weights.group(group) == Importance::Ignored) {
            return Err(Error::invalid("groups", "at least one group must count"));
        }
        self.set_discovery(caller, "change score weights", move |settings| settings.weights = weights.clone())
            .await
    }

    /// Says whether logged names are replaced by sign-in names of the directory.
    pub async fn set_user_resolution(&self, caller: &Caller, on: bool) -> Result<(), Error> {
        self.set_discovery(caller, "change user enrichment", move |settings| settings.resolve_users = on)
            .await
    }

    /// Says whether new data sources and snapshot reports hide names unless it is said otherwise.
    pub async fn set_anonymization(&self, caller: &Caller, on: bool) -> Result<(), Error> {
        let action = "change anonymization";
        self.set_discovery(caller, action, move |settings| settings.anonymize_by_default = on).await
    }

    async fn set_discovery(
        &self,
        caller: &Caller,
        action: &str,
        change: impl Fn(&mut DiscoverySettings) + Send + 'static,
    ) -> Result<(), Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let record = caller.audit(now, action, "discovery settings", tenant, json!({}));
        self.store
            .write(move |tx| {
                let before = discovery_settings::find(tx, tenant)?;
                let mut after = before.clone();
                change(&mut after);
                if before != after {
                    discovery_settings::save(tx, tenant, &after)?;
                    audit::append(tx, tenant, &record.changed(tenant, &json!(before), &json!(after)))?;
                }
                Ok(())
            })
            .await
    }
}

fn check_text(field: &'static str, text: &str) -> Result<(), Error> {
    if text.chars().count() > LONGEST_TEXT {
        return Err(Error::invalid(field, format!("has more than {LONGEST_TEXT} characters")));
    }
    Ok(())
}

/// Refuses what cannot be an app, or clashes with another one of the tenant.
fn check_app(base: &Catalogue, all: &[CustomApp], app: &CustomApp) -> Result<(), Error> {
    let own = own_app(app).map_err(|(field, why)| Error::invalid(field, why))?;
    let others = all.iter().filter(|other| other.id != app.id);
    if others.clone().any(|other| other.name.to_lowercase() == app.name.to_lowercase()) {
        return Err(Error::invalid("name", format!("a custom app named {:?} exists", app.name)));
    }
    let others = others.filter_map(|other| own_app(other).ok());
    Catalogue::new(others.chain([own]).collect()).map_err(|e| Error::invalid("domains", e.to_string()))?;
    // Numbers of custom apps are none of the catalogue's, unless an operator's file uses them.
    if u32::try_from(app.id).ok().and_then(|id| base.app(id)).is_some() {
        return Err(Error::Conflict(format!("the catalogue uses the number {}", app.id)));
    }
    Ok(())
}

/// Whether a tag is one of the three that exclude each other.
pub(super) fn is_verdict(tag: &AppTag) -> bool {
    tag.built_in && VERDICTS.contains(&tag.name.as_str())
}
