//! Who owns applications and service principals, and what owning one allows: everything that an
//! administrator of applications may do, with this one.

use casbah_authority::{Caller, Principal};
use casbah_model::{Application, Guid, ObjectKind, ObjectRef, TenantId};
use casbah_store::{Tx, applications as store, audit, owners, service_principals, users};
use serde_json::json;

use super::applications::{self, ApplicationKey};
use super::objects::{self, DirectoryObject};
use crate::{Error, Service};

/// Roles whose holders need not own what they change.
const ROLES: &[&str] =
    &["Global Administrator", "Application Administrator", "Cloud Application Administrator"];
/// Permissions of applications that need not own what they change.
const PERMISSIONS: &[&str] = &["Application.ReadWrite.All", "Directory.ReadWrite.All"];
/// As in Entra.
const MOST: usize = 100;

/// What is owned.
#[derive(Clone, Copy, Debug)]
pub enum Owned {
    /// An application.
    Application(ApplicationKey),
    /// A service principal.
    ServicePrincipal(ApplicationKey),
}

impl Service {
    /// The owners of an application or a service principal.
    pub async fn list_owners(&self, caller: &Caller, owned: Owned) -> Result<Vec<DirectoryObject>, Error> {
        let tenant = caller.tenant;
        self.store
            .read(move |tx| {
                let (id, _, _) = find(tx, tenant, owned)?;
                let mut found = Vec::new();
                for owner in owners::of(tx, tenant, id)? {
                    found.extend(objects::find(tx, tenant, owner.id)?);
                }
                Ok(found)
            })
            .await
    }

    /// Makes a person or a service principal an owner.
    pub async fn add_owner(&self, caller: &Caller, owned: Owned, owner: Guid) -> Result<(), Error> {
        let (tenant, now, caller) = (caller.tenant, self.clock.now(), caller.clone());
        let template = caller.audit(now, "add owner", kind(owned), "", json!({}));
        self.store
            .write(move |tx| {
                let (id, behind, name) = find(tx, tenant, owned)?;
                if let Some(application) = store::find(tx, tenant, behind)? {
                    applications::check_not_built_in(&application)?;
                }
                check_may_manage(tx, &caller, &[id, behind])?;
                if owners::of(tx, tenant, id)?.len() >= MOST {
                    return Err(Error::invalid("owners", format!("there are at most {MOST} owners.")));
                }
                let owner = find_owner(tx, tenant, owner)?;
                if !owners::add(tx, tenant, id, owner)? {
                    return Err(Error::invalid(
                        "owners",
                        "One or more added object references already exist for the following modified \
                         properties: 'owners'.",
                    ));
                }
                let mut record = template.clone();
                record.target = id.to_string();
                record.details = json!({ "displayName": name, "before": {}, "after": { "owner": owner.id } });
                Ok(audit::append(tx, tenant, &record)?)
            })
            .await
    }

    /// Takes ownership away.
    pub async fn remove_owner(&self, caller: &Caller, owned: Owned, owner: Guid) -> Result<(), Error> {
        let (tenant, now, caller) = (caller.tenant, self.clock.now(), caller.clone());
        let template = caller.audit(now, "remove owner", kind(owned), "", json!({}));
        self.store
            .write(move |tx| {
                let (id, behind, name) = find(tx, tenant, owned)?;
                if let Some(application) = store::find(tx, tenant, behind)? {
                    applications::check_not_built_in(&application)?;
                }
                check_may_manage(tx, &caller, &[id, behind])?;
                if !owners::remove(tx, tenant, id, owner)? {
                    return Err(Error::NotFound);
                }
                let mut record = template.clone();
                record.target = id.to_string();
                record.details = json!({ "displayName": name, "before": { "owner": owner }, "after": {} });
                Ok(audit::append(tx, tenant, &record)?)
            })
            .await
    }
}

