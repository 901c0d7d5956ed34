//! Which client a request comes from.

use std::net::IpAddr;

use axum::http::{HeaderMap, header};
use casbah_model::Origin;

/// The peer of the connection; behind a proxy, the client that the proxy names. Whoever connects directly
/// can write what it likes into `X-Forwarded-For`, so without a proxy that header means nothing; and of what
/// a proxy passes on, only the last address is its own word.
pub(super) fn of(peer: Option<IpAddr>, headers: &HeaderMap, behind_proxy: bool) -> Origin {
    let trusted = behind_proxy && peer.is_some_and(|peer| peer.to_canonical().is_loopback());
    let named = if trusted { forwarded(headers) } else { None };
    let agent = headers.get(header::USER_AGENT).map(|v| String::from_utf8_lossy(v.as_bytes()));
    Origin::new(named.or(peer), agent.as_deref())
}

fn forwarded(headers: &HeaderMap) -> Option<IpAddr> {
    let last = headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
    let text = last.rsplit(',').next()?.trim();
    // Some proxies add the port, and put IPv6 addresses into brackets.
    let with_port = || text.parse::<std::net::SocketAddr>().ok().map(|a| a.ip());
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    bare.parse().ok().or_else(with_port)
}

#[cfg(test)]
mod tests;
