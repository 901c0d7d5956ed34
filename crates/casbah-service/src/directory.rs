//! The directory: tenants, people, applications, credentials, and who may do what.
//!
//! One file per noun. The edge has checked the caller's permission; what depends on the thing
//! itself (the last administrator, a password of somebody more powerful) is checked here: see `rights`.

pub mod app_role_assignments;
pub mod applications;
pub mod certificates;
pub mod deleted_items;
mod facts;
pub mod federated_credentials;
pub mod groups;
pub mod identity_providers;
pub mod invitations;
pub mod objects;
pub mod owners;
pub mod permission_grants;
pub mod redirect_uris;
pub(crate) mod rights;
pub mod roles;
pub mod secrets;
pub mod service_principals;
mod tenant_settings;
pub mod tenants;
pub mod users;

mod changes;
mod factors;
mod names;
mod registration;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use names::display_name;
// How lists are asked for.
pub use casbah_store::{Condition, Order, Property, Search};
