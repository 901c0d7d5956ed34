use serde_json::json;

use super::*;

fn token(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.c2lnbmF0dXJl", part(&json!({"alg": "RS256"})), part(claims))
}

#[test]
fn an_application_s_token_in_plain_words() {
    let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
    let token = token(&json!({
        "aud": "05a65629-4c1b-48c1-a78b-804c4abdd4af", "roles": ["investigation.read", "discovery.manage"],
        "idtyp": "app", "exp": now.seconds() + 3600, "iat": now.seconds(), "zzz": 1,
    }));
    let said = explain(&claims(&token).unwrap(), now);
    let of = |claim: &str| said.iter().find(|s| s.claim == claim).unwrap();
    assert_eq!(said[0].claim, "idtyp");
    assert_eq!(of("aud").meaning, "good for the Cloud Apps API");
    assert_eq!(of("exp").meaning, "ends in 60 min, 2026-11-23T13:00:00Z");
    assert_eq!(of("iat").meaning, "issued now, 2026-11-23T12:00:00Z");
    assert!(of("roles").meaning.starts_with("may, as itself: read alerts, activities"), "{:?}", of("roles"));
    assert_eq!(
        (of("roles").value.as_str(), of("zzz").value.as_str()),
        ("investigation.read discovery.manage", "1")
    );
}

#[test]
fn the_signature_is_not_among_the_statements() {
    let said = explain(&claims(&token(&json!({"aud": "x"}))).unwrap(), Timestamp(0));
    assert!(!format!("{said:?}").contains("signature"));
}

#[test]
fn an_ended_token_says_so() {
    let said = explain(&json!({"exp": 0}), Timestamp(60_000 * 5));
    assert_eq!(said[0].meaning, "ended 5 min ago, 1970-01-01T00:00:00Z");
}

#[test]
fn what_is_no_token_is_not_explained() {
    for text in ["", "a.b", "a.!!.c", "a.e30", "..", "a.W10.c"] {
        assert_eq!(claims(text), None, "{text}");
    }
    assert_eq!(subject(&token(&json!({"upn": "a@b"}))).as_deref(), Some("a@b"));
}
