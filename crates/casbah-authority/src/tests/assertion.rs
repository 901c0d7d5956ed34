//! Client assertions signed with a certificate: what clients send, and what must be refused.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use casbah_model::{AssertionSettings, TenantSettings};
use casbah_store::tenant_settings;
use serde_json::{Value as Json, json};

use super::signer::{Signer, p256, rsa, unsigned};
use super::world::{BASE, CONTOSO, DESKTOP, FABRIKAM, OTHER, SECRET, WEB, World, claims, start};
use crate::{Endpoint, TokenRequest};

const RES: &str = "05a65629-4c1b-48c1-a78b-804c4abdd4af";
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

fn token_endpoint() -> String {
    format!("{BASE}/{CONTOSO}/oauth2/v2.0/token")
}

/// What a well-behaved client claims.
fn good() -> Json {
    let now = start().seconds();
    json!({ "iss": WEB, "sub": WEB, "aud": token_endpoint(), "jti": "1", "nbf": now, "iat": now, "exp": now + 600 })
}

fn good_with(name: &str, value: impl Into<Json>) -> Json {
    let mut claims = good();
    claims[name] = value.into();
    claims
}

fn without(name: &str) -> Json {
    let mut claims = good();
    claims.as_object_mut().expect("an object").remove(name);
    claims
}

fn x5t(signer: &Signer) -> Json {
    json!({ "typ": "JWT", "x5t": URL_SAFE_NO_PAD.encode(&signer.certificate.thumbprint) })
}

/// The error code, none for a token.
async fn outcome(world: &World, assertion: &str) -> Option<u32> {
    outcome_of(world, "contoso.example", Some(&WEB.to_string()), assertion).await
}

async fn outcome_of(world: &World, tenant: &str, client: Option<&str>, assertion: &str) -> Option<u32> {
    let scope = format!("{RES}/.default");
    let mut fields = vec![
        ("grant_type", "client_credentials"),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", assertion),
        ("scope", scope.as_str()),
    ];
    fields.extend(client.map(|id| ("client_id", id)));
    let answer = world.token_at(tenant, Endpoint::V2, &fields, None, None).await;
    if let Err(refusal) = &answer {
        assert!(!refusal.to_string().contains(assertion), "an assertion is never repeated");
    }
    answer.err().map(|e| e.code.number)
}

async fn world() -> World {
    let world = World::new().await;
    world.register(CONTOSO, WEB, &rsa().certificate).await;
    world.register(CONTOSO, WEB, &p256().certificate).await;
    world
}

#[tokio::test]
async fn every_algorithm_and_every_way_to_name_the_certificate() {
    let world = world().await;
    for algorithm in ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES256/ASN.1"] {
        let signer = if algorithm.starts_with("ES") { p256() } else { rsa() };
        let (sha1, sha256) = (&signer.certificate.thumbprint, &signer.certificate.thumbprint_sha256);
        let chain = STANDARD.encode(&signer.certificate.der);
        let lines: Vec<&str> =
            chain.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).expect("text")).collect();
        let lines = lines.join("\n");
        let mut headers = vec![
            json!({ "x5c": [chain] }),
            json!({ "x5c": [lines, "AAAA"] }),
            json!({ "x5c": lines }),
            json!({ "x5c": chain }),
            json!({ "kid": "not a thumbprint", "x5c": [chain] }),
            json!({ "kid": signer.certificate.thumbprint.iter().map(|b| format!("{b:02X}")).collect::<String>() }),
        ];
        for encoded in [URL_SAFE_NO_PAD.encode(sha1), URL_SAFE.encode(sha1), STANDARD.encode(sha1)] {
            headers.push(json!({ "x5t": encoded }));
            headers.push(json!({ "kid": encoded }));
            headers.push(json!({ "x5t": encoded, "kid": encoded, "x5c": [chain] }));
        }
        for encoded in [URL_SAFE_NO_PAD.encode(sha256), URL_SAFE.encode(sha256), STANDARD.encode(sha256)] {
            headers.push(json!({ "x5t#S256": encoded }));
            headers.push(json!({ "x5t#S256": encoded, "x5c": [chain] }));
        }
        for header in headers {
            let assertion = signer.token(algorithm, header.clone(), &good());
            assert_eq!(outcome(&world, &assertion).await, None, "{algorithm} {header}");
        }
    }
}

