//! Redirect URIs: the one place that decides where codes may go.
//!
//! The rule is equality, character by character: no case folding, no decoding, no normal form, no
//! wildcard, so that no two parsers can disagree about what was compared. The one exception is
//! RFC 8252, section 7.3: on a literal loopback host the port is chosen when the program starts, and
//! is left out of the comparison.

use casbah_model::RedirectUri;
use url::Url;

/// The hosts whose port does not count. Literal text, not what a resolver makes of it.
const LOOPBACK: [&str; 3] = ["http://localhost", "http://127.0.0.1", "http://[::1]"];

/// Longest redirect URI that can be registered.
const LONGEST: usize = 256;

/// The registration that allows `asked`, if there is one.
pub(crate) fn find<'a>(registered: &'a [RedirectUri], asked: &str) -> Option<&'a RedirectUri> {
    // An identical registration wins over one that differs in the port.
    let same = registered.iter().find(|r| r.uri == asked && is_plain(asked));
    same.or_else(|| registered.iter().find(|r| matches(&r.uri, asked)))
}

/// Whether a code may be sent to `asked` because of `registered`.
pub(crate) fn matches(registered: &str, asked: &str) -> bool {
    if !is_plain(asked) {
        return false;
    }
    if registered == asked {
        return true;
    }
    match (without_loopback_port(registered), without_loopback_port(asked)) {
        (Some(left), Some(right)) => left == right,
        _ => false,
    }
}

/// Host and the part behind the port of `http://localhost:1234/path?query`; none when the URI is not
/// exactly of that shape.
fn without_loopback_port(uri: &str) -> Option<(&'static str, &str)> {
    let host = LOOPBACK.into_iter().find(|host| uri.starts_with(host))?;
    let rest = &uri[host.len()..];
    let Some(port_and_more) = rest.strip_prefix(':') else {
        return is_end_or_path(rest).then_some((host, rest));
    };
    let digits = port_and_more.bytes().take_while(u8::is_ascii_digit).count();
    let (port, rest) = port_and_more.split_at(digits);
    let is_port = !port.starts_with('0') && port.parse::<u16>().is_ok();
    (is_port && is_end_or_path(rest)).then_some((host, rest))
}

/// What may follow host and port. Anything else, such as `@` or `.`, would make them part of a longer
/// name.
fn is_end_or_path(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('/') || rest.starts_with('?')
}

/// Free of what browsers remove, turn around or cut off before they use a URI.
fn is_plain(uri: &str) -> bool {
    uri.bytes().all(|b| (0x21..=0x7e).contains(&b) && !matches!(b, b'\\' | b'#' | b'<' | b'>' | b'"' | b'`'))
}

/// Whether a redirect URI may be registered; the error says why not, for people.
///
/// # Errors
/// One sentence.
pub fn check_registration(uri: &str) -> Result<(), &'static str> {
    if uri.is_empty() || uri.len() > LONGEST {
        return Err("A redirect URI has 1 to 256 characters.");
    }
    if !is_plain(uri) {
        return Err(
            "A redirect URI must not contain spaces, quotes, backslashes, a fragment, or characters outside ASCII.",
        );
    }
    if uri.contains('*') {
        return Err("A redirect URI must not contain wildcards.");
    }
    let parsed = Url::parse(uri).map_err(|_| "The redirect URI is not a valid absolute URI.")?;
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err("A redirect URI must not contain a user name or password.");
    }
    match parsed.scheme() {
        "https" => Ok(()),
        "http" if without_loopback_port(uri).is_some() => Ok(()),
        "http" => Err(
            "A redirect URI must begin with https, except for http://localhost, http://127.0.0.1 and http://[::1].",
        ),
        "javascript" | "data" | "vbscript" | "file" | "blob" | "about" | "filesystem" => {
            Err("A redirect URI must not begin with that scheme.")
        }
        // Installed applications register schemes of their own.
        _ => Ok(()),
    }
}

/// Scheme, host and port of a redirect URI, as an `Origin` header has them.
pub(crate) fn origin(uri: &str) -> Option<String> {
    let origin = Url::parse(uri).ok()?.origin();
    origin.is_tuple().then(|| origin.ascii_serialization())
}

#[cfg(test)]
mod tests;
