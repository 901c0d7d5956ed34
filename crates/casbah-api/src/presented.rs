//! How a request presents its access token: as a bearer token, or with a proof of possession.

use casbah_authority::{Presented, PresentedProof};
use casbah_model::Secret;
use http::request::Parts;
use http::{Extensions, HeaderMap, HeaderName, Method, Uri};

const DPOP: HeaderName = HeaderName::from_static("dpop");

/// The path of a request as the client wrote it; there when [`crate::normalise`] changed it.
#[derive(Clone)]
pub(crate) struct AskedPath(pub(crate) String);

/// Where a request went, as far as a proof of possession speaks of it.
#[derive(Clone)]
pub(crate) struct Target {
    method: Method,
    path: String,
}

impl Target {
    pub(crate) fn new(method: &Method, uri: &Uri, extensions: &Extensions) -> Target {
        let path = extensions.get::<AskedPath>().map_or_else(|| uri.path().to_string(), |p| p.0.clone());
        Target { method: method.clone(), path }
    }

    pub(crate) fn of(parts: &Parts) -> Target {
        Target::new(&parts.method, &parts.uri, &parts.extensions)
    }

    /// The proof that came along, if one did.
    pub(crate) fn proof(&self, headers: &HeaderMap, public_url: &str) -> Option<PresentedProof> {
        headers.contains_key(DPOP).then(|| self.required_proof(headers, public_url))
    }

    /// The proof that came along, or one that cannot be right.
    fn required_proof(&self, headers: &HeaderMap, public_url: &str) -> PresentedProof {
        let text = |value: &http::HeaderValue| Secret::new(value.to_str().unwrap_or_default());
        PresentedProof {
            proofs: headers.get_all(DPOP).iter().map(text).collect(),
            method: self.method.to_string(),
            url: format!("{public_url}{}", self.path),
        }
    }

    /// The access token of an `Authorization` header; none for another scheme.
    pub(crate) fn presented<'a>(
        &self,
        authorization: &'a str,
        headers: &HeaderMap,
        public_url: &str,
    ) -> Option<Presented<'a>> {
        let (scheme, token) = authorization.trim().split_once([' ', '\t'])?;
        let token = token.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            Some(Presented::bearer(token))
        } else if scheme.eq_ignore_ascii_case("dpop") {
            Some(Presented::with_proof(token, self.required_proof(headers, public_url)))
        } else {
            None
        }
    }
}

impl<S: Send + Sync> axum::extract::FromRequestParts<S> for Target {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Target, Self::Rejection> {
        Ok(Target::of(parts))
    }
}
