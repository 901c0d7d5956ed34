//! What a grant proves: whom a token is for, and what hangs on the sign-in.

use super::*;
use crate::upstream::Voucher;

/// What a grant has proved.
pub(crate) enum Proof {
    /// The application acts as itself.
    Application,
    /// The application acts for a user.
    User(Box<ProvenUser>),
    /// Nothing; and what the grant wrote on finding out (a revocation) must stay.
    RefusedForGood(OAuthError),
}

/// A user, and what hangs on the sign-in.
pub(crate) struct ProvenUser {
    pub(crate) user: User,
    /// The family that the tokens join; none starts a new one.
    pub(crate) family: Option<TokenFamily>,
    /// The id of a family that starts here, if it was settled before.
    pub(crate) new_family: Option<Guid>,
    /// The family on whose behalf a family that starts here is started.
    pub(crate) parent: Option<TokenFamily>,
    pub(crate) wanted: Wanted,
    /// Whether a second resource is left aside instead of refused.
    pub(crate) first_resource_only: bool,
    pub(crate) sign_in: SignIn,
    pub(crate) nonce: Option<String>,
    /// Uses up the code or token, once consent is known to be there. False when somebody did before.
    pub(crate) used_up: UsedUp,
    /// Whether a refresh token comes along even when `offline_access` was not asked.
    pub(crate) always_refreshable: bool,
}

/// What is used up by success.
pub(crate) enum UsedUp {
    Nothing,
    AuthorizationCode(Vec<u8>),
    RefreshToken(Vec<u8>),
    DeviceCode(Vec<u8>),
}

/// Facts of a sign-in that outlive its first tokens.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct SignIn {
    /// The browser session.
    pub(crate) session: Option<Guid>,
    /// When the user signed in.
    pub(crate) at: Timestamp,
    /// Whether the client wants to know that.
    pub(crate) auth_time: bool,
    /// The end of the refresh tokens of a single-page application, which does not slide.
    pub(crate) spa_ends: Option<Timestamp>,
    /// The origin of that application.
    pub(crate) spa_origin: Option<String>,
    /// Whether the client proved itself; then it always must.
    pub(crate) authenticated: bool,
    /// How the user proved who it is, as the `amr` claim names it: `pwd`, `otp`, `mfa`, ... Empty in
    /// what was recorded before this was kept: by password.
    #[serde(default)]
    pub(crate) amr: Vec<String>,
    /// Who vouched for the user, if another provider did.
    #[serde(default)]
    pub(crate) voucher: Option<Voucher>,
    /// The address that the user signed in from.
    #[serde(default)]
    pub(crate) address: Option<String>,
    /// Thumbprint of the key that the code or refresh token is bound to (RFC 9449).
    #[serde(default)]
    pub(crate) bound_to: Option<String>,
    /// Whether the client said that it answers claims challenges.
    #[serde(default)]
    pub(crate) capable: bool,
}

impl SignIn {
    /// How the user proved who it is; by password in what was recorded before this was kept.
    pub(super) fn factors(&self) -> Vec<String> {
        if self.amr.is_empty() { vec!["pwd".to_string()] } else { self.amr.clone() }
    }
}

/// What a refresh token stands for.
#[derive(Serialize, Deserialize)]
pub(crate) struct RefreshDetails {
    pub(crate) wanted: Wanted,
    pub(crate) sign_in: SignIn,
}

impl SignIn {
    /// A sign-in at that time, used in this request: from its address.
    pub(crate) fn from_here(at: Timestamp) -> SignIn {
        SignIn {
            at,
            address: audit::origin().address.map(|address| address.to_string()),
            ..SignIn::default()
        }
    }
}
