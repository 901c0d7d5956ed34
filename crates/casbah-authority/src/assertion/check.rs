//! Checking a client assertion against what the directory knows of the application. It happens before
//! the transaction that uses the result, because an issuer's keys may have to be fetched first.

use aws_lc_rs::digest;
use casbah_model::{
    Application, ApplicationCertificate, AssertionSettings, FederatedCredential, Guid, Tenant, TenantId,
    Timestamp,
};
use casbah_store::{application_certificates, federated_credentials, tenant_settings, used_assertions};

use super::{Assertion, SKEW, refused};
use crate::authority::Authority;
use crate::certificate::hash;
use crate::client::{self, Credentials};
use crate::codes;
use crate::error::OAuthError;
use crate::tenant::{Hints, TenantName};

/// The credential that an assertion was proved with. [`Credentials::authenticate`] looks it up once more,
/// so that one which was deleted meanwhile proves nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct AssertionProof {
    pub(crate) tenant: TenantId,
    pub(crate) kind: ProofKind,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ProofKind {
    Certificate(Guid),
    Federated(Guid),
}

/// What the directory knows of the application that an assertion claims to come from.
pub(super) struct Known {
    tenant: Tenant,
    pub(super) application: Application,
    certificates: Vec<ApplicationCertificate>,
    pub(super) federated: Vec<FederatedCredential>,
    settings: AssertionSettings,
}

impl Authority {
    /// Checks the client assertion of a request, if it has one; to be called before the transaction in
    /// which [`Credentials::authenticate`] is.
    ///
    /// # Errors
    /// Those of the tenant and the client; 50027, 700021, 700023, 700024, 700025, 700027; for a token of
    /// another issuer 700211, 700212, 700213, 700229, and 90033 when its keys cannot be had.
    pub(crate) async fn check_assertion(
        &self,
        mut credentials: Credentials,
        name: &TenantName,
        hints: Hints<'_>,
    ) -> Result<Credentials, OAuthError> {
        let Some(assertion) = credentials.assertion.clone() else { return Ok(credentials) };
        let known = self.known(&credentials, name, hints).await?;
        let kind = if assertion.is_federated() {
            self.check_federated(&assertion, &known).await?
        } else {
            self.check_own(&assertion, &known, name).await?
        };
        credentials.proof = Some(AssertionProof { tenant: known.tenant.id, kind });
        Ok(credentials)
    }

    async fn known(
        &self,
        credentials: &Credentials,
        name: &TenantName,
        hints: Hints<'_>,
    ) -> Result<Known, OAuthError> {
        let (name, client_id) = (name.clone(), credentials.client_id.clone());
        let (embedded, user_name) = (hints.embedded, hints.user_name.map(str::to_string));
        let domain = hints.domain.map(str::to_string);
        self.store
            .read(move |tx| -> Result<Known, OAuthError> {
                let hints = Hints { embedded, user_name: user_name.as_deref(), domain: domain.as_deref() };
                let tenant = name.require(tx, &hints)?;
                let (application, _) = client::find(tx, tenant.id, &client_id)?;
                client::check_confidential(&application)?;
                let certificates = application_certificates::list(tx, tenant.id, application.id)?;
                let federated = federated_credentials::list(tx, tenant.id, application.id)?;
                let settings = tenant_settings::find(tx, tenant.id)?.assertions;
                Ok(Known { tenant, application, certificates, federated, settings })
            })
            .await
    }

    /// An assertion that the client signed itself.
    async fn check_own(
        &self,
        assertion: &Assertion,
        known: &Known,
        name: &TenantName,
    ) -> Result<ProofKind, OAuthError> {
        let now = self.clock.now();
        let client = known.application.app_id.to_string();
        let is_client =
            |claim: &str| assertion.text(claim).is_some_and(|id| id.eq_ignore_ascii_case(&client));
        if !is_client("iss") || !is_client("sub") {
            let text =
                format!("The iss and sub of the client assertion must both be the client_id, {client}.");
            return Err(OAuthError::new(codes::ASSERTION_CLIENT, text));
        }
        let certificate = certificate(assertion, known)?;
        let key = crate::certificate::Certificate::of_der(certificate.der.clone())
            .ok_or_else(|| OAuthError::internal("a registered certificate cannot be read"))?
            .key;
        assertion.check_signature(&key)?;
        check_validity(certificate, now)?;
        self.check_audience(assertion, known, name)?;
        let ends = assertion.check_time(now, Some(known.settings.longest_life))?;
        if known.settings.refuse_replay {
            self.check_first_use(assertion, known, ends).await?;
        }
        Ok(ProofKind::Certificate(certificate.key_id))
    }

