//! Client assertions of every wrong kind, at every endpoint that authenticates applications (RFC 9700, #26;
//! CVE-2020-15222), and those of other issuers.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::super::TOKEN;
use super::super::{Registered, in_tenant, number, patch, patch_settings, register, text};
use super::later::post;
use super::{Seen, refused_as};
use crate::credentials::signer::Signer;
use crate::credentials::{key_credential, now};
use crate::harness::{
    ADMINISTRATOR, Answer, CLIENT, Casbah, Database, NOW, OTHER_TENANT, Options, PUBLIC_CLIENT, READER,
    RESOURCE, TENANT,
};

/// What is provoked here.
pub(super) const CODES: &[u32] = &[700_021, 700_023, 700_024, 700_211, 700_212, 700_213, 700_229, 90_033];

const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const UNAUTHORIZED: Seen = Seen::Body(401, None);
/// Every endpoint at which an application proves itself, and what else it wants to be told.
const ENDPOINTS: &[(&str, &[(&str, &str)])] = &[
    (
        "token",
        &[("grant_type", "client_credentials"), ("scope", "05a65629-4c1b-48c1-a78b-804c4abdd4af/.default")],
    ),
    ("introspect", &[("token", "x")]),
    ("revoke", &[("token", "x")]),
    ("par", &[("response_type", "code"), ("redirect_uri", "https://signed.example/cb"), ("scope", "openid")]),
    ("devicecode", &[("scope", "openid")]),
];

/// An application with a certificate.
struct Signing {
    registered: Registered,
    signer: Signer,
}

impl Signing {
    fn new(casbah: &Casbah) -> Signing {
        let new =
            json!({ "displayName": "Signing", "web": { "redirectUris": ["https://signed.example/cb"] } });
        let (registered, signer) = (register(casbah, &new), Signer::new());
        let keys = json!({ "keyCredentials": [key_credential(&signer, false)] });
        patch(casbah, &format!("/v1.0/applications/{}", registered.object), &keys);
        Signing { registered, signer }
    }

    fn good(&self, casbah: &Casbah) -> Value {
        let (client, audience) = (&self.registered.client, format!("{}{TOKEN}", casbah.url));
        json!({ "iss": client, "sub": client, "aud": audience, "jti": "1", "nbf": now(), "exp": now() + 600 })
    }

    fn with(&self, casbah: &Casbah, name: &str, value: Value) -> String {
        let mut claims = self.good(casbah);
        claims[name] = value;
        self.signer.assertion(&claims)
    }

    /// The header of a good assertion, and what replaces parts of it.
    fn header(&self, more: &Value) -> Value {
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &self.signer.der);
        let mut header = json!({ "alg": "ES256", "typ": "JWT", "x5t#S256": URL_SAFE_NO_PAD.encode(hash) });
        for (name, value) in more.as_object().unwrap() {
            header[name] = value.clone();
        }
        header
    }

    fn send(&self, casbah: &Casbah, endpoint: &str, more: &[(&str, &str)], assertion: &str) -> Answer {
        let own = [
            ("client_id", self.registered.client.as_str()),
            ("client_assertion_type", JWT_BEARER),
            ("client_assertion", assertion),
        ];
        at(casbah, endpoint, &[&own[..], more].concat())
    }
}

/// Posts to an endpoint of the tenant, as a client whose own request id comes back.
fn at(casbah: &Casbah, endpoint: &str, form: &[(&str, &str)]) -> Answer {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let kind = [("content-type", "application/x-www-form-urlencoded")];
    let headers = [&kind[..], &super::CORRELATE].concat();
    casbah.anonymous().send(
        "POST",
        &TOKEN.replace("/token", &format!("/{endpoint}")),
        &headers,
        body.as_bytes(),
    )
}

/// Signs as a careless verifier would accept it: with the public certificate as the key of an HMAC.
fn symmetric(header: &Value, claims: &Value, key: &[u8]) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
}

