//! Passkeys: the questions that the browser puts to an authenticator, and what comes back.
//!
//! A challenge is kept nowhere: it carries its own proof that it was made here, for this browser and
//! not long ago. What is kept is the challenge that was answered, so that no answer counts twice.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use casbah_model::{Guid, Secret, Tenant, TenantId, Timestamp, User, random};
use casbah_store::second_factors::{self, FactorKind, SecondFactor};
use casbah_store::{Tx, used_challenges, users};
use serde_json::json;

use super::pending::Details;
use super::requirement::MFA;
use super::webauthn::{self, Ceremony, Flaw, NewCredential, Site};
use super::{SignInStep, SignedIn};
use crate::authority::Authority;
use crate::codes;
use crate::error::OAuthError;
use crate::opaque;
use crate::throttle;
use crate::visitor::Visitor;

/// How long a question may stay open.
const LIFE: Duration = Duration::from_secs(10 * 60);
const TIMEOUT_MS: u64 = 300_000;
const NONCE: usize = 16;

/// An answer of an authenticator, each part as base64url text from the page's form.
#[derive(Clone, Debug, Default)]
pub struct PasskeyAnswer {
    /// Id of the credential.
    pub id: String,
    /// `clientDataJSON`.
    pub client_data: String,
    /// `attestationObject`, of a new credential.
    pub attestation: String,
    /// `authenticatorData`, of a proof.
    pub authenticator_data: String,
    /// `signature`, of a proof.
    pub signature: String,
    /// `userHandle`, of a proof.
    pub user_handle: String,
}

/// A question, drawn before the transaction.
pub(super) struct Challenge(String);

/// A challenge that came back and was ours.
struct Returned {
    digest: Vec<u8>,
    expires: Timestamp,
}

/// A proof whose challenge was ours; [`Proof::check`] does the rest.
pub(super) struct Proof {
    site: Site,
    returned: Returned,
    credential: Vec<u8>,
    client_data: Vec<u8>,
    authenticator_data: Vec<u8>,
    signature: Vec<u8>,
    user_handle: Vec<u8>,
}

/// A new credential whose challenge was ours.
pub(super) struct Made {
    pub(super) credential: NewCredential,
    returned: Returned,
}

impl Challenge {
    pub(super) fn new(authority: &Authority, visitor: &Visitor) -> Challenge {
        let nonce: [u8; NONCE] = random::bytes();
        let until = authority.clock.now().plus(LIFE).0.to_be_bytes();
        let bytes = [nonce.as_slice(), &until].concat();
        Challenge(URL_SAFE_NO_PAD.encode([bytes.as_slice(), &proof(authority, visitor, &bytes)].concat()))
    }

    /// Options of `navigator.credentials.create` as JSON, bytes as base64url text.
    pub(super) fn options_to_create(
        &self,
        site: &Site,
        tenant: &Tenant,
        user: &User,
        known: &[SecondFactor],
    ) -> String {
        let parameters: Vec<_> =
            webauthn::ALGORITHMS.iter().map(|alg| json!({ "type": "public-key", "alg": alg })).collect();
        json!({
            "rp": { "id": site.id, "name": "Casbah" },
            "user": {
                "id": URL_SAFE_NO_PAD.encode(handle(tenant.id, user.id)),
                "name": user.user_principal_name,
                "displayName": user.display_name,
            },
            "challenge": self.0,
            "pubKeyCredParams": parameters,
            "timeout": TIMEOUT_MS,
            "excludeCredentials": descriptors(known),
            "authenticatorSelection": { "residentKey": "preferred", "userVerification": "preferred" },
            "attestation": "none",
        })
        .to_string()
    }

    /// Options of `navigator.credentials.get` for one of these; none when no passkey is among them.
    pub(super) fn options_to_prove(&self, site: &Site, factors: &[SecondFactor]) -> Option<String> {
        let known = descriptors(factors);
        (!known.is_empty()).then(|| self.options(site, &known, "preferred"))
    }

    fn options(&self, site: &Site, known: &[serde_json::Value], verification: &str) -> String {
        json!({
            "challenge": self.0,
            "rpId": site.id,
            "timeout": TIMEOUT_MS,
            "allowCredentials": known,
            "userVerification": verification,
        })
        .to_string()
    }
}

impl Authority {
    /// Options, JSON, for signing in with a passkey alone; none where browsers make no passkeys.
    pub fn passkey_options(&self, visitor: &Visitor) -> Option<String> {
        let site = Site::of(self.public_url())?;
        Some(Challenge::new(self, visitor).options(&site, &[], "required"))
    }

