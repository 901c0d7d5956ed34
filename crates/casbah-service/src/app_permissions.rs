//! Applications that hold permissions: what they were granted, by whom, who uses them, and what an administrator
//! decides of them. Everything is told from the records of consent and of app roles.

use std::collections::BTreeMap;

use casbah_authority::{Caller, seed};
use casbah_model::filter::{AppPermissionField, Condition, Operand, Page};
use casbah_model::{
    Access, AppVerdict, Application, Bound, ConsentType, DIRECTORY_APP, EntityAddress, Guid, Part, Reach,
    RecordId, ServicePrincipal, TenantId, Timestamp,
};
pub use casbah_store::app_permissions::AppUser;
use casbah_store::{
    Tx, app_permissions, app_role_assignments, applications, audit, entities, permission_grants,
    permission_use, service_principals,
};
use serde_json::{Value, json};

use crate::directory::applications::{check_not_built_in, end_sign_ins};
use crate::{Error, Service};

/// An application that holds permissions, was given some once and judged, or is used by somebody.
#[derive(Clone, Debug)]
pub struct AppPermission {
    /// Its record id, that of its account in the directory.
    pub record: RecordId,
    /// It, inside the tenant.
    pub principal: ServicePrincipal,
    /// Where its home page is.
    pub homepage: Option<String>,
    /// What it is, for people.
    pub description: Option<String>,
    /// Domain of whoever registered it.
    pub publisher: Option<String>,
    /// Whether the tenant registered it itself; those that come with every tenant are not its own.
    pub internal: bool,
    /// What it was granted, by resource and name.
    pub permissions: Vec<Granted>,
    /// People who consented for themselves, or have signed in to it.
    pub users: i64,
    /// Those of them who consented for themselves.
    pub consenting: i64,
    /// When it was last used, to the hour or better.
    pub last_used: Option<Timestamp>,
}

/// A permission that an application was granted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Granted {
    /// Name of the resource.
    pub resource: String,
    /// The permission as it stands in tokens.
    pub value: String,
    /// What it allows.
    pub description: String,
    /// Whether people lend it; else it is the application's own.
    pub delegated: bool,
    /// Whether it counts for everybody, and not only for those who consented.
    pub everyone: bool,
    /// Those who consented for themselves.
    pub people: i64,
    /// When it was first granted.
    pub granted: Timestamp,
    /// Name of the person or application that granted it, for everybody or as an app role.
    pub by: Option<String>,
    /// When it was last used, to the hour.
    pub last_used: Option<Timestamp>,
    /// How much it allows: 0 low, 1 medium, 2 high.
    pub severity: i64,
}

impl AppPermission {
    /// How much its permissions allow: 0 low, 1 medium, 2 high.
    pub fn severity(&self) -> i64 {
        self.permissions.iter().map(|one| one.severity).max().unwrap_or(0)
    }

    /// What was decided: 0 nothing, 1 approved, 2 banned.
    pub fn status(&self) -> i64 {
        match self.principal.details.verdict {
            None => 0,
            Some(AppVerdict::Approved) => 1,
            Some(AppVerdict::Banned) => 2,
        }
    }

    /// Whether an administrator consented for everybody or gave an app role.
    pub fn admin_consent(&self) -> bool {
        self.permissions.iter().any(|one| one.everyone)
    }

    /// When it was last given a permission that it did not hold.
    pub fn last_granted(&self) -> Option<Timestamp> {
        self.permissions.iter().map(|one| one.granted).max()
    }

    fn satisfies(&self, condition: &Condition<AppPermissionField>) -> bool {
        use AppPermissionField as F;
        let text = |text: &str| vec![Operand::Text(text.to_string())];
        let time = |at: Option<Timestamp>| at.map(|at| Operand::Number(at.0)).into_iter().collect();
        let values = match condition.field {
            F::App => vec![Operand::Number(DIRECTORY_APP)],
            F::Name => text(&self.principal.display_name),
            F::ClientId => text(&self.principal.app_id.to_string()),
            F::Severity => vec![Operand::Number(self.severity())],
            F::Status => vec![Operand::Number(self.status())],
            F::Users => vec![Operand::Number(self.users)],
            F::Internal => vec![Operand::Flag(self.internal)],
            F::AdminConsent => vec![Operand::Flag(self.admin_consent())],
            F::Permission => self.permissions.iter().map(|one| Operand::Text(one.value.clone())).collect(),
            F::LastUsed => time(self.last_used),
            F::LastGranted => time(self.last_granted()),
        };
        condition.test.holds(&values)
    }

