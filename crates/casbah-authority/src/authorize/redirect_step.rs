//! The way back to the application, with a code or with an error.

use url::form_urlencoded;

use super::id_token::Pending;

/// How parameters get to the redirect URI.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ResponseMode {
    /// In the query of a redirect.
    Query,
    /// In the fragment of a redirect.
    Fragment,
    /// In a form that the page posts.
    FormPost,
}

impl ResponseMode {
    pub(crate) fn find(name: &str) -> Option<ResponseMode> {
        match name {
            "query" => Some(ResponseMode::Query),
            "fragment" => Some(ResponseMode::Fragment),
            "form_post" => Some(ResponseMode::FormPost),
            _ => None,
        }
    }
}

/// The way back to the application. Redirect with status 303, so that a browser never posts a
/// password on; and with `Referrer-Policy: no-referrer` and `Cache-Control: no-store`.
#[derive(Clone)]
pub struct Redirect {
    /// The redirect URI, checked against the registration.
    pub uri: String,
    /// How the parameters get there.
    pub mode: ResponseMode,
    /// Names and values; a code is among them. Escape the values in a form.
    pub parameters: Vec<(&'static str, String)>,
    /// An ID token that is to be among them and has to be signed yet.
    pub(crate) pending: Option<Box<Pending>>,
}

impl Redirect {
    /// The `Location` of a redirect; none for a form, whose action is [`Redirect::uri`].
    pub fn location(&self) -> Option<String> {
        let parameters = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&self.parameters)
            .finish()
            // Not every reader of a fragment takes a plus for a space.
            .replace('+', "%20");
        let uri = with_path(&self.uri);
        match self.mode {
            ResponseMode::FormPost => None,
            ResponseMode::Fragment => Some(format!("{uri}#{parameters}")),
            ResponseMode::Query if uri.contains('?') => Some(format!("{uri}&{parameters}")),
            ResponseMode::Query => Some(format!("{uri}?{parameters}")),
        }
    }
}

impl std::fmt::Debug for Redirect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.parameters.iter().map(|(name, _)| name).collect();
        f.debug_struct("Redirect")
            .field("uri", &self.uri)
            .field("mode", &self.mode)
            .field("names", &names)
            .finish()
    }
}

/// A URI without a path gets one, as browsers would do it.
fn with_path(uri: &str) -> String {
    let Some((scheme, rest)) = uri.split_once("://") else { return uri.to_string() };
    if !matches!(scheme, "http" | "https") || rest.contains('/') {
        return uri.to_string();
    }
    match rest.split_once('?') {
        Some((host, query)) => format!("{scheme}://{host}/?{query}"),
        None => format!("{uri}/"),
    }
}
