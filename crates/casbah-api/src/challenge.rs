//! `WWW-Authenticate`: what a refused caller of the Cloud Apps API or the directory can do about it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use casbah_authority::{PROOF_ALGORITHMS, Refusal};
use casbah_model::Timestamp;

/// Where the metadata of the Cloud Apps API as a protected resource stands (RFC 9728).
pub(crate) const RESOURCE_METADATA: &str = "/.well-known/oauth-protected-resource";

/// The challenge of the Cloud Apps API to a token that was refused; without one, to a request that
/// brought none.
pub(crate) fn of(refusal: Option<&Refusal>, public_url: &str) -> String {
    match refusal {
        // RFC 6750, section 3.1: no error code when the request had no credentials at all.
        None => format!("Bearer realm=\"casbah\", {}", places(public_url)),
        Some(refusal @ Refusal::Challenged { .. }) => of_refusal("", refusal, public_url),
        Some(refusal) => {
            let challenge = of_refusal("realm=\"casbah\", ", refusal, public_url);
            format!("{challenge}, {}", places(public_url))
        }
    }
}

/// The challenge of the directory to a token that was refused.
pub(crate) fn of_directory(refusal: &Refusal, public_url: &str) -> String {
    of_refusal("", refusal, public_url)
}

/// The Cloud Apps API's challenge to credentials that it cannot read.
pub(crate) fn invalid_token(why: &str, public_url: &str) -> String {
    let why = quoted(why);
    format!(
        "Bearer realm=\"casbah\", error=\"invalid_token\", error_description=\"{why}\", {}",
        places(public_url)
    )
}

fn of_refusal(realm: &str, refusal: &Refusal, public_url: &str) -> String {
    match refusal {
        Refusal::Challenged { not_before, .. } => format!(
            "Bearer realm=\"\", authorization_uri=\"{public_url}/common/oauth2/authorize\", \
             error=\"insufficient_claims\", claims=\"{}\"",
            claims(*not_before)
        ),
        Refusal::BadProof(why) => format!(
            "DPoP {realm}algs=\"{}\", error=\"invalid_dpop_proof\", error_description=\"{}\"",
            PROOF_ALGORITHMS.join(" "),
            quoted(why)
        ),
        other => {
            let why = quoted(&other.to_string());
            format!("Bearer {realm}error=\"invalid_token\", error_description=\"{why}\"")
        }
    }
}

/// Microsoft's clients look for the first, others (RFC 9728, section 5.1) for the second.
fn places(public_url: &str) -> String {
    format!(
        "authorization_uri=\"{public_url}/common/oauth2/authorize\", \
         resource_metadata=\"{public_url}{RESOURCE_METADATA}\""
    )
}

/// What the client sends on to the authority as its parameter `claims`, in base64.
fn claims(not_before: Timestamp) -> String {
    // Rounded down: a token of the second in which the old one was refused is new enough.
    let seconds = not_before.seconds();
    let claims = format!(r#"{{"access_token":{{"nbf":{{"essential":true,"value":"{seconds}"}}}}}}"#);
    STANDARD.encode(claims)
}

/// For a quoted string of a header.
fn quoted(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii() && !c.is_ascii_control() && *c != '"' && *c != '\\').collect()
}
