//! Laws of what comes from outside: whatever is sent, nothing panics, and nothing is accepted that was not
//! proved. The cases are made up by proptest; what it finds, it shrinks.

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value as Json, json};
use tokio::runtime::Runtime;

use super::signer::{Signer, p256, rsa};
use super::world::{BASE, CONTOSO, OTHER, WEB, World, start};
use crate::redirect::matches;
use crate::{Assertion, Endpoint, Form, TokenRequest};

const RES: &str = "05a65629-4c1b-48c1-a78b-804c4abdd4af";
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Runs cases, the same ones each time.
fn check<S: Strategy>(cases: u32, strategy: &S, law: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    runner.run(strategy, law).unwrap_or_else(|e| panic!("{e}"));
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().expect("a runtime"))
}

/// A world in which the web application has an RSA and a P-256 certificate.
fn world() -> World {
    runtime().block_on(async {
        let world = World::new().await;
        world.register(CONTOSO, WEB, &rsa().certificate).await;
        world.register(CONTOSO, WEB, &p256().certificate).await;
        world
    })
}

/// Whether a form gets a token; that it never gets a token and an error.
fn gets_token(world: &World, form: Form, authorization: Option<&str>) -> bool {
    let request = TokenRequest {
        endpoint: Endpoint::V2,
        tenant: "contoso.example".to_string(),
        form,
        authorization: authorization.map(casbah_model::Secret::new),
        origin: None,
        proof: None,
    };
    match runtime().block_on(world.authority.token(request)) {
        Ok(answer) => answer["access_token"].is_string(),
        Err(refusal) => {
            assert!(refusal.cause.is_none(), "a refusal, not a failure: {refusal}");
            false
        }
    }
}

fn accepted(world: &World, assertion: &str) -> bool {
    let (id, scope) = (WEB.to_string(), format!("{RES}/.default"));
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", id.as_str()),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", assertion),
        ("scope", &scope),
    ];
    gets_token(world, Form::from_iter(fields), None)
}

/// Any JSON, not too deep.
fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        ".{0,40}".prop_map(Json::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Json::from),
            vec((".{0,8}", inner), 0..4).prop_map(|pairs| Json::Object(pairs.into_iter().collect())),
        ]
    })
}

fn encoded(header: &Json, claims: &Json, signature: &[u8]) -> String {
    let part = |json: &Json| URL_SAFE_NO_PAD.encode(json.to_string());
    format!("{}.{}.{}", part(header), part(claims), URL_SAFE_NO_PAD.encode(signature))
}

/// A header with some of the members that mean something, each with something that may be meant or not.
fn any_header() -> impl Strategy<Value = Json> {
    let names = ["alg", "typ", "kid", "x5t", "x5t#S256", "x5c", "jwk", "jku", "x5u", "crit", "b64", "zip"];
    let known = URL_SAFE_NO_PAD.encode(&rsa().certificate.thumbprint);
    let words =
        ["RS256", "none", "HS256", "PS256", "ES256", "", "../key", "AAAA", "https://evil.example/keys"];
    let words: Vec<String> = words.into_iter().map(str::to_string).chain([known]).collect();
    let value = prop_oneof![select(words).prop_map(Json::from), any_json()];
    vec((select(names.to_vec()), value), 0..8)
        .prop_map(|pairs| Json::Object(pairs.into_iter().map(|(n, v)| (n.to_string(), v)).collect()))
}

fn any_claims() -> impl Strategy<Value = Json> {
    let names = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "oid", "idtyp"];
    let now = start().seconds();
    let value = prop_oneof![
        Just(json!(WEB.to_string())),
        Just(json!(format!("{BASE}/{CONTOSO}/oauth2/v2.0/token"))),
        Just(json!(now + 60)),
        any_json(),
    ];
    vec((select(names.to_vec()), value), 0..9)
        .prop_map(|pairs| Json::Object(pairs.into_iter().map(|(n, v)| (n.to_string(), v)).collect()))
}

