//! Where a browser may be sent.

use serde_json::json;

use super::browser::{Browser, action, hidden, parameter};
use super::{LOOPBACK, TOKEN, claims, redeem, register, request, usual_request};
use crate::harness::{ADMINISTRATOR, Casbah, OTHER_CLIENT, PUBLIC_CLIENT, RESOURCE, TENANT};

const REGISTERED: &str = "https://app.example/cb";

/// RFC 9700, 4.1; CVE-2023-6291, CVE-2024-8883, CVE-2024-1132, CVE-2024-52289, CVE-2020-15234,
/// CVE-2026-3872. The long list is a unit test.
const HOSTILE: &[&str] = &[
    "https://app.example/cb/",
    "https://app.example/cb/x",
    "https://app.example/cbx",
    "https://app.example/c",
    "https://app.example",
    "https://app.example/CB",
    "https://APP.example/cb",
    "HTTPS://app.example/cb",
    "http://app.example/cb",
    "https://app.example:443/cb",
    "https://app.example./cb",
    "https://app.example/cb?",
    "https://app.example/cb?x=1",
    "https://app.example/cb#",
    "https://app.example/cb#x",
    "https://app.example/x/../cb",
    "https://app.example/x/%2e%2e/cb",
    "https://app.example/x/%252e%252e/cb",
    "https://app.example/x/..;/cb",
    "https://app.example/%63b",
    "https://app.example//cb",
    "https://app.example/cb%00",
    "https://app.example\\@evil.example/cb",
    "https://app.example@evil.example/cb",
    "https://user@app.example/cb",
    "https://app.example.evil.example/cb",
    "https://evil.example/https://app.example/cb",
    "https://appxexample/cb",
    "https://evil-app.example/cb",
    "https://sub.app.example/cb",
    "//app.example/cb",
    "/cb",
    "javascript:alert(1)",
    "data:text/html,x",
    " https://app.example/cb",
    "https://app.example/cb ",
    "https://app.example/cb\r\nLocation: https://evil.example",
    "https://аpp.example/cb",
];

/// RFC 8252, 7.3; CVE-2020-15233: the port of a literal loopback host is free, nothing else.
const HOSTILE_LOOPBACK: &[&str] = &[
    "http://localhost:5000/x",
    "http://localhost:5000?x=1",
    "https://localhost:5000",
    "http://127.0.0.1:5000",
    "http://[::1]:5000",
    "http://localhost:1@evil.example",
    "http://localhost@evil.example",
    "http://localhost.evil.example",
    "http://localhost:5000@evil.example/",
    "http://localhost:99999",
    "http://localhost:",
    "http://LOCALHOST:5000",
    "http://localhost:5000\\@evil.example",
    "http://0.0.0.0:5000",
    "http://127.1:5000",
];

const MODES: &[&str] = &["query", "fragment", "form_post", "web_message", "query.jwt"];

/// Not registered; or no URI at all, which is told apart.
fn reason(uri: &str) -> &'static str {
    if url::Url::parse(uri).is_ok() { "50011" } else { "90102" }
}

/// That an answer is a page which leads nowhere.
#[track_caller]
fn assert_no_way_out(answer: &crate::harness::Answer, number: &str, what: &str) {
    assert_eq!(answer.status, 400, "{what}: {}", answer.text());
    assert_eq!(answer.header("location"), "", "{what}");
    assert!(answer.text().contains(&format!("AADSTS{number}")), "{what}: {}", answer.text());
    assert!(!answer.text().contains("<form") && !answer.text().contains("http-equiv"), "{what}");
    assert!(answer.header("content-security-policy").contains("form-action 'self';"), "{what}");
}

