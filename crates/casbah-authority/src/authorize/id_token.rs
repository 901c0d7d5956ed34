//! ID tokens that go to the application from here, without a detour over the token endpoint (OpenID
//! Connect Core, section 3.3): only for applications that are registered for it. Access tokens never do
//! (RFC 9700, section 2.1.2).

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use casbah_model::{Application, Tenant, TenantSettings, Timestamp, User};

use super::redirect_step::Redirect;
use crate::authority::Authority;
use crate::claims::{Common, Endpoint, Identity, Membership, Person};
use crate::error::OAuthError;
use crate::jwt;
use crate::keys::SigningKey;
use crate::token::SignIn;

/// An ID token that only has to be signed.
#[derive(Clone)]
pub(crate) struct Pending {
    pub(crate) tenant: Tenant,
    pub(crate) endpoint: Endpoint,
    pub(crate) application: Application,
    pub(crate) user: User,
    pub(crate) sign_in: SignIn,
    pub(crate) membership: Membership,
    pub(crate) identity: Identity,
    pub(crate) settings: TenantSettings,
    /// The code that goes along.
    pub(crate) code: Option<String>,
}

impl Authority {
    /// Puts the signed ID token among the parameters of a redirect.
    pub(super) fn add_id_token(
        &self,
        redirect: &mut Redirect,
        key: &SigningKey,
        now: Timestamp,
    ) -> Result<(), OAuthError> {
        let Some(pending) = redirect.pending.take() else { return Ok(()) };
        let common = Common {
            tenant: &pending.tenant,
            settings: &pending.settings,
            client: pending.application.app_id,
            client_name: &pending.application.display_name,
            authentication_class: "0",
            now,
        };
        let person =
            Person { user: &pending.user, sign_in: &pending.sign_in, membership: &pending.membership };
        let optional = &pending.application.details.optional_claims.id_token;
        let mut claims = self.id_claims(&common, pending.endpoint, person, &pending.identity, optional);
        if let Some(code) = &pending.code {
            claims["c_hash"] = half_hash(code).into();
        }
        let token = jwt::encode(key, pending.endpoint.version(), &claims.to_string())?;
        redirect.parameters.push(("id_token", token));
        Ok(())
    }
}

/// OpenID Connect Core, section 3.3.2.11: the left half of the hash that the token is signed with.
fn half_hash(text: &str) -> String {
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16])
}