/// Any text, and any three parts, are taken apart or refused.
#[test]
fn no_text_upsets_the_reading_of_assertions() {
    check(2_000, &"\\PC{0,200}", |text| {
        let _ = Assertion::parse(&text);
        Ok(())
    });
    check(2_000, &vec(any::<u8>(), 0..200), |bytes| {
        let parts = bytes.split(|b| *b == b'.').map(|part| URL_SAFE_NO_PAD.encode(part));
        let _ = Assertion::parse(&parts.collect::<Vec<_>>().join("."));
        let _ = Assertion::parse(&String::from_utf8_lossy(&bytes));
        Ok(())
    });
}

/// Without the private key, nothing gets a token: whatever header, claims and signature are made up.
#[test]
fn nothing_that_is_made_up_passes_for_an_assertion() {
    let world = world();
    check(1_500, &(any_header(), any_claims(), vec(any::<u8>(), 0..300)), |(header, claims, signature)| {
        prop_assert!(!accepted(&world, &encoded(&header, &claims, &signature)));
        Ok(())
    });
    // Signed, but with another key than the registered ones, under whatever header.
    let stranger = Signer::new(&rcgen::KeyPair::generate().expect("a key"));
    check(500, &(any_header(), any_claims()), |(header, claims)| {
        prop_assert!(!accepted(&world, &stranger.token("ES256", header, &claims)));
        Ok(())
    });
}

/// With the private key, exactly what names the right client, audience and time is accepted. The oracle knows
/// nothing of how it is checked.
#[test]
fn an_assertion_is_accepted_if_and_only_if_everything_in_it_is_right() {
    let world = world();
    let now = start().seconds();
    let web = WEB.to_string();
    let texts = |all: &[&str]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
    // Mostly right, so that one wrong thing among right ones is the usual case.
    let mostly = |right: Vec<String>, wrong: Vec<String>| {
        let right = select(right).prop_map(|text| (text, true));
        prop_oneof![6 => right, 1 => select(wrong).prop_map(|text| (text, false))]
    };
    let id = || mostly(texts(&[&web, &web.to_uppercase()]), texts(&[&OTHER.to_string(), ""]));
    let audience = mostly(
        texts(&[
            &format!("{BASE}/{CONTOSO}/oauth2/v2.0/token"),
            &format!("{BASE}/contoso.example/oauth2/token/"),
            &format!("{BASE}/{CONTOSO}/v2.0"),
        ]),
        texts(&[
            &format!("{BASE}/fabrikam.example/oauth2/v2.0/token"),
            &format!("{BASE}/common/oauth2/v2.0/token"),
            "https://login.microsoftonline.com/common",
            "",
        ]),
    );
    let begins = prop_oneof![6 => -900..=300_i64, 1 => 290..=310_i64, 1 => 301..=5_000_i64];
    let ends = prop_oneof![
        6 => -299..=86_700_i64, 1 => -310..=-290_i64, 1 => 86_690..=86_710_i64, 1 => 86_701..=200_000_i64
    ];
    let algorithm = select(vec!["RS256", "PS256", "RS512", "ES256", "ES256/ASN.1"]);
    let strategy = ((id(), id(), audience), (begins, ends), algorithm, any::<bool>());
    let (good, bad) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    check(1_500, &strategy, |((issuer, subject, audience), (nbf, exp), algorithm, listed)| {
        let signer = if algorithm.starts_with("ES") { p256() } else { rsa() };
        let header = json!({ "x5t": URL_SAFE_NO_PAD.encode(&signer.certificate.thumbprint) });
        let aud = if listed { json!(["other", audience.0]) } else { json!(audience.0) };
        let claims =
            json!({ "iss": issuer.0, "sub": subject.0, "aud": aud, "nbf": now + nbf, "exp": now + exp });
        // Five minutes of doubt about the clock, and a day of life at most.
        let in_time = nbf <= 300 && exp > -300 && exp <= 86_400 + 300;
        let right = issuer.1 && subject.1 && audience.1 && in_time;
        let counter = if right { &good } else { &bad };
        counter.set(counter.get() + 1);
        prop_assert_eq!(accepted(&world, &signer.token(algorithm, header, &claims)), right, "{}", claims);
        Ok(())
    });
    assert!(good.get() > 200 && bad.get() > 200, "both happened: {} and {}", good.get(), bad.get());
}

