//! The grant types: ways to earn a token. One file each, one line here.

mod authorization_code;
mod client_credentials;
mod device_code;
mod on_behalf_of;
mod password;
mod refresh_token;

use casbah_store::Tx;

use crate::client::Client;
use crate::codes;
use crate::error::OAuthError;
use crate::form::Form;
use crate::token::{Attempt, Proof};

pub(crate) use authorization_code::{Challenge, CodeDetails, challenge_is_well_formed};
pub(crate) use client_credentials::application_roles;
pub(crate) use on_behalf_of::{is_named, tenant_of};

/// A way to earn a token. It proves who the token is for; everything else is shared.
pub(crate) trait Grant: Sync {
    /// The spellings of `grant_type`.
    fn grant_types(&self) -> &'static [&'static str];

    /// Checks that need no database.
    fn check_request(&self, _attempt: &Attempt) -> Result<(), OAuthError> {
        Ok(())
    }

    /// Whether a user name and password have to be checked before.
    fn takes_password(&self) -> bool {
        false
    }

    /// Whether [`Grant::prove`] writes nothing.
    fn only_reads(&self) -> bool {
        false
    }

    /// The token of ours in the form that proves the grant, if that is how it is proved.
    fn assertion(&self, _form: &Form) -> Option<String> {
        None
    }

    /// The text of ours in the form that tells the tenant, if there is one.
    fn carrier(&self, _form: &Form) -> Option<String> {
        None
    }

    /// Proves who the token is for.
    fn prove(&self, tx: &mut Tx<'_>, client: &Client, attempt: &Attempt) -> Result<Proof, OAuthError>;
}

/// Every grant.
pub(crate) const ALL: &[&dyn Grant] = &[
    &client_credentials::ClientCredentials,
    &authorization_code::AuthorizationCode,
    &refresh_token::RefreshToken,
    &password::Password,
    &device_code::DeviceCode,
    &on_behalf_of::OnBehalfOf,
];

/// The grant with that name.
pub(crate) fn find(name: &str) -> Result<&'static dyn Grant, OAuthError> {
    ALL.iter().copied().find(|grant| grant.grant_types().contains(&name)).ok_or_else(|| {
        let text = format!("The grant type {name} is not supported.");
        OAuthError::new(codes::UNKNOWN_GRANT, text)
    })
}

/// The `grant_types_supported` of the metadata.
pub(crate) fn names() -> Vec<&'static str> {
    ALL.iter().flat_map(|grant| grant.grant_types().first()).copied().collect()
}
