//! Taking a token back (RFC 7009): an application that has no more use for a token, or has lost it, says
//! so. A refresh token takes its whole family along, an access token only itself. Every node refuses it
//! from the next request on.

use casbah_model::{RecordId, Secret};
use casbah_store::audit::{self, AuditRecord};
use casbah_store::{Tx, revoked_tokens, token_families};
use serde_json::json;

use crate::authority::Authority;
use crate::client::Client;
use crate::codes;
use crate::error::OAuthError;
use crate::introspection::{Inquiry, Subject, unavailable};
use crate::master_key::SecretKind;
use crate::refusals::Attempted;
use crate::token::TokenRequest;

impl Authority {
    /// Answers a request to the revocation endpoint. A token that is no good, or was revoked before, is
    /// a success: what the client wants is true.
    ///
    /// # Errors
    /// The refusal of the client; 70000 for a token that was issued to another one; 90033 (503) when the
    /// token could not be revoked: then it lives on, and the client must ask again.
    pub async fn revoke(&self, request: TokenRequest) -> Result<(), OAuthError> {
        let attempted = Attempted::by_client(&request.tenant, &request.form, request.authorization.as_ref());
        let answer = self.revoked(request).await;
        if let Err(error) = &answer {
            self.note_refused_client(attempted, error).await;
        }
        answer
    }

    async fn revoked(&self, request: TokenRequest) -> Result<(), OAuthError> {
        let inquiry = self.inquiry(request).await?;
        let audit = RecordId::new(inquiry.now);
        self.store.write(move |tx| inquiry.revoke(tx, &audit)).await.map_err(|error| match error.cause {
            Some(cause) => unavailable(cause),
            None => error,
        })
    }
}

impl Inquiry {
    fn revoke(&self, tx: &mut Tx<'_>, audit: &RecordId) -> Result<(), OAuthError> {
        let client = self.client(tx)?;
        let tenant = client.tenant.id;
        let (changed, kind, target) = match &self.subject {
            None => return Ok(()),
            Some(Subject::Access(token, _)) => {
                if token.tenant != tenant || token.client != client.application.app_id {
                    return Err(foreign());
                }
                let changed = revoked_tokens::insert(tx, tenant, &token.id, self.now, token.expires)?;
                (changed, "access token", token.id.clone())
            }
            Some(Subject::Opaque(token)) => {
                let Some(family) = self.family(tx, &client, token)? else { return Ok(()) };
                let changed = token_families::revoke(tx, tenant, family, self.now)?;
                (changed, "token family", family.to_string())
            }
        };
        if changed {
            let record = AuditRecord {
                id: audit.clone(),
                client: Some(client.application.app_id),
                ..AuditRecord::new(
                    self.now,
                    ("application", client.principal.id),
                    &format!("revoke {kind}"),
                    (kind, target),
                    json!({ "why": "the application asked for it" }),
                )
            };
            audit::append(tx, tenant, &record)?;
        }
        Ok(())
    }

    /// The family of a refresh token; none for what is no refresh token.
    fn family(
        &self,
        tx: &mut Tx<'_>,
        client: &Client,
        token: &Secret,
    ) -> Result<Option<casbah_model::Guid>, OAuthError> {
        let digest = self.master.digest(SecretKind::RefreshToken, token);
        let Some(token) = token_families::find_refresh_token(tx, client.tenant.id, &digest)? else {
            return Ok(None);
        };
        let family = token_families::find(tx, client.tenant.id, token.family)?;
        match family {
            Some(family) if family.application == client.application.app_id => Ok(Some(family.id)),
            _ => Err(foreign()),
        }
    }
}

/// RFC 7009, section 2.1: only whom a token was issued to may revoke it.
fn foreign() -> OAuthError {
    OAuthError::new(codes::INVALID_GRANT, "The token was issued to another application.")
}
