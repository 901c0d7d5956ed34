//! The roles that Cloud Apps has of its own: who holds them, and within which limits.

use casbah_authority::Caller;
use casbah_discovery::Catalogue;
use casbah_model::{
    Administrator, AdministratorRole, Bound, Guid, Limit, Reach, RecordId, StreamKind, TenantId, User,
};
use casbah_store::{
    Condition, Order, Property, Search, Tx, administrators, audit, groups, search, streams, tenants, users,
};
use serde_json::{Value as Json, json};

use crate::directory::users::find_user;
use crate::{Error, Service};

/// Most roles, apps, groups and reports of one person together: each is a condition of every query.
const MOST_BOUNDS: usize = 100;

/// A role to be given.
#[derive(Clone, Debug)]
pub struct NewAdministrator {
    /// Who gets it: object id, sign-in name, or the part of it before the @.
    pub user: String,
    /// Which one.
    pub role: &'static AdministratorRole,
    /// Apps by number or name, each with the instance if it is to be one of them.
    pub apps: Vec<(String, Option<i64>)>,
    /// Groups by object id or name.
    pub groups: Vec<String>,
    /// Reports by id or name.
    pub reports: Vec<String>,
    /// Whether nothing may be changed with it.
    pub read_only: bool,
}

/// A role that somebody holds, with the names that people know.
#[derive(Clone, Debug)]
pub struct AdministratorDetails {
    /// The assignment.
    pub administrator: Administrator,
    /// Sign-in name of the person.
    pub user_name: String,
    /// Names of the bounds, in their order.
    pub names: Vec<String>,
}

impl Service {
    /// Lists who holds a role of Cloud Apps, by age.
    pub async fn list_administrators(&self, caller: &Caller) -> Result<Vec<AdministratorDetails>, Error> {
        let (tenant, catalogue) = (caller.tenant, self.catalogue());
        self.store
            .read(move |tx| {
                let mut all = Vec::new();
                for administrator in administrators::list(tx, tenant)? {
                    // A deleted person holds nothing until restored.
                    if let Some(user) = users::find(tx, tenant, administrator.user)? {
                        all.push(details_of(tx, tenant, &catalogue, administrator, user)?);
                    }
                }
                Ok(all)
            })
            .await
    }

    /// Gives a person a role; answers with it, and whether that is new.
    pub async fn add_administrator(
        &self,
        caller: &Caller,
        new: NewAdministrator,
    ) -> Result<(AdministratorDetails, bool), Error> {
        let (tenant, now, catalogue) = (caller.tenant, self.clock.now(), self.catalogue());
        check_limits(&new)?;
        check_permissions(caller, &new)?;
        self.prepare_tenant(tenant).await?;
        let id = RecordId::new(now);
        let template = caller.audit(now, "add administrator", "user", "", json!({}));
        self.store
            .write(move |tx| {
                let missing = || Error::invalid("username", format!("nobody is named {:?}", new.user));
                let user = find_person(tx, tenant, &new.user)?.ok_or_else(missing)?;
                let administrator = Administrator {
                    id: id.clone(),
                    user: user.id,
                    role: new.role,
                    read_only: new.read_only,
                    bounds: bounds(tx, tenant, &catalogue, &new)?,
                    created: now,
                };
                let held = administrators::of_user(tx, tenant, user.id)?;
                if let Some(same) = held.iter().find(|one| is_same(one, &administrator)) {
                    return Ok((details_of(tx, tenant, &catalogue, same.clone(), user)?, false));
                }
                let size = |one: &Administrator| one.bounds.len().max(1);
                if held.iter().map(size).sum::<usize>() + size(&administrator) > MOST_BOUNDS {
                    let why =
                        format!("nobody can hold more than {MOST_BOUNDS} roles, apps, groups and reports");
                    return Err(Error::invalid("username", why));
                }
                administrators::insert(tx, tenant, &administrator)?;
                let details = details_of(tx, tenant, &catalogue, administrator, user)?;
                let mut record = template.clone();
                record.target = details.administrator.user.to_string();
                record.details = json!({ "name": details.user_name, "before": {}, "after": facts(&details) });
                audit::append(tx, tenant, &record)?;
                Ok((details, true))
            })
            .await
    }

