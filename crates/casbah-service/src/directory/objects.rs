//! Objects of the directory of whatever kind, by their ids.

use casbah_authority::Caller;
use casbah_model::{Group, Guid, TenantId, User};
use casbah_store::{Tx, groups, users};

use super::applications::{ApplicationKey, ApplicationWithSecrets, find_with_secrets};
use super::service_principals::{self, ServicePrincipalDetails};
use crate::{Error, Service};

/// Most ids of one question, as in Graph.
const MOST: usize = 1000;

/// An object of the directory.
#[derive(Clone, Debug)]
pub enum DirectoryObject {
    /// An application.
    Application(Box<ApplicationWithSecrets>),
    /// A service principal.
    ServicePrincipal(Box<ServicePrincipalDetails>),
    /// A person.
    User(Box<User>),
    /// A group.
    Group(Box<Group>),
}

impl Service {
    /// An object by id.
    pub async fn fetch_directory_object(&self, caller: &Caller, id: Guid) -> Result<DirectoryObject, Error> {
        let tenant = caller.tenant;
        self.store.read(move |tx| find(tx, tenant, id)?.ok_or(Error::NotFound)).await
    }

    /// The objects with these ids; those that nobody has are left out.
    pub async fn list_directory_objects(
        &self,
        caller: &Caller,
        ids: Vec<Guid>,
    ) -> Result<Vec<DirectoryObject>, Error> {
        if ids.len() > MOST {
            return Err(Error::invalid("ids", format!("at most {MOST} ids can be asked for at once.")));
        }
        let tenant = caller.tenant;
        self.store
            .read(move |tx| {
                let mut found = Vec::new();
                for id in &ids {
                    found.extend(find(tx, tenant, *id)?);
                }
                Ok(found)
            })
            .await
    }
}

/// The object with an id, if there is one.
pub(crate) fn find(tx: &mut Tx<'_>, tenant: TenantId, id: Guid) -> Result<Option<DirectoryObject>, Error> {
    if let Some(user) = users::find(tx, tenant, id)? {
        return Ok(Some(DirectoryObject::User(Box::new(user))));
    }
    if let Some(group) = groups::find(tx, tenant, id)? {
        return Ok(Some(DirectoryObject::Group(Box::new(group))));
    }
    match service_principals::find(tx, tenant, ApplicationKey::Id(id)) {
        Ok(found) => return Ok(Some(DirectoryObject::ServicePrincipal(Box::new(found)))),
        Err(Error::NotFound) => {}
        Err(e) => return Err(e),
    }
    match find_with_secrets(tx, tenant, ApplicationKey::Id(id)) {
        Ok(found) => Ok(Some(DirectoryObject::Application(Box::new(found)))),
        Err(Error::NotFound) => Ok(None),
        Err(e) => Err(e),
    }
}
