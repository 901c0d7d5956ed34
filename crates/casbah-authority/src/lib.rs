//! OAuth 2.0 and OpenID Connect rules: applications, consent, grants, tokens, keys, verification.
//!
//! Knows nothing of alerts, files and logs, and writes no HTML: its answers are values that the
//! edge turns into JSON, redirects or pages.

mod account;
mod answer;
mod answers;
mod assertion;
mod authority;
mod authorize;
mod caller;
mod certificate;
mod claims;
mod claims_request;
mod client;
pub mod codes;
mod consent;
mod device;
mod dpop;
mod encoding;
mod error;
mod form;
mod grants;
mod guesses;
mod introspection;
mod issuer_keys;
mod jwt;
mod keys;
mod master_key;
mod metadata;
mod name_key;
mod opaque;
mod outbound;
mod password;
mod portal;
mod redirect;
mod refusals;
mod resource;
mod revocation;
pub mod seed;
mod session;
mod sign_in;
mod sign_in_log;
mod sign_out;
mod signature;
mod tenant;
mod throttle;
mod ticket;
mod token;
mod upstream;
mod url_signature;
mod use_notes;
mod verify;
mod visitor;
mod wanted;
mod webhook;

pub use account::{Account, Ending, OwnApplication, OwnConsent, OwnIdentity, OwnSession, OwnSignIn};
pub use assertion::Assertion;
pub use authority::{Authority, Settings};
pub use authorize::{
    AuthorizeRequest, ConsentDecision, ConsentPrompt, ConsentScope, Progress, Redirect, ResponseMode,
    SignInPrompt, Step,
};
pub use caller::{Caller, Principal};
pub use certificate::{Certificate, CertificateError};
pub use claims::{Endpoint, check_optional_claims};
pub use device::{DevicePrompt, DeviceStep};
pub use dpop::{ALGORITHMS as PROOF_ALGORITHMS, PresentedProof};
pub use error::{About, OAuthError};
pub use form::Form;
pub use keys::KeyError;
pub use keys::rotation::{InSameTransaction, KeyState, KeySummary, Pace};
pub use master_key::SecretKind;
pub use outbound::{
    Allowed, Fetched, InvalidAllowed, Outbound, OutboundError, OutboundSettings, check_callback_url,
    check_https_url, has_certificate,
};
pub use password::{HashingFailed, hash_password, verify_password};
pub use portal::{InspectedToken, PortalVisitor};
pub use redirect::check_registration as check_redirect_uri;
pub use sign_in::{
    CodeKind, Factor, FactorHolder, PasskeyAnswer, PasswordChange, PendingSignIn, PendingStep, PendingView,
    Registered, SignInRequest, SignInStep, SignedIn, TotpSetup, check_new_password,
};
pub use sign_out::SignedOut;
pub use token::TokenRequest;
pub use upstream::{OfferedProvider, UpstreamPurpose, UpstreamRefusal, UpstreamRequest, UpstreamStep};
pub use verify::{Audience, Presented, Refusal};
pub use visitor::Visitor;
pub use webhook::WebhookSecrets;

#[cfg(test)]
mod tests;
