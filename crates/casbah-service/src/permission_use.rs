//! Least privilege: what applications were granted against what they use.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use casbah_authority::{Caller, Principal};
use casbah_model::{Guid, TenantId, Timestamp};
use casbah_store::permission_use::{self, PermissionUse};
use casbah_store::{Tx, app_role_assignments, applications, permission_grants, service_principals};

use crate::{Error, Service};

const HOUR: i64 = 60 * 60 * 1000;
/// A permission that was not used for so long is not needed, as far as one can tell.
const WINDOW: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Uses remembered at once. Forgetting one costs a write too many.
const MOST: usize = 50_000;
/// The resources whose calls Casbah itself answers, and so sees.
const SEEN: [Guid; 2] = [casbah_authority::seed::CLOUD_APPS, casbah_authority::seed::DIRECTORY];

/// What was seen in use in the hour that it begins with.
#[derive(Default)]
pub(crate) struct ThisHour(Mutex<(Timestamp, HashSet<(TenantId, PermissionUse)>)>);

impl ThisHour {
    /// Whether a use is news in its hour.
    fn is_new(&self, tenant: TenantId, used: &PermissionUse) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.0 != used.last_used || state.1.len() >= MOST {
            *state = (used.last_used, HashSet::new());
        }
        state.1.insert((tenant, used.clone()))
    }
}

/// What to do about a permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// It is in use.
    Keep,
    /// It was granted a short while ago and has not been used: wait.
    Wait,
    /// It was used, but not in the last 30 days: consider removing it.
    ConsiderRemoving,
    /// It was never used since it was granted, more than 30 days ago: consider removing it first.
    NeverUsed,
    /// The resource is not Casbah's own, so nobody can tell here.
    NotKnown,
}

impl Advice {
    /// The word for programs.
    pub fn name(self) -> &'static str {
        match self {
            Advice::Keep => "keep",
            Advice::Wait => "wait",
            Advice::ConsiderRemoving => "considerRemoving",
            Advice::NeverUsed => "neverUsed",
            Advice::NotKnown => "notKnown",
        }
    }
}

/// A granted permission and its use.
#[derive(Clone, Debug)]
pub struct GrantedPermission {
    /// Application id of the resource.
    pub resource: Guid,
    /// Its name.
    pub resource_name: String,
    /// The permission's value.
    pub permission: String,
    /// Whether it is lent by people; else the application's own.
    pub delegated: bool,
    /// When it was granted first.
    pub granted: Timestamp,
    /// The hour of its last use.
    pub last_used: Option<Timestamp>,
    /// What to do.
    pub advice: Advice,
}

impl Service {
    /// Notes that a call used a permission; returns at once, and writes once an hour. A permission that
    /// is held beside the one that sufficed is not used by that.
    pub fn note_permission_use(&self, caller: &Caller, resource: Guid, permission: &str) {
        let (client, delegated) = match &caller.principal {
            Principal::Application { app_id, .. } => (*app_id, false),
            Principal::User { client: Some(client), .. } => (*client, true),
            // A legacy token belongs to no application.
            _ => return,
        };
        let hour = Timestamp(self.clock.now().0.div_euclid(HOUR) * HOUR);
        let used = PermissionUse {
            client,
            resource,
            permission: permission.to_string(),
            delegated,
            first_used: hour,
            last_used: hour,
        };
        let tenant = caller.tenant;
        if !self.used.is_new(tenant, &used) {
            return;
        }
        let store = self.store.clone();
        tokio::spawn(async move {
            if let Err(e) = store.write(move |tx| permission_use::note(tx, tenant, &used)).await {
                tracing::warn!(error = %e, "the use of a permission was not noted");
            }
        });
    }

    /// What an application was granted, and which of it was used; the unused first. `principal` is the
    /// object id of its service principal.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none.
    pub async fn permission_use(
        &self,
        caller: &Caller,
        principal: Guid,
    ) -> Result<Vec<GrantedPermission>, Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        self.store.read(move |tx| report(tx, tenant, principal, now)).await
    }
}

fn report(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    principal: Guid,
    now: Timestamp,
) -> Result<Vec<GrantedPermission>, Error> {
    let client = service_principals::find(tx, tenant, principal)?.ok_or(Error::NotFound)?;
    let used = permission_use::of_client(tx, tenant, client.app_id)?;
    let mut granted: Vec<(Guid, String, bool, Timestamp)> = Vec::new();
    let mut names: Vec<(Guid, String)> = Vec::new();
    for assignment in app_role_assignments::of_principal(tx, tenant, client.id)? {
        let Some(resource) = service_principals::find(tx, tenant, assignment.resource)? else { continue };
        let Some(application) = applications::find_by_app_id(tx, tenant, resource.app_id)? else { continue };
        names.push((resource.app_id, resource.display_name));
        if let Some(role) = application.app_roles.into_iter().find(|r| r.id == assignment.app_role) {
            granted.push((resource.app_id, role.value, false, assignment.created));
        }
    }
    for grant in permission_grants::of_client(tx, tenant, client.id)? {
        let Some(resource) = service_principals::find(tx, tenant, grant.resource)? else { continue };
        names.push((resource.app_id, resource.display_name));
        for scope in grant.scopes {
            // Several people may have lent the same.
            let same = |g: &&mut (Guid, String, bool, Timestamp)| {
                g.0 == resource.app_id && g.2 && g.1.eq_ignore_ascii_case(&scope)
            };
            match granted.iter_mut().find(same) {
                Some(earlier) => earlier.3 = earlier.3.min(grant.created),
                None => granted.push((resource.app_id, scope, true, grant.created)),
            }
        }
    }
    let since = now.minus(WINDOW);
    let mut all: Vec<GrantedPermission> = granted
        .into_iter()
        .map(|(resource, permission, delegated, granted)| {
            let last_used = used
                .iter()
                .find(|u| {
                    u.resource == resource
                        && u.delegated == delegated
                        && u.permission.eq_ignore_ascii_case(&permission)
                })
                .map(|u| u.last_used);
            let advice = match last_used {
                _ if !SEEN.contains(&resource) => Advice::NotKnown,
                Some(at) if at >= since => Advice::Keep,
                Some(_) => Advice::ConsiderRemoving,
                None if granted > since => Advice::Wait,
                None => Advice::NeverUsed,
            };
            let name = names.iter().find(|(id, _)| *id == resource).map(|(_, name)| name.clone());
            let resource_name = name.unwrap_or_default();
            GrantedPermission { resource, resource_name, permission, delegated, granted, last_used, advice }
        })
        .collect();
    all.sort_by(|a, b| {
        let key = |g: &GrantedPermission| (g.last_used, g.resource_name.clone(), g.permission.clone());
        key(a).cmp(&key(b))
    });
    Ok(all)
}
