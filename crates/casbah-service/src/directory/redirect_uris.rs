//! Which redirect URIs may be registered for which kind of client. What a redirect URI may look like
//! at all, and how requests are matched against it, is the authority's.

use casbah_authority::check_redirect_uri;
use casbah_model::{RedirectUri, RedirectUriKind};

use crate::Error;

/// As in the Microsoft identity platform.
const MOST: usize = 256;

/// Schemes that run or show content instead of leading to an application.
const ACTIVE: &[&str] = &[
    "javascript",
    "data",
    "vbscript",
    "file",
    "blob",
    "about",
    "filesystem",
    "view-source",
    "ws",
    "wss",
    "ftp",
];

/// Checks a whole list, as it is registered at once.
pub(super) fn check_all(uris: &[RedirectUri]) -> Result<(), Error> {
    if uris.len() > MOST {
        return Err(Error::invalid(
            "redirectUris",
            format!("an application has at most {MOST} redirect URIs."),
        ));
    }
    uris.iter().try_for_each(check)
}

/// Checks one redirect URI for its kind of client.
pub fn check(redirect: &RedirectUri) -> Result<(), Error> {
    let uri = redirect.uri.as_str();
    let refuse = |why: &str| Err(Error::invalid("redirectUris", format!("{uri:?}: {why}")));
    if let Err(why) = check_redirect_uri(uri) {
        return refuse(why);
    }
    let (scheme, rest) = uri.split_once(':').unwrap_or_default();
    let scheme = scheme.to_ascii_lowercase();
    match scheme.as_str() {
        // Browsers repair `https:host` and `https:///host`; what needs repair is refused.
        "https" | "http" if !rest.starts_with("//") || rest.starts_with("///") => {
            refuse("the host must follow two slashes.")
        }
        "https" | "http" => Ok(()),
        _ if ACTIVE.contains(&scheme.as_str()) => refuse("this scheme cannot lead to an application."),
        _ if redirect.kind == RedirectUriKind::PublicClient => Ok(()),
        _ => refuse("a scheme other than https is for installed applications (publicClient) only."),
    }
}