    fn facts(&self) -> Value {
        let names = self.permissions.iter().map(|one| format!("{}: {}", one.resource, one.value));
        json!({
            "name": self.principal.display_name,
            "appStatus": self.status(),
            "accountEnabled": self.principal.enabled,
            "permissions": names.collect::<Vec<_>>(),
        })
    }
}

/// How much a permission allows. What can only be read with a person at hand, and without an administrator's
/// consent, is low; changing things as oneself, or with what only an administrator may lend, is high.
fn severity(value: &str, delegated: bool, admin_only: bool) -> i64 {
    const OF_SIGN_IN: [&str; 4] = ["openid", "profile", "email", "offline_access"];
    let is_read = |part: &str| part.eq_ignore_ascii_case("read") || part.eq_ignore_ascii_case("readbasic");
    let reads = OF_SIGN_IN.contains(&value) || value.split('.').any(is_read);
    match (reads, !delegated || admin_only) {
        (true, false) => 0,
        (true, true) | (false, false) => 1,
        (false, true) => 2,
    }
}

/// What a list of applications is sorted by; ties are broken by the record id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AppPermissionOrder {
    /// How many people use it.
    Users,
    /// Name, without regard to case.
    Name,
    /// How much its permissions allow.
    Severity,
    /// When it was last used; those never used are the earliest.
    LastUsed,
    /// When it was last given something.
    LastGranted,
}

/// Which applications.
#[derive(Clone, Debug)]
pub struct AppPermissionQuery {
    /// All of these hold.
    pub conditions: Vec<Condition<AppPermissionField>>,
    /// By what.
    pub order: AppPermissionOrder,
    /// The lowest first.
    pub ascending: bool,
    /// This part of the list.
    pub page: Page,
}

/// What to do about an application.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AppDecision {
    /// Let it go on: it is enabled, and marked.
    Approve,
    /// Shut it out: it is disabled, its sign-ins end, and it is marked.
    Ban,
    /// Take the mark away; one that was banned is enabled again.
    Clear,
    /// Take away all that it was granted, and end its sign-ins.
    Revoke,
}

impl Service {
    /// Lists applications that hold permissions; and how many there are over all pages.
    pub async fn list_app_permissions(
        &self,
        caller: &Caller,
        query: AppPermissionQuery,
    ) -> Result<(Vec<AppPermission>, i64), Error> {
        let tenant = caller.tenant;
        if !reaches(&caller.reach(Part::Entities, Access::Read)) {
            return Ok((Vec::new(), 0));
        }
        let mut found = self.store.read(move |tx| all(tx, tenant)).await?;
        let AppPermissionQuery { conditions, order, ascending, page } = query;
        found.retain(|one| conditions.iter().all(|condition| one.satisfies(condition)));
        found.sort_by(|a, b| {
            let by = match order {
                AppPermissionOrder::Users => a.users.cmp(&b.users),
                AppPermissionOrder::Name => {
                    a.principal.display_name.to_lowercase().cmp(&b.principal.display_name.to_lowercase())
                }
                AppPermissionOrder::Severity => a.severity().cmp(&b.severity()),
                AppPermissionOrder::LastUsed => a.last_used.cmp(&b.last_used),
                AppPermissionOrder::LastGranted => a.last_granted().cmp(&b.last_granted()),
            };
            let by = by.then_with(|| a.record.cmp(&b.record));
            if ascending { by } else { by.reverse() }
        });
        let total = found.len() as i64;
        let skip = usize::try_from(page.skip).unwrap_or(usize::MAX);
        let limit = usize::try_from(page.limit).unwrap_or(0);
        Ok((found.into_iter().skip(skip).take(limit).collect(), total))
    }

    /// Fetches an application that holds permissions.
    pub async fn app_permission(&self, caller: &Caller, id: RecordId) -> Result<AppPermission, Error> {
        let (tenant, reach) = (caller.tenant, caller.reach(Part::Entities, Access::Read));
        self.store.read(move |tx| find(tx, tenant, &reach, &id)).await
    }

    /// Who uses such an application, by name, each with whether they hold a role of administrators; and how many
    /// there are over all pages.
    pub async fn list_app_permission_users(
        &self,
        caller: &Caller,
        id: RecordId,
        page: Page,
    ) -> Result<(Vec<(AppUser, bool)>, i64), Error> {
        let (tenant, reach) = (caller.tenant, caller.reach(Part::Entities, Access::Read));
        self.store
            .read(move |tx| {
                let app = find(tx, tenant, &reach, &id)?;
                let key = (app.principal.id, app.principal.app_id);
                let found = app_permissions::users(tx, tenant, key, (page.skip, page.limit))?;
                let ids: Vec<Guid> = found.iter().map(|user| user.id).collect();
                let roles = entities::roles_of(tx, tenant, &ids)?;
                let with = |user: AppUser| {
                    let administrator = roles.iter().any(|(of, _)| *of == user.id);
                    (user, administrator)
                };
                Ok((found.into_iter().map(with).collect(), app.users))
            })
            .await
    }