both! {
    fn wrong_assertions_are_refused_at_every_endpoint(casbah: &Casbah) {
        let signing = Signing::new(casbah);
        let trap = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        trap.set_nonblocking(true).unwrap();
        let elsewhere = format!("https://{}/keys", trap.local_addr().unwrap());
        let (claims, stranger) = (signing.good(casbah), Signer::new());
        let with = |name: &str, value: Value| signing.with(casbah, name, value);
        let headed = |more: Value| signing.signer.token(signing.header(&more), &claims);
        let strange = |more: Value| stranger.token(signing.header(&more), &claims);
        let good = headed(json!({}));
        let (head, signature) = good.rsplit_once('.').unwrap();
        let (_, other_claims) = with("jti", json!("2")).rsplit_once('.').map(|(head, s)| (head.to_string(), s.to_string())).unwrap();
        let own_chain = STANDARD.encode(&signing.signer.der);
        let chain = STANDARD.encode(&stranger.der);
        let pem = rcgen_pem(&signing.signer.der);
        let mut cases = vec![
            ("audience of another tenant", with("aud", json!(format!("{}{}", casbah.url, in_tenant(TOKEN, OTHER_TENANT)))), 700_023),
            ("audience of Microsoft", with("aud", json!(format!("https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token"))), 700_023),
            ("audience of an alias", with("aud", json!(format!("{}/common/oauth2/v2.0/token", casbah.url))), 700_023),
            ("audience that begins alike", with("aud", json!(format!("{}.evil.example{TOKEN}", casbah.url))), 700_023),
            ("no audience", with("aud", Value::Null), 700_023),
            ("expired", with("exp", json!(now() - 301)), 700_024),
            ("not yet", with("nbf", json!(now() + 302)), 700_024),
            ("no end", with("exp", Value::Null), 700_024),
            ("for ever", with("exp", json!(i64::MAX)), 700_024),
            ("issuer of another client", with("iss", json!(CLIENT)), 700_021),
            ("subject of another client", with("sub", json!(CLIENT)), 700_021),
            ("no issuer", with("iss", Value::Null), 700_021),
            ("no signature", format!("{head}."), 700_027),
            ("signature over other claims", format!("{head}.{other_claims}"), 700_027),
            ("half a signature", format!("{head}.{}", &signature[..40]), 700_027),
            ("key in the header", strange(json!({ "jwk": { "kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA" } })), 700_027),
            ("address of keys", strange(json!({ "jku": elsewhere })), 700_027),
            ("address of a chain", strange(json!({ "x5u": elsewhere })), 700_027),
            ("a chain of its own", strange(json!({ "x5c": [chain] })), 700_027),
            ("only a chain of its own", stranger.token(json!({ "alg": "ES256", "x5c": [chain] }), &claims), 700_027),
            ("another's key under the right certificate", stranger.token(json!({ "alg": "ES256", "x5c": [own_chain] }), &claims), 700_027),
            ("a path as key id", stranger.token(json!({ "alg": "ES256", "kid": "../../../../dev/null" }), &claims), 700_027),
            ("a statement as key id", stranger.token(json!({ "alg": "ES256", "kid": "' or 1=1 --" }), &claims), 700_027),
            ("no certificate named", signing.signer.token(json!({ "alg": "ES256" }), &claims), 700_027),
            ("critical extensions", headed(json!({ "crit": ["exp"], "exp": 1 })), 700_027),
            ("HMAC with the certificate", symmetric(&signing.header(&json!({ "alg": "HS256" })), &claims, &signing.signer.der), 700_027),
            ("HMAC with its PEM", symmetric(&signing.header(&json!({ "alg": "HS256" })), &claims, pem.as_bytes()), 700_027),
            ("not a token", "rubbish".to_string(), 50_027),
            ("four parts", format!("{good}.x"), 50_027),
            ("much too long", format!("{head}.{}", "A".repeat(40_000)), 50_027),
        ];
        for alg in ["none", "None", "NONE", "HS256", "RS256", "PS256", "ES384", "EdDSA", ""] {
            let (head, _) = headed(json!({ "alg": alg })).rsplit_once('.').map(|(h, s)| (h.to_string(), s.to_string())).unwrap();
            cases.push(("another algorithm, unsigned", format!("{head}."), 700_027));
            cases.push(("another algorithm", format!("{head}.{signature}"), 700_027));
        }
        for (endpoint, more) in ENDPOINTS {
            for (what, assertion, code) in &cases {
                let answer = signing.send(casbah, endpoint, more, assertion);
                assert_eq!(number(&answer), i64::from(*code), "{endpoint}: {what}: {}", answer.text());
                assert!(!answer.text().contains(assertion.as_str()), "{endpoint}: {what}: it is repeated");
            }
            // In another's name, beside another proof, twice, of an unknown kind, or half.
            let own = ("client_assertion", good.as_str());
            let kind = ("client_assertion_type", JWT_BEARER);
            let id = ("client_id", signing.registered.client.as_str());
            for (form, code) in [
                (vec![("client_id", CLIENT), kind, own], 700_021),
                (vec![("client_id", PUBLIC_CLIENT), kind, own], 700_025),
                (vec![id, kind, own, ("client_secret", "x")], 9_002_313),
                (vec![id, kind, own, own], 9_002_313),
                (vec![id, own, ("client_assertion_type", "jwt-bearer")], 90_013),
                (vec![id, own], 900_144),
                (vec![id, kind], 900_144),
            ] {
                let answer = at(casbah, endpoint, &[&form[..], more].concat());
                assert_eq!(number(&answer), code, "{endpoint}: {form:?}");
            }
            // None of that spoiled the right one.
            let answer = signing.send(casbah, endpoint, more, &good);
            assert_eq!(answer.status, if *endpoint == "par" { 201 } else { 200 }, "{endpoint}: {}", answer.text());
        }
        assert_eq!(trap.accept().map(drop).unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "nothing was fetched");
        let token = ENDPOINTS[0].1;
        let answer = signing.send(casbah, "token", token, &with("sub", json!(CLIENT)));
        refused_as(casbah, &answer, 700_021, "invalid_client", UNAUTHORIZED);
        refused_as(casbah, &signing.send(casbah, "token", token, &with("aud", json!("x"))), 700_023, "invalid_client", UNAUTHORIZED);
        refused_as(casbah, &signing.send(casbah, "token", token, &with("exp", json!(0))), 700_024, "invalid_client", UNAUTHORIZED);
    }

    fn tokens_of_other_issuers_must_fit(casbah: &Casbah) {
        let signing = Signing::new(casbah);
        let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        let list = format!("/v1.0/applications/{}/federatedIdentityCredentials", signing.registered.object);
        let trust = |name: &str, issuer: &str, subject: &str, audience: &str| {
            let body = json!({ "name": name, "issuer": issuer, "subject": subject, "audiences": [audience] });
            let made = administrator.post(&list, &body);
            assert_eq!(made.status, 201, "{}", made.text());
        };
        trust("build", "https://ci.example", "repo:a/b", "api://AzureADTokenExchange");
        let stranger = Signer::new();
        let sent = |claims: &Value| {
            let assertion = stranger.token(json!({ "alg": "ES256", "kid": "k" }), claims);
            signing.send(casbah, "token", ENDPOINTS[0].1, &assertion)
        };
        let good = json!({ "iss": "https://ci.example", "sub": "repo:a/b", "aud": "api://AzureADTokenExchange", "exp": now() + 60 });
        for (name, value, code) in [
            ("iss", json!("https://CI.example"), 700_211),
            ("iss", json!("https://ci.example/"), 700_211),
            ("sub", json!("repo:A/b"), 700_213),
            ("sub", json!("repo:a/b:pull_request"), 700_213),
            ("aud", json!("api://azureadtokenexchange"), 700_212),
            ("aud", json!(["x"]), 700_212),
            ("exp", json!(now() - 301), 700_024),
            ("idtyp", json!("user"), 700_229),
        ] {
            let mut claims = good.clone();
            claims[name] = value;
            refused_as(casbah, &sent(&claims), code, "invalid_client", UNAUTHORIZED);
        }
        // A person's token of Casbah's own stands for no application, whatever is registered.
        let tokens = casbah.user_tokens(READER, &format!("{RESOURCE}/.default"));
        let token = text(&tokens["access_token"]);
        let said = crate::attacks::claims(token);
        trust("person", text(&said["iss"]), text(&said["sub"]), text(&said["aud"]));
        let answer = signing.send(casbah, "token", ENDPOINTS[0].1, token);
        refused_as(casbah, &answer, 700_229, "invalid_client", UNAUTHORIZED);
    }
}

