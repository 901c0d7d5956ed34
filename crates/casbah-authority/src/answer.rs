//! The success answer of the token endpoint: numbers are numbers on v2.0 and text on v1.

use std::sync::OnceLock;

use casbah_model::{Guid, Secret, TenantSettings, Timestamp, User};
use serde_json::{Value as Json, json};

use crate::authority::Authority;
use crate::claims::{Common, Endpoint, Identity, Membership, Person, Target, client_info, stamped};
use crate::client::{Client, UsedCredential};
use crate::jwt;
use crate::keys::{KeyError, SigningKey};
use crate::resource::Resource;
use crate::token::SignIn;

/// Tokens that live so long, in seconds, are renewed before their end.
const EARLY_RENEWAL: i64 = 2 * 60 * 60;

/// All that is settled about an answer; only signing is left.
pub(crate) struct Answer {
    pub(crate) endpoint: Endpoint,
    pub(crate) client: Client,
    pub(crate) resource: Resource,
    pub(crate) subject: Subject,
    /// What the tenant has set.
    pub(crate) settings: TenantSettings,
    /// Thumbprint of the key that the access token is bound to.
    pub(crate) confirmation: Option<String>,
    /// Whether the client answers claims challenges.
    pub(crate) capable: bool,
}

pub(crate) enum Subject {
    Application {
        roles: Vec<String>,
        /// The lasting claims of its tokens, once there was one: an answer may be given many times.
        claims: OnceLock<String>,
    },
    User(Box<UserSubject>),
}

#[derive(Clone)]
pub(crate) struct UserSubject {
    pub(crate) user: User,
    pub(crate) family: Guid,
    pub(crate) sign_in: SignIn,
    /// What the user is towards the resource.
    pub(crate) membership: Membership,
    /// The `scp` claim.
    pub(crate) granted: Vec<String>,
    /// The `scope` of the answer.
    pub(crate) scope: String,
    /// What the ID token says, and what the user is towards the client.
    pub(crate) id_token: Option<(Identity, Membership)>,
    pub(crate) refresh_token: Option<Secret>,
}

impl Answer {
    /// Signs the tokens and writes the answer.
    pub(crate) fn sign(
        &self,
        authority: &Authority,
        key: &SigningKey,
        now: Timestamp,
        with_client_info: bool,
    ) -> Result<Json, KeyError> {
        let audience = self.resource.audience();
        let tenant = &self.client.tenant;
        let common = Common {
            tenant,
            settings: &self.settings,
            client: self.client.application.app_id,
            client_name: &self.client.application.display_name,
            authentication_class: self.client.authentication_class(),
            now,
        };
        let target = Target {
            identifier: &audience,
            app_id: self.resource.application.app_id,
            token_version: self.resource.application.token_version,
            optional: &self.resource.application.details.optional_claims.access_token,
        };
        let mut body = self.times(now);
        let version = if target.token_version == 2 { 2 } else { 1 };
        match &self.subject {
            Subject::Application { roles, claims } => {
                let lasting = claims.get_or_init(|| {
                    let credential = self.client.credential.as_ref().map(UsedCredential::id);
                    let principal = self.client.principal.id;
                    let mut claims =
                        authority.application_claims(&common, &target, principal, credential, roles);
                    self.add_capabilities(&mut claims);
                    claims.to_string()
                });
                let claims = stamped(lasting, now, self.settings.tokens.access_token);
                body["access_token"] = jwt::encode(key, version, &claims)?.into();
            }
            Subject::User(user) => {
                let person =
                    Person { user: &user.user, sign_in: &user.sign_in, membership: &user.membership };
                let mut claims = authority.user_claims(&common, &target, person, user.family, &user.granted);
                self.add_capabilities(&mut claims);
                let claims = stamped(&claims.to_string(), now, self.settings.tokens.access_token);
                body["access_token"] = jwt::encode(key, version, &claims)?.into();
                body["scope"] = user.scope.as_str().into();
                if let Some(token) = &user.refresh_token {
                    body["refresh_token"] = token.expose().into();
                }
                if let Some((identity, membership)) = &user.id_token {
                    let person = Person { membership, ..person };
                    let optional = &self.client.application.details.optional_claims.id_token;
                    let claims = authority.id_claims(&common, self.endpoint, person, identity, optional);
                    body["id_token"] = jwt::encode(key, self.endpoint.version(), &claims.to_string())?.into();
                }
                if with_client_info {
                    body["client_info"] = client_info(tenant.id, user.user.id).into();
                }
            }
        }
        Ok(body)
    }

    /// What the client can do, and the key that it holds.
    fn add_capabilities(&self, claims: &mut Json) {
        if let Some(thumbprint) = &self.confirmation {
            claims["cnf"] = json!({ "jkt": thumbprint });
        }
        if self.capable {
            claims["xms_cc"] = json!(["CP1"]);
        }
    }

    fn times(&self, now: Timestamp) -> Json {
        let life = i64::from(self.settings.tokens.access_token);
        // Worth renewing early only when there is a long time left to do it in.
        let renew = (self.endpoint == Endpoint::V2 && life >= EARLY_RENEWAL).then_some(life / 2);
        let token_type = if self.confirmation.is_some() { "DPoP" } else { "Bearer" };
        let mut times = match self.endpoint {
            Endpoint::V2 => json!({
                "token_type": token_type,
                "expires_in": life,
                "ext_expires_in": life,
            }),
            Endpoint::V1 => json!({
                "token_type": token_type,
                "expires_in": life.to_string(),
                "ext_expires_in": life.to_string(),
                "expires_on": (now.seconds() + life).to_string(),
                "not_before": now.seconds().to_string(),
                "resource": self.resource.audience_as_asked(),
            }),
        };
        if let Some(seconds) = renew {
            times["refresh_in"] = seconds.into();
        }
        times
    }
}