/// Whatever is changed in a good assertion makes it a bad one.
#[test]
fn a_changed_assertion_is_refused() {
    let world = world();
    let now = start().seconds();
    let audience = format!("{BASE}/{CONTOSO}/oauth2/v2.0/token");
    let claims = json!({ "iss": WEB, "sub": WEB, "aud": audience, "nbf": now, "exp": now + 600, "jti": "1" });
    let header = json!({ "x5t": URL_SAFE_NO_PAD.encode(&rsa().certificate.thumbprint) });
    let good = rsa().token("RS256", header, &claims);
    assert!(accepted(&world, &good));
    let digits: Vec<char> =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.".chars().collect();
    // The last digit of the signature holds four bits that mean nothing (RFC 4648, section 3.5).
    check(1_500, &(0..good.len() - 1, select(digits), 0..3_u8), |(place, digit, how)| {
        let mut text: Vec<char> = good.chars().collect();
        match how {
            0 => text[place] = digit,
            1 => text.insert(place, digit),
            _ => drop(text.remove(place)),
        }
        let text: String = text.into_iter().collect();
        prop_assert!(text == good || !accepted(&world, &text), "{} at {}", digit, place);
        Ok(())
    });
}

/// Any body and any header of the token endpoint get an answer, and never a token without the secret.
#[test]
fn no_form_upsets_the_token_endpoint() {
    let world = world();
    let names = [
        "grant_type",
        "client_id",
        "client_secret",
        "scope",
        "resource",
        "code",
        "redirect_uri",
        "code_verifier",
        "refresh_token",
        "username",
        "password",
        "assertion",
        "requested_token_use",
        "device_code",
        "claims",
        "client_assertion",
        "client_assertion_type",
        "client_info",
    ];
    let web = WEB.to_string();
    let words: Vec<String> = [
        "client_credentials",
        "authorization_code",
        "refresh_token",
        "password",
        "device_code",
        "on_behalf_of",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:device_code",
        JWT_BEARER,
        "alice@contoso.example",
        "http://localhost",
        "",
        "1",
        "openid offline_access",
        "{\"access_token\":{}}",
        &web,
        &format!("{RES}/.default"),
        "1.A",
        "2.A",
        "3.AAAA",
    ]
    .map(str::to_string)
    .to_vec();
    let value = prop_oneof![3 => select(words), 1 => "\\PC{0,30}"];
    let header =
        prop_oneof![Just(None), "\\PC{0,40}".prop_map(Some), "Basic [A-Za-z0-9+/=]{0,40}".prop_map(Some)];
    check(1_500, &(vec((select(names.to_vec()), value), 0..8), header), |(fields, header)| {
        prop_assert!(!gets_token(&world, Form::from_iter(fields), header.as_deref()));
        Ok(())
    });
    check(1_000, &vec(any::<u8>(), 0..300), |bytes| {
        prop_assert!(!gets_token(&world, Form::parse(&bytes), None));
        Ok(())
    });
}

