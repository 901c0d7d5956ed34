//! The grammar of host patterns, and what the Public Suffix List says about hosts.

use std::fmt;

/// A pattern, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    /// From the right; at most one `*` in a label.
    pub(super) labels: Vec<String>,
    /// That host only, nothing below.
    pub(super) exact: bool,
    /// Starts with `/`, has no final `/`; empty for the whole host.
    pub(super) path: String,
}

/// Why a pattern cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatternError {
    /// Not a host name.
    NotAHost,
    /// It would take the traffic of every company under a suffix such as `co.uk`.
    PublicSuffix,
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAHost => "not a host pattern",
            Self::PublicSuffix => "a public suffix belongs to nobody",
        })
    }
}

pub(super) fn parse(text: &str) -> Result<Pattern, PatternError> {
    let (exact, rest) = match text.strip_prefix('=') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = host.to_ascii_lowercase();
    let fits = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_*".contains(&b))
            && label.matches('*').count() <= 1
    };
    if !host.split('.').all(fits) || !host.contains('.') || (exact && host.contains('*')) {
        return Err(PatternError::NotAHost);
    }
    // A private suffix (github.io) is a platform, and the platform is an app; `co.uk` is neither.
    let fixed = fixed_suffix(&host);
    if fixed.is_none_or(is_registry_suffix) {
        return Err(PatternError::PublicSuffix);
    }
    Ok(Pattern {
        labels: host.rsplit('.').map(str::to_owned).collect(),
        exact,
        path: path.trim_end_matches('/').to_owned(),
    })
}

/// The longest end of a host pattern that holds no wildcard; `None` where the last label is one.
pub fn fixed_suffix(host: &str) -> Option<&str> {
    match host.rfind('*') {
        None => Some(host),
        Some(star) => host[star..].split_once('.').map(|(_, suffix)| suffix),
    }
}

/// Whether nobody in particular owns this domain: `com`, `co.uk`, but also `github.io`.
pub fn is_public_suffix(domain: &str) -> bool {
    psl::suffix(domain.as_bytes()).is_some_and(|suffix| suffix == domain)
}

fn is_registry_suffix(domain: &str) -> bool {
    psl::suffix(domain.as_bytes())
        .is_some_and(|suffix| suffix == domain && suffix.typ() != Some(psl::Type::Private))
}

/// The part of a host that somebody registered; the host itself where the list knows none.
pub fn registrable_domain(host: &str) -> &str {
    psl::domain_str(host).unwrap_or(host)
}
