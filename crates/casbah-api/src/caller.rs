//! Who is calling: a bearer token or a legacy API token, checked by the authority.

use axum::http::{HeaderMap, HeaderValue, header};
use casbah_authority::{Audience, Caller, Refusal};
use casbah_model::Secret;
use casbah_service::Service;

use crate::challenge;
use crate::presented::Target;
use crate::problem::Problem;

/// Where the page stands that tells how to leave legacy tokens behind.
pub const MIGRATION_PATH: &str = "/docs/migrate-from-api-tokens";
/// Legacy tokens were born on their way out: the first release says so (RFC 9745).
const DEPRECATION: HeaderValue = HeaderValue::from_static("@1795392000");
/// Until when Casbah promises to accept them (RFC 8594); docs/compatibility.md says the same.
const SUNSET: HeaderValue = HeaderValue::from_static("Sat, 01 Jan 2028 00:00:00 GMT");

/// Identifies the caller by the `Authorization` header.
pub(crate) async fn identify(
    service: &Service,
    target: &Target,
    headers: &HeaderMap,
) -> Result<Caller, Problem> {
    let authority = service.authority();
    let base = authority.public_url();
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        let why = "Send an Authorization header: Bearer and an access token, or Token and an API token.";
        return Err(Problem::unknown_caller(why, challenge::of(None, base)));
    };
    let refused = |why: &str| Problem::unknown_caller(why, challenge::invalid_token(why, base));
    let malformed = || refused("The Authorization header cannot be read.");
    let text = value.to_str().map_err(|_| malformed())?.trim();
    let (scheme, credential) = text.split_once([' ', '\t']).ok_or_else(malformed)?;
    let verified = if let Some(presented) = target.presented(text, headers, base) {
        authority.verify(&presented, Audience::CloudApps).await
    } else if scheme.eq_ignore_ascii_case("Token") {
        authority.verify_api_token(&Secret::new(credential.trim())).await
    } else {
        return Err(refused("The scheme must be Bearer, DPoP or Token."));
    };
    verified.map_err(|refusal| match refusal {
        Refusal::Unavailable(cause) => Problem::internal(&cause),
        other => Problem::unknown_caller(&other.to_string(), challenge::of(Some(&other), base)),
    })
}

/// Tells users of a legacy token that its time is coming to an end.
pub(crate) fn deprecate(service: &Service, headers: &mut HeaderMap) {
    headers.insert("deprecation", DEPRECATION);
    headers.insert("sunset", SUNSET);
    let origin = service.settings().public_url.trim_end_matches('/');
    let link = format!("<{origin}{MIGRATION_PATH}>; rel=\"deprecation\"; type=\"text/html\"");
    if let Ok(link) = HeaderValue::from_str(&link) {
        headers.append(header::LINK, link);
    }
}
