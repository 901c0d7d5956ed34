//! A user's name and password, handed over by the client (RFC 6749, section 4.3). Microsoft's own
//! sample for the user context uses it; RFC 9700 advises against it.

use casbah_store::{Tx, users};

use crate::client::Client;
use crate::codes;
use crate::error::OAuthError;
use crate::grants::Grant;
use crate::sign_in::requirement;
use crate::tenant::TenantName;
use crate::token::{Attempt, Proof, ProvenUser, SignIn, UsedUp};
use crate::wanted::Wanted;

pub(crate) struct Password;

impl Grant for Password {
    fn grant_types(&self) -> &'static [&'static str] {
        &["password"]
    }

    fn check_request(&self, attempt: &Attempt) -> Result<(), OAuthError> {
        if matches!(attempt.tenant, TenantName::Common | TenantName::Consumers) {
            return Err(OAuthError::plain(codes::ALIAS_NOT_SUPPORTED));
        }
        attempt.form.required("username")?;
        attempt.form.required("password")?;
        Wanted::required(attempt.endpoint, &attempt.form).map(drop)
    }

    fn takes_password(&self) -> bool {
        true
    }

    fn prove(&self, tx: &mut Tx<'_>, client: &Client, attempt: &Attempt) -> Result<Proof, OAuthError> {
        let wrong = || OAuthError::plain(codes::WRONG_PASSWORD);
        let user = attempt.password_user.ok_or_else(wrong)?;
        let user = users::find(tx, client.tenant.id, user)?.ok_or_else(wrong)?;
        requirement::check_password_grant(tx, client.tenant.id, &user, attempt.endpoint, attempt.now)?;
        let amr = vec!["pwd".to_string()];
        Ok(Proof::User(Box::new(ProvenUser {
            user,
            family: None,
            new_family: None,
            parent: None,
            wanted: Wanted::required(attempt.endpoint, &attempt.form)?,
            first_resource_only: false,
            sign_in: SignIn { amr, ..SignIn::from_here(attempt.now) },
            nonce: None,
            used_up: UsedUp::Nothing,
            always_refreshable: false,
        })))
    }
}