    /// Options, JSON, for registering one more passkey of whoever is signed in.
    ///
    /// # Errors
    /// 50058 when nobody is.
    pub async fn new_passkey_options(
        &self,
        session: &Secret,
        visitor: &Visitor,
    ) -> Result<Option<String>, OAuthError> {
        let Some(site) = Site::of(self.public_url()) else { return Ok(None) };
        let (challenge, desk, session) = (Challenge::new(self, visitor), self.desk(visitor), session.clone());
        self.store
            .read(move |tx| {
                let found = crate::session::find(tx, &desk.master, &session, desk.now)?;
                let found = found.ok_or_else(|| OAuthError::plain(codes::NOT_SIGNED_IN))?;
                let known = second_factors::of_user(tx, found.tenant.id, found.user.id)?;
                Ok(Some(challenge.options_to_create(&site, &found.tenant, &found.user, &known)))
            })
            .await
    }

    /// Signs a person in with a passkey that checked who touched it: two factors in one.
    ///
    /// # Errors
    /// 500121 when the answer is not good, 50057 disabled; and what the tenant segment can be refused for.
    pub async fn sign_in_with_passkey(
        &self,
        tenant: &str,
        answer: PasskeyAnswer,
        keep: bool,
        return_to: String,
        leads_to: Option<String>,
        visitor: &Visitor,
    ) -> Result<SignInStep, OAuthError> {
        let proof = answer.read(self, visitor)?;
        let wrong = || OAuthError::plain(codes::WRONG_SECOND_FACTOR);
        let (of_handle, _) = owner(&proof.user_handle).ok_or_else(wrong)?;
        // The page's tenant, where that is clear, must be the passkey's.
        let of_page = self.tenant_of_page(tenant, None).await?;
        if of_page.is_some_and(|tenant| tenant != of_handle) {
            return Err(wrong());
        }
        let desk = self.desk(visitor);
        let details = Details {
            amr: vec!["fido".to_string(), MFA.to_string()],
            keep,
            return_to,
            leads_to,
            ..Details::default()
        };
        self.store
            .write(move |tx| -> Result<Result<SignInStep, OAuthError>, OAuthError> {
                let Some(id) = proof.check(tx, of_handle, true, desk.now)? else {
                    throttle::note_wrong(tx, of_handle, &desk.seen, None, desk.now)?;
                    return Ok(Err(wrong()));
                };
                let user = users::find(tx, of_handle, id)?.ok_or_else(wrong)?;
                if !user.enabled {
                    return Err(OAuthError::plain(codes::USER_DISABLED));
                }
                desk.advance(tx, of_handle, &user, &details, None).map(Ok)
            })
            .await?
    }
}

impl PasskeyAnswer {
    /// Reads a proof and checks that it answers a question of ours.
    pub(super) fn read(&self, authority: &Authority, visitor: &Visitor) -> Result<Proof, OAuthError> {
        let (site, client_data, returned) = self.returned(authority, visitor, Ceremony::Get)?;
        Ok(Proof {
            site,
            returned,
            credential: decode(&self.id)?,
            client_data,
            authenticator_data: decode(&self.authenticator_data)?,
            signature: decode(&self.signature)?,
            user_handle: decode(&self.user_handle)?,
        })
    }

    /// Reads a new credential and checks that it answers a question of ours.
    pub(super) fn read_new(&self, authority: &Authority, visitor: &Visitor) -> Result<Made, OAuthError> {
        let (site, _, returned) = self.returned(authority, visitor, Ceremony::Create)?;
        let credential = webauthn::registration(&site, &decode(&self.attestation)?).map_err(refused)?;
        Ok(Made { credential, returned })
    }

    fn returned(
        &self,
        authority: &Authority,
        visitor: &Visitor,
        ceremony: Ceremony,
    ) -> Result<(Site, Vec<u8>, Returned), OAuthError> {
        let site = Site::of(authority.public_url()).ok_or_else(|| refused(Flaw::Origin))?;
        let client_data = decode(&self.client_data)?;
        let challenge = webauthn::challenge(&site, ceremony, &client_data).map_err(refused)?;
        let returned =
            Returned::check(authority, visitor, &challenge).ok_or_else(|| refused(Flaw::Ceremony))?;
        Ok((site, client_data, returned))
    }
}

