//! Sessions of the portal: what it makes of an authorization code, and who a cookie of it stands for.
//!
//! The portal is an ordinary client. Its session lies within the browser session that the person signed in
//! with, and ends when that ends, wherever it is ended.

use std::time::Duration;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use casbah_model::{Guid, Secret, Tenant, TenantId, Timestamp};
use casbah_store::portal_sessions::{self, PortalSession};
use casbah_store::{administrators, browser_sessions, used_challenges};
use serde_json::{Map, Value as Json};

use crate::authority::Authority;
use crate::caller::{Caller, Principal};
use crate::claims::Endpoint;
use crate::codes;
use crate::error::OAuthError;
use crate::form::Form;
use crate::master_key::SecretKind;
use crate::opaque::{self, Draw};
use crate::seed;
use crate::session;
use crate::token::TokenRequest;
use crate::verify::Refusal;

/// A working day and a bit; the browser session may end it earlier.
const LIFE: Duration = Duration::from_secs(12 * 60 * 60);
/// As long as somebody takes to sign in.
const REQUEST_LIFE: Duration = Duration::from_secs(60 * 60);
/// How long a form that was sent is known as such.
const FORM_KNOWN: Duration = Duration::from_secs(24 * 60 * 60);

/// Somebody in the portal.
#[derive(Clone, Debug)]
pub struct PortalVisitor {
    /// The person, with all that the person's roles allow now.
    pub caller: Caller,
    /// The person's tenant.
    pub tenant: Tenant,
    /// The person's name for people.
    pub display_name: String,
    /// When the session ends by itself.
    pub expires: Timestamp,
}

/// What a token says, and whether anybody need believe it.
#[derive(Clone, Debug)]
pub struct InspectedToken {
    /// Its header.
    pub header: Map<String, Json>,
    /// Its claims.
    pub claims: Map<String, Json>,
    /// Whether a key of this installation signed it; whether its time is over is not looked at.
    pub is_ours: bool,
}

/// Longest token that is looked into, in bytes.
const LONGEST_TOKEN: usize = 64 * 1024;