#[tokio::test]
async fn times_are_whole_numbers_fractions_or_text() {
    let world = world().await;
    let now = start().seconds();
    let write = |form: usize, seconds: i64| -> Json {
        match form {
            0 => json!(seconds),
            1 => json!(seconds as f64 + 0.25),
            2 => json!(seconds.to_string()),
            3 => json!(format!("{seconds}.5")),
            _ => json!(format!(" {seconds} ")),
        }
    };
    for form in 0..5 {
        for (begins, ends, expected) in [
            (now, now + 600, None),
            (now + 299, now + 600, None),
            (now + 302, now + 600, Some(700024)),
            (now - 600, now - 298, None),
            (now - 600, now - 301, Some(700024)),
            (now, now + 24 * 3600, None),
            (now, now + 25 * 3600, Some(700024)),
            (0, i64::MAX, Some(700024)),
        ] {
            let mut claims = good_with("exp", write(form, ends));
            claims["nbf"] = write(form, begins);
            claims["iat"] = write(form, begins);
            let assertion = rsa().token("RS256", x5t(rsa()), &claims);
            assert_eq!(outcome(&world, &assertion).await, expected, "{claims}");
        }
    }
    for (claims, expected) in [
        (without("nbf"), None),
        (without("iat"), None),
        (without("jti"), None),
        (good_with("nbf", Json::Null), None),
        (without("exp"), Some(700024)),
        (good_with("exp", "soon"), Some(50027)),
        (good_with("exp", "NaN"), Some(50027)),
        (good_with("exp", json!([1])), Some(50027)),
        (good_with("nbf", json!({})), Some(50027)),
        (good_with("exp", 1e300), Some(700024)),
        (good_with("exp", -1e300), Some(700024)),
    ] {
        let assertion = rsa().token("PS256", x5t(rsa()), &claims);
        assert_eq!(outcome(&world, &assertion).await, expected, "{claims}");
    }
}

#[tokio::test]
async fn the_audience_is_this_authority_for_this_tenant() {
    let two = World::with_two_tenants().await;
    two.register(CONTOSO, WEB, &rsa().certificate).await;
    two.register(FABRIKAM, WEB, &rsa().certificate).await;
    let audiences = [
        (token_endpoint(), None),
        (token_endpoint().to_uppercase(), None),
        (format!("{}/", token_endpoint()), None),
        (format!("{BASE}/{CONTOSO}/oauth2/token"), None),
        (format!("{BASE}/contoso.example/oauth2/v2.0/token"), None),
        (format!("{BASE}/{CONTOSO}/v2.0"), None),
        (format!("{BASE}/{CONTOSO}/"), None),
        (format!("{BASE}/{CONTOSO}"), None),
        (format!("{BASE}/{CONTOSO}/oauth2/v2.0/par"), None),
        (format!("{BASE}/{FABRIKAM}/oauth2/v2.0/token"), Some(700023)),
        (format!("{BASE}/fabrikam.example/oauth2/v2.0/token"), Some(700023)),
        (format!("{BASE}/common/oauth2/v2.0/token"), Some(700023)),
        (BASE.to_string(), Some(700023)),
        (format!("{BASE}.evil.example/{CONTOSO}/oauth2/v2.0/token"), Some(700023)),
        (format!("https://login.microsoftonline.com/{CONTOSO}/oauth2/v2.0/token"), Some(700023)),
        (format!("{BASE}/{CONTOSO}/oauth2/v2.0/token/more"), Some(700023)),
        (String::new(), Some(700023)),
    ];
    for (audience, expected) in audiences {
        for claims in [good_with("aud", audience.as_str()), good_with("aud", json!(["other", audience, 7]))] {
            let assertion = rsa().token("RS256", x5t(rsa()), &claims);
            assert_eq!(outcome(&two, &assertion).await, expected, "{claims}");
        }
    }
    let assertion = rsa().token("RS256", x5t(rsa()), &without("aud"));
    assert_eq!(outcome(&two, &assertion).await, Some(700023));
    // An assertion for an alias works over the alias, where one tenant makes it clear which is meant.
    let one = world().await;
    let claims = good_with("aud", format!("{BASE}/organizations/oauth2/v2.0/token"));
    let assertion = rsa().token("RS256", x5t(rsa()), &claims);
    let client = WEB.to_string();
    assert_eq!(outcome_of(&one, "organizations", Some(&client), &assertion).await, None);
    assert_eq!(outcome_of(&one, "contoso.example", Some(&client), &assertion).await, Some(700023));
    assert_eq!(outcome_of(&two, "organizations", Some(&client), &assertion).await, Some(50059));
}

