//! The rows that need no other time.

use serde_json::json;

use super::super::{
    AUTHORIZE, LOOPBACK, SCOPE, TOKEN, VERIFIER, in_tenant, redeem, refresh, text, usual_request,
};
use super::{BAD, Row, Seen, UNAUTHORIZED, World, row};
use crate::attacks::browser::{Browser, parameter};
use crate::harness::{
    Answer, CLI_CLIENT, CLIENT, CLIENT_SECRET, OTHER_TENANT, PASSWORD, PUBLIC_CLIENT, READER, RESOURCE,
    TENANT,
};

const V1: &str = "/7d0c2f6e-1111-4222-8333-444455556666/oauth2/token";
const DEFAULT: &str = "05a65629-4c1b-48c1-a78b-804c4abdd4af/.default";
const WEB: &str = "https://web.example/cb";
const SPA: &str = "https://spa.example/cb";
const ON_BEHALF_OF: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

pub(super) const ROWS: &[Row] = &[
    // The request
    row(900_144, "invalid_request", BAD, |w| w.post(TOKEN, &[("client_id", CLIENT)])),
    row(9_002_313, "invalid_request", BAD, |w| {
        w.post(TOKEN, &[("grant_type", "password"), ("grant_type", "password")])
    }),
    row(900_561, "invalid_request", Seen::Body(405, None), |w| w.get(TOKEN)),
    row(70_003, "unsupported_grant_type", BAD, |w| {
        w.post(
            TOKEN,
            &[("grant_type", "urn:ietf:params:oauth:grant-type:saml2-bearer"), ("client_id", CLIENT)],
        )
    }),
    row(901_002, "invalid_request", BAD, |w| w.post(TOKEN, &client(&[("resource", RESOURCE)]))),
    // The tenant
    row(900_023, "invalid_request", BAD, |w| w.post(&in_tenant(TOKEN, "no_domain"), &client(&[]))),
    row(90_002, "invalid_request", BAD, |w| {
        w.post(&in_tenant(TOKEN, "nobody.example"), &client(&[("scope", DEFAULT)]))
    }),
    row(50_059, "invalid_request", BAD, |w| {
        w.post(&in_tenant(TOKEN, "common"), &client(&[("scope", DEFAULT)]))
    }),
    row(9_001_023, "invalid_request", BAD, |w| {
        w.post(&in_tenant(TOKEN, "common"), &person(READER, PASSWORD))
    }),
    row(500_208, "invalid_request", BAD, |w| {
        w.post(&in_tenant(TOKEN, "consumers"), &client(&[("scope", DEFAULT)]))
    }),
    row(50_049, "invalid_instance", BAD, |w| {
        w.get("/common/discovery/instance?authorization_endpoint=https://elsewhere.example/common/")
    }),
    // The client
    row(700_016, "unauthorized_client", BAD, |w| {
        let nobody = "aaaaaaaa-0000-4000-8000-00000000ffff";
        w.post(TOKEN, &application(nobody, CLIENT_SECRET, DEFAULT))
    }),
    row(7_000_112, "unauthorized_client", BAD, |w| {
        w.patch(&w.principal(&w.web), &json!({ "accountEnabled": false }));
        let answer = w.post(TOKEN, &application(&w.web.client, &w.web_secret, DEFAULT));
        w.patch(&w.principal(&w.web), &json!({ "accountEnabled": true }));
        answer
    }),
    row(7_000_215, "invalid_client", UNAUTHORIZED, |w| w.post(TOKEN, &application(CLIENT, "wrong", DEFAULT))),
    row(7_000_216, "invalid_client", UNAUTHORIZED, |w| {
        w.post(TOKEN, &[("grant_type", "client_credentials"), ("client_id", CLIENT), ("scope", DEFAULT)])
    }),
    row(7_000_218, "invalid_client", UNAUTHORIZED, |w| {
        w.post(TOKEN, &[("grant_type", "refresh_token"), ("client_id", CLIENT), ("refresh_token", "1.A")])
    }),
    row(700_025, "invalid_client", UNAUTHORIZED, |w| {
        w.post(TOKEN, &[&person(READER, PASSWORD)[..], &[("client_secret", "x")]].concat())
    }),
    row(50_027, "invalid_request", BAD, |w| asserted(w, "rubbish")),
    // {"alg":"RS256","typ":"JWT","x5t":"AAAA"} {"iss":..,"sub":..,"aud":..,"exp":..}: no such certificate.
    row(700_027, "invalid_client", UNAUTHORIZED, |w| {
        let aud = format!("{}{TOKEN}", w.casbah.url);
        let claims = json!({ "iss": CLIENT, "sub": CLIENT, "aud": aud, "exp": 1_795_435_500, "jti": "1" });
        let part = |value: serde_json::Value| {
            use base64::Engine;
            base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string())
        };
        let header = part(json!({ "alg": "RS256", "typ": "JWT", "x5t": "A".repeat(27) }));
        asserted(w, &format!("{header}.{}.{}", part(claims), "A".repeat(342)))
    }),
    row(70_002, "invalid_client", UNAUTHORIZED, |w| {
        let form = [("grant_type", "client_credentials"), ("scope", DEFAULT)];
        w.post_with(TOKEN, &form, &[("authorization", "Basic ???")])
    }),
    // Resource and scope
    row(50_001, "invalid_resource", BAD, |w| w.post(V1, &client(&[]))),
    row(500_011, "invalid_resource", BAD, |w| {
        w.post(TOKEN, &client(&[("scope", "https://nowhere.example/.default")]))
    }),
    row(500_014, "invalid_resource", BAD, |w| {
        w.patch(&w.principal(&w.bare), &json!({ "accountEnabled": false }));
        let answer = w.post(TOKEN, &client(&[("scope", &format!("{}/.default", w.bare.client))]));
        w.patch(&w.principal(&w.bare), &json!({ "accountEnabled": true }));
        answer
    }),
    row(70_011, "invalid_scope", BAD, |w| asks(w, &format!("{RESOURCE}/No.Such"))),
    row(1_002_012, "invalid_scope", BAD, |w| {
        w.post(TOKEN, &client(&[("scope", &format!("{RESOURCE}/Investigation.read"))]))
    }),
    row(700_022, "invalid_scope", BAD, |w| asks(w, &format!("{RESOURCE}/Investigation.read User.Read"))),
    // Codes and tokens
    row(70_000, "invalid_grant", BAD, |w| refreshed(w, "1.Aunknown")),
    row(54_005, "invalid_grant", BAD, |w| {
        let code = usual_code(w);
        redeem(w.casbah, &code, &[]).ok();
        redeemed(w, &code, &[])
    }),
    row(50_013, "invalid_grant", BAD, |w| on_behalf_of(w, "rubbish")),
    row(500_131, "invalid_grant", BAD, |w| {
        let answer = w.casbah.user_tokens(READER, DEFAULT);
        on_behalf_of(w, text(&answer["access_token"]))
    }),
    row(240_002, "invalid_grant", BAD, |w| {
        let answer = w.casbah.user_tokens(READER, &format!("{DEFAULT} openid"));
        on_behalf_of(w, text(&answer["id_token"]))
    }),
    row(700_005, "invalid_grant", BAD, |w| {
        // The command line's client is in every tenant.
        let request = super::super::request(CLI_CLIENT, "http://localhost", &[]);
        let code = parameter(&w.browser.get(&request), "code");
        let mine = [("client_id", CLI_CLIENT), ("redirect_uri", "http://localhost")];
        let form = [&code_form(&code)[..2], &mine, &[("code_verifier", VERIFIER)]].concat();
        w.post(&in_tenant(TOKEN, OTHER_TENANT), &form)
    }),
    row(50_173, "invalid_grant", Seen::Body(400, Some("bad_token")), |w| {
        let first = w.casbah.user_tokens(READER, &format!("{DEFAULT} offline_access"));
        let first = text(&first["refresh_token"]);
        let second = refresh(w.casbah, PUBLIC_CLIENT, first, &[]).ok();
        refresh(w.casbah, PUBLIC_CLIENT, first, &[]).refused(400);
        refreshed(w, text(&second["refresh_token"]))
    }),
    row(500_112, "invalid_grant", BAD, |w| {
        redeemed(w, &usual_code(w), &[("redirect_uri", "http://localhost:5000/elsewhere")])
    }),
    row(50_148, "invalid_grant", BAD, |w| redeemed(w, &usual_code(w), &[("code_verifier", "")])),
    row(501_481, "invalid_grant", BAD, |w| {
        redeemed(w, &usual_code(w), &[("code_verifier", &"a".repeat(43))])
    }),
    row(501_491, "invalid_request", BAD, |w| redeemed(w, &usual_code(w), &[("code_verifier", "short")])),
    row(9_002_326, "invalid_request", BAD, |w| {
        let code = usual_code(w);
        w.post_with(
            TOKEN,
            &[&code_form(&code)[..], &installed()].concat(),
            &[("origin", "https://evil.example")],
        )
    }),
    row(9_002_327, "invalid_request", BAD, |w| {
        let page = w.browser.get(&w.authorize(&w.spa, SPA, &[("scope", "User.Read openid")]));
        let code = if page.status == 200 {
            parameter(&w.browser.submit(&page, &[("decision", "accept")]), "code")
        } else {
            parameter(&page, "code")
        };
        redeemed(w, &code, &[("client_id", &w.spa.client), ("redirect_uri", SPA)])
    }),
    row(9_002_325, "invalid_request", Seen::Redirect, |w| {
        let bare = [("code_challenge", ""), ("code_challenge_method", "")];
        w.browser.get(&w.authorize(&w.spa, SPA, &bare))
    }),
    row(50_149, "invalid_request", Seen::Redirect, |w| {
        w.browser.get(&usual_request(&[("code_challenge_method", "S512")]))
    }),
    // DPoP
    row(9_900_001, "invalid_dpop_proof", BAD, |w| {
        w.post_with(TOKEN, &client(&[("scope", DEFAULT)]), &[("dpop", "rubbish")])
    }),
    // The user
    row(50_126, "invalid_grant", BAD, |w| w.post(TOKEN, &person(READER, "wrong"))),
    row(50_053, "invalid_grant", BAD, |w| {
        let name = w.person("locked", true);
        let mut last = w.post(TOKEN, &person(&name, "wrong"));
        for _ in 0..50 {
            if last.text().contains("50053") {
                break;
            }
            last = w.post(TOKEN, &person(&name, "wrong"));
        }
        last
    }),
    row(50_057, "invalid_grant", BAD, |w| {
        let name = w.person("gone", false);
        w.post(TOKEN, &person(&name, PASSWORD))
    }),
    row(50_058, "login_required", Seen::Redirect, |w| {
        Browser::new(w.casbah).get(&usual_request(&[("prompt", "none")]))
    }),
    row(65_001, "invalid_grant", Seen::Body(400, Some("consent_required")), |w| {
        asks_through(w, &w.bare.client, &format!("{RESOURCE}/Investigation.read"))
    }),
    row(65_001, "consent_required", Seen::Redirect, |w| {
        w.browser.get(&w.authorize(&w.bare, LOOPBACK, &[("prompt", "none")]))
    }),
    row(65_004, "access_denied", Seen::Redirect, |w| {
        let page = w.browser.get(&w.authorize(&w.web, WEB, &[("scope", "User.Read")]));
        w.browser.submit(&page, &[("decision", "decline")])
    }),
    row(90_094, "consent_required", Seen::Redirect, |w| {
        let browser = Browser::new(w.casbah);
        let page = browser.sign_in(&w.authorize(&w.bare, LOOPBACK, &[("scope", SCOPE)]), READER);
        browser.submit(&page, &[("decision", "decline")])
    }),
    row(650_056, "invalid_request", BAD, |w| asks_through(w, &w.bare.client, DEFAULT)),
    // The authorize endpoint
    row(50_011, "invalid_request", Seen::Page, |w| w.browser.get(&usual_request(&[("redirect_uri", WEB)]))),
    row(90_102, "invalid_request", Seen::Page, |w| {
        w.browser.get(&usual_request(&[("redirect_uri", "/relative")]))
    }),
    row(900_971, "invalid_request", Seen::Page, |w| {
        let two = json!({ "web": { "redirectUris": [WEB, "https://web.example/other"] } });
        w.patch(&format!("/v1.0/applications/{}", w.web.object), &two);
        let answer = w.browser.get(&w.authorize(&w.web, "", &[("redirect_uri", "")]));
        let one = json!({ "web": { "redirectUris": [WEB] } });
        w.patch(&format!("/v1.0/applications/{}", w.web.object), &one);
        answer
    }),
    row(700_054, "unsupported_response_type", Seen::Redirect, |w| {
        w.browser.get(&usual_request(&[
            ("response_type", "id_token"),
            ("nonce", "n"),
            ("response_mode", "query"),
        ]))
    }),
    row(70_005, "unsupported_response_type", Seen::Redirect, |w| {
        w.browser.get(&usual_request(&[("response_type", "device"), ("response_mode", "query")]))
    }),
    row(70_007, "invalid_request", Seen::Redirect, |w| {
        w.browser.get(&usual_request(&[("response_mode", "web_message")]))
    }),
    row(90_120, "request_not_supported", Seen::Redirect, |w| {
        w.browser.get(&usual_request(&[("request", "eyJhbGciOiJub25lIn0.e30.")]))
    }),
    row(90_121, "request_uri_not_supported", Seen::Redirect, |w| {
        w.browser.get(&usual_request(&[("request_uri", "https://evil.example/request")]))
    }),
    row(90_013, "invalid_request", Seen::Redirect, |w| {
        w.browser.get(&usual_request(&[("prompt", "sometimes")]))
    }),
    row(700_016, "unauthorized_client", Seen::Page, |w| {
        let client = "aaaaaaaa-0000-4000-8000-00000000ffff";
        w.browser.get(&format!("{AUTHORIZE}?client_id={client}&response_type=code&scope=openid"))
    }),
    row(90_015, "invalid_request", Seen::Page, |w| {
        w.browser.get(&usual_request(&[("state", &"s".repeat(16 * 1024))]))
    }),
    // Device codes
    row(70_016, "authorization_pending", BAD, |w| {
        let (code, _) = super::super::start_device(w.casbah, PUBLIC_CLIENT);
        polled(w, &code)
    }),
    row(70_018, "bad_verification_code", BAD, |w| polled(w, "2.Aunknown")),
];

