//! The answer: a code, an ID token, or both, for who is signed in and has consented.

use std::time::Duration;

use casbah_model::Secret;
use casbah_store::audit::{self, AuditRecord};
use casbah_store::authorization_codes::{self, AuthorizationCode};
use casbah_store::{Tx, session_applications, tenant_settings};
use serde_json::json;

use super::Step;
use super::checks::Checked;
use super::id_token::Pending;
use super::pass::Pass;
use crate::claims::{Identity, Membership, client_info};
use crate::error::OAuthError;
use crate::grants::CodeDetails;
use crate::master_key::SecretKind;
use crate::session::Session;
use crate::token::SignIn;
use crate::wanted::Wanted;

/// A code is redeemed at once or not at all.
const CODE_LIFE: Duration = Duration::from_secs(60);

impl Pass {
    pub(super) fn issue(
        &self,
        tx: &mut Tx<'_>,
        session: &Session,
        checked: &Checked,
    ) -> Result<Step, OAuthError> {
        let tenant = session.tenant.id;
        let form = &self.request.form;
        let secret: Secret = self.draws.code.authorization_code(tenant);
        let sign_in = SignIn {
            session: Some(session.id),
            auth_time: checked.max_age.is_some() || checked.claims.auth_time,
            bound_to: checked.proof_key.clone(),
            capable: checked.claims.capable,
            amr: session.amr.clone(),
            voucher: session.voucher.clone(),
            address: session.address.clone(),
            ..SignIn::from_here(session.signed_in)
        };
        let details = CodeDetails {
            wanted: checked.wanted.clone().unwrap_or_else(|| Wanted::default().for_v1()),
            nonce: form.get("nonce").map(str::to_string),
            challenge: checked.challenge.clone(),
            sign_in: sign_in.clone(),
            redirect_kind: checked.target.registered.kind,
        };
        let code = AuthorizationCode {
            digest: self.master.digest(SecretKind::AuthorizationCode, &secret),
            application: checked.application.app_id,
            user: session.user.id,
            family: self.draws.family,
            redirect_uri: checked.target.uri.clone(),
            details: serde_json::to_value(details).map_err(OAuthError::internal)?,
            expires: self.now.plus(CODE_LIFE),
            redeemed: None,
        };
        let mut parameters = Vec::new();
        if checked.response.code {
            authorization_codes::insert(tx, tenant, &code)?;
            parameters.push(("code", secret.expose().to_string()));
        } else {
            self.note_sign_in(tx, session, checked)?;
        }
        session_applications::insert(tx, tenant, session.id, checked.application.app_id)?;
        if form.get("client_info") == Some("1") {
            parameters.push(("client_info", client_info(tenant, session.user.id)));
        }
        parameters.push(("session_state", session.id.to_string()));
        let mut redirect = self.redirect(&session.tenant, &checked.target, parameters);
        if checked.response.id_token {
            redirect.pending = Some(Box::new(self.id_token(tx, session, checked, sign_in, &secret)?));
        }
        Ok(Step::Redirect(redirect))
    }

    /// The ID token that goes along.
    fn id_token(
        &self,
        tx: &mut Tx<'_>,
        session: &Session,
        checked: &Checked,
        sign_in: SignIn,
        code: &Secret,
    ) -> Result<Pending, OAuthError> {
        let wanted = checked.wanted.as_ref();
        let identity = Identity {
            nonce: self.request.form.get("nonce").map(str::to_string),
            session: Some(session.id),
            auth_time: sign_in.auth_time.then_some(sign_in.at),
            email: wanted.is_some_and(|wanted| wanted.email),
        };
        let optional = &checked.application.details.optional_claims.id_token;
        let towards = (&checked.application, &checked.principal);
        let membership = Membership::find(tx, session.tenant.id, session.user.id, towards, optional)?;
        Ok(Pending {
            tenant: session.tenant.clone(),
            endpoint: self.request.endpoint,
            application: checked.application.clone(),
            user: session.user.clone(),
            sign_in,
            membership,
            identity,
            settings: tenant_settings::find(tx, session.tenant.id)?,
            code: checked.response.code.then(|| code.expose().to_string()),
        })
    }

    /// Leaves a trace of a sign-in that ends here, without the token endpoint.
    fn note_sign_in(&self, tx: &mut Tx<'_>, session: &Session, checked: &Checked) -> Result<(), OAuthError> {
        let record = AuditRecord {
            id: self.draws.audit.clone(),
            client: Some(checked.application.app_id),
            ..session.caller().audit(
                self.now,
                "sign in to application",
                "service principal",
                checked.principal.id,
                json!({ "grantType": "implicit", "session": session.id }),
            )
        };
        Ok(audit::append(tx, session.tenant.id, &record)?)
    }
}
