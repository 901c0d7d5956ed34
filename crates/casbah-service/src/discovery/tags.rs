//! App tags: what a tenant thinks of an app.

use casbah_authority::Caller;
use casbah_model::{AppTag, TenantId, Timestamp};
use casbah_store::{Tx, app_tags, audit};
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
                let changed = if add {
                    put_tag(tx, tenant, app, &tag.name, now)?
                } else {
                    let before = names_on(&tags, app);
                    let gone = app_tags::remove(tx, tenant, &tag.id, app)?;
                    let after = |all: Vec<AppTag>| Retagged { before, after: names_on(&all, app) };
                    gone.then(|| app_tags::list(tx, tenant).map(after)).transpose()?
                };
                if let Some(Retagged { before, after }) = changed {
                    let (before, after) = (json!({ "tags": before }), json!({ "tags": after }));
                    audit::append(tx, tenant, &record.changed(app, &before, &after))?;
                }
                Ok(())
            })
            .await
    }
}

/// The names of an app's tags before a change, and after.
pub(crate) struct Retagged {
    pub(crate) before: Vec<String>,
    pub(crate) after: Vec<String>,
}

/// Puts a tag on an app; one that says what is thought of it takes the place of another such. Answers
/// nothing when the app had the tag, or there is no such tag.
pub(crate) fn put_tag(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    app: i64,
    name: &str,
    now: Timestamp,
) -> Result<Option<Retagged>, casbah_store::Error> {
    let tags = app_tags::list(tx, tenant)?;
    let Some(tag) = tags.iter().find(|tag| tag.name.to_lowercase() == name.to_lowercase()) else {
        return Ok(None);
    };
    let before = names_on(&tags, app);
    if is_verdict(tag) {
        for other in tags.iter().filter(|t| is_verdict(t) && t.id != tag.id) {
            app_tags::remove(tx, tenant, &other.id, app)?;
        }
    }
    if !app_tags::add(tx, tenant, &tag.id, app, now)? {
        return Ok(None);
    }
    Ok(Some(Retagged { before, after: names_on(&app_tags::list(tx, tenant)?, app) }))
}

/// The names of the tags that an app bears.
fn names_on(tags: &[AppTag], app: i64) -> Vec<String> {
    tags.iter().filter(|tag| tag.apps.contains(&app)).map(|tag| tag.name.clone()).collect()
}