fn application<'a>(id: &'a str, secret: &'a str, scope: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret), ("scope", scope)]
}

/// The application of the test world, as itself.
fn client<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let own = [("grant_type", "client_credentials"), ("client_id", CLIENT), ("client_secret", CLIENT_SECRET)];
    [&own[..], more].concat()
}

fn person<'a>(name: &'a str, password: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("grant_type", "password"),
        ("client_id", PUBLIC_CLIENT),
        ("username", name),
        ("password", password),
        ("scope", DEFAULT),
    ]
}

/// The reader asks for a scope.
fn asks(world: &World<'_>, scope: &str) -> Answer {
    asks_through(world, PUBLIC_CLIENT, scope)
}

fn asks_through(world: &World<'_>, client: &str, scope: &str) -> Answer {
    let form = [
        ("grant_type", "password"),
        ("client_id", client),
        ("username", READER),
        ("password", PASSWORD),
        ("scope", scope),
    ];
    world.post(TOKEN, &form)
}

fn asserted(world: &World<'_>, assertion: &str) -> Answer {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", CLIENT),
        ("client_assertion_type", ASSERTION),
        ("client_assertion", assertion),
        ("scope", DEFAULT),
    ];
    world.post(&format!("/{TENANT}/oauth2/v2.0/token"), &form)
}

