//! An authorization request as it stands in a page's address.

use casbah_authority::{About, Authority, AuthorizeRequest, Endpoint, Form, OAuthError, Progress, codes};
use casbah_model::{Guid, Secret};
use http::HeaderMap;
use url::form_urlencoded;

/// How far the user has come, with a proof; ours, so it is taken out before anybody looks.
const PROGRESS: &str = "casbah_progress";
/// A step takes the browser one redirect, or as long as somebody takes to write recovery codes down.
const PROGRESS_LIFE: i64 = 10 * 60_000;
/// The longest query of an authorization request, in bytes: what people have to carry through several pages,
/// and what proxies, logs and other servers still take.
const LONGEST_QUERY: usize = 16 * 1024;
const ACCOUNT: &str = "account";
const SIGNED_IN: &str = "signed-in";

/// A request with everything that is needed to repeat it.
pub(crate) struct Asked {
    pub(crate) endpoint: Endpoint,
    pub(crate) tenant: String,
    /// The parameters without ours.
    pairs: Vec<(String, String)>,
    /// Ours, if it was there.
    progress: Option<String>,
    pub(crate) about: About,
}

impl Asked {
    /// Reads the query of a page's address.
    pub(crate) fn read(
        authority: &Authority,
        headers: &HeaderMap,
        endpoint: Endpoint,
        tenant: String,
        query: &str,
    ) -> Asked {
        let mut progress = None;
        let mut pairs = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if name == PROGRESS {
                progress = Some(value.into_owned());
            } else {
                pairs.push((name.into_owned(), value.into_owned()));
            }
        }
        let about = about(authority, headers, &pairs);
        Asked { endpoint, tenant, pairs, progress, about }
    }

    /// Refuses a request that is too long to be carried through the pages. What we add ourselves on the way
    /// does not count, and spelled out anew it stays as long as it is.
    pub(crate) fn check_length(&self) -> Result<(), OAuthError> {
        if self.address_at("").len() <= LONGEST_QUERY {
            return Ok(());
        }
        Err(OAuthError::new(codes::QUERY_TOO_LONG, codes::QUERY_TOO_LONG.meaning))
    }

    /// A parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.pairs.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_str()).filter(|v| !v.is_empty())
    }

    /// The address of the authorize endpoint, or below it, with the request's parameters.
    pub(crate) fn address(&self, below: &str) -> String {
        self.address_at(&format!("{}{below}", self.base("oauth2/authorize", "oauth2/v2.0/authorize")))
    }

    /// Another path, with the request's parameters.
    pub(crate) fn address_at(&self, path: &str) -> String {
        format!(
            "{path}?{}",
            form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.pairs).finish()
        )
    }

    /// The path of an endpoint that exists in both versions.
    pub(crate) fn base(&self, v1: &str, v2: &str) -> String {
        let segment = percent_encoding::utf8_percent_encode(&self.tenant, percent_encoding::NON_ALPHANUMERIC);
        // The usual characters of ids and domains look better as they are.
        let segment = segment.to_string().replace("%2D", "-").replace("%2E", ".");
        let rest = if self.endpoint == Endpoint::V1 { v1 } else { v2 };
        format!("/{segment}/{rest}")
    }

    /// The address at which a user who has just chosen an account goes on.
    pub(crate) fn address_after_choice(&self, authority: &Authority, session: &Secret) -> String {
        with_progress(authority, &self.address(""), ACCOUNT, session)
    }

    fn progress(&self, authority: &Authority, session: Option<&Secret>) -> Progress {
        let proven = || {
            let (word, rest) = self.progress.as_deref()?.split_once('.')?;
            let (until, proof) = rest.split_once('.')?;
            let until: i64 = until.parse().ok()?;
            let expected = progress_proof(authority, &self.address(""), word, until, session?);
            let good = Secret::same_bytes(expected.as_bytes(), proof.as_bytes()) && self.about.at.0 < until;
            match word {
                ACCOUNT if good => Some(Progress::AccountChosen),
                SIGNED_IN if good => Some(Progress::SignedIn),
                _ => None,
            }
        };
        proven().unwrap_or(Progress::Start)
    }

    /// The request, for the authority.
    pub(crate) fn request(&self, authority: &Authority, session: Option<&Secret>) -> AuthorizeRequest {
        AuthorizeRequest {
            endpoint: self.endpoint,
            tenant: self.tenant.clone(),
            form: Form::from_iter(self.pairs.iter().map(|(n, v)| (n.as_str(), v.as_str()))),
            session: session.cloned(),
            browser: None,
            progress: self.progress(authority, session),
            about: self.about,
        }
    }
}

/// The address at which a user who has just signed in goes on. Only an authorization request wants to
/// know that it was just now.
pub(crate) fn after_sign_in(authority: &Authority, address: &str, session: &Secret) -> String {
    let path = address.split('?').next().unwrap_or_default();
    if path.ends_with("/oauth2/authorize") || path.ends_with("/oauth2/v2.0/authorize") {
        with_progress(authority, address, SIGNED_IN, session)
    } else {
        address.to_string()
    }
}

fn with_progress(authority: &Authority, address: &str, word: &str, session: &Secret) -> String {
    let until = authority.clock().now().0 + PROGRESS_LIFE;
    let proof = progress_proof(authority, address, word, until, session);
    format!("{address}&{PROGRESS}={word}.{until}.{proof}")
}

fn progress_proof(authority: &Authority, address: &str, word: &str, until: i64, session: &Secret) -> String {
    authority.sign_url("portal progress", &format!("{word}\n{until}\n{}\n{address}", session.expose()))
}

/// The ids that an answer to this request carries.
pub(crate) fn about(authority: &Authority, headers: &HeaderMap, pairs: &[(String, String)]) -> About {
    let header = headers.get("client-request-id").and_then(|v| v.to_str().ok());
    let named =
        header.or_else(|| pairs.iter().find(|(n, _)| n == "client-request-id").map(|(_, v)| v.as_str()));
    About {
        trace: Guid::random(),
        correlation: named.and_then(|v| v.trim().parse().ok()).unwrap_or_else(Guid::random),
        at: authority.clock().now(),
    }
}

/// The fields of a posted form.
pub(crate) struct Fields(Form);

impl Fields {
    pub(crate) fn read(body: &[u8]) -> Fields {
        Fields(Form::parse(body))
    }

    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.get(name).unwrap_or_default()
    }

    pub(crate) fn secret(&self, name: &str) -> Secret {
        Secret::new(self.get(name))
    }
}

/// The query of an address together with a form that was posted to it, as one query.
pub(crate) fn merged(query: &str, body: &[u8]) -> Option<String> {
    let body = std::str::from_utf8(body).ok()?;
    // As pairs and back: nothing but a query comes out, whatever was posted.
    let pairs = form_urlencoded::parse(query.as_bytes()).chain(form_urlencoded::parse(body.as_bytes()));
    Some(form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish())
}
