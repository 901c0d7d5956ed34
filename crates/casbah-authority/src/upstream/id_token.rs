//! The ID token of a provider, checked as OpenID Connect Core, section 3.1.3.7 says, and what it says.

use casbah_model::names::{MailAddress, tidy_name};
use casbah_model::{ClaimMapping, IdentityProvider, Secret, Timestamp};
use serde_json::{Map, Value as Json};

use super::answer::{Returned, untrusted};
use super::begin::{FRESH, unreachable};
use crate::assertion::{Assertion, SKEW};
use crate::authority::Authority;
use crate::error::OAuthError;

/// Longest subject (OpenID Connect Core, section 2).
const LONGEST_SUBJECT: usize = 255;
/// What providers write into `amr` and `acr` for more than one factor.
const SECOND_FACTOR: &[&str] = &["mfa", "ngcmfa", "http://schemas.microsoft.com/claims/multipleauthn"];

/// What a provider vouches for.
pub(super) struct Vouched {
    pub(super) subject: String,
    /// Address for mail, if the provider has made sure of it.
    pub(super) mail: Option<MailAddress>,
    pub(super) name: Option<String>,
    pub(super) given_name: Option<String>,
    pub(super) family_name: Option<String>,
    /// Whether it says that a second factor was shown.
    pub(super) second_factor: bool,
}

impl Authority {
    /// What an ID token vouches for, once everything about it fits.
    pub(super) async fn vouched(
        &self,
        returned: &Returned,
        id_token: &Secret,
    ) -> Result<Vouched, OAuthError> {
        let provider = &returned.provider;
        let token = Assertion::parse(id_token.expose());
        let token = token.map_err(|_| untrusted("its ID token cannot be read"))?;
        self.check_signature_of(provider, &token).await?;
        check(&token, provider, self.clock.now())?;
        let nonce = token.text("nonce").unwrap_or_default();
        if !Secret::same_bytes(nonce.as_bytes(), returned.derived.nonce.expose().as_bytes()) {
            return Err(untrusted("its ID token belongs to another sign-in (nonce)"));
        }
        if returned.begun.fresh {
            let at = token.time("auth_time").ok().flatten();
            if at.is_none_or(|at| at < returned.sent.seconds() - FRESH - SKEW) {
                return Err(untrusted("it did not ask for the password again (auth_time)"));
            }
        }
        read(token.claims(), &provider.details.claims)
            .ok_or_else(|| untrusted("its ID token does not say who it is (sub)"))
    }

    async fn check_signature_of(
        &self,
        provider: &IdentityProvider,
        token: &Assertion,
    ) -> Result<(), OAuthError> {
        let algorithm = token.algorithm();
        let algorithm =
            algorithm.map_err(|_| untrusted("its ID token is signed in a way that proves nothing"))?;
        let key = self.issuer_keys.find(&self.outbound, &provider.issuer, token.key_id(), algorithm).await;
        let key = key.map_err(|error| unreachable(provider, &error))?;
        let key = key.ok_or_else(|| untrusted("it publishes no key of the id that its ID token names"))?;
        token.check_signature(&key).map_err(|_| untrusted("it did not sign its ID token"))
    }
}

/// Issuer, audience and times.
fn check(token: &Assertion, provider: &IdentityProvider, now: Timestamp) -> Result<(), OAuthError> {
    if token.text("iss") != Some(provider.issuer.as_str()) {
        return Err(untrusted("its ID token is of another issuer (iss)"));
    }
    let (audiences, client) = (token.audiences(), provider.client_id.as_str());
    let presented_by = token.text("azp");
    let for_us = audiences.contains(&client)
        && (audiences.len() == 1 || presented_by.is_some())
        && presented_by.is_none_or(|azp| azp == client);
    if !for_us {
        return Err(untrusted("its ID token is for another application (aud, azp)"));
    }
    token.check_time(now, None).map_err(|_| untrusted("its ID token is not within its time"))?;
    match token.time("iat") {
        Ok(Some(issued)) if issued <= now.seconds().saturating_add(SKEW) => Ok(()),
        _ => Err(untrusted("its ID token does not say when it was issued (iat)")),
    }
}

/// What the claims say, as far as they are mapped; none without a subject.
fn read(claims: &Map<String, Json>, mapping: &ClaimMapping) -> Option<Vouched> {
    let claim = |name: &Option<String>| claims.get(name.as_ref()?);
    let text = |name: &Option<String>| claim(name).and_then(Json::as_str);
    let subject = claims.get(&mapping.sub).and_then(Json::as_str);
    let subject = subject.filter(|s| (1..=LONGEST_SUBJECT).contains(&s.len()))?;
    let verified = match claim(&mapping.email_verified) {
        Some(Json::Bool(yes)) => *yes,
        // Some providers write texts.
        Some(Json::String(text)) => matches!(text.as_str(), "true" | "True" | "1"),
        Some(Json::Number(number)) => number.as_i64() == Some(1),
        _ => false,
    };
    let is_second_factor = |value: &Json| value.as_str().is_some_and(|word| SECOND_FACTOR.contains(&word));
    let methods = claims.get("amr").and_then(Json::as_array);
    Some(Vouched {
        subject: subject.to_string(),
        mail: text(&mapping.email).filter(|_| verified).and_then(MailAddress::parse),
        name: text(&mapping.name).and_then(tidy_name),
        given_name: text(&mapping.given_name).and_then(tidy_name),
        family_name: text(&mapping.family_name).and_then(tidy_name),
        second_factor: methods.is_some_and(|methods| methods.iter().any(is_second_factor))
            || claims.get("acr").is_some_and(is_second_factor),
    })
}