fn on_behalf_of(world: &World<'_>, assertion: &str) -> Answer {
    let more = [
        ("grant_type", ON_BEHALF_OF),
        ("client_id", CLIENT),
        ("client_secret", CLIENT_SECRET),
        ("requested_token_use", "on_behalf_of"),
        ("scope", DEFAULT),
        ("assertion", assertion),
    ];
    world.post(TOKEN, &more)
}

/// A code for the administrator through the installed client.
fn usual_code(world: &World<'_>) -> String {
    parameter(&world.browser.get(&usual_request(&[])), "code")
}

fn code_form(code: &str) -> [(&str, &str); 3] {
    [("grant_type", "authorization_code"), ("code", code), ("code_verifier", VERIFIER)]
}

fn installed() -> [(&'static str, &'static str); 2] {
    [("client_id", PUBLIC_CLIENT), ("redirect_uri", LOOPBACK)]
}

/// Redeems a code of the installed client; `more` replaces fields, an empty value takes one out.
fn redeemed(world: &World<'_>, code: &str, more: &[(&str, &str)]) -> Answer {
    let mut form = [&code_form(code)[..], &installed()].concat();
    for (name, value) in more {
        form.retain(|(n, _)| n != name);
        if !value.is_empty() {
            form.push((name, value));
        }
    }
    world.post(TOKEN, &form)
}

pub(super) fn refreshed(world: &World<'_>, token: &str) -> Answer {
    world.post(
        TOKEN,
        &[("grant_type", "refresh_token"), ("client_id", PUBLIC_CLIENT), ("refresh_token", token)],
    )
}

pub(super) fn polled(world: &World<'_>, code: &str) -> Answer {
    let grant = ("grant_type", "urn:ietf:params:oauth:grant-type:device_code");
    world.post(TOKEN, &[grant, ("client_id", PUBLIC_CLIENT), ("device_code", code)])
}