#[tokio::test]
async fn the_client_is_who_signed() {
    let world = world().await;
    let (web, other, desktop) = (WEB.to_string(), OTHER.to_string(), DESKTOP.to_string());
    let assertion = rsa().token("RS256", x5t(rsa()), &good());
    let at = "contoso.example";
    // The client_id may be absent, and its case does not matter.
    assert_eq!(outcome_of(&world, at, None, &assertion).await, None);
    assert_eq!(outcome_of(&world, at, Some(&web.to_uppercase()), &assertion).await, None);
    assert_eq!(outcome_of(&world, at, Some(&other), &assertion).await, Some(700021));
    assert_eq!(outcome_of(&world, at, Some(&desktop), &assertion).await, Some(700025));
    assert_eq!(outcome_of(&world, at, Some(RES), &assertion).await, Some(700021));
    let nobody = "11111111-2222-4333-8444-555555555555";
    assert_eq!(outcome_of(&world, at, Some(nobody), &assertion).await, Some(700016));
    for claims in [good_with("iss", other.as_str()), good_with("sub", other.as_str()), without("iss")] {
        let assertion = rsa().token("RS256", x5t(rsa()), &claims);
        assert_eq!(outcome(&world, &assertion).await, Some(700021), "{claims}");
    }
    for claims in [good_with("sub", "me"), without("sub")] {
        let assertion = rsa().token("RS256", x5t(rsa()), &claims);
        assert_eq!(outcome_of(&world, at, None, &assertion).await, Some(900144), "{claims}");
        assert_eq!(outcome(&world, &assertion).await, Some(700021), "{claims}");
    }
    // Another application's certificate proves nothing, whoever signs.
    let claims = {
        let mut claims = good();
        (claims["iss"], claims["sub"]) = (other.as_str().into(), other.as_str().into());
        claims
    };
    let assertion = rsa().token("RS256", x5t(rsa()), &claims);
    assert_eq!(outcome_of(&world, at, Some(&other), &assertion).await, Some(700027));
}

#[tokio::test]
async fn keys_come_from_the_directory_only() {
    let world = world().await;
    let stranger = Signer::new(&rcgen::KeyPair::generate().expect("a key"));
    let chain = STANDARD.encode(&stranger.certificate.der);
    let known = URL_SAFE_NO_PAD.encode(&p256().certificate.thumbprint);
    for header in [
        json!({ "jwk": stranger.jwk("k") }),
        json!({ "jwk": stranger.jwk("k"), "x5t": known }),
        json!({ "jku": "https://evil.example/keys", "kid": "k" }),
        json!({ "x5u": "https://evil.example/chain", "x5t": known }),
        json!({ "x5c": [chain] }),
        json!({ "x5c": [chain], "x5t": known }),
        json!({ "kid": "../../../../dev/null" }),
        json!({ "kid": "' or 1=1 --", "x5t": 7 }),
        json!({ "x5t": known }),
        json!({}),
    ] {
        let assertion = stranger.token("ES256", header.clone(), &good());
        assert_eq!(outcome(&world, &assertion).await, Some(700027), "{header}");
    }
    // The right key, and a byte of the claims changed.
    let assertion = rsa().token("RS256", x5t(rsa()), &good());
    let (_, rest) = assertion.split_once('.').expect("parts");
    let (_, signature) = rest.split_once('.').expect("parts");
    let mut header = x5t(rsa());
    header["alg"] = "RS256".into();
    let changed = format!("{}.{signature}", unsigned(&header, &good_with("jti", "2")));
    assert_eq!(outcome(&world, &changed).await, Some(700027));
}

