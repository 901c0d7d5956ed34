//! A refresh token for new tokens (RFC 6749, section 6), each good for one use: who comes second with
//! the same token ends the whole family, because one of the two stole it (RFC 9700, section 4.14).

use casbah_model::Timestamp;
use casbah_store::token_families::{RefreshToken as Stored, TokenFamily};
use casbah_store::{Tx, tenant_settings, token_families, users};

use crate::client::Client;
use crate::codes;
use crate::error::OAuthError;
use crate::form::Form;
use crate::grants::Grant;
use crate::master_key::SecretKind;
use crate::token::{self, Attempt, Proof, ProvenUser, RefreshDetails, SignIn, UsedUp};
use crate::wanted::Wanted;

pub(crate) struct RefreshToken;

impl Grant for RefreshToken {
    fn grant_types(&self) -> &'static [&'static str] {
        &["refresh_token"]
    }

    fn check_request(&self, attempt: &Attempt) -> Result<(), OAuthError> {
        attempt.form.required("refresh_token").map(drop)
    }

    fn carrier(&self, form: &Form) -> Option<String> {
        form.get("refresh_token").map(str::to_string)
    }

    fn prove(&self, tx: &mut Tx<'_>, client: &Client, attempt: &Attempt) -> Result<Proof, OAuthError> {
        let (tenant, now) = (client.tenant.id, attempt.now);
        let invalid = || OAuthError::plain(codes::INVALID_GRANT);
        let secret = attempt.form.secret("refresh_token").ok_or_else(invalid)?;
        let digest = attempt.digest(SecretKind::RefreshToken, &secret);
        let stored = token_families::find_refresh_token(tx, tenant, &digest)?.ok_or_else(invalid)?;
        let family = token_families::find(tx, tenant, stored.family)?.ok_or_else(invalid)?;
        if family.application != client.application.app_id {
            return Err(invalid());
        }
        let details: RefreshDetails =
            serde_json::from_value(stored.details.clone()).map_err(OAuthError::internal)?;
        // Who had to prove itself for the first token has to for every further one.
        if details.sign_in.authenticated {
            client.check_authenticated()?;
        }
        check_origin(&details.sign_in, attempt.origin.as_deref())?;
        if family.revoked.is_some() {
            return Err(OAuthError::plain(codes::REVOKED).with_suberror("bad_token"));
        }
        if stored.replaced.is_some() {
            attempt.revoke_family(tx, client, family.id, "refresh token used twice")?;
            let text = "The refresh token was used before. All tokens of this sign-in are revoked.";
            return Ok(Proof::RefusedForGood(
                OAuthError::new(codes::INVALID_GRANT, text).with_suberror("bad_token"),
            ));
        }
        check_age(tx, client, &family, &stored, &details.sign_in, now)?;
        let user = users::find(tx, tenant, family.user)?.ok_or_else(invalid)?;
        if family.created < user.sessions_valid_from {
            return Err(OAuthError::plain(codes::REVOKED).with_suberror("bad_token"));
        }
        let asked = Wanted::of_request(attempt.endpoint, &attempt.form)?;
        let asked = asked.filter(|wanted| !wanted.entries.is_empty() || details.wanted.entries.is_empty());
        Ok(Proof::User(Box::new(ProvenUser {
            user,
            family: Some(family),
            new_family: None,
            parent: None,
            wanted: asked.unwrap_or(details.wanted),
            first_resource_only: true,
            sign_in: details.sign_in,
            // OpenID Connect Core, section 12.2: a refreshed ID token carries no nonce.
            nonce: None,
            used_up: UsedUp::RefreshToken(digest),
            always_refreshable: true,
        })))
    }
}

/// A limit that was tightened since the token was issued counts at once; one that was relaxed, from the
/// next token on.
fn check_age(
    tx: &mut Tx<'_>,
    client: &Client,
    family: &TokenFamily,
    token: &Stored,
    sign_in: &SignIn,
    now: Timestamp,
) -> Result<(), OAuthError> {
    if sign_in.spa_ends.is_some_and(|end| end <= now) {
        return Err(OAuthError::plain(codes::SPA_REFRESH_ENDED));
    }
    let lifetimes = tenant_settings::find(tx, client.tenant.id)?.tokens;
    if token::absolute_end(family, lifetimes).is_some_and(|end| end <= now) {
        return Err(OAuthError::plain(codes::SIGN_IN_TOO_OLD).with_suberror("bad_token"));
    }
    let inactive = token.created.plus(token::seconds(lifetimes.refresh_token_inactive));
    if sign_in.spa_ends.is_none() && token.expires.min(inactive) <= now {
        return Err(OAuthError::plain(codes::INACTIVE));
    }
    Ok(())
}

fn check_origin(sign_in: &SignIn, origin: Option<&str>) -> Result<(), OAuthError> {
    match (&sign_in.spa_origin, origin) {
        (Some(_), None) => Err(OAuthError::plain(codes::NOT_CROSS_ORIGIN)),
        (Some(expected), Some(origin)) if expected == origin => Ok(()),
        (_, Some(_)) => Err(OAuthError::plain(codes::CROSS_ORIGIN)),
        (None, None) => Ok(()),
    }
}