fn rcgen_pem(der: &[u8]) -> String {
    let lines = STANDARD.encode(der);
    let lines: Vec<&str> = lines.as_bytes().chunks(64).map(|l| std::str::from_utf8(l).unwrap()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

/// An issuer whose keys cannot be had is no reason to believe it, nor to say that the client is wrong.
fn an_issuer_that_is_down(database: Database) {
    let arguments = vec!["--outbound-allow".to_string(), "localhost".to_string()];
    let casbah = Casbah::start_with(database, &Options { arguments, ..Options::default() });
    let signing = Signing::new(&casbah);
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let issuer = format!("https://localhost:{closed}");
    let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
    let list = format!("/v1.0/applications/{}/federatedIdentityCredentials", signing.registered.object);
    let body = json!({ "name": "down", "issuer": issuer, "subject": "s", "audiences": ["a"] });
    assert_eq!(administrator.post(&list, &body).status, 201);
    let claims = json!({ "iss": issuer, "sub": "s", "aud": "a", "exp": now() + 60 });
    let assertion = Signer::new().token(json!({ "alg": "ES256", "kid": "k" }), &claims);
    let answer = signing.send(&casbah, "token", ENDPOINTS[0].1, &assertion);
    refused_as(&casbah, &answer, 90_033, "temporarily_unavailable", Seen::Body(503, None));
    assert_eq!(answer.header("retry-after"), "1");
}

#[test]
fn an_issuer_that_is_down_is_no_fault_of_the_client_sqlite() {
    an_issuer_that_is_down(Database::sqlite());
}

#[test]
fn an_issuer_that_is_down_is_no_fault_of_the_client_postgres() {
    an_issuer_that_is_down(Database::postgres());
}

/// CVE-2020-15222: where the tenant says so, each assertion is good once, also after the process was killed.
fn replays(database: Database) {
    let casbah = Casbah::start(database);
    let signing = Signing::new(&casbah);
    let token = ENDPOINTS[0].1;
    let send = |casbah: &Casbah, assertion: &str| signing.send(casbah, "token", token, assertion);
    // Libraries send the same one again when a connection breaks: off unless the tenant wants it.
    let first = signing.with(&casbah, "jti", json!("first"));
    send(&casbah, &first).ok();
    send(&casbah, &first).ok();
    patch_settings(&casbah, &json!({ "assertions": { "refuseReplay": true } }));
    let second = signing.with(&casbah, "jti", json!("second"));
    send(&casbah, &second).ok();
    assert_eq!(number(&send(&casbah, &second)), 700_027);
    // The same id in another assertion, at another endpoint; and none at all.
    let mut again = signing.good(&casbah);
    again["jti"] = json!("second");
    again["exp"] = json!(now() + 500);
    let again = signing.signer.assertion(&again);
    assert_eq!(number(&signing.send(&casbah, "introspect", &[("token", "x")], &again)), 700_027);
    let mut without = signing.good(&casbah);
    without.as_object_mut().unwrap().remove("jti");
    assert_eq!(number(&send(&casbah, &signing.signer.assertion(&without))), 700_027);
    let casbah = casbah.kill_and_restart_with(&Options { clock: NOW.to_string(), ..Options::default() });
    assert_eq!(number(&send(&casbah, &second)), 700_027);
    let third = signing.with(&casbah, "jti", json!("third"));
    let winners = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                if send(&casbah, &third).status == 200 {
                    winners.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                }
            });
        }
    });
    assert_eq!(winners.into_inner(), 1, "of eight at once");
    let form = [("grant_type", "client_credentials"), ("client_assertion_type", JWT_BEARER)];
    assert_eq!(number(&post(&casbah, &form, &[])), 900_144);
}

#[test]
fn an_assertion_is_good_once_where_the_tenant_says_so_sqlite() {
    replays(Database::sqlite());
}

#[test]
fn an_assertion_is_good_once_where_the_tenant_says_so_postgres() {
    replays(Database::postgres());
}