#[tokio::test]
async fn no_other_algorithm_has_a_way_in() {
    let world = world().await;
    for algorithm in
        ["none", "None", "NONE", "", "HS256", "HS512", "rs256", "RS1", "ES384", "EdDSA", "RSA-OAEP"]
    {
        let mut header = x5t(rsa());
        header["alg"] = algorithm.into();
        let signed = unsigned(&header, &good());
        // What a careless verifier would accept: no signature, or an HMAC keyed with the public certificate.
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &rsa().certificate.der);
        let hmac = URL_SAFE_NO_PAD.encode(aws_lc_rs::hmac::sign(&key, signed.as_bytes()));
        for signature in ["", &hmac] {
            let outcome = outcome(&world, &format!("{signed}.{signature}")).await;
            assert_eq!(outcome, Some(700027), "{algorithm}");
        }
    }
    let mut header = x5t(rsa());
    header["crit"] = json!(["exp"]);
    assert_eq!(outcome(&world, &rsa().token("RS256", header, &good())).await, Some(700027));
    // The algorithm of another kind of key.
    let header = json!({ "alg": "RS256", "x5t": URL_SAFE_NO_PAD.encode(&p256().certificate.thumbprint) });
    let wrong = format!("{}.AAAA", unsigned(&header, &good()));
    assert_eq!(outcome(&world, &wrong).await, Some(700027));
}

#[tokio::test]
async fn what_is_no_token_is_said_to_be_none() {
    let world = world().await;
    let long = format!("e30.e30.{}", "A".repeat(64 * 1024));
    for text in
        ["x", "x.y", "x.y.z", "..", "e30.e30.e30.e30", "e30.W10.AAAA", "W10.e30.AAAA", "e30.e30.***", &long]
    {
        assert_eq!(outcome(&world, text).await, Some(50027), "{text}");
    }
    let (id, scope) = (WEB.to_string(), format!("{RES}/.default"));
    let assertion = rsa().token("RS256", x5t(rsa()), &good());
    let base = [("grant_type", "client_credentials"), ("client_id", id.as_str()), ("scope", scope.as_str())];
    let sent = ("client_assertion", assertion.as_str());
    let kind = ("client_assertion_type", JWT_BEARER);
    for (extra, code) in [
        (vec![sent], 900144),
        (vec![kind], 900144),
        (vec![kind, ("client_assertion", "")], 900144),
        (vec![sent, ("client_assertion_type", "jwt-bearer")], 90013),
        (vec![sent, kind, ("client_secret", SECRET)], 9002313),
    ] {
        let fields: Vec<_> = base.into_iter().chain(extra).collect();
        world.refused(Endpoint::V2, &fields, code, "invalid_request").await;
    }
}

#[tokio::test]
async fn a_certificate_counts_in_its_time_and_while_it_is_registered() {
    let world = world().await;
    let later = world.later(31 * 24 * 3600).await;
    let now = later.authority.clock().now().seconds();
    let mut claims = good_with("exp", now + 60);
    claims["nbf"] = now.into();
    let assertion = rsa().token("RS256", x5t(rsa()), &claims);
    assert_eq!(outcome(&later, &assertion).await, Some(700027));
    world.sql("update application_certificates set starts = starts + 7200000").await;
    let assertion = rsa().token("RS256", x5t(rsa()), &good());
    assert_eq!(outcome(&world, &assertion).await, Some(700027));
    world.sql("delete from application_certificates").await;
    let refusal = outcome(&world, &assertion).await;
    assert_eq!(refusal, Some(700027));
}