both! {
    /// RFC 9700, 4.1 (#1-#5), and CVE-2023-6927: no response mode escapes the check.
    fn only_the_registered_address_gets_an_answer(casbah: &Casbah) {
        let web = register(casbah, &json!({"displayName": "Web", "web": {"redirectUris": [REGISTERED]}}));
        let browser = Browser::new(casbah);
        // Also for somebody who is signed in and has consented, to whom no page would be shown.
        browser.authorize(&request(&web.client, REGISTERED, &[]), ADMINISTRATOR);
        browser.get(&usual_request(&[]));
        for mode in MODES {
            for uri in HOSTILE {
                let answer = browser.get(&request(&web.client, uri, &[("response_mode", mode)]));
                assert_no_way_out(&answer, reason(uri), &format!("{mode} {uri:?}"));
            }
            for uri in HOSTILE_LOOPBACK {
                let answer = browser.get(&request(PUBLIC_CLIENT, uri, &[("response_mode", mode)]));
                assert_no_way_out(&answer, reason(uri), &format!("{mode} {uri:?}"));
            }
        }
        for port in ["", ":1", ":8400", ":65535"] {
            let uri = format!("http://localhost{port}");
            let answer = browser.get(&request(PUBLIC_CLIENT, &uri, &[]));
            assert!(answer.header("location").starts_with(&format!("{uri}/?code=")), "{}", answer.text());
        }
    }

    /// RFC 9700, 4.11 (#6): with client or redirect URI in doubt there is a page, never a redirect.
    fn errors_are_no_open_redirect(casbah: &Casbah) {
        let browser = Browser::new(casbah);
        let evil = "https://evil.example/cb";
        for (client, number) in [
            ("", "900144"),
            ("x", "700016"),
            ("aaaaaaaa-0000-4000-8000-00000000ffff", "700016"),
            (OTHER_CLIENT, "700016"),
            (PUBLIC_CLIENT, "50011"),
        ] {
            for more in [&[][..], &[("prompt", "none")], &[("response_type", "token")], &[("scope", "")]] {
                let address = request(client, evil, more).replace("client_id=&", "");
                assert_no_way_out(&browser.get(&address), number, &address);
            }
        }
        // Given twice: which one counts is in doubt.
        let twice = format!("{}&redirect_uri=https%3A%2F%2Fevil.example%2F", usual_request(&[]));
        assert_no_way_out(&browser.get(&twice), "9002313", &twice);
        // A post is repeated as GET at the same place, wherever its path would like to lead.
        for path in ["//evil.example/oauth2/v2.0/authorize", "/%2Fevil.example/oauth2/v2.0/authorize", "/\\evil.example/oauth2/v2.0/authorize"] {
            let answer = browser.post(path, &[("client_id", "x")]);
            let location = answer.header("location");
            let own = url::Url::parse(&casbah.url).unwrap();
            assert_eq!(own.join(location).unwrap().origin(), own.origin(), "{path}: {location}");
            assert!(location.is_empty() || location.starts_with('?'), "{path}: {location}");
        }
    }

    /// CVE-2024-52289: no registration means no address, and none is ever learnt.
    fn an_application_without_addresses_has_none(casbah: &Casbah) {
        let bare = register(casbah, &json!({"displayName": "Bare"}));
        let browser = Browser::new(casbah);
        for _ in 0..2 {
            assert_no_way_out(&browser.get(&request(&bare.client, REGISTERED, &[])), "50011", "bare");
            assert_no_way_out(&browser.get(&request(&bare.client, "", &[])), "900971", "none given");
        }
        // CVE-2024-21637: what a form would run as a script, or what matches more than itself, is never registered.
        let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        for uri in ["javascript:alert(1)", "data:text/html,x", "https://*.example/", "http://app.example/", "https://a@b.example/", "https://app.example/#x"] {
            let answer = administrator.post("/v1.0/applications", &json!({"displayName": "X", "web": {"redirectUris": [uri]}}));
            assert_eq!(answer.status, 400, "{uri}: {}", answer.text());
        }
    }

    /// #7: after signing out, only to a registered address.
    fn sign_out_is_no_open_redirect(casbah: &Casbah) {
        register(casbah, &json!({"displayName": "Web", "web": {"redirectUris": [REGISTERED]}}));
        let logout = |browser: &Browser<'_>, uri: &str, client: &str, tenant: &str| {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query.append_pair("post_logout_redirect_uri", uri).append_pair("state", "s");
            if !client.is_empty() {
                query.append_pair("client_id", client);
            }
            browser.get(&format!("/{tenant}/oauth2/v2.0/logout?{}", query.finish()))
        };
        for client in ["", PUBLIC_CLIENT, "x"] {
            for uri in HOSTILE.iter().chain(HOSTILE_LOOPBACK).chain(&["https://evil.example/"]) {
                let browser = Browser::new(casbah);
                if client.is_empty() && *uri == "https://evil.example/" {
                    browser.authorize(&usual_request(&[]), ADMINISTRATOR);
                }
                let answer = logout(&browser, uri, client, "common");
                assert_eq!((answer.status, answer.header("location")), (200, ""), "{uri:?}");
                assert!(!answer.text().contains("evil.example"));
            }
        }
        let browser = Browser::new(casbah);
        browser.authorize(&usual_request(&[]), ADMINISTRATOR);
        let back = logout(&browser, REGISTERED, "", TENANT);
        assert_eq!((back.status, back.header("location")), (303, "https://app.example/cb?state=s"));
    }

    /// RFC 9700, 4.12 (#18): a password is never posted on.
    fn what_follows_a_form_is_always_303(casbah: &Casbah) {
        let web = register(casbah, &json!({"displayName": "Web", "web": {"redirectUris": [REGISTERED]}}));
        let browser = Browser::new(casbah);
        // `authorize` asserts the status of the sign-in and of the consent.
        browser.authorize(&request(&web.client, REGISTERED, &[]), ADMINISTRATOR);
        assert_eq!(browser.post(&usual_request(&[]), &[]).status, 303);
        assert_eq!(browser.post("/common/oauth2/v2.0/logout", &[("state", "x")]).status, 303);
        let declined = Browser::new(casbah).sign_in(&request(&web.client, REGISTERED, &[("prompt", "consent")]), ADMINISTRATOR);
        assert_eq!(declined.status, 200);
    }

    /// Silent requests are answered with an error and never with a page, and only to the registered address.
    fn silent_requests_get_the_words_that_clients_know(casbah: &Casbah) {
        let web = register(casbah, &json!({"displayName": "Web", "web": {"redirectUris": [REGISTERED]}}));
        let silent = request(&web.client, REGISTERED, &[("prompt", "none")]);
        let browser = Browser::new(casbah);
        let error = |answer: &crate::harness::Answer| {
            assert!(answer.header("location").starts_with("https://app.example/cb?"), "{}", answer.text());
            assert_eq!(parameter(answer, "state"), "the-state");
            assert!(parameter(answer, "code").is_empty());
            parameter(answer, "error")
        };
        assert_eq!(error(&browser.get(&silent)), "login_required");
        browser.authorize(&usual_request(&[]), ADMINISTRATOR);
        assert_eq!(error(&browser.get(&silent)), "consent_required");
        let other = request(&web.client, REGISTERED, &[("prompt", "none"), ("login_hint", "rita@contoso.example")]);
        assert_eq!(error(&browser.get(&other)), "login_required");
        let both = request(&web.client, REGISTERED, &[("prompt", "none login")]);
        assert_eq!(error(&browser.get(&both)), "invalid_request");
        let old = request(&web.client, REGISTERED, &[("prompt", "none"), ("max_age", "0")]);
        assert!(["login_required", "consent_required"].contains(&error(&browser.get(&old)).as_str()));
    }

    /// RFC 9700, 4.4 (#10, #28; RFC 9207): every answer says who gives it, exactly as the metadata does.
    fn every_answer_names_its_issuer(casbah: &Casbah) {
        let metadata = casbah.anonymous().get(&format!("/{TENANT}/v2.0/.well-known/openid-configuration")).ok();
        assert_eq!(metadata["authorization_response_iss_parameter_supported"], true);
        let issuer = metadata["issuer"].as_str().unwrap();
        let browser = Browser::new(casbah);
        assert_eq!(parameter(&browser.get(&usual_request(&[("prompt", "none")])), "iss"), issuer);
        assert_eq!(parameter(&browser.authorize(&usual_request(&[]), ADMINISTRATOR), "iss"), issuer);
        let form = browser.get(&usual_request(&[("response_mode", "form_post")]));
        assert_eq!(action(&form), LOOPBACK);
        assert!(hidden(&form).contains(&("iss".to_string(), issuer.to_string())));
        let code = parameter(&browser.get(&usual_request(&[])), "code");
        let tokens = redeem(casbah, &code, &[]).ok();
        assert_eq!(claims(tokens["id_token"].as_str().unwrap())["iss"], issuer);
    }

    /// RFC 9700, 4.13 (#19) and CVE-2023-49097: what a client says about hosts and addresses is not believed.
    fn forged_hosts_appear_nowhere(casbah: &Casbah) {
        let forged = [
            ("host", "evil.example"),
            ("x-forwarded-host", "evil.example"),
            ("x-forwarded-proto", "http"),
            ("x-forwarded-for", "127.0.0.1"),
            ("x-forwarded-prefix", "/evil.example"),
            ("x-original-url", "/evil.example"),
            ("forwarded", "for=127.0.0.1;host=evil.example;proto=http"),
            ("x-client-cert", "evil.example"),
            ("x-ssl-client-verify", "SUCCESS"),
        ];
        let signed_in = Browser::new(casbah);
        signed_in.authorize(&usual_request(&[]), ADMINISTRATOR);
        for path in [
            "/".to_string(),
            format!("/{TENANT}/v2.0/.well-known/openid-configuration"),
            format!("/{TENANT}/.well-known/openid-configuration"),
            "/common/discovery/instance?api-version=1.1&authorization_endpoint=https%3A%2F%2Flocalhost%2Fcommon%2Foauth2%2Fv2.0%2Fauthorize".to_string(),
            usual_request(&[]),
            usual_request(&[("prompt", "login")]),
            "/common/oauth2/v2.0/logout?post_logout_redirect_uri=https%3A%2F%2Fother.example".to_string(),
            "/api/v1/alerts/".to_string(),
            "/v1.0/applications".to_string(),
        ] {
            for one in forged.chunks(1).chain([&forged[..]]) {
                let answer = signed_in.send("GET", &path, one, "");
                assert!(!answer.text().contains("evil.example"), "{path} {one:?}");
                for (name, value) in &answer.headers {
                    assert!(!value.to_str().unwrap().contains("evil.example"), "{path} {one:?}: {name}");
                }
            }
            signed_in.authorize(&usual_request(&[("prompt", "login")]), ADMINISTRATOR);
        }
        let scope = format!("{RESOURCE}/.default");
        let form = [("grant_type", "client_credentials"), ("client_id", crate::harness::CLIENT), ("client_secret", crate::harness::CLIENT_SECRET), ("scope", &scope)];
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let mut headers = forged.to_vec();
        headers.push(("content-type", "application/x-www-form-urlencoded"));
        let answer = casbah.anonymous().send("POST", TOKEN, &headers, body.as_bytes()).ok();
        let access = claims(answer["access_token"].as_str().unwrap());
        assert_eq!(access["iss"], format!("{}/{TENANT}/", casbah.url));
    }

    /// CVE-2020-10770: nothing is fetched because a request says so.
    fn a_request_makes_no_outbound_call(casbah: &Casbah) {
        let trap = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        trap.set_nonblocking(true).unwrap();
        let uri = format!("http://{}/request", trap.local_addr().unwrap());
        let browser = Browser::new(casbah);
        for name in ["request_uri", "request"] {
            let answer = browser.get(&usual_request(&[(name, &uri)]));
            assert_eq!(parameter(&answer, "error"), format!("{name}_not_supported"));
        }
        for name in ["jwks_uri", "sector_identifier_uri", "claims", "id_token_hint"] {
            browser.get(&usual_request(&[(name, &uri)]));
        }
        assert_eq!(trap.accept().map(drop).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    }
}
