//! ID tokens: for the client, about the person who signed in (OpenID Connect Core, section 2).

use casbah_model::{Guid, OptionalClaim, Timestamp};
use serde_json::{Value as Json, json};

use super::{Common, Endpoint, Person, set, set_v1_names, set_voucher, unique_id};
use crate::authority::Authority;

/// What an ID token says about the sign-in.
#[derive(Clone, Default)]
pub(crate) struct Identity {
    pub(crate) nonce: Option<String>,
    pub(crate) session: Option<Guid>,
    /// Set when the client asked how old the sign-in is.
    pub(crate) auth_time: Option<Timestamp>,
    /// Whether the `email` scope was granted.
    pub(crate) email: bool,
}

impl Authority {
    /// The ID token: for the client, about the user. `optional` is what the client wants in its ID
    /// tokens besides the usual.
    pub(crate) fn id_claims(
        &self,
        common: &Common<'_>,
        endpoint: Endpoint,
        person: Person<'_>,
        identity: &Identity,
        optional: &[OptionalClaim],
    ) -> Json {
        let (user, now) = (person.user, common.now.seconds());
        let mut claims = json!({
            "aud": common.client.to_string(),
            "iss": self.issuer(common.tenant.id, endpoint),
            "iat": now, "nbf": now, "exp": now + i64::from(common.settings.tokens.id_token),
            "sub": self.pairwise_subject(common.tenant.id, user.id, common.client),
            "oid": user.id.to_string(),
            "tid": common.tenant.id.to_string(),
            "ver": if endpoint == Endpoint::V1 { "1.0" } else { "2.0" },
            "name": user.display_name,
            "uti": unique_id(),
            "aio": unique_id(),
            "rh": unique_id(),
        });
        if endpoint == Endpoint::V1 {
            set_v1_names(&mut claims, person);
        } else {
            claims["preferred_username"] = user.user_principal_name.as_str().into();
        }
        set_voucher(&mut claims, person.sign_in);
        // Echoed exactly, never invented: clients compare.
        set(&mut claims, "nonce", identity.nonce.as_deref());
        if let Some(session) = identity.session {
            claims["sid"] = session.to_string().into();
        }
        if let Some(at) = identity.auth_time {
            claims["auth_time"] = at.seconds().into();
        }
        set(&mut claims, "email", user.mail.as_deref().filter(|_| identity.email));
        person.membership.add_to(&mut claims, self.public_url(), user.id);
        self.add_optional(&mut claims, optional, common, person);
        claims
    }
}
