//! An API that calls another API for the user who called it (Microsoft's on-behalf-of flow, a use of
//! RFC 7523, section 2.1): the access token that the API was called with becomes one for the next API.
//!
//! The new tokens belong to a family of their own, which ends with the family of the token that was
//! shown: signing out ends the whole chain.

use casbah_model::{Application, Guid};
use casbah_store::token_families::{self, TokenFamily};
use casbah_store::{Tx, users};
use serde_json::{Map, Value as Json};

use crate::client::Client;
use crate::codes;
use crate::error::OAuthError;
use crate::form::Form;
use crate::grants::Grant;
use crate::token::{Attempt, Proof, ProvenUser, SignIn, UsedUp};
use crate::upstream::Voucher;
use crate::verify::{self, Refusal};
use crate::wanted::Wanted;

pub(crate) struct OnBehalfOf;

impl Grant for OnBehalfOf {
    fn grant_types(&self) -> &'static [&'static str] {
        &["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    }

    fn check_request(&self, attempt: &Attempt) -> Result<(), OAuthError> {
        // A page in a browser is nobody's middle tier.
        if attempt.origin.is_some() {
            return Err(OAuthError::plain(codes::CROSS_ORIGIN));
        }
        attempt.form.required("assertion")?;
        let usage = attempt.form.required("requested_token_use")?;
        if usage != "on_behalf_of" {
            let text = format!("The requested_token_use {usage} is not supported. Use on_behalf_of.");
            return Err(OAuthError::new(codes::INVALID_PARAMETER, text));
        }
        Wanted::required(attempt.endpoint, &attempt.form).map(drop)
    }

    fn assertion(&self, form: &Form) -> Option<String> {
        form.get("assertion").map(str::to_string)
    }

    fn prove(&self, tx: &mut Tx<'_>, client: &Client, attempt: &Attempt) -> Result<Proof, OAuthError> {
        client.check_authenticated()?;
        let tenant = client.tenant.id;
        let claims = attempt.assertion.as_ref().ok_or_else(|| OAuthError::plain(codes::USER_ASSERTION))?;
        if !claims.contains_key("idtyp") {
            return Err(OAuthError::plain(codes::ID_TOKEN_AS_ASSERTION));
        }
        let token = verify::facts(claims, attempt.public_url(), attempt.now).map_err(refused)?;
        if token.tenant != tenant {
            let text = "The assertion was issued by another tenant.";
            return Err(OAuthError::new(codes::USER_ASSERTION, text));
        }
        if !is_named(&client.application, &token.audience) {
            let text = format!(
                "The audience of the assertion is not the application {}. Send the access token that the \
                 application itself was called with.",
                client.label()
            );
            return Err(OAuthError::new(codes::USER_ASSERTION_AUDIENCE, text));
        }
        let Some(parent) = token.family else {
            let text = "The assertion is a token of an application. On-behalf-of needs one of a user.";
            return Err(OAuthError::new(codes::USER_ASSERTION, text));
        };
        verify::standing(tx, &token).map_err(refused)?;
        let parent = token_families::find(tx, tenant, parent)?.ok_or_else(revoked)?;
        let user = users::find(tx, tenant, token.object)?.ok_or_else(revoked)?;
        let family = token_families::find_on_behalf_of(tx, tenant, parent.id, client.application.app_id)?;
        let sign_in = on_behalf_of(&parent, attempt.assertion.as_ref());
        Ok(Proof::User(Box::new(ProvenUser {
            user,
            family,
            new_family: None,
            parent: Some(parent),
            wanted: Wanted::required(attempt.endpoint, &attempt.form)?,
            first_resource_only: false,
            sign_in,
            nonce: None,
            used_up: UsedUp::Nothing,
            always_refreshable: false,
        })))
    }
}

/// The sign-in behind the assertion: of somebody for whom another provider vouched, what the token says of it.
fn on_behalf_of(parent: &TokenFamily, claims: Option<&Map<String, Json>>) -> SignIn {
    let issuer = claims.and_then(|claims| claims.get("idp")).and_then(Json::as_str);
    let voucher = parent.provider.zip(issuer);
    let voucher = voucher.map(|(provider, issuer)| Voucher { provider, issuer: issuer.to_string() });
    let amr = if voucher.is_some() { vec!["fed".to_string()] } else { Vec::new() };
    SignIn { at: parent.created, amr, voucher, ..SignIn::default() }
}

/// Whether an audience is one of an application's names.
pub(crate) fn is_named(application: &Application, audience: &str) -> bool {
    let plain = audience.trim_end_matches('/');
    let id =
        plain.get(..6).filter(|start| start.eq_ignore_ascii_case("api://")).map_or(plain, |_| &plain[6..]);
    id.parse::<Guid>().is_ok_and(|id| id == application.app_id)
        || application.identifier_uris.iter().any(|uri| uri.trim_end_matches('/').eq_ignore_ascii_case(plain))
}

fn revoked() -> OAuthError {
    OAuthError::plain(codes::REVOKED).with_suberror("bad_token")
}

/// A refusal of the token that serves as assertion.
pub(crate) fn refused(refusal: Refusal) -> OAuthError {
    match refusal {
        Refusal::Expired | Refusal::NotYetValid => OAuthError::plain(codes::USER_ASSERTION_EXPIRED),
        Refusal::Revoked => revoked(),
        Refusal::Disabled => {
            let text = "The application or user of the assertion is disabled.";
            OAuthError::new(codes::USER_DISABLED, text)
        }
        Refusal::Unavailable(cause) => OAuthError::internal(cause),
        _ => OAuthError::plain(codes::USER_ASSERTION),
    }
}

/// The tenant that a token names, for a request over `common`; it proves nothing.
pub(crate) fn tenant_of(
    claims: &serde_json::Map<String, serde_json::Value>,
) -> Option<casbah_model::TenantId> {
    claims.get("tid").and_then(serde_json::Value::as_str).and_then(|tid| tid.parse().ok())
}