/// Refuses a caller who may change only what it owns, and owns none of these.
pub(crate) fn check_may_manage(tx: &mut Tx<'_>, caller: &Caller, any_of: &[Guid]) -> Result<(), Error> {
    let Some(own) = bounded(caller) else { return Ok(()) };
    for id in any_of {
        if owners::is_owner(tx, caller.tenant, *id, own)? {
            return Ok(());
        }
    }
    Err(Error::Forbidden {
        needs: match caller.principal {
            Principal::Application { .. } => format!(
                "Insufficient privileges to complete the operation: the application is not an owner; {} \
                 would be enough.",
                PERMISSIONS[0]
            ),
            _ => format!(
                "Insufficient privileges to complete the operation: the user is not an owner and holds none \
                 of the roles {}.",
                ROLES.join(", ")
            ),
        },
    })
}

/// Refuses a change to an application that comes with Casbah, or that a caller bounded by ownership does not
/// own.
pub(crate) fn check_may_change(
    tx: &mut Tx<'_>,
    caller: &Caller,
    application: &Application,
) -> Result<(), Error> {
    applications::check_not_built_in(application)?;
    check_may_manage(tx, caller, &[application.id])
}

/// Refuses a person who holds no role to register applications; an application owns what it makes.
pub(crate) fn check_may_create(caller: &Caller) -> Result<(), Error> {
    match (&caller.principal, bounded(caller)) {
        (Principal::User { .. }, Some(_)) => Err(Error::Forbidden {
            needs: format!(
                "Insufficient privileges to complete the operation: the user must hold one of the roles {}.",
                ROLES.join(", ")
            ),
        }),
        _ => Ok(()),
    }
}

/// The caller as an owner of what it makes.
pub(crate) fn maker(caller: &Caller) -> Option<ObjectRef> {
    match &caller.principal {
        Principal::Application { id, .. } => Some(ObjectRef { id: *id, kind: ObjectKind::ServicePrincipal }),
        Principal::User { id, .. } => Some(ObjectRef { id: *id, kind: ObjectKind::User }),
        Principal::System => None,
    }
}

/// Notes the first owners of something new.
pub(crate) fn add_first(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    owned: Guid,
    maker: Option<ObjectRef>,
    named: &[Guid],
) -> Result<(), Error> {
    if named.len() > MOST {
        return Err(Error::invalid("owners@odata.bind", format!("there are at most {MOST} owners.")));
    }
    for owner in named {
        let owner = find_owner(tx, tenant, *owner)?;
        owners::add(tx, tenant, owned, owner)?;
    }
    if let Some(maker) = maker {
        owners::add(tx, tenant, owned, maker)?;
    }
    Ok(())
}

/// The principal that is bounded by what it owns.
fn bounded(caller: &Caller) -> Option<Guid> {
    match &caller.principal {
        Principal::System => None,
        Principal::Application { id, .. } => {
            let holds = |p: &&str| caller.directory_permissions.iter().any(|h| h.eq_ignore_ascii_case(p));
            (!PERMISSIONS.iter().any(holds)).then_some(*id)
        }
        Principal::User { id, roles, .. } => {
            (!roles.iter().any(|role| ROLES.contains(&role.name))).then_some(*id)
        }
    }
}

fn find_owner(tx: &mut Tx<'_>, tenant: TenantId, id: Guid) -> Result<ObjectRef, Error> {
    if users::find(tx, tenant, id)?.is_some() {
        return Ok(ObjectRef { id, kind: ObjectKind::User });
    }
    if service_principals::find(tx, tenant, id)?.is_some() {
        return Ok(ObjectRef { id, kind: ObjectKind::ServicePrincipal });
    }
    Err(Error::NotFound)
}

/// The object's id, that of the application behind it, and its name.
fn find(tx: &mut Tx<'_>, tenant: TenantId, owned: Owned) -> Result<(Guid, Guid, String), Error> {
    Ok(match owned {
        Owned::Application(key) => {
            let application = applications::find(tx, tenant, key)?;
            (application.id, application.id, application.display_name)
        }
        Owned::ServicePrincipal(key) => {
            let found = super::service_principals::find(tx, tenant, key)?;
            (found.principal.id, found.application.id, found.principal.display_name)
        }
    })
}

fn kind(owned: Owned) -> &'static str {
    match owned {
        Owned::Application(_) => "application",
        Owned::ServicePrincipal(_) => "service principal",
    }
}
