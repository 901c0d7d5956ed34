//! What was deleted and can be taken back for thirty days.

use std::time::Duration;

use casbah_authority::Caller;
use casbah_model::{Application, Group, Guid, ServicePrincipal, TenantId, Timestamp, User};
use casbah_store::{Tx, applications, audit, groups, service_principals, tenants, users};
use serde_json::{Value as Json, json};

use super::rights::{self, Right};
use super::{facts, owners};
use crate::{Error, Service};

/// How long a deleted item can be taken back, as in Entra.
const KEPT: Duration = Duration::from_secs(30 * 86_400);
/// How many are read, or deleted for good, at a time.
const BATCH: i64 = 200;

/// A deleted object.
#[derive(Clone, Debug)]
pub enum Deleted {
    /// An application.
    Application(Box<Application>),
    /// A service principal.
    ServicePrincipal(Box<ServicePrincipal>),
    /// A person.
    User(Box<User>),
    /// A group.
    Group(Box<Group>),
}

/// A deleted object and when it was deleted.
#[derive(Clone, Debug)]
pub struct DeletedItem {
    /// What.
    pub object: Deleted,
    /// When.
    pub at: Timestamp,
}

/// The kinds of deleted objects.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeletedKind {
    /// Applications.
    Application,
    /// Service principals.
    ServicePrincipal,
    /// People.
    User,
    /// Groups.
    Group,
}

impl Deleted {
    /// Its kind.
    pub fn kind(&self) -> DeletedKind {
        match self {
            Deleted::Application(_) => DeletedKind::Application,
            Deleted::ServicePrincipal(_) => DeletedKind::ServicePrincipal,
            Deleted::User(_) => DeletedKind::User,
            Deleted::Group(_) => DeletedKind::Group,
        }
    }
}

impl Service {
    /// A deleted object by id.
    pub async fn fetch_deleted_item(&self, caller: &Caller, id: Guid) -> Result<DeletedItem, Error> {
        let tenant = caller.tenant;
        self.store.read(move |tx| find(tx, tenant, id)).await
    }

    /// The deleted objects of a kind, those deleted last first.
    pub async fn list_deleted_items(
        &self,
        caller: &Caller,
        kind: DeletedKind,
    ) -> Result<Vec<DeletedItem>, Error> {
        let tenant = caller.tenant;
        self.store.read(move |tx| list(tx, tenant, kind)).await
    }

    /// Takes a deleted object back, with what it held.
    pub async fn restore_deleted_item(&self, caller: &Caller, id: Guid) -> Result<(), Error> {
        let (tenant, now, caller) = (caller.tenant, self.clock.now(), caller.clone());
        let template = caller.audit(now, "restore", "", id, json!({}));
        self.store
            .write(move |tx| {
                let item = find(tx, tenant, id)?;
                check_may_manage(tx, &caller, &item.object)?;
                let taken = match &item.object {
                    Deleted::Application(application) => {
                        if applications::find_by_app_id(tx, tenant, application.app_id)?.is_some() {
                            return Err(Error::Conflict("another application has this appId by now.".into()));
                        }
                        for uri in &application.identifier_uris {
                            if applications::find_by_identifier_uri(tx, tenant, uri)?.is_some() {
                                return Err(Error::Conflict(format!(
                                    "another application has the identifier URI {uri} by now."
                                )));
                            }
                        }
                        applications::restore(tx, tenant, id)?
                    }
                    Deleted::ServicePrincipal(principal) => {
                        if applications::find_by_app_id(tx, tenant, principal.app_id)?.is_none() {
                            return Err(Error::invalid(
                                "id",
                                "its application is deleted: restore that one.",
                            ));
                        }
                        if service_principals::find_by_app_id(tx, tenant, principal.app_id)?.is_some() {
                            return Err(Error::Conflict(
                                "the application has another service principal by now.".into(),
                            ));
                        }
                        service_principals::restore(tx, tenant, id)?
                    }
                    Deleted::User(user) => {
                        if users::find_by_name(tx, tenant, &user.user_principal_name)?.is_some() {
                            return Err(Error::Conflict(
                                "another user has this userPrincipalName by now.".into(),
                            ));
                        }
                        users::restore(tx, tenant, id)?
                    }
                    Deleted::Group(_) => groups::restore(tx, tenant, id)?,
                };
                if !taken {
                    return Err(Error::NotFound);
                }
                let mut record = template.clone();
                let (kind, facts) = told(&item.object);
                record.action = format!("restore {kind}");
                record.target_kind = kind.to_string();
                record.details = super::changes::between(&json!({}), &facts);
                Ok(audit::append(tx, tenant, &record)?)
            })
            .await
    }

    /// Deletes a deleted object for good.
    pub async fn purge_deleted_item(&self, caller: &Caller, id: Guid) -> Result<(), Error> {
        let (tenant, now, caller) = (caller.tenant, self.clock.now(), caller.clone());
        let template = caller.audit(now, "permanently delete", "", id, json!({}));
        self.store
            .write(move |tx| {
                let item = find(tx, tenant, id)?;
                check_may_manage(tx, &caller, &item.object)?;
                purge(tx, tenant, &item, &template)
            })
            .await
    }

    /// Deletes for good what was deleted more than thirty days ago. Answers how much that was.
    pub async fn purge_expired_items(&self) -> Result<u64, Error> {
        let now = self.clock.now();
        let mut purged = 0;
        for tenant in self.store.read(tenants::all).await? {
            let caller = Caller::system(tenant.id, tenant.number);
            loop {
                // An id of its own for each record, drawn before the transaction.
                let records: Vec<_> =
                    (0..BATCH).map(|_| caller.audit(now, "permanently delete", "", "", json!({}))).collect();
                let (tenant, before) = (tenant.id, now.minus(KEPT));
                let done = self
                    .store
                    .write(move |tx| {
                        let expired = expired(tx, tenant, before)?;
                        for (item, template) in expired.iter().zip(&records) {
                            purge(tx, tenant, item, template)?;
                        }
                        Ok::<_, Error>(expired.len().min(records.len()) as u64)
                    })
                    .await?;
                purged += done;
                if done == 0 {
                    break;
                }
            }
        }
        Ok(purged)
    }
}

