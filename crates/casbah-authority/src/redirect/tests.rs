use casbah_model::RedirectUriKind;

use super::*;

const HOSTILE: &str = include_str!("hostile.tsv");

/// `{hex}` stands for a character, so that the file holds nothing that editors or Git would change.
fn spelled_out(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (hex, after) = after.split_once('}').expect("a closing brace");
        out.push_str(before);
        out.push(char::from_u32(u32::from_str_radix(hex, 16).expect("hex")).expect("a character"));
        rest = after;
    }
    out + rest
}

#[test]
fn hostile_uris_are_refused() {
    let (mut checked, mut passed) = (0, Vec::new());
    for line in HOSTILE.lines().filter(|line| !line.starts_with('#')) {
        let (registered, hostile) = line.split_once('\t').expect("two columns");
        assert!(matches(registered, registered), "{registered} does not match itself");
        if matches(registered, &spelled_out(hostile)) {
            passed.push(line);
        }
        checked += 1;
    }
    assert!(passed.is_empty(), "these pass: {passed:#?}");
    assert!(checked >= 400, "only {checked} URIs");
}

#[test]
fn only_the_port_of_a_literal_loopback_host_is_free() {
    let check = |registered: &str, asked: &str, expected: bool| {
        assert_eq!(matches(registered, asked), expected, "{registered} against {asked}");
    };
    check("http://localhost", "http://localhost:53682", true);
    check("http://localhost:8400", "http://localhost", true);
    check("http://localhost:8400", "http://localhost:1", true);
    check("http://localhost/auth?x=1", "http://localhost:65535/auth?x=1", true);
    check("http://127.0.0.1/cb", "http://127.0.0.1:8080/cb", true);
    check("http://[::1]/cb", "http://[::1]:8080/cb", true);
    check("http://localhost", "http://127.0.0.1:1", false);
    check("https://localhost/cb", "https://localhost:8443/cb", false);
}

#[test]
fn an_empty_registration_allows_nothing() {
    assert!(find(&[], "https://app.example/cb").is_none());
    let uri = |uri: &str, kind| RedirectUri { uri: uri.to_string(), kind };
    let registered = [
        uri("http://localhost:1", RedirectUriKind::Web),
        uri("http://localhost:2", RedirectUriKind::PublicClient),
    ];
    let found = find(&registered, "http://localhost:2").expect("matches");
    assert_eq!(found.kind, RedirectUriKind::PublicClient, "the identical one wins");
}

#[test]
fn what_may_be_registered() {
    let good = [
        "https://app.example/cb",
        "http://localhost",
        "http://127.0.0.1:8400/x",
        "http://[::1]/",
        "urn:ietf:wg:oauth:2.0:oob",
        "msal6c1d://auth",
        "ms-appx-web://microsoft.aad.brokerplugin/x",
        "https://login.microsoftonline.com/common/oauth2/nativeclient",
    ];
    for uri in good {
        assert_eq!(check_registration(uri), Ok(()), "{uri}");
    }
    let bad = [
        "",
        "app.example/cb",
        "http://app.example/cb",
        "https://app.example/#x",
        "https://*.example/cb",
        "https://u:p@app.example/cb",
        "javascript:alert(1)",
        "data:text/html,x",
        "https://app.example/c b",
        "http://localhost.evil.example/",
        "http://localhost:0/",
        "https://",
        "/cb",
    ];
    for uri in bad {
        assert!(check_registration(uri).is_err(), "{uri}");
    }
    assert!(check_registration(&format!("https://app.example/{}", "x".repeat(256))).is_err());
}
