//! Pushed authorization requests (RFC 9126): the application sends the parameters ahead, over a
//! connection of its own, and the browser carries only a reference that says nothing.
//!
//! A reference must be opened within a minute, stays with the browser that opened it, and is used up by
//! the answer. In between the user signs in and consents, which takes as long as it takes.

use std::sync::Arc;
use std::time::Duration;

use casbah_model::{Guid, RedirectUriKind, Secret, TenantId, Timestamp};
use casbah_store::Tx;
use casbah_store::pushed_requests::{self, PushedRequest};
use serde_json::{Value as Json, json};

use super::{AuthorizeRequest, checks};
use crate::authority::Authority;
use crate::client::Credentials;
use crate::codes;
use crate::dpop::{self, BadProof};
use crate::error::OAuthError;
use crate::form::Form;
use crate::master_key::{MasterKey, SecretKind};
use crate::opaque::{self, Draw};
use crate::refusals::Attempted;
use crate::tenant::{Hints, TenantName};
use crate::token::TokenRequest;

/// Every reference begins with it (RFC 9126, section 2.2).
const URN: &str = "urn:ietf:params:oauth:request_uri:";
/// A reference is opened within this, or never.
const LIFE: Duration = Duration::from_secs(60);
/// How long the user may take once it is opened.
const PATIENCE: Duration = Duration::from_secs(60 * 60);
/// How the application proved itself; nobody else's business.
const CREDENTIALS: &[&str] = &["client_secret", "client_assertion", "client_assertion_type"];

/// A pushed request under way.
#[derive(Clone)]
pub(super) struct Pushed {
    pub(super) tenant: TenantId,
    digest: Vec<u8>,
}

impl Pushed {
    /// Uses the request up with its answer.
    pub(super) fn use_up(&self, tx: &mut Tx<'_>, now: Timestamp) -> Result<(), OAuthError> {
        if pushed_requests::use_up(tx, self.tenant, &self.digest, now)? { Ok(()) } else { Err(unknown()) }
    }
}

fn unknown() -> OAuthError {
    OAuthError::plain(codes::PUSHED_UNKNOWN)
}

/// The secret part of a reference of ours.
fn reference(form: &Form) -> Option<Secret> {
    form.get("request_uri").and_then(|uri| uri.strip_prefix(URN)).map(Secret::new)
}

impl Authority {
    /// Takes an authorization request from its application: `request_uri` and `expires_in` (seconds), for
    /// status 201.
    ///
    /// # Errors
    /// Everything that the application would be told by redirect otherwise, and that it is not the
    /// application that it claims to be.
    pub async fn push(&self, request: TokenRequest) -> Result<Json, OAuthError> {
        let attempted = Attempted::by_client(&request.tenant, &request.form, request.authorization.as_ref());
        let answer = self.pushed(request).await;
        if let Err(error) = &answer {
            self.note_refused_client(attempted, error).await;
        }
        answer
    }

    async fn pushed(&self, request: TokenRequest) -> Result<Json, OAuthError> {
        let TokenRequest { endpoint, tenant, mut form, authorization, proof, .. } = request;
        form.check_unrepeated()?;
        let name = TenantName::parse(&tenant)?;
        let credentials = Credentials::of_request(&form, authorization.as_ref().map(Secret::expose))?;
        if form.get("request_uri").is_some() {
            let text = "A pushed request cannot refer to another one: leave the request_uri out.";
            return Err(OAuthError::new(codes::MALFORMED, text));
        }
        let now = self.clock.now();
        let shown = proof.map(|proof| dpop::check(&proof, None, now)).transpose()?;
        if let Some(shown) = &shown {
            // RFC 9449, section 10.1.
            match form.get("dpop_jkt") {
                Some(key) if key != shown.thumbprint => {
                    return Err(BadProof("The key of the proof is not that of dpop_jkt.").into());
                }
                Some(_) => {}
                None => form = form.or(Form::from_iter([("dpop_jkt", shown.thumbprint.as_str())])),
            }
        }
        let credentials = self.check_assertion(credentials, &name, Hints::default()).await?;
        let (master, draw) = (Arc::clone(&self.master), Draw::new());
        let secret = self
            .store
            .write(move |tx| -> Result<Secret, OAuthError> {
                let tenant = name.require(tx, &Hints::default())?;
                let client = credentials.authenticate(tx, tenant, &master, now)?;
                let tenant = client.tenant.id;
                if let Some(shown) = &shown
                    && !shown.use_up(tx, tenant)?
                {
                    return Err(BadProof("The proof was used before.").into());
                }
                let target = checks::target(&client.application, &form)?;
                if target.registered.kind == RedirectUriKind::Web && !client.application.public_client {
                    client.check_authenticated()?;
                }
                let (application, principal) = (client.application.clone(), client.principal.clone());
                checks::check(endpoint, &form, application, principal, target)?;
                let secret = draw.pushed_request(tenant);
                let kept = form.fields().filter(|(name, _)| !CREDENTIALS.contains(name));
                let pushed = PushedRequest {
                    digest: master.digest(SecretKind::PushedRequest, &secret),
                    application: client.application.app_id,
                    parameters: kept.map(|(n, v)| (n.to_string(), v.expose().to_string())).collect(),
                    expires: now.plus(LIFE),
                    browser: None,
                    opened: None,
                    used: None,
                };
                pushed_requests::insert(tx, tenant, &pushed)?;
                Ok(secret)
            })
            .await?;
        Ok(json!({ "request_uri": format!("{URN}{}", secret.expose()), "expires_in": LIFE.as_secs() }))
    }

    /// Puts the parameters of a pushed request in the place of the reference to it.
    ///
    /// # Errors
    /// 9900003 for a reference that cannot be used here; shown as a page.
    pub(super) async fn open_pushed(
        &self,
        request: &mut AuthorizeRequest,
        now: Timestamp,
    ) -> Result<Option<Pushed>, OAuthError> {
        let Some(reference) = reference(&request.form) else { return Ok(None) };
        let tenant = opaque::tenant_of(reference.expose()).ok_or_else(unknown)?;
        let client: Guid = request.form.required("client_id")?.trim().parse().map_err(|_| unknown())?;
        let digest = self.master.digest(SecretKind::PushedRequest, &reference);
        let browser = browser(&self.master, request.browser.as_ref());
        let pushed = Pushed { tenant, digest: digest.clone() };
        let parameters = self
            .store
            .write(move |tx| -> Result<_, OAuthError> {
                let found = pushed_requests::find(tx, tenant, &digest)?;
                let found =
                    found.filter(|r| r.application == client && r.used.is_none()).ok_or_else(unknown)?;
                let good = match (found.opened, &found.browser) {
                    (Some(opened), Some(by)) => {
                        opened.plus(PATIENCE) > now && Secret::same_bytes(by, &browser)
                    }
                    _ => found.expires > now && pushed_requests::open(tx, tenant, &digest, &browser, now)?,
                };
                if good { Ok(found.parameters) } else { Err(unknown()) }
            })
            .await?;
        // RFC 9126, section 4: whatever stands beside the reference does not count.
        request.form = Form::from_iter(parameters);
        if request.form.get("client_id").is_none() {
            request.form = Form::from_iter([("client_id", client.to_string())]).or(request.form.clone());
        }
        Ok(Some(pushed))
    }
}

/// The browser, as a keyed hash.
fn browser(master: &MasterKey, browser: Option<&Secret>) -> Vec<u8> {
    master.ticket(&[b"pushed request", browser.map(Secret::expose).unwrap_or_default().as_bytes()])
}