impl Proof {
    /// Whose passkey it is; nobody's when it is not good. Uses the challenge up either way.
    pub(super) fn check(
        &self,
        tx: &mut Tx<'_>,
        tenant: TenantId,
        must_verify_user: bool,
        now: Timestamp,
    ) -> Result<Option<Guid>, OAuthError> {
        if !self.returned.take(tx, tenant)? {
            return Ok(None);
        }
        let Some(factor) = second_factors::find_passkey(tx, tenant, &self.credential)? else {
            return Ok(None);
        };
        let FactorKind::Passkey { public_key, counter, .. } = &factor.kind else { return Ok(None) };
        let named = owner(&self.user_handle);
        if named.is_some_and(|named| named != (tenant, factor.user)) {
            return Ok(None);
        }
        let shown = webauthn::assertion(
            &self.site,
            public_key,
            &self.authenticator_data,
            &self.client_data,
            &self.signature,
            must_verify_user,
        );
        match shown {
            Ok(shown) if webauthn::counter_is_plausible(*counter, shown) => {
                second_factors::use_passkey(tx, tenant, factor.user, factor.id, i64::from(shown), now)?;
                Ok(Some(factor.user))
            }
            Ok(_) => {
                tracing::warn!(user = %factor.user, "the counter of a passkey went back: it may have been copied");
                Ok(None)
            }
            Err(_) => Ok(None),
        }
    }
}

impl Made {
    pub(super) fn use_challenge(&self, tx: &mut Tx<'_>, tenant: TenantId) -> Result<(), OAuthError> {
        if self.returned.take(tx, tenant)? { Ok(()) } else { Err(refused(Flaw::Ceremony)) }
    }
}

impl Returned {
    fn check(authority: &Authority, visitor: &Visitor, text: &str) -> Option<Returned> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (stated, shown) = bytes.split_at_checked(NONCE + 8)?;
        let expires = Timestamp(i64::from_be_bytes(stated[NONCE..].try_into().ok()?));
        let good = Secret::same_bytes(shown, &proof(authority, visitor, stated));
        (good && authority.clock.now() < expires).then(|| Returned { digest: stated.to_vec(), expires })
    }

    fn take(&self, tx: &mut Tx<'_>, tenant: TenantId) -> casbah_store::Result<bool> {
        used_challenges::take(tx, tenant, &self.digest, self.expires)
    }
}

impl SignedIn {
    /// The tenant in which the sign-in happened.
    pub fn tenant(&self) -> Option<TenantId> {
        opaque::tenant_of(self.session.expose())
    }
}

fn proof(authority: &Authority, visitor: &Visitor, stated: &[u8]) -> Vec<u8> {
    let browser = visitor.browser.as_ref().map_or("", Secret::expose);
    authority.master.ticket(&[b"passkey", browser.as_bytes(), stated])
}

/// The user handle: who it is in which tenant, and nothing that says so to people.
fn handle(tenant: TenantId, user: Guid) -> Vec<u8> {
    [tenant.0.as_bytes().as_slice(), user.as_bytes().as_slice()].concat()
}

fn owner(handle: &[u8]) -> Option<(TenantId, Guid)> {
    let (tenant, user) = handle.split_at_checked(16)?;
    let id = |bytes: &[u8]| Some(Guid::from_u128(u128::from_be_bytes(bytes.try_into().ok()?)));
    Some((TenantId(id(tenant)?), id(user)?))
}

fn descriptors(factors: &[SecondFactor]) -> Vec<serde_json::Value> {
    let passkeys = factors.iter().filter_map(|factor| match &factor.kind {
        FactorKind::Passkey { credential, .. } => Some(credential),
        FactorKind::Totp { .. } => None,
    });
    passkeys.map(|id| json!({ "type": "public-key", "id": URL_SAFE_NO_PAD.encode(id) })).collect()
}

fn decode(text: &str) -> Result<Vec<u8>, OAuthError> {
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).map_err(|_| refused(Flaw::Shape))
}

fn refused(flaw: Flaw) -> OAuthError {
    OAuthError { cause: None, ..OAuthError::new(codes::WRONG_SECOND_FACTOR, sentence(flaw)) }
}

fn sentence(flaw: Flaw) -> &'static str {
    match flaw {
        Flaw::NotVerified => "The passkey did not check who you are. Unlock it with a PIN or your finger.",
        Flaw::Ceremony => "The page was open for too long. Try the passkey again.",
        _ => "The passkey was not accepted. Try again, or take another way.",
    }
}
