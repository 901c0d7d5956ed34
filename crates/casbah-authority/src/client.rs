//! Authenticating the application behind a request to the token endpoint.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use casbah_model::{
    Application, ApplicationCertificate, ApplicationSecret, FederatedCredential, Guid, RedirectUriKind,
    Secret, ServicePrincipal, Tenant, TenantId, Timestamp,
};
use casbah_store::{
    Tx, application_certificates, application_secrets, applications, federated_credentials,
    service_principals,
};
use url::form_urlencoded;

use crate::assertion::{Assertion, AssertionProof, ProofKind};
use crate::codes;
use crate::error::OAuthError;
use crate::form::Form;
use crate::master_key::{MasterKey, SecretKind};

/// RFC 7523, section 2.2.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What a request brings to prove which application it comes from.
#[derive(Clone)]
pub(crate) struct Credentials {
    pub(crate) client_id: String,
    /// Readings of the one secret that was sent; Basic allows two.
    secrets: Vec<Secret>,
    pub(crate) assertion: Option<Arc<Assertion>>,
    /// What the assertion proves: set by `Authority::check_assertion` and by nothing else.
    pub(crate) proof: Option<AssertionProof>,
}

/// The credential with which an application proved itself.
#[derive(Clone)]
pub(crate) enum UsedCredential {
    Secret(ApplicationSecret),
    Certificate(ApplicationCertificate),
    Federated(FederatedCredential),
}

impl UsedCredential {
    /// Its id.
    pub(crate) fn id(&self) -> Guid {
        match self {
            UsedCredential::Secret(secret) => secret.key_id,
            UsedCredential::Certificate(certificate) => certificate.key_id,
            UsedCredential::Federated(credential) => credential.id,
        }
    }

    /// When it was last used before.
    pub(crate) fn last_used(&self) -> Option<Timestamp> {
        match self {
            UsedCredential::Secret(secret) => secret.last_used,
            UsedCredential::Certificate(certificate) => certificate.last_used,
            UsedCredential::Federated(credential) => credential.last_used,
        }
    }

    /// Notes a use.
    pub(crate) fn touch(
        &self,
        tx: &mut Tx<'_>,
        tenant: TenantId,
        now: Timestamp,
        address: Option<&str>,
    ) -> Result<(), casbah_store::Error> {
        match self {
            UsedCredential::Secret(s) => {
                application_secrets::touch(tx, tenant, s.application, s.key_id, now, address)
            }
            UsedCredential::Certificate(c) => {
                application_certificates::touch(tx, tenant, c.application, c.key_id, now, address)
            }
            UsedCredential::Federated(f) => {
                federated_credentials::touch(tx, tenant, f.application, f.id, now, address)
            }
        }
    }
}

/// An application that may use the token endpoint.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) tenant: Tenant,
    pub(crate) application: Application,
    pub(crate) principal: ServicePrincipal,
    /// What it proved itself with; none for a public client.
    pub(crate) credential: Option<UsedCredential>,
}

impl Client {
    pub(crate) fn is_authenticated(&self) -> bool {
        self.credential.is_some()
    }

