//! Authenticating the application behind a request to the token endpoint.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use casbah_model::{
    Application, ApplicationSecret, Guid, RedirectUriKind, Secret, ServicePrincipal, Tenant, TenantId,
    Timestamp,
};
use casbah_store::{Tx, application_secrets, applications, service_principals};
use url::form_urlencoded;

use crate::codes;
use crate::error::OAuthError;
use crate::form::Form;
use crate::master_key::{MasterKey, SecretKind};

/// What a request brings to prove which application it comes from.
#[derive(Clone)]
pub(crate) struct Credentials {
    pub(crate) client_id: String,
    /// Readings of the one secret that was sent; Basic allows two.
    secrets: Vec<Secret>,
    assertion: bool,
}

/// An application that may use the token endpoint.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) tenant: Tenant,
    pub(crate) application: Application,
    pub(crate) principal: ServicePrincipal,
    /// The secret that it proved itself with; none for a public client.
    pub(crate) secret: Option<ApplicationSecret>,
}

impl Client {
    pub(crate) fn is_authenticated(&self) -> bool {
        self.secret.is_some()
    }

    /// `GUID(name)`, as messages name applications.
    pub(crate) fn label(&self) -> String {
        label(&self.application)
    }

    /// Refuses an application that has not proved itself, for grants without a redirect URI. A page of
    /// the application in a browser needs no secret, but that does not make its server a public client.
    pub(crate) fn check_installed_or_authenticated(&self) -> Result<(), OAuthError> {
        let installed = self.application.public_client
            || self.application.redirect_uris.iter().any(|uri| uri.kind == RedirectUriKind::PublicClient);
        if installed { Ok(()) } else { self.check_authenticated() }
    }

    /// Refuses an application that has not proved itself although it must.
    pub(crate) fn check_authenticated(&self) -> Result<(), OAuthError> {
        if self.is_authenticated() { Ok(()) } else { Err(credential_needed(&self.application)) }
    }
}

pub(crate) fn label(application: &Application) -> String {
    format!("{}({})", application.app_id, application.display_name)
}

impl Credentials {
    /// Takes them from the body, or from a Basic header (RFC 6749, section 2.3.1). When both carry a
    /// secret the body counts, as at Microsoft.
    pub(crate) fn of_request(form: &Form, authorization: Option<&str>) -> Result<Credentials, OAuthError> {
        let assertion = form.get("client_assertion").is_some();
        let in_body = form.get("client_id").map(str::to_string);
        let basic = authorization.and_then(|header| {
            let (scheme, rest) = header.split_once(' ')?;
            scheme.eq_ignore_ascii_case("basic").then(|| rest.trim().to_string())
        });
        let secret = form.secret("client_secret");
        let (Some(encoded), None) = (basic, &secret) else {
            let client_id = in_body.ok_or_else(|| OAuthError::missing("client_id"))?;
            return Ok(Credentials { client_id, secrets: secret.into_iter().collect(), assertion });
        };
        let unreadable = || OAuthError::plain(codes::MALFORMED_CREDENTIALS);
        let decoded = STANDARD.decode(encoded).map_err(|_| unreadable())?;
        let pair = String::from_utf8(decoded).map(zeroize::Zeroizing::new).map_err(|_| unreadable())?;
        let (id, secret) = pair.split_once(':').ok_or_else(unreadable)?;
        let client_id = form_decoded(id);
        if in_body.is_some_and(|other| !other.eq_ignore_ascii_case(&client_id)) {
            let text = "The client_id of the body and that of the Authorization header differ.";
            return Err(OAuthError::new(codes::MALFORMED, text));
        }
        // Some clients encode the pair as the RFC wants, others do not.
        let mut secrets = vec![Secret::new(form_decoded(secret)), Secret::new(secret)];
        secrets.retain(|s| !s.expose().is_empty());
        Ok(Credentials { client_id, secrets, assertion })
    }

