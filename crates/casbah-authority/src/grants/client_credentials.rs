//! An application acting as itself (RFC 6749, section 4.4).

use casbah_model::{Guid, MemberType};
use casbah_store::{Tx, app_role_assignments};

use crate::claims;
use crate::client::Client;
use crate::codes;
use crate::error::OAuthError;
use crate::grants::Grant;
use crate::resource::Resource;
use crate::token::{Attempt, Proof};
use crate::wanted::Wanted;

pub(crate) struct ClientCredentials;

impl Grant for ClientCredentials {
    fn grant_types(&self) -> &'static [&'static str] {
        &["client_credentials"]
    }

    fn check_request(&self, attempt: &Attempt) -> Result<(), OAuthError> {
        // A page in a browser cannot keep a secret.
        if attempt.origin.is_some() {
            return Err(OAuthError::plain(codes::CROSS_ORIGIN));
        }
        if !attempt.credentials.is_present() {
            let text = "The client_credentials grant needs the parameter client_secret or client_assertion.";
            return Err(OAuthError::new(codes::NO_CREDENTIAL, text));
        }
        let wanted = Wanted::required(attempt.endpoint, &attempt.form)?;
        check_wanted(&wanted)
    }

    fn only_reads(&self) -> bool {
        true
    }

    fn prove(&self, _tx: &mut Tx<'_>, client: &Client, _attempt: &Attempt) -> Result<Proof, OAuthError> {
        // A public application has no secret, so anyone could claim to be it.
        if !client.is_authenticated() {
            return Err(OAuthError::plain(codes::NO_CREDENTIAL));
        }
        Ok(Proof::Application)
    }
}

/// Exactly one `X/.default`. OIDC scopes beside it are ignored: one client always sends them.
fn check_wanted(wanted: &Wanted) -> Result<(), OAuthError> {
    match wanted.entries.as_slice() {
        [only] if only.is_default() => Ok(()),
        [] => Err(OAuthError::missing("scope")),
        [only] => {
            let text = format!(
                "The scope {} is not valid for client credentials: it must be the resource followed by \
                 /.default.",
                only.text
            );
            Err(OAuthError::new(codes::SCOPE_NOT_DEFAULT, text))
        }
        _ => Err(OAuthError::new(
            codes::INVALID_SCOPE,
            "The scope is not valid: client credentials take one resource followed by /.default.",
        )),
    }
}

/// The resource, and the app roles that the client holds on it, in the directory's spelling. None is
/// no reason to refuse: the resource decides.
pub(crate) fn application_roles(
    tx: &mut Tx<'_>,
    client: &Client,
    attempt: &Attempt,
) -> Result<(Resource, Vec<String>), OAuthError> {
    let wanted = Wanted::required(attempt.endpoint, &attempt.form)?;
    check_wanted(&wanted)?;
    let resource = attempt.identifiers().find(tx, client.tenant.id, &wanted.entries[0].resource)?;
    let held = app_role_assignments::of_principal(tx, client.tenant.id, client.principal.id)?;
    let held: Vec<Guid> =
        held.iter().filter(|a| a.resource == resource.principal.id).map(|a| a.app_role).collect();
    let (application, principal) = (&resource.application, &resource.principal);
    claims::check_application_assigned(!held.is_empty(), &client.application, application, principal)?;
    let roles = application.app_roles.iter().filter(|role| {
        role.enabled
            && role.allowed_member_types.contains(&MemberType::Application)
            && held.contains(&role.id)
    });
    let roles = roles.map(|role| role.value.clone()).collect();
    Ok((resource, roles))
}