impl Authority {
    /// Looks into a token of anybody's; none when it is no JSON Web Token.
    pub async fn inspect(&self, token: &str) -> Option<InspectedToken> {
        if token.len() > LONGEST_TOKEN {
            return None;
        }
        let mut parts = token.split('.');
        let mut read = || -> Option<Map<String, Json>> {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts.next()?).ok()?).ok()
        };
        let (header, claims) = (read()?, read()?);
        if parts.count() != 1 {
            return None;
        }
        Some(InspectedToken { header, claims, is_ours: self.signed(token).await.is_ok() })
    }

    /// The address at which a browser asks to be signed in to the portal, to go on at `next`. Nothing of the
    /// request is kept: its `state` carries what is needed, and verifier and nonce are made of the state and
    /// of the random value that the browser is known by.
    pub fn portal_request(&self, browser: &Secret, next: &str) -> String {
        let until = self.clock.now().plus(REQUEST_LIFE).0;
        let content = format!("{}.{until}.{}", Guid::random(), URL_SAFE_NO_PAD.encode(next));
        let state = format!("{content}.{}", self.portal_value("state", browser, &content));
        let verifier = self.portal_value("verifier", browser, &content);
        let hash = digest::digest(&digest::SHA256, verifier.as_bytes());
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query
            .append_pair("client_id", &seed::PORTAL.to_string())
            .append_pair("response_type", "code")
            .append_pair("redirect_uri", &self.portal_redirect_uri())
            .append_pair("scope", "openid profile")
            .append_pair("state", &state)
            .append_pair("nonce", &self.portal_value("nonce", browser, &content))
            .append_pair("code_challenge", &URL_SAFE_NO_PAD.encode(hash))
            .append_pair("code_challenge_method", "S256");
        format!("/organizations/oauth2/v2.0/authorize?{}", query.finish())
    }

    /// Where to go on, if a `state` was made for this browser a short while ago.
    pub fn portal_next(&self, browser: &Secret, state: &str) -> Option<String> {
        let (content, proof) = state.rsplit_once('.')?;
        let expected = self.portal_value("state", browser, content);
        if !Secret::same_bytes(expected.as_bytes(), proof.as_bytes()) {
            return None;
        }
        let mut parts = content.split('.').skip(1);
        let until: i64 = parts.next()?.parse().ok()?;
        let next = String::from_utf8(URL_SAFE_NO_PAD.decode(parts.next()?).ok()?).ok()?;
        (self.clock.now().0 < until).then_some(next)
    }

    fn portal_value(&self, what: &str, browser: &Secret, content: &str) -> String {
        self.sign_url("portal sign-in", &format!("{what}\n{}\n{content}", browser.expose()))
    }

    fn portal_redirect_uri(&self) -> String {
        format!("{}{}", self.public_url(), seed::PORTAL_SIGNED_IN)
    }

    /// Redeems a code at the token endpoint and begins a session; answers its cookie. The `state` is one that
    /// [`Authority::portal_next`] has accepted.
    ///
    /// # Errors
    /// What the token endpoint says, and 9002313 for an ID token that is not for this sign-in.
    pub async fn open_portal_session(
        &self,
        browser: &Secret,
        state: &str,
        code: &str,
    ) -> Result<Secret, OAuthError> {
        let content = state.rsplit_once('.').map_or("", |(content, _)| content);
        let nonce = self.portal_value("nonce", browser, content);
        let fields = [
            ("grant_type", "authorization_code".to_string()),
            ("client_id", seed::PORTAL.to_string()),
            ("code", code.to_string()),
            ("redirect_uri", self.portal_redirect_uri()),
            ("code_verifier", self.portal_value("verifier", browser, content)),
        ];
        let form = Form::from_iter(fields.iter().map(|(name, value)| (*name, value.as_str())));
        let request = TokenRequest {
            endpoint: Endpoint::V2,
            tenant: "organizations".to_string(),
            form,
            authorization: None,
            origin: None,
            proof: None,
        };
        let answer = self.token(request).await?;
        let token = answer["id_token"].as_str().unwrap_or_default();
        let claims = match self.signed(token).await {
            Ok(claims) => claims,
            Err(Refusal::Unavailable(cause)) => return Err(OAuthError::internal(cause)),
            Err(_) => return Err(OAuthError::plain(codes::MALFORMED)),
        };
        let text = |name: &str| claims.get(name).and_then(Json::as_str);
        let id = |name: &str| text(name).and_then(|id| id.parse::<Guid>().ok());
        let is_ours = id("aud") == Some(seed::PORTAL) && text("nonce") == Some(nonce.as_str());
        let (Some(tenant), Some(user), Some(browser), true) = (id("tid"), id("oid"), id("sid"), is_ours)
        else {
            return Err(OAuthError::plain(codes::MALFORMED));
        };
        let (tenant, now) = (TenantId(tenant), self.clock.now());
        let cookie = Draw::new().portal_session(tenant);
        let row = PortalSession {
            digest: self.digest(SecretKind::PortalSession, &cookie),
            session: browser,
            user,
            created: now,
            expires: now.plus(LIFE),
        };
        self.store
            .write(move |tx| portal_sessions::insert(tx, tenant, &row).map_err(OAuthError::from))
            .await?;
        Ok(cookie)
    }

    /// Who is in the portal with a cookie of it.
    ///
    /// # Errors
    /// [`Refusal::Expired`] when nobody is (any more); [`Refusal::Unavailable`].
    pub async fn verify_portal_session(&self, cookie: &Secret) -> Result<PortalVisitor, Refusal> {
        let Some(tenant) = opaque::tenant_of(cookie.expose()) else { return Err(Refusal::Expired) };
        let (digest, now) = (self.digest(SecretKind::PortalSession, cookie), self.clock.now());
        let found = self
            .store
            .read(move |tx| -> Result<_, Refusal> {
                let own = portal_sessions::find(tx, tenant, &digest)?.filter(|own| own.expires > now);
                let Some(own) = own else { return Ok(None) };
                let row = browser_sessions::find_live_of_user(tx, tenant, own.user, own.session, now)?;
                let Some(row) = row else { return Ok(None) };
                let expires = own.expires.min(row.expires);
                let Some(session) = session::of_row(tx, tenant, row)? else { return Ok(None) };
                let user = session.user.id;
                let entitlements = administrators::entitlements(tx, tenant, user, &session.roles)?;
                Ok(Some((session, entitlements, expires)))
            })
            .await?;
        let (session, entitlements, expires) = found.ok_or(Refusal::Expired)?;
        let mut caller = session.caller();
        if let Principal::User { client, .. } = &mut caller.principal {
            *client = Some(seed::PORTAL);
        }
        caller.permissions = entitlements.permissions();
        caller.entitlements = entitlements;
        let display_name = session.user.display_name;
        Ok(PortalVisitor { caller, tenant: session.tenant, display_name, expires })
    }

    /// Ends a session of the portal; the browser session lives on.
    ///
    /// # Errors
    /// When the database fails; an unknown cookie is no error.
    pub async fn close_portal_session(&self, cookie: &Secret) -> Result<(), OAuthError> {
        let Some(tenant) = opaque::tenant_of(cookie.expose()) else { return Ok(()) };
        let digest = self.digest(SecretKind::PortalSession, cookie);
        let ended = self.store.write(move |tx| portal_sessions::delete(tx, tenant, &digest));
        ended.await.map_err(OAuthError::internal)
    }

    /// Uses up a form that is good for being sent once. False when it was sent before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take_portal_form(&self, tenant: TenantId, form: &str) -> Result<bool, casbah_store::Error> {
        let digest = self.digest(SecretKind::PortalForm, &Secret::new(form));
        let until = self.clock.now().plus(FORM_KNOWN);
        self.store.write(move |tx| used_challenges::take(tx, tenant, &digest, until)).await
    }
}