/// A form is read as it was written, in whatever order it is looked at.
#[test]
fn a_form_says_what_was_put_into_it() {
    check(2_000, &vec(("\\PC{1,12}", "\\PC{0,30}"), 0..8), |fields| {
        let mut writer = url::form_urlencoded::Serializer::new(String::new());
        let text = writer.extend_pairs(&fields).finish();
        let form = Form::parse(text.as_bytes());
        for (name, value) in &fields {
            let first = fields.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
            prop_assert_eq!(form.get(name), first.filter(|v| !v.is_empty()));
            let times = fields.iter().filter(|(n, _)| n == name).count();
            prop_assert_eq!(form.is_repeated(name), times > 1, "{} {}", name, value);
        }
        let repeated = fields.iter().any(|(name, _)| fields.iter().filter(|(n, _)| n == name).count() > 1);
        prop_assert_eq!(form.check_unrepeated().is_err(), repeated);
        // The order of parameters means nothing, everything else does.
        let mut turned = fields.clone();
        turned.reverse();
        prop_assert_eq!(form.canonical(), Form::from_iter(turned).canonical());
        prop_assert_eq!(Form::parse(form.canonical().as_bytes()).canonical(), form.canonical());
        Ok(())
    });
}

/// Two redirect URIs match when they are the same text, or differ in nothing but the port of a literal loopback
/// host. The oracle is a regular way to write that: take the digits out.
#[test]
fn redirect_uris_match_only_where_a_port_of_this_machine_differs() {
    let registered = [
        "https://app.example/cb",
        "https://app.example",
        "https://app.example:8443/cb?x=1",
        "http://localhost",
        "http://localhost:5000/cb",
        "http://127.0.0.1/a",
        "http://[::1]:1/",
        "msal123://auth",
    ];
    let pieces = [
        "/",
        "..",
        "%2e",
        "%2F",
        "@",
        "evil.example",
        ":",
        ":80",
        ":443",
        ":65536",
        ":0",
        "#",
        "?",
        "x",
        "\\",
        " ",
        "\t",
        "\r\n",
        ".",
        "A",
        "é",
        "\u{202e}",
        "\u{0}",
        "localhost",
        "http://",
        "//",
        ";",
        "&",
        "%00",
        "*",
        "5000",
    ];
    let edit = (0..60_usize, select(pieces.to_vec()), 0..3_usize);
    let (same, differ) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    check(20_000, &(select(registered.to_vec()), vec(edit, 0..4)), |(registered, edits)| {
        let mut asked: Vec<char> = registered.chars().collect();
        for (place, piece, removed) in edits {
            let place = place.min(asked.len());
            let end = (place + removed).min(asked.len());
            asked.splice(place..end, piece.chars());
        }
        let asked: String = asked.into_iter().collect();
        let found = matches(registered, &asked);
        let expected = asked == registered
            || (without_port(&asked).is_some() && without_port(&asked) == without_port(registered));
        let counter = if expected { &same } else { &differ };
        counter.set(counter.get() + 1);
        // What browsers would change before they use it never matches, even where the oracle would let it.
        let plain = asked.bytes().all(|b| b.is_ascii_graphic() && !b"\\#<>\"`".contains(&b));
        prop_assert_eq!(found, expected && plain, "{} against {}", registered, asked);
        // What matches leads to the same place for a browser, too.
        if found && asked.starts_with("http") {
            let (left, right) = (url::Url::parse(registered), url::Url::parse(&asked));
            let (left, right) = (left.expect("registered"), right.expect("a URL"));
            prop_assert_eq!(
                (left.scheme(), left.host_str(), left.path(), left.query()),
                (right.scheme(), right.host_str(), right.path(), right.query())
            );
        }
        Ok(())
    });
    assert!(same.get() > 100 && differ.get() > 100, "{} {}", same.get(), differ.get());
}

/// A loopback URI without its port; none for every other.
fn without_port(uri: &str) -> Option<(&str, &str)> {
    let host =
        ["http://localhost", "http://127.0.0.1", "http://[::1]"].into_iter().find(|h| uri.starts_with(h))?;
    let rest = &uri[host.len()..];
    let rest = match rest.strip_prefix(':') {
        None => rest,
        Some(rest) => {
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let (port, rest) = rest.split_at(end);
            let number: u32 = port.parse().ok()?;
            if number == 0 || number > 65_535 || port.starts_with('0') {
                return None;
            }
            rest
        }
    };
    (rest.is_empty() || rest.starts_with(['/', '?'])).then_some((host, rest))
}