#[tokio::test]
async fn a_replay_is_refused_where_the_tenant_says_so() {
    let world = world().await;
    let assertion = rsa().token("RS256", x5t(rsa()), &good());
    for _ in 0..2 {
        assert_eq!(outcome(&world, &assertion).await, None, "allowed unless forbidden");
    }
    let strict = AssertionSettings { refuse_replay: true, ..AssertionSettings::default() };
    let settings = TenantSettings { assertions: strict, ..TenantSettings::default() };
    world.store.write(move |tx| tenant_settings::save(tx, CONTOSO, &settings)).await.expect("saves");
    assert_eq!(outcome(&world, &assertion).await, None);
    // Here, on another node, and after a restart.
    assert_eq!(outcome(&world, &assertion).await, Some(700027));
    let other_node = world.later(1).await;
    assert_eq!(outcome(&other_node, &assertion).await, Some(700027));
    // Signed again with the same jti: still the same assertion.
    let again = rsa().token("PS256", x5t(rsa()), &good());
    assert_eq!(outcome(&world, &again).await, Some(700027));
    let fresh = rsa().token("RS256", x5t(rsa()), &good_with("jti", "2"));
    assert_eq!(outcome(&world, &fresh).await, None);
    let without = rsa().token("RS256", x5t(rsa()), &without("jti"));
    assert_eq!(outcome(&world, &without).await, Some(700027));
    // Of two at once one wins.
    let racing = rsa().token("RS256", x5t(rsa()), &good_with("jti", "3"));
    let (one, two) = tokio::join!(outcome(&world, &racing), outcome(&world, &racing));
    assert_eq!([one, two].iter().filter(|o| o.is_none()).count(), 1, "{one:?} {two:?}");
    // What has ended is forgotten.
    world.later(3 * 24 * 3600).await.authority.remove_ended().await.expect("removes");
    assert_eq!(world.number("select count(*) from used_assertions").await, 0);
}

#[tokio::test]
async fn tokens_say_how_the_client_proved_itself() {
    let world = world().await;
    let (scope, own) = (format!("{RES}/.default"), format!("https://api.example/{WEB}/.default"));
    for (scope, claim) in [(scope, "appidacr"), (own, "azpacr")] {
        let assertion = rsa().token("PS256", x5t(rsa()), &good());
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", JWT_BEARER),
            ("client_assertion", assertion.as_str()),
            ("scope", scope.as_str()),
        ];
        let answer = world.v2(&fields).await.expect("answers");
        assert_eq!(claims(&answer["access_token"])[claim], "2");
    }
    for _ in 0..200 {
        if world.number("select count(*) from application_certificates where last_used is not null").await
            == 1
        {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the use of the certificate was not noted");
}

/// Wherever an application must prove itself, an assertion will do.
#[tokio::test]
async fn introspection_and_device_codes_take_assertions_too() {
    let world = world().await;
    let token = world.app_only().await["access_token"].as_str().expect("text").to_string();
    let ask = |assertion: String| {
        let fields = [
            ("token", token.as_str()),
            ("client_assertion_type", JWT_BEARER),
            ("client_assertion", assertion.as_str()),
            ("scope", "openid"),
        ];
        TokenRequest {
            endpoint: Endpoint::V2,
            tenant: "contoso.example".to_string(),
            form: super::world::form(&fields),
            authorization: None,
            origin: None,
            proof: None,
        }
    };
    let good_one = || rsa().token("RS256", x5t(rsa()), &good());
    let answer = world.authority.introspect(ask(good_one())).await.expect("answers");
    assert_eq!(answer["active"], true);
    let expired = rsa().token("RS256", x5t(rsa()), &good_with("exp", 1));
    let refusal = world.authority.introspect(ask(expired.clone())).await.expect_err("is refused");
    assert_eq!(refusal.code.number, 700024);
    let device = |assertion: String| {
        world.authority.start_device(Endpoint::V2, "contoso.example", ask(assertion).form, None)
    };
    assert!(device(good_one()).await.is_ok());
    assert_eq!(device(expired).await.expect_err("is refused").code.number, 700024);
}
