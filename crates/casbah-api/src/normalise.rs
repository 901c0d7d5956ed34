//! Makes paths uniform before they are routed, so that no spelling needs a redirect: after one,
//! the usual HTTP libraries turn a POST into a GET and drop its body.

use axum::extract::Request;
use axum::http::Uri;
use axum::http::uri::PathAndQuery;

use crate::identity;
use crate::presented::AskedPath;

/// Below `/api` these stand without the version in the documentation, and with it in some clients.
const UNVERSIONED: &[&str] =
    &["about", "discovery", "discovery_block_scripts", "reports", "services", "subnet", "tags", "version"];

/// Takes a request to the one spelling of its path that the table knows: `/cas/api` is `/api`,
/// double slashes are one, a final one is none, `/api/subnet` is `/api/v1/subnet`, and the authority's
/// paths are in lower case.
pub fn normalise(mut request: Request) -> Request {
    if let Some(uri) = normalised(request.uri()) {
        let asked = AskedPath(request.uri().path().to_string());
        request.extensions_mut().insert(asked);
        *request.uri_mut() = uri;
    }
    request
}

/// The uniform URI; none when it is uniform already.
fn normalised(uri: &Uri) -> Option<Uri> {
    let path = uniform(uri.path());
    if path == uri.path() {
        return None;
    }
    let both = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(both).ok()?);
    Uri::from_parts(parts).ok()
}

pub(crate) fn uniform(path: &str) -> String {
    let mut segments: Vec<&str> = path.split('/').filter(|s| !s.is_empty()).collect();
    if segments.starts_with(&["cas", "api"]) {
        segments.remove(0);
    }
    if let ["api", first, ..] = segments.as_slice()
        && UNVERSIONED.contains(first)
    {
        segments.insert(1, "v1");
    }
    let path = format!("/{}", segments.join("/"));
    identity::canonical_path(&path).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::uniform;

    #[test]
    fn every_spelling_has_one_form() {
        let check = |path: &str, expected: &str| assert_eq!(uniform(path), expected);
        check("/", "/");
        check("/api/v1/alerts/", "/api/v1/alerts");
        check("/cas/api/v1/alerts", "/api/v1/alerts");
        check("//cas//api/v1/alerts//", "/api/v1/alerts");
        check("/common/UserRealm/ada@contoso.example", "/common/userrealm/ada@contoso.example");
        check("/api/subnet/create_rule/", "/api/v1/subnet/create_rule");
        check("/cas/api/discovery/streams/", "/api/v1/discovery/streams");
        check("/api/v1/discovery/streams", "/api/v1/discovery/streams");
        check("/cas/api/version", "/api/v1/version");
        check("/api/discovery_block_scripts/", "/api/v1/discovery_block_scripts");
        check("/cas/other", "/cas/other");
        check("/portal/api/subnet", "/portal/api/subnet");
    }
}
