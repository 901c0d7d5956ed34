//! Signing out (OpenID Connect RP-Initiated Logout and Front-Channel Logout): the browser session ends,
//! the applications that took part in it are told, and the browser goes back to where it is registered.

use casbah_model::{Application, Guid, Secret, TenantId};
use casbah_store::{Tx, applications, browser_sessions, session_applications};
use serde_json::Value as Json;
use url::Url;

use crate::authority::Authority;
use crate::claims::Endpoint;
use crate::error::OAuthError;
use crate::form::Form;
use crate::master_key::SecretKind;
use crate::opaque;
use crate::verify::Refusal;

/// What the signed-out page has to do.
#[derive(Clone, Default, Debug)]
pub struct SignedOut {
    /// Addresses of applications to be loaded in hidden frames, so that they end their own sessions.
    pub frames: Vec<String>,
    /// Where to go then: a registered redirect URI, with the request's `state`.
    pub back: Option<String>,
}

/// The application and tenant that an ID token was issued to.
struct Hinted {
    client: Guid,
    tenant: TenantId,
}

impl Authority {
    /// Ends the browser session of a request to the logout endpoint. Tokens that were issued in it live
    /// on.
    ///
    /// # Errors
    /// When the database fails: then the session may live on.
    pub async fn end_session(&self, session: Option<&Secret>, form: &Form) -> Result<SignedOut, OAuthError> {
        let hinted = self.hinted(form).await?;
        let named: Option<Guid> = form.get("client_id").and_then(|id| id.trim().parse().ok());
        let client = match (&hinted, named) {
            // They must agree (RP-Initiated Logout, section 2); when they do not, nobody is asking.
            (Some(hinted), Some(named)) if hinted.client != named => None,
            (Some(hinted), _) => Some(hinted.client),
            (None, named) => named,
        };
        let contradiction = client.is_none() && named.is_some();
        let uri = form.get("post_logout_redirect_uri").filter(|_| !contradiction).map(str::to_string);
        // Asked before the session ends, which may be all that tells the tenant.
        let back = match uri {
            Some(uri) => {
                let tenant = hinted.as_ref().map(|hinted| hinted.tenant);
                let allowed = match (client, tenant) {
                    (Some(client), Some(tenant)) => self.is_registered(tenant, client, uri.clone()).await?,
                    _ => self.may_return_to(client, session, uri.clone()).await?,
                };
                allowed.then(|| with_state(&uri, form.get("state")))
            }
            None => None,
        };
        let frames = match session {
            Some(session) => self.frames(session).await?,
            None => Vec::new(),
        };
        if let Some(session) = session {
            self.sign_out(session).await?;
        }
        Ok(SignedOut { frames, back })
    }

    /// What an `id_token_hint` proves. One whose time is over will do; one that is not ours proves nothing.
    async fn hinted(&self, form: &Form) -> Result<Option<Hinted>, OAuthError> {
        let Some(hint) = form.get("id_token_hint") else { return Ok(None) };
        let claims = match self.signed(hint).await {
            Ok(claims) => claims,
            Err(Refusal::Unavailable(cause)) => return Err(OAuthError::internal(cause)),
            Err(_) => return Ok(None),
        };
        let id = |name: &str| claims.get(name).and_then(Json::as_str).and_then(|text| text.parse().ok());
        // An access token says `idtyp`, an ID token never.
        let parts = (id("aud"), id("tid"), claims.contains_key("idtyp"));
        Ok(match parts {
            (Some(client), Some(tenant), false) => Some(Hinted { client, tenant: TenantId(tenant) }),
            _ => None,
        })
    }

    async fn is_registered(&self, tenant: TenantId, client: Guid, uri: String) -> Result<bool, OAuthError> {
        let found = self.store.read(move |tx| applications::find_by_app_id(tx, tenant, client)).await?;
        Ok(found.is_some_and(|a| crate::redirect::find(&a.redirect_uris, &uri).is_some()))
    }

    /// The logout addresses of the applications that a session signed in to.
    async fn frames(&self, session: &Secret) -> Result<Vec<String>, OAuthError> {
        let Some(tenant) = opaque::tenant_of(session.expose()) else { return Ok(Vec::new()) };
        let digest = self.digest(SecretKind::Session, session);
        let issuer = self.issuer(tenant, Endpoint::V2);
        let found = self.store.read(move |tx| participants(tx, tenant, &digest)).await?;
        let Some((id, applications)) = found else { return Ok(Vec::new()) };
        let urls = applications.iter().filter_map(|a| a.details.logout_url.as_deref());
        Ok(urls.filter_map(|url| frame(url, &issuer, id)).collect())
    }
}

/// The id of a session, and the applications that it signed in to.
fn participants(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    digest: &[u8],
) -> Result<Option<(Guid, Vec<Application>)>, casbah_store::Error> {
    let Some(session) = browser_sessions::find(tx, tenant, digest)? else { return Ok(None) };
    let mut found = Vec::new();
    for app_id in session_applications::list(tx, tenant, session.id)? {
        found.extend(applications::find_by_app_id(tx, tenant, app_id)?);
    }
    Ok(Some((session.id, found)))
}

/// A logout address with what tells the application which session ended (Front-Channel Logout,
/// section 2). Only https, or this machine: the session's id goes nowhere in the clear.
fn frame(url: &str, issuer: &str, session: Guid) -> Option<String> {
    let mut url = Url::parse(url).ok()?;
    let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if !(url.scheme() == "https" || (url.scheme() == "http" && local)) {
        return None;
    }
    url.query_pairs_mut().append_pair("iss", issuer).append_pair("sid", &session.to_string());
    Some(url.into())
}

fn with_state(uri: &str, state: Option<&str>) -> String {
    let Some(state) = state else { return uri.to_string() };
    let pair = url::form_urlencoded::Serializer::new(String::new()).append_pair("state", state).finish();
    let mark = if uri.contains('?') { '&' } else { '?' };
    format!("{uri}{mark}{pair}")
}