    /// The `azpacr` and `appidacr` claims: 0 for a public client, 1 for a secret, 2 for an assertion.
    pub(crate) fn authentication_class(&self) -> &'static str {
        match self.credential {
            None => "0",
            Some(UsedCredential::Secret(_)) => "1",
            Some(UsedCredential::Certificate(_) | UsedCredential::Federated(_)) => "2",
        }
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
    /// secret the body counts, as at Microsoft. With an assertion the `client_id` may be absent (RFC 7521,
    /// section 4.2).
    pub(crate) fn of_request(form: &Form, authorization: Option<&str>) -> Result<Credentials, OAuthError> {
        if let Some(assertion) = assertion(form)? {
            return Credentials::of_assertion(form, assertion);
        }
        let in_body = form.get("client_id").map(str::to_string);
        let basic = authorization.and_then(|header| {
            let (scheme, rest) = header.split_once(' ')?;
            scheme.eq_ignore_ascii_case("basic").then(|| rest.trim().to_string())
        });
        let secret = form.secret("client_secret");
        let (Some(encoded), None) = (basic, &secret) else {
            let client_id = in_body.ok_or_else(|| OAuthError::missing("client_id"))?;
            return Ok(Credentials {
                client_id,
                secrets: secret.into_iter().collect(),
                assertion: None,
                proof: None,
            });
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
        Ok(Credentials { client_id, secrets, assertion: None, proof: None })
    }

    fn of_assertion(form: &Form, assertion: Assertion) -> Result<Credentials, OAuthError> {
        // RFC 6749, section 2.3: one method only. A guess at the secret must not hide behind an assertion.
        if form.get("client_secret").is_some() {
            let text = "Send either client_secret or client_assertion, not both.";
            return Err(OAuthError::new(codes::MALFORMED, text));
        }
        let client_id = form.get("client_id").or_else(|| assertion.client());
        let client_id = client_id.ok_or_else(|| OAuthError::missing("client_id"))?.to_string();
        Ok(Credentials { client_id, secrets: Vec::new(), assertion: Some(Arc::new(assertion)), proof: None })
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
        let credential = if self.assertion.is_some() {
            Some(self.proved(tx, tenant.id, &application)?)
        } else if self.secrets.is_empty() {
            if !may_be_public(&application) {
                return Err(credential_needed(&application));
            }
            None
        } else {
            check_confidential(&application)?;
            Some(UsedCredential::Secret(self.check_secret(tx, tenant.id, &application, master, now)?))
        };
        Ok(Client { tenant, application, principal, credential })
    }

    /// What the assertion proved, if it is still registered.
    fn proved(
        &self,
        tx: &mut Tx<'_>,
        tenant: TenantId,
        application: &Application,
    ) -> Result<UsedCredential, OAuthError> {
        let proof = self.proof.filter(|proof| proof.tenant == tenant);
        let found = match proof.map(|proof| proof.kind) {
            None => None,
            Some(ProofKind::Certificate(id)) => {
                let all = application_certificates::list(tx, tenant, application.id)?;
                all.into_iter().find(|c| c.key_id == id).map(UsedCredential::Certificate)
            }
            Some(ProofKind::Federated(id)) => {
                let all = federated_credentials::list(tx, tenant, application.id)?;
                all.into_iter().find(|c| c.id == id).map(UsedCredential::Federated)
            }
        };
        found.ok_or_else(|| OAuthError::plain(codes::ASSERTION_REFUSED))
    }

    /// Whether anything was sent to prove the client with.
    pub(crate) fn is_present(&self) -> bool {
        self.assertion.is_some() || !self.secrets.is_empty()
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
            // People copy the id, which stands beside the value wherever secrets are listed.
            None if self.secrets.iter().any(|s| s.expose().trim().parse::<Guid>().is_ok()) => {
                Err(OAuthError::new(
                    codes::WRONG_SECRET,
                    format!(
                        "Invalid client secret for the application {label}. What was sent looks like the id of \
                         a secret: send the value of the secret, which was shown once when it was made."
                    ),
                ))
            }
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

/// Refuses a credential of an application that is installed on people's devices, where it is no secret.
pub(crate) fn check_confidential(application: &Application) -> Result<(), OAuthError> {
    if application.public_client {
        let text = format!(
            "The application {} is a public client: send neither client_secret nor client_assertion.",
            label(application)
        );
        return Err(OAuthError::new(codes::PUBLIC_CLIENT, text));
    }
    Ok(())
}

/// The assertion in a form.
fn assertion(form: &Form) -> Result<Option<Assertion>, OAuthError> {
    let Some(text) = form.get("client_assertion") else {
        return match form.get("client_assertion_type") {
            None => Ok(None),
            Some(_) => Err(OAuthError::missing("client_assertion")),
        };
    };
    if form.required("client_assertion_type")? != ASSERTION_TYPE {
        let text = format!("The client_assertion_type must be {ASSERTION_TYPE}.");
        return Err(OAuthError::new(codes::INVALID_PARAMETER, text));
    }
    Assertion::parse(text).map(Some)
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