    /// Decides about an application that holds permissions. Those that come with Casbah are left alone.
    pub async fn decide_app_permission(
        &self,
        caller: &Caller,
        id: RecordId,
        decision: AppDecision,
    ) -> Result<AppPermission, Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let action = match decision {
            AppDecision::Approve => "approve app",
            AppDecision::Ban => "ban app",
            AppDecision::Clear => "clear decision on app",
            AppDecision::Revoke => "revoke permissions of app",
        };
        let record = caller.audit(now, action, "service principal", "", Value::Null);
        let reach = caller.reach(Part::Entities, Access::Change);
        self.store
            .write(move |tx| {
                let before = find(tx, tenant, &reach, &id)?;
                let mut principal = before.principal.clone();
                let application =
                    applications::find_by_app_id(tx, tenant, principal.app_id)?.ok_or(Error::NotFound)?;
                check_not_built_in(&application)?;
                match decision {
                    AppDecision::Approve => {
                        principal.details.verdict = Some(AppVerdict::Approved);
                        principal.enabled = true;
                    }
                    AppDecision::Ban => {
                        principal.details.verdict = Some(AppVerdict::Banned);
                        principal.enabled = false;
                        end_sign_ins(tx, tenant, principal.app_id, now)?;
                    }
                    AppDecision::Clear => {
                        principal.enabled |= principal.details.verdict == Some(AppVerdict::Banned);
                        principal.details.verdict = None;
                    }
                    AppDecision::Revoke => {
                        app_permissions::remove_grants(tx, tenant, principal.id)?;
                        app_permissions::remove_app_roles(tx, tenant, principal.id)?;
                        end_sign_ins(tx, tenant, principal.app_id, now)?;
                    }
                }
                service_principals::save(tx, tenant, &principal)?;
                let mut after = before.clone();
                if decision == AppDecision::Revoke {
                    after.permissions.clear();
                    after.consenting = 0;
                }
                after.principal = principal;
                let (was, is) = (before.facts(), after.facts());
                if was != is {
                    audit::append(tx, tenant, &record.changed(after.principal.id, &was, &is))?;
                }
                Ok(after)
            })
            .await
    }
}

/// Applications are looked after by whoever reaches everything, or the whole of the directory's app.
fn reaches(reach: &Reach) -> bool {
    match reach {
        Reach::Everything => true,
        Reach::Within(bounds) => bounds.contains(&Bound::App { app: DIRECTORY_APP, instance: None }),
    }
}

fn find(tx: &mut Tx<'_>, tenant: TenantId, reach: &Reach, id: &RecordId) -> Result<AppPermission, Error> {
    if !reaches(reach) {
        return Err(Error::NotFound);
    }
    all(tx, tenant)?.into_iter().find(|one| one.record == *id).ok_or(Error::NotFound)
}

/// Every application with something to tell, in no order.
fn all(tx: &mut Tx<'_>, tenant: TenantId) -> Result<Vec<AppPermission>, Error> {
    let principals: BTreeMap<Guid, ServicePrincipal> =
        service_principals::list(tx, tenant)?.into_iter().map(|one| (one.id, one)).collect();
    let registered: BTreeMap<Guid, Application> =
        applications::list(tx, tenant)?.into_iter().map(|one| (one.app_id, one)).collect();
    let mut granted = granted(tx, tenant, &principals, &registered)?;
    let counts = app_permissions::counts(tx, tenant)?;
    let used = app_permissions::last_used(tx, tenant)?;
    let mut found = Vec::new();
    for (id, principal) in principals {
        let Some(application) = registered.get(&principal.app_id) else { continue };
        if [seed::CLOUD_APPS, seed::DIRECTORY].contains(&principal.app_id) {
            continue;
        }
        let permissions = granted.remove(&id).unwrap_or_default();
        let (users, consenting) =
            counts.iter().find(|(of, ..)| *of == id).map_or((0, 0), |(_, users, own)| (*users, *own));
        if permissions.is_empty() && users == 0 && principal.details.verdict.is_none() {
            continue;
        }
        let address = EntityAddress { id: id.to_string(), saas: DIRECTORY_APP, inst: 0 };
        found.push(AppPermission {
            record: entities::record_of(tenant, &address),
            homepage: application.details.home_page_url.clone(),
            description: principal
                .details
                .description
                .clone()
                .or_else(|| application.details.description.clone()),
            publisher: application.details.publisher_domain.clone(),
            internal: check_not_built_in(application).is_ok(),
            last_used: used.iter().find(|(app, _)| *app == principal.app_id).map(|(_, at)| *at),
            permissions,
            users,
            consenting,
            principal,
        });
    }
    Ok(found)
}

