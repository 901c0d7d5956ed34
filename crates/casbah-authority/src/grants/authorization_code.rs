//! A code that the authorize endpoint sent to the client's redirect URI (RFC 6749, section 4.1), with
//! the proof that it is redeemed by who asked for it (RFC 7636).

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use casbah_model::{RedirectUriKind, Secret};
use casbah_store::{Tx, authorization_codes, users};
use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::codes;
use crate::error::OAuthError;
use crate::form::Form;
use crate::grants::Grant;
use crate::master_key::SecretKind;
use crate::opaque;
use crate::redirect;
use crate::token::{Attempt, Proof, ProvenUser, SignIn, UsedUp, spa_end};
use crate::wanted::Wanted;

pub(crate) struct AuthorizationCode;

/// What the authorize endpoint keeps for the redemption.
#[derive(Serialize, Deserialize)]
pub(crate) struct CodeDetails {
    pub(crate) wanted: Wanted,
    pub(crate) nonce: Option<String>,
    pub(crate) challenge: Option<Challenge>,
    pub(crate) sign_in: SignIn,
    /// The kind of client that the redirect URI is registered for.
    pub(crate) redirect_kind: RedirectUriKind,
}

/// A code challenge.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Challenge {
    S256(String),
    Plain(String),
}

impl Grant for AuthorizationCode {
    fn grant_types(&self) -> &'static [&'static str] {
        &["authorization_code"]
    }

    fn check_request(&self, attempt: &Attempt) -> Result<(), OAuthError> {
        attempt.form.required("code").map(drop)
    }

    fn carrier(&self, form: &Form) -> Option<String> {
        form.get("code").map(str::to_string)
    }

    fn prove(&self, tx: &mut Tx<'_>, client: &Client, attempt: &Attempt) -> Result<Proof, OAuthError> {
        let (tenant, now) = (client.tenant.id, attempt.now);
        let secret = attempt.form.secret("code").ok_or_else(|| OAuthError::missing("code"))?;
        if opaque::tenant_of(secret.expose()).is_some_and(|t| t != tenant) {
            return Err(OAuthError::plain(codes::OTHER_TENANT));
        }
        let digest = attempt.digest(SecretKind::AuthorizationCode, &secret);
        let code = authorization_codes::find(tx, tenant, &digest)?;
        // A code of another client is refused like one that never was, and stays good for its owner.
        let code = code.filter(|code| code.application == client.application.app_id);
        let code = code.ok_or_else(|| OAuthError::plain(codes::INVALID_GRANT))?;
        if code.redeemed.is_some() {
            // RFC 9700, section 4.5: whoever comes second, one of the two is a thief.
            attempt.revoke_family(tx, client, code.family, "authorization code used twice")?;
            return Ok(Proof::RefusedForGood(OAuthError::plain(codes::CODE_REDEEMED)));
        }
        if code.expires <= now {
            return Err(OAuthError::plain(codes::EXPIRED_GRANT));
        }
        let details: CodeDetails = serde_json::from_value(code.details).map_err(OAuthError::internal)?;
        check_redirect_uri(client, attempt, &code.redirect_uri)?;
        check_client_kind(client, attempt, &details, &code.redirect_uri)?;
        check_verifier(attempt.form.get("code_verifier"), details.challenge.as_ref())?;

        let user = users::find(tx, tenant, code.user)?;
        let user = user.ok_or_else(|| OAuthError::plain(codes::INVALID_GRANT))?;
        if details.sign_in.at < user.sessions_valid_from {
            return Err(OAuthError::plain(codes::REVOKED));
        }
        let asked = Wanted::of_request(attempt.endpoint, &attempt.form)?;
        let first_resource_only = asked.as_ref().is_none_or(|wanted| wanted.entries.is_empty());
        let is_spa = details.redirect_kind == RedirectUriKind::Spa;
        let sign_in = SignIn {
            spa_ends: is_spa.then(|| spa_end(now)),
            spa_origin: is_spa.then(|| attempt.origin.clone()).flatten(),
            ..details.sign_in
        };
        Ok(Proof::User(Box::new(ProvenUser {
            user,
            family: None,
            new_family: Some(code.family),
            parent: None,
            wanted: Wanted::after(asked, &details.wanted),
            first_resource_only,
            sign_in,
            nonce: details.nonce,
            used_up: UsedUp::AuthorizationCode(digest),
            always_refreshable: false,
        })))
    }
}

/// RFC 6749, section 4.1.3: identical to where the code was sent. Left out, it stands for the only one
/// that is registered, as it does at the authorize endpoint.
fn check_redirect_uri(client: &Client, attempt: &Attempt, sent_to: &str) -> Result<(), OAuthError> {
    let only = match client.application.redirect_uris.as_slice() {
        [only] => Some(only.uri.as_str()),
        _ => None,
    };
    if attempt.form.get("redirect_uri").or(only) == Some(sent_to) {
        Ok(())
    } else {
        Err(OAuthError::plain(codes::REDIRECT_DIFFERS))
    }
}

/// What a client must bring depends on where its code was sent: a server its secret, a page in a
/// browser its origin.
fn check_client_kind(
    client: &Client,
    attempt: &Attempt,
    details: &CodeDetails,
    redirect_uri: &str,
) -> Result<(), OAuthError> {
    match (details.redirect_kind, &attempt.origin) {
        (RedirectUriKind::Spa, None) => Err(OAuthError::plain(codes::NOT_CROSS_ORIGIN)),
        (RedirectUriKind::Spa, Some(origin)) if redirect::origin(redirect_uri).as_ref() != Some(origin) => {
            Err(OAuthError::plain(codes::CROSS_ORIGIN))
        }
        (RedirectUriKind::Spa, Some(_)) => Ok(()),
        (_, Some(_)) => Err(OAuthError::plain(codes::CROSS_ORIGIN)),
        (RedirectUriKind::Web, None) if !client.application.public_client => client.check_authenticated(),
        _ => Ok(()),
    }
}

/// RFC 7636, section 4.6; and RFC 9700, section 4.8.2: a verifier without a challenge is refused too,
/// because somebody may have taken the challenge out of the first request.
fn check_verifier(verifier: Option<&str>, challenge: Option<&Challenge>) -> Result<(), OAuthError> {
    let (verifier, challenge) = match (verifier, challenge) {
        (None, None) => return Ok(()),
        (Some(_), None) => {
            let text = "A code_verifier was sent, but the authorization request had no code_challenge.";
            return Err(OAuthError::new(codes::VERIFIER_MISSING, text));
        }
        (None, Some(_)) => {
            let text = "The request must contain the code_verifier that belongs to the code_challenge.";
            return Err(OAuthError::new(codes::VERIFIER_MISSING, text));
        }
        (Some(verifier), Some(challenge)) => (verifier, challenge),
    };
    if !challenge_is_well_formed(verifier) {
        return Err(OAuthError::plain(codes::CHALLENGE_SIZE));
    }
    let (made, expected) = match challenge {
        Challenge::Plain(expected) => (verifier.to_string(), expected),
        Challenge::S256(expected) => {
            let hash = digest::digest(&digest::SHA256, verifier.as_bytes());
            (URL_SAFE_NO_PAD.encode(hash), expected)
        }
    };
    if Secret::same_bytes(made.as_bytes(), expected.as_bytes()) {
        Ok(())
    } else {
        Err(OAuthError::plain(codes::VERIFIER_WRONG))
    }
}

/// RFC 7636, sections 4.1 and 4.2: 43 to 128 unreserved characters, verifier and challenge alike.
pub(crate) fn challenge_is_well_formed(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~'))
}