    /// Every spelling of this authority for the tenant: the issuers, and the endpoints that authenticate
    /// clients. An alias counts only when the request came over one, so that an assertion for `common`
    /// cannot be used where the client did not send it.
    fn check_audience(
        &self,
        assertion: &Assertion,
        known: &Known,
        name: &TenantName,
    ) -> Result<(), OAuthError> {
        let base = self.public_url().to_ascii_lowercase();
        let over_alias = matches!(name, TenantName::Common | TenantName::Organizations);
        let is_ours = |audience: &&str| {
            let audience = audience.to_ascii_lowercase();
            let rest = audience.trim_end_matches('/').strip_prefix(&base).and_then(|r| r.strip_prefix('/'));
            let Some(rest) = rest else { return false };
            let (segment, path) = rest.split_once('/').unwrap_or((rest, ""));
            let tenant = segment == known.tenant.id.to_string()
                || known.tenant.domains.iter().any(|domain| domain == segment)
                || (over_alias && matches!(segment, "common" | "organizations"));
            let endpoint = path.strip_prefix("oauth2/").map(|e| e.strip_prefix("v2.0/").unwrap_or(e));
            tenant
                && (matches!(path, "" | "v2.0")
                    || matches!(endpoint, Some("token" | "devicecode" | "par" | "introspect" | "revoke")))
        };
        if assertion.audiences().iter().any(is_ours) {
            return Ok(());
        }
        let wanted = format!("{}/{}/oauth2/v2.0/token", self.public_url(), known.tenant.id);
        let text =
            format!("The audience (aud) of the client assertion must be the token endpoint, {wanted}.");
        Err(OAuthError::new(codes::ASSERTION_AUDIENCE, text))
    }

    /// Remembers the assertion, in the database that all nodes share; refuses one that is remembered.
    async fn check_first_use(
        &self,
        assertion: &Assertion,
        known: &Known,
        ends: i64,
    ) -> Result<(), OAuthError> {
        let id =
            assertion.text("jti").ok_or_else(|| refused("the tenant demands a jti and there is none"))?;
        let digest = hash(&digest::SHA256, id.as_bytes());
        let (tenant, application) = (known.tenant.id, known.application.id);
        let expires = Timestamp::from_seconds(ends.saturating_add(SKEW));
        let first = self
            .store
            .write(move |tx| used_assertions::insert(tx, tenant, application, &digest, expires))
            .await?;
        if first { Ok(()) } else { Err(refused("it was used before, and the tenant accepts each one once")) }
    }
}

/// The registered certificate that the header names.
fn certificate<'a>(
    assertion: &Assertion,
    known: &'a Known,
) -> Result<&'a ApplicationCertificate, OAuthError> {
    assertion.algorithm()?;
    known.certificates.iter().find(|c| assertion.names(c)).ok_or_else(|| {
        let label = client::label(&known.application);
        let named = match assertion.shown_thumbprint() {
            Some(thumbprint) => format!("The certificate with the thumbprint {thumbprint}"),
            None => {
                "The header names no certificate by x5t, x5t#S256, kid or x5c: the one that signed".into()
            }
        };
        OAuthError::new(
            codes::ASSERTION_REFUSED,
            format!(
                "{named} is not registered for the application {label}. [Reason - The key was not found.]"
            ),
        )
    })
}

fn check_validity(certificate: &ApplicationCertificate, now: Timestamp) -> Result<(), OAuthError> {
    if now < certificate.starts {
        return Err(refused("the registered certificate is not valid yet"));
    }
    if now >= certificate.ends {
        return Err(refused("the registered certificate has expired"));
    }
    Ok(())
}
