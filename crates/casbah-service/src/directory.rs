//! The directory: tenants, people, applications, credentials, and who may do what.
//!
//! One file per noun. The edge has checked the caller's permission; what depends on the thing
//! itself (the last administrator, a password of somebody more powerful) is checked here.

pub mod app_role_assignments;
pub mod applications;
pub mod certificates;
pub mod federated_credentials;
pub mod permission_grants;
pub mod redirect_uris;
pub mod secrets;
pub mod service_principals;
mod tenant_settings;
pub mod tenants;
pub mod users;

mod names;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use names::display_name;
// How lists are asked for.
pub use casbah_store::{Condition, Order, Property, Search};

use casbah_authority::{Caller, Principal};

use crate::Error;

/// Applications that hold this may also change administrators: it lets them make one anyway.
const ROLE_PERMISSION: &str = "RoleManagement.ReadWrite.Directory";

/// Refuses to let an application change an administrator's password or state with less than the
/// permission to make administrators: it could otherwise become one.
fn check_may_change_administrator(caller: &Caller) -> Result<(), Error> {
    let enough = match &caller.principal {
        Principal::System => true,
        Principal::User { administrator, .. } => *administrator,
        Principal::Application { .. } => {
            caller.directory_permissions.iter().any(|p| p.eq_ignore_ascii_case(ROLE_PERMISSION))
        }
    };
    if enough {
        return Ok(());
    }
    Err(Error::Forbidden {
        needs: format!("Changing somebody who administers the directory needs {ROLE_PERMISSION}."),
    })
}