    /// Takes roles of Cloud Apps away: the one with that id, or all that the person of that id or name
    /// holds. Answers whose and how many they were.
    pub async fn remove_administrator(&self, caller: &Caller, key: &str) -> Result<(String, usize), Error> {
        let (tenant, now, key) = (caller.tenant, self.clock.now(), key.to_string());
        let catalogue = self.catalogue();
        let template = caller.audit(now, "remove administrator", "user", "", json!({}));
        self.store
            .write(move |tx| {
                let held = match key.parse::<RecordId>() {
                    Ok(id) => administrators::find(tx, tenant, &id)?.into_iter().collect(),
                    Err(_) => match find_person(tx, tenant, &key)? {
                        Some(user) => administrators::of_user(tx, tenant, user.id)?,
                        None => Vec::new(),
                    },
                };
                let user = held.first().map(|one| users::find(tx, tenant, one.user)).transpose()?.flatten();
                let user = user.ok_or(Error::NotFound)?;
                let mut gone = Vec::new();
                for administrator in held {
                    administrators::delete(tx, tenant, &administrator.id)?;
                    gone.push(facts(&details_of(tx, tenant, &catalogue, administrator, user.clone())?));
                }
                let count = gone.len();
                let before = match gone.len() {
                    1 => gone.remove(0),
                    _ => json!({ "roles": gone }),
                };
                let mut record = template.clone();
                record.target = user.id.to_string();
                record.details = json!({ "name": user.user_principal_name, "before": before, "after": {} });
                audit::append(tx, tenant, &record)?;
                Ok((user.user_principal_name, count))
            })
            .await
    }
}

/// What the role is limited to must be said, and nothing else.
fn check_limits(new: &NewAdministrator) -> Result<(), Error> {
    let role = new.role;
    for (field, limit, count) in [
        ("apps", Limit::Apps, new.apps.len()),
        ("groups", Limit::Groups, new.groups.len()),
        ("reports", Limit::Reports, new.reports.len()),
    ] {
        if role.limit == limit && count == 0 {
            return Err(Error::invalid(field, format!("the role {} needs at least one", role.id)));
        }
        if role.limit != limit && count > 0 {
            return Err(Error::invalid(field, format!("the role {} is not limited to {field}", role.id)));
        }
        // Before each of them is looked up.
        if count > MOST_BOUNDS {
            return Err(Error::invalid(field, format!("must not be more than {MOST_BOUNDS}")));
        }
    }
    if new.read_only && !role.can_be_read_only() {
        let why = format!("the role {} cannot be made read-only", role.id);
        return Err(Error::invalid("readOnly", why));
    }
    Ok(())
}

/// Nobody gives away what their access token does not carry: an application with `Settings.manage` alone
/// could make an accomplice of its own a global administrator.
fn check_permissions(caller: &Caller, new: &NewAdministrator) -> Result<(), Error> {
    let lacking = new.role.rights.permissions().iter().filter(|p| !caller.permissions.contains(*p));
    let lacking: Vec<&str> = lacking.map(casbah_model::Permission::title).collect();
    if lacking.is_empty() {
        return Ok(());
    }
    Err(Error::Forbidden {
        needs: format!(
            "To give the role {} a caller needs what it carries: {} is missing.",
            new.role.id,
            lacking.join(", ")
        ),
    })
}

/// A person by object id, by sign-in name, or by the part of it before the @.
fn find_person(tx: &mut Tx<'_>, tenant: TenantId, key: &str) -> Result<Option<User>, Error> {
    match find_user(tx, tenant, key) {
        Ok(user) => return Ok(Some(user)),
        Err(Error::NotFound) if !key.contains('@') && key.parse::<Guid>().is_err() => {}
        Err(Error::NotFound) => return Ok(None),
        Err(e) => return Err(e),
    }
    let domains = tenants::find(tx, tenant)?.map(|found| found.domains).unwrap_or_default();
    for domain in domains {
        if let Some(user) = users::find_by_name(tx, tenant, &format!("{}@{domain}", key.trim()))? {
            return Ok(Some(user));
        }
    }
    Ok(None)
}

fn bounds(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    catalogue: &Catalogue,
    new: &NewAdministrator,
) -> Result<Vec<Bound>, Error> {
    let mut found = Vec::new();
    for (app, instance) in &new.apps {
        found.push(Bound::App { app: find_app(catalogue, app)?, instance: *instance });
    }
    for name in &new.groups {
        found.push(Bound::Group(find_group(tx, tenant, name)?));
    }
    for name in &new.reports {
        found.push(Bound::Report(find_report(tx, tenant, name)?));
    }
    let mut different: Vec<Bound> = Vec::new();
    for bound in found {
        if !different.contains(&bound) {
            different.push(bound);
        }
    }
    Ok(different)
}

