//! What a tenant and its server say of themselves, and which apps there are records of.

use casbah_authority::Caller;
use casbah_model::activity::app_name;
use casbah_model::{Access, DiscoverySettings, Part, Reach, Tenant, TenantSettings};
pub use casbah_store::apps_in_use::AppInUse;
use casbah_store::{apps_in_use, discovery_settings, tenant_settings, tenants};

use crate::{Error, Service};

/// Apps whose kinds of activities are told at once.
const MOST_APPS: usize = 50;

/// A tenant with what it has set.
#[derive(Clone, Debug)]
pub struct TenantOverview {
    /// Itself, with its domains.
    pub tenant: Tenant,
    /// What counts for sign-ins, tokens and how long records are kept.
    pub settings: TenantSettings,
    /// What counts for discovery.
    pub discovery: DiscoverySettings,
}

/// A kind of activity that there was in an app.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ActivityType {
    /// Number of the app.
    pub app: i64,
    /// Its name.
    pub app_name: String,
    /// The category, such as `EVENT_CATEGORY_LOGIN`.
    pub category: String,
    /// The fine type.
    pub action_type: String,
}

impl Service {
    /// The caller's tenant with its settings.
    pub async fn tenant_overview(&self, caller: &Caller) -> Result<TenantOverview, Error> {
        let id = caller.tenant;
        self.store
            .read(move |tx| {
                Ok(TenantOverview {
                    tenant: tenants::find(tx, id)?.ok_or(Error::NotFound)?,
                    settings: tenant_settings::find(tx, id)?,
                    discovery: discovery_settings::find(tx, id)?,
                })
            })
            .await
    }

    /// The apps that there are activities, accounts or files of, by number. Whoever is limited to apps sees those.
    pub async fn list_apps_in_use(&self, caller: &Caller) -> Result<Vec<AppInUse>, Error> {
        let (tenant, reach) = (caller.tenant, caller.reach(Part::Activities, Access::Read));
        let mut found = self.store.read(move |tx| apps_in_use::list(tx, tenant)).await?;
        found.retain(|one| reaches(&reach, one.app));
        Ok(found)
    }

    /// The kinds of activities that there were in these apps, or in all; those whose name contains `text`.
    pub async fn list_activity_types(
        &self,
        caller: &Caller,
        apps: Option<Vec<i64>>,
        text: String,
    ) -> Result<Vec<ActivityType>, Error> {
        let tenant = caller.tenant;
        let known = self.list_apps_in_use(caller).await?;
        let wanted = known.into_iter().filter(|one| apps.as_ref().is_none_or(|apps| apps.contains(&one.app)));
        let wanted: Vec<AppInUse> =
            wanted.filter(|one| one.last_activity.is_some()).take(MOST_APPS).collect();
        let text = text.trim().to_uppercase();
        self.store
            .read(move |tx| {
                let mut found = Vec::new();
                for one in &wanted {
                    for (category, action_type) in apps_in_use::activity_types(tx, tenant, one.app)? {
                        let matches =
                            [&category, &action_type].iter().any(|name| name.to_uppercase().contains(&text));
                        if matches {
                            let app_name = name_of(one);
                            found.push(ActivityType { app: one.app, app_name, category, action_type });
                        }
                    }
                }
                Ok(found)
            })
            .await
    }
}

/// The name of an app: its own, else what its activities call it.
pub fn name_of(app: &AppInUse) -> String {
    let known = app_name(app.app).map(str::to_string).or_else(|| app.name.clone());
    known.unwrap_or_else(|| format!("App {}", app.app))
}

fn reaches(reach: &Reach, app: i64) -> bool {
    match reach {
        Reach::Everything => true,
        Reach::Within(bounds) => bounds.iter().any(|bound| match bound {
            casbah_model::Bound::App { app: of, .. } => *of == app,
            _ => false,
        }),
    }
}