/// What each service principal was granted on resources that are there, by its object id.
fn granted(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    principals: &BTreeMap<Guid, ServicePrincipal>,
    registered: &BTreeMap<Guid, Application>,
) -> Result<BTreeMap<Guid, Vec<Granted>>, Error> {
    let assignments = app_role_assignments::of_applications(tx, tenant)?;
    let grants = permission_grants::list(tx, tenant)?;
    let mut givers: Vec<Guid> = assignments.iter().filter_map(|one| one.granted_by).collect();
    givers.extend(grants.iter().filter_map(|one| one.granted_by));
    givers.sort_unstable();
    givers.dedup();
    let names: BTreeMap<Guid, String> = app_permissions::names(tx, tenant, &givers)?.into_iter().collect();
    let by = |giver: Option<Guid>| giver.and_then(|id| names.get(&id).cloned());
    let resource = |id: Guid| {
        let principal = principals.get(&id)?;
        Some((principal, registered.get(&principal.app_id)?))
    };
    let mut uses: BTreeMap<Guid, Vec<permission_use::PermissionUse>> = BTreeMap::new();
    for one in permission_use::list(tx, tenant)? {
        uses.entry(one.client).or_default().push(one);
    }
    let last_used = |client: Guid, of: Guid, value: &str, delegated: bool| {
        let same = |one: &&permission_use::PermissionUse| {
            one.resource == of && one.delegated == delegated && one.permission.eq_ignore_ascii_case(value)
        };
        let client = principals.get(&client)?.app_id;
        uses.get(&client)?.iter().find(same).map(|one| one.last_used)
    };
    let mut all: BTreeMap<Guid, Vec<Granted>> = BTreeMap::new();
    for one in assignments {
        let Some((principal, api)) = resource(one.resource) else { continue };
        let Some(role) = api.app_roles.iter().find(|role| role.id == one.app_role) else { continue };
        all.entry(one.principal).or_default().push(Granted {
            resource: principal.display_name.clone(),
            description: role.description.clone(),
            delegated: false,
            everyone: true,
            people: 0,
            granted: one.created,
            by: by(one.granted_by),
            last_used: last_used(one.principal, api.app_id, &role.value, false),
            severity: severity(&role.value, false, true),
            value: role.value.clone(),
        });
    }
    for grant in grants {
        let Some((principal, api)) = resource(grant.resource) else { continue };
        let held = all.entry(grant.client).or_default();
        let everyone = grant.consent_type == ConsentType::AllPrincipals;
        for value in &grant.scopes {
            let same = |one: &&mut Granted| {
                one.delegated
                    && one.resource == principal.display_name
                    && one.value.eq_ignore_ascii_case(value)
            };
            let known = match held.iter_mut().find(same) {
                Some(known) => known,
                None => {
                    let scope = api.scopes.iter().find(|scope| scope.value.eq_ignore_ascii_case(value));
                    held.push(Granted {
                        resource: principal.display_name.clone(),
                        value: value.clone(),
                        description: scope.map(|scope| scope.description.clone()).unwrap_or_default(),
                        delegated: true,
                        everyone: false,
                        people: 0,
                        granted: grant.created,
                        by: None,
                        last_used: last_used(grant.client, api.app_id, value, true),
                        severity: severity(value, true, scope.is_some_and(|scope| scope.admin_only)),
                    });
                    let last = held.len() - 1;
                    &mut held[last]
                }
            };
            known.granted = known.granted.min(grant.created);
            if everyone {
                known.everyone = true;
                known.by = by(grant.granted_by);
            } else {
                known.people += 1;
            }
        }
    }
    for held in all.values_mut() {
        held.retain(|one| one.everyone || one.people > 0);
        held.sort_by(|a, b| (&a.resource, a.delegated, &a.value).cmp(&(&b.resource, b.delegated, &b.value)));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::severity;

    #[test]
    fn a_permission_allows_the_more_the_less_stands_around_it() {
        let check = |value: &str, delegated: bool, admin_only: bool, expected: i64| {
            assert_eq!(severity(value, delegated, admin_only), expected, "{value} {delegated} {admin_only}");
        };
        check("User.Read", true, false, 0);
        check("offline_access", true, false, 0);
        check("User.Read.All", true, true, 1);
        check("Investigation.read", false, true, 1);
        check("Orders.Write", true, false, 1);
        check("Directory.ReadWrite.All", true, true, 2);
        check("Investigation.manage", false, true, 2);
        check("Application.ReadWrite.OwnedBy", false, true, 2);
    }
}