fn find_app(catalogue: &Catalogue, app: &str) -> Result<i64, Error> {
    if let Ok(number) = app.trim().parse::<i64>() {
        let positive = number > 0;
        return if positive {
            Ok(number)
        } else {
            Err(Error::invalid("apps", "an app has a number above 0"))
        };
    }
    let same = |known: &&casbah_discovery::App| known.name.to_lowercase() == app.trim().to_lowercase();
    let known = catalogue.apps().find(same).map(|known| i64::from(known.id));
    known.ok_or_else(|| Error::invalid("apps", format!("the catalogue has no app named {app:?}")))
}

fn find_group(tx: &mut Tx<'_>, tenant: TenantId, name: &str) -> Result<Guid, Error> {
    if let Ok(id) = name.trim().parse::<Guid>() {
        let known = groups::find(tx, tenant, id)?;
        return known
            .map(|group| group.id)
            .ok_or_else(|| Error::invalid("groups", format!("no group has the id {id}")));
    }
    let wanted = Search {
        condition: Condition::Is(Property::DisplayName, search::key(name).into()),
        order: Order { by: Property::DisplayName, descending: false },
        after: None,
        limit: 2,
    };
    match groups::search(tx, tenant, &wanted)?.as_slice() {
        [one] => Ok(one.id),
        [] => Err(Error::invalid("groups", format!("no group is named {name:?}"))),
        _ => Err(Error::invalid("groups", format!("several groups are named {name:?}: use the id"))),
    }
}

fn find_report(tx: &mut Tx<'_>, tenant: TenantId, name: &str) -> Result<RecordId, Error> {
    let all = streams::list(tx, tenant, &Reach::Everything)?;
    if let Some(same) = all.iter().find(|stream| stream.id.as_str().eq_ignore_ascii_case(name.trim())) {
        return Ok(same.id.clone());
    }
    let same = |name_of: &str| name_of.trim().to_lowercase() == name.trim().to_lowercase();
    let mut named: Vec<_> = all.iter().filter(|stream| same(&stream.name)).collect();
    // A continuous report and a snapshot may have the same name; the continuous one is meant.
    named.sort_by_key(|stream| stream.kind == StreamKind::Snapshot);
    named.first().map(|stream| stream.id.clone()).ok_or_else(|| {
        let names: Vec<&str> = all.iter().map(|stream| stream.name.as_str()).collect();
        Error::invalid("reports", format!("no report is named {name:?}; there are {}", names.join(", ")))
    })
}

fn is_same(one: &Administrator, other: &Administrator) -> bool {
    let all_in = |a: &[Bound], b: &[Bound]| a.iter().all(|bound| b.contains(bound));
    one.role == other.role
        && one.read_only == other.read_only
        && all_in(&one.bounds, &other.bounds)
        && all_in(&other.bounds, &one.bounds)
}

fn details_of(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    catalogue: &Catalogue,
    administrator: Administrator,
    user: User,
) -> Result<AdministratorDetails, Error> {
    let mut names = Vec::new();
    for bound in &administrator.bounds {
        names.push(match bound {
            Bound::App { app, .. } => {
                let known = u32::try_from(*app).ok().and_then(|id| catalogue.app(id));
                known.map_or_else(|| app.to_string(), |known| known.name.clone())
            }
            Bound::Group(id) => {
                groups::find(tx, tenant, *id)?.map(|group| group.display_name).unwrap_or_default()
            }
            Bound::Report(id) => streams::find(tx, tenant, &Reach::Everything, id)?
                .map(|stream| stream.name)
                .unwrap_or_default(),
            Bound::Discovery => String::new(),
        });
    }
    Ok(AdministratorDetails { administrator, user_name: user.user_principal_name, names })
}

/// What the audit trail says of an assignment.
fn facts(details: &AdministratorDetails) -> Json {
    let Administrator { id, role, read_only, bounds, .. } = &details.administrator;
    let mut facts = json!({ "id": id, "role": role.name, "readOnly": read_only });
    if !bounds.is_empty() {
        facts["limitedTo"] = json!({ "names": details.names, "bounds": bounds });
    }
    facts
}