fn check_may_manage(tx: &mut Tx<'_>, caller: &Caller, object: &Deleted) -> Result<(), Error> {
    match object {
        Deleted::Application(application) => owners::check_may_manage(tx, caller, &[application.id]),
        Deleted::ServicePrincipal(principal) => owners::check_may_manage(tx, caller, &[principal.id]),
        Deleted::User(user) => rights::check(tx, caller, Right::ChangeSignIn, Some(user.id)),
        Deleted::Group(group) if group.details.is_assignable_to_role => {
            rights::check(tx, caller, Right::ManageRoleGroups, None)
        }
        Deleted::Group(_) => rights::check(tx, caller, Right::ManageGroups, None),
    }
}

fn find(tx: &mut Tx<'_>, tenant: TenantId, id: Guid) -> Result<DeletedItem, Error> {
    if let Some((found, at)) = applications::find_deleted(tx, tenant, id)? {
        return Ok(DeletedItem { object: Deleted::Application(Box::new(found)), at });
    }
    if let Some((found, at)) = service_principals::find_deleted(tx, tenant, id)? {
        return Ok(DeletedItem { object: Deleted::ServicePrincipal(Box::new(found)), at });
    }
    if let Some((found, at)) = users::find_deleted(tx, tenant, id)? {
        return Ok(DeletedItem { object: Deleted::User(Box::new(found)), at });
    }
    let (found, at) = groups::find_deleted(tx, tenant, id)?.ok_or(Error::NotFound)?;
    Ok(DeletedItem { object: Deleted::Group(Box::new(found)), at })
}

fn list(tx: &mut Tx<'_>, tenant: TenantId, kind: DeletedKind) -> Result<Vec<DeletedItem>, Error> {
    let mut items = Vec::new();
    let mut after = None;
    loop {
        let page = page(tx, tenant, kind, after)?;
        after = page.last().map(|item| (item.at, id(&item.object)));
        let is_last = (page.len() as i64) < BATCH;
        items.extend(page);
        if is_last {
            return Ok(items);
        }
    }
}

/// At most [`BATCH`] items, those behind `after`.
fn page(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    kind: DeletedKind,
    after: Option<(Timestamp, Guid)>,
) -> Result<Vec<DeletedItem>, Error> {
    fn items<T>(found: Vec<(T, Timestamp)>, object: impl Fn(Box<T>) -> Deleted) -> Vec<DeletedItem> {
        found.into_iter().map(|(found, at)| DeletedItem { object: object(Box::new(found)), at }).collect()
    }
    Ok(match kind {
        DeletedKind::Application => {
            items(applications::list_deleted(tx, tenant, after, BATCH)?, Deleted::Application)
        }
        DeletedKind::ServicePrincipal => {
            items(service_principals::list_deleted(tx, tenant, after, BATCH)?, Deleted::ServicePrincipal)
        }
        DeletedKind::User => items(users::list_deleted(tx, tenant, after, BATCH)?, Deleted::User),
        DeletedKind::Group => items(groups::list_deleted(tx, tenant, after, BATCH)?, Deleted::Group),
    })
}

/// Some of what was deleted before a time.
fn expired(tx: &mut Tx<'_>, tenant: TenantId, before: Timestamp) -> Result<Vec<DeletedItem>, Error> {
    // Behind every id: what was deleted earlier than that very moment.
    let after = Some((before, Guid::from_u128(u128::MAX)));
    // An application takes its service principal along, so the latter are looked at when the former are done.
    for kind in
        [DeletedKind::Application, DeletedKind::ServicePrincipal, DeletedKind::User, DeletedKind::Group]
    {
        let found = page(tx, tenant, kind, after)?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(Vec::new())
}

fn purge(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    item: &DeletedItem,
    template: &audit::AuditRecord,
) -> Result<(), Error> {
    let id = id(&item.object);
    match item.object.kind() {
        DeletedKind::Application => applications::purge(tx, tenant, id)?,
        DeletedKind::ServicePrincipal => service_principals::purge(tx, tenant, id)?,
        DeletedKind::User => users::purge(tx, tenant, id)?,
        DeletedKind::Group => groups::purge(tx, tenant, id)?,
    };
    let mut record = template.clone();
    let (kind, facts) = told(&item.object);
    record.action = format!("permanently delete {kind}");
    record.target_kind = kind.to_string();
    record.target = id.to_string();
    record.details = super::changes::between(&facts, &json!({}));
    Ok(audit::append(tx, tenant, &record)?)
}

fn id(object: &Deleted) -> Guid {
    match object {
        Deleted::Application(found) => found.id,
        Deleted::ServicePrincipal(found) => found.id,
        Deleted::User(found) => found.id,
        Deleted::Group(found) => found.id,
    }
}

/// The kind in words, and what the audit trail says of the object.
fn told(object: &Deleted) -> (&'static str, Json) {
    match object {
        Deleted::Application(found) => ("application", facts::of_application(found)),
        Deleted::ServicePrincipal(found) => ("service principal", facts::of_service_principal(found)),
        Deleted::User(found) => ("user", json!({ "userPrincipalName": found.user_principal_name })),
        Deleted::Group(found) => ("group", json!({ "displayName": found.display_name })),
    }
}
