use axum::http::{HeaderMap, HeaderValue};

use super::of;

fn address(peer: &str, forwarded: &[&'static str], behind_proxy: bool) -> String {
    let mut headers = HeaderMap::new();
    for value in forwarded {
        headers.append("x-forwarded-for", HeaderValue::from_static(value));
    }
    let origin = of(peer.parse().ok(), &headers, behind_proxy);
    origin.address.map(|a| a.to_string()).unwrap_or_default()
}

#[test]
fn only_a_trusted_proxy_speaks_for_others() {
    assert_eq!(address("198.51.100.7", &["203.0.113.9"], false), "198.51.100.7");
    assert_eq!(address("127.0.0.1", &["203.0.113.9"], false), "127.0.0.1");
    assert_eq!(address("127.0.0.1", &["203.0.113.9"], true), "203.0.113.9");
    assert_eq!(address("198.51.100.7", &["203.0.113.9"], true), "198.51.100.7");
}

#[test]
fn of_a_chain_the_proxys_own_word_counts() {
    assert_eq!(address("::1", &["10.9.9.9, 203.0.113.9"], true), "203.0.113.9");
    assert_eq!(address("::1", &["10.9.9.9", "203.0.113.9:50123"], true), "203.0.113.9");
    assert_eq!(address("::1", &["[2001:db8::7]:443"], true), "2001:db8::7");
    assert_eq!(address("::1", &["2001:db8::7"], true), "2001:db8::7");
    assert_eq!(address("::1", &["unknown"], true), "::1");
}