    /// The application that these credentials prove, in a tenant.
    pub(crate) fn authenticate(
        &self,
        tx: &mut Tx<'_>,
        tenant: Tenant,
        master: &MasterKey,
        now: Timestamp,
    ) -> Result<Client, OAuthError> {
        let (application, principal) = find(tx, tenant.id, &self.client_id)?;
        if self.assertion {
            return Err(OAuthError::plain(codes::ASSERTION_UNREADABLE));
        }
        let secret = if self.secrets.is_empty() {
            if !may_be_public(&application) {
                return Err(credential_needed(&application));
            }
            None
        } else if application.public_client {
            let text =
                format!("The application {} is a public client: send no client_secret.", label(&application));
            return Err(OAuthError::new(codes::PUBLIC_CLIENT, text));
        } else {
            Some(self.check_secret(tx, tenant.id, &application, master, now)?)
        };
        Ok(Client { tenant, application, principal, secret })
    }

    /// Whether anything was sent to prove the client with.
    pub(crate) fn is_present(&self) -> bool {
        self.assertion || !self.secrets.is_empty()
    }

    fn check_secret(
        &self,
        tx: &mut Tx<'_>,
        tenant: TenantId,
        application: &Application,
        master: &MasterKey,
        now: Timestamp,
    ) -> Result<ApplicationSecret, OAuthError> {
        let sent: Vec<Vec<u8>> =
            self.secrets.iter().map(|s| master.digest(SecretKind::ClientSecret, s)).collect();
        let (mut valid, mut expired) = (None, false);
        for secret in application_secrets::list(tx, tenant, application.id)? {
            // Every secret is compared, so that the time tells nothing about which one matched.
            let same =
                sent.iter().fold(false, |any, digest| any | Secret::same_bytes(digest, &secret.digest));
            if same && secret.ends <= now {
                expired = true;
            } else if same && secret.starts <= now {
                valid = Some(secret);
            }
        }
        let label = label(application);
        match valid {
            Some(secret) => Ok(secret),
            None if expired => Err(OAuthError::new(
                codes::EXPIRED_SECRET,
                format!("The client secret of the application {label} has expired. Create a new one."),
            )),
            None => Err(OAuthError::new(
                codes::WRONG_SECRET,
                format!(
                    "Invalid client secret for the application {label}. Send the value of the secret, not its id."
                ),
            )),
        }
    }
}

/// An application by its client id, present and enabled in the tenant.
pub(crate) fn find(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    client_id: &str,
) -> Result<(Application, ServicePrincipal), OAuthError> {
    let unknown = || {
        let text = format!(
            "The application {client_id} was not found in the tenant {tenant}. Check the client id, and \
             that the request goes to the right tenant."
        );
        OAuthError::new(codes::UNKNOWN_CLIENT, text)
    };
    let id: Guid = client_id.trim().parse().map_err(|_| unknown())?;
    let application = applications::find_by_app_id(tx, tenant, id)?.ok_or_else(unknown)?;
    let principal = service_principals::find_by_app_id(tx, tenant, id)?.ok_or_else(unknown)?;
    if !principal.enabled {
        let text = format!("The application {} is disabled in the tenant.", label(&application));
        return Err(OAuthError::new(codes::CLIENT_DISABLED, text));
    }
    Ok((application, principal))
}

/// Whether an application may come without a credential at all; where its code was sent can still
/// ask for one.
fn may_be_public(application: &Application) -> bool {
    let public = |kind| matches!(kind, RedirectUriKind::PublicClient | RedirectUriKind::Spa);
    application.public_client || application.redirect_uris.iter().any(|uri| public(uri.kind))
}

pub(crate) fn credential_needed(application: &Application) -> OAuthError {
    let text = format!(
        "The request body must contain the parameter client_secret or client_assertion: the application {} \
         is not a public client.",
        label(application)
    );
    OAuthError::new(codes::CREDENTIAL_NEEDED, text)
}

fn form_decoded(text: &str) -> String {
    // Reading `=text` as a form gives one pair with an empty name; a `&` in it means it was not encoded.
    if text.contains('&') {
        return text.to_string();
    }
    form_urlencoded::parse(format!("={text}").as_bytes())
        .next()
        .map(|(_, v)| v.into_owned())
        .unwrap_or_default()
}
