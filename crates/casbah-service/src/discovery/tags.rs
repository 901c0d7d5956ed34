//! App tags: what a tenant thinks of an app.

use casbah_authority::Caller;
use casbah_model::AppTag;
use casbah_store::{app_tags, audit};
use serde_json::json;

use super::custom_apps::is_verdict;
use crate::{Error, Service};

impl Service {
    /// Lists all tags with the apps that bear them.
    pub async fn list_app_tags(&self, caller: &Caller) -> Result<Vec<AppTag>, Error> {
        let tenant = caller.tenant;
        self.prepare_tenant(tenant).await?;
        Ok(self.store.read(move |tx| app_tags::list(tx, tenant)).await?)
    }

    /// Puts a tag on an app. Sanctioned, Unsanctioned and Monitored exclude each other: the last one wins.
    pub async fn add_app_tag(&self, caller: &Caller, app: i64, name: String) -> Result<(), Error> {
        self.change_app_tag(caller, app, name, true).await
    }

    /// Takes a tag off an app.
    pub async fn remove_app_tag(&self, caller: &Caller, app: i64, name: String) -> Result<(), Error> {
        self.change_app_tag(caller, app, name, false).await
    }

    async fn change_app_tag(&self, caller: &Caller, app: i64, name: String, add: bool) -> Result<(), Error> {
        let catalogue = self.catalogue_of(caller.tenant).await?;
        let known = u32::try_from(app).ok().and_then(|id| catalogue.app(id));
        let app_name = known.ok_or(Error::NotFound)?.name.clone();
        let (tenant, now) = (caller.tenant, self.clock.now());
        self.prepare_tenant(tenant).await?;
        let action = if add { "tag app" } else { "untag app" };
        let record = caller.audit(now, action, "app", app, json!({ "name": app_name }));
        self.store
            .write(move |tx| {
                let tags = app_tags::list(tx, tenant)?;
                let same = |tag: &&AppTag| tag.name.to_lowercase() == name.trim().to_lowercase();
                let Some(tag) = tags.iter().find(same) else {
                    let names: Vec<&str> = tags.iter().map(|t| t.name.as_str()).collect();
                    let why = format!("no tag is named {name:?}; there are {}", names.join(", "));
                    return Err(Error::invalid("tagName", why));
                };
                let before = names_on(&tags, app);
                let verdict = is_verdict;
                let changed = if add {
                    if verdict(tag) {
                        for other in tags.iter().filter(|t| verdict(t) && t.id != tag.id) {
                            app_tags::remove(tx, tenant, &other.id, app)?;
                        }
                    }
                    app_tags::add(tx, tenant, &tag.id, app, now)?
                } else {
                    app_tags::remove(tx, tenant, &tag.id, app)?
                };
                if changed {
                    let after = names_on(&app_tags::list(tx, tenant)?, app);
                    let (before, after) = (json!({ "tags": before }), json!({ "tags": after }));
                    audit::append(tx, tenant, &record.changed(app, &before, &after))?;
                }
                Ok(())
            })
            .await
    }
}

/// The names of the tags that an app bears.
fn names_on(tags: &[AppTag], app: i64) -> Vec<String> {
    tags.iter().filter(|tag| tag.apps.contains(&app)).map(|tag| tag.name.clone()).collect()
}
