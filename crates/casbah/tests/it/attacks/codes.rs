//! Authorization codes in the wrong hands.

use serde_json::json;

use super::browser::{Browser, parameter};
use super::{
    CHALLENGE, DEVICE, LOOPBACK, SCOPE, TOKEN, VERIFIER, add_secret, number, redeem, refresh, register,
    request, text, usual_request,
};
use crate::harness::{ADMINISTRATOR, Casbah, Database, NOW, Options, PUBLIC_CLIENT, TENANT};

fn code(casbah: &Casbah, more: &[(&str, &str)]) -> String {
    Browser::new(casbah).code(&usual_request(more), ADMINISTRATOR)
}

both! {
    /// RFC 9700, 4.3 and 4.5 (#9, #11): a code works once; the second use ends what came of the first.
    fn a_code_used_twice_ends_its_tokens(casbah: &Casbah) {
        let stolen = code(casbah, &[]);
        let tokens = redeem(casbah, &stolen, &[]).ok();
        let reader = casbah.bearer(text(&tokens["access_token"]));
        reader.get("/api/v1/alerts/").ok();
        let again = redeem(casbah, &stolen, &[]);
        assert_eq!((again.status, number(&again)), (400, 54_005));
        reader.get("/api/v1/alerts/").refused(401);
        assert_eq!(refresh(casbah, PUBLIC_CLIENT, text(&tokens["refresh_token"]), &[]).refused(400)["error"], "invalid_grant");
        assert!(again.header("cache-control").contains("no-store"));
    }

    /// RFC 9700, 4.5 and 4.8 (#11, #13); CVE-2023-48228: the verifier is checked whenever there was a
    /// challenge, not only when it is sent.
    fn a_code_needs_the_verifier_of_its_challenge(casbah: &Casbah) {
        let code = code(casbah, &[]);
        let (long, other) = ("a".repeat(129), "a".repeat(43));
        let cases = [
            ("", 50_148),
            (CHALLENGE, 501_481),
            (other.as_str(), 501_481),
            ("short", 501_491),
            (long.as_str(), 501_491),
            (&VERIFIER.to_uppercase(), 501_481),
            ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk=", 501_491),
        ];
        for (verifier, expected) in cases {
            let answer = redeem(casbah, &code, &[("code_verifier", verifier)]);
            assert_eq!((answer.status, number(&answer)), (400, expected), "{verifier}");
        }
        let twice = format!("grant_type=authorization_code&client_id={PUBLIC_CLIENT}&redirect_uri=http%3A%2F%2Flocalhost%3A5000&code={code}&code_verifier={VERIFIER}&code_verifier={other}");
        let form = [("content-type", "application/x-www-form-urlencoded")];
        assert_eq!(casbah.anonymous().send("POST", TOKEN, &form, twice.as_bytes()).status, 400);
        redeem(casbah, &code, &[]).ok();
    }

    /// RFC 9700, 4.8.2 (#13); CVE-2024-23647: taking the challenge, or its method, out of the request
    /// that the victim's browser sends gives a code that the victim's client cannot redeem.
    fn pkce_cannot_be_taken_out(casbah: &Casbah) {
        let stripped = code(casbah, &[("code_challenge", ""), ("code_challenge_method", "")]);
        let answer = redeem(casbah, &stripped, &[]);
        assert_eq!((answer.status, number(&answer)), (400, 50_148));
        let plain = code(casbah, &[("code_challenge_method", "")]);
        assert_eq!(number(&redeem(casbah, &plain, &[])), 501_481);
        let browser = Browser::new(casbah);
        for more in [
            &[("code_challenge", "")][..],
            &[("code_challenge", "short")],
            &[("code_challenge_method", "none")],
            &[("code_challenge_method", "s256")],
            &[("code_challenge_method", "S512")],
        ] {
            let answer = browser.get(&usual_request(more));
            assert_eq!(parameter(&answer, "error"), "invalid_request", "{more:?}");
            assert!(parameter(&answer, "code").is_empty());
        }
        // A page in a browser has nothing but PKCE.
        let spa = register(casbah, &json!({"displayName": "Page", "spa": {"redirectUris": ["https://spa.example/"]}}));
        let bare = request(&spa.client, "https://spa.example/", &[("code_challenge", ""), ("code_challenge_method", "")]);
        assert_eq!(parameter(&browser.get(&bare), "error"), "invalid_request");
    }

    /// RFC 9700, 4.5 (#12); CVE-2023-0264: a code is for one client and one address.
    fn a_code_is_for_one_client_and_one_address(casbah: &Casbah) {
        let clients: Vec<String> = (0..5)
            .map(|n| {
                let new = json!({"displayName": format!("Client {n}"), "isFallbackPublicClient": true,
                    "publicClient": {"redirectUris": [LOOPBACK, "http://localhost/other"]}});
                register(casbah, &new).client
            })
            .collect();
        let browser = Browser::new(casbah);
        browser.authorize(&usual_request(&[]), ADMINISTRATOR);
        for owner in &clients {
            let page = browser.get(&request(owner, LOOPBACK, &[]));
            let code = parameter(&browser.submit(&page, &[("decision", "accept")]), "code");
            for other in clients.iter().filter(|other| *other != owner) {
                let answer = redeem(casbah, &code, &[("client_id", other)]);
                assert_eq!((answer.status, number(&answer)), (400, 70_000));
            }
            for uri in ["", "http://localhost/other", "http://localhost:5001", "http://localhost:5000/"] {
                let answer = redeem(casbah, &code, &[("client_id", owner), ("redirect_uri", uri)]);
                assert_eq!((answer.status, number(&answer)), (400, 500_112), "{uri}");
            }
            redeem(casbah, &code, &[("client_id", owner)]).ok();
        }
    }

    /// RFC 9700, 4.6 and 4.17 (#14, #24): no tokens from the authorize endpoint, no messages between windows.
    fn tokens_come_from_the_token_endpoint_only(casbah: &Casbah) {
        let browser = Browser::new(casbah);
        browser.authorize(&usual_request(&[]), ADMINISTRATOR);
        for response_type in ["token", "id_token", "id_token token", "code token", "code id_token", "none", "Code", "code code"] {
            for mode in ["query", "fragment"] {
                let more = [("response_type", response_type), ("response_mode", mode), ("nonce", "n")];
                let location = browser.get(&usual_request(&more)).header("location").replace('#', "?");
                assert!(location.contains("error=unsupported_response_type"), "{response_type}: {location}");
                assert!(!location.contains("_token=") && !location.contains("code="), "{location}");
            }
        }
        let answer = browser.get(&usual_request(&[("response_mode", "web_message")]));
        assert_eq!(parameter(&answer, "error"), "invalid_request");
    }

    /// A code or session of a server that holds a secret is worth nothing without it.
    fn a_server_application_must_prove_itself(casbah: &Casbah) {
        let new = json!({"displayName": "Server", "web": {"redirectUris": ["https://web.example/cb"]},
            "spa": {"redirectUris": ["https://web.example/spa"]}});
        let web = register(casbah, &new);
        let secret = add_secret(casbah, &web);
        let address = request(&web.client, "https://web.example/cb", &[]);
        let code = Browser::new(casbah).code(&address, ADMINISTRATOR);
        let mine = [("client_id", web.client.as_str()), ("redirect_uri", "https://web.example/cb")];
        let with = |secret: &str| redeem(casbah, &code, &[&mine[..], &[("client_secret", secret)]].concat());
        assert_eq!(number(&with("")), 7_000_218);
        assert_eq!(number(&with("wrong")), 7_000_215);
        let tokens = with(&secret).ok();
        // Its page in a browser needs no secret; that does not open the grants of its server (RFC 9700, 2.4).
        let token = text(&tokens["refresh_token"]);
        assert_eq!(number(&refresh(casbah, &web.client, token, &[])), 7_000_218);
        let password = [
            ("grant_type", "password"),
            ("client_id", &web.client),
            ("username", ADMINISTRATOR),
            ("password", crate::harness::PASSWORD),
            ("scope", SCOPE),
        ];
        assert_eq!(number(&casbah.anonymous().post_form(TOKEN, &password)), 7_000_218);
        let wrong = [&password[..], &[("client_secret", "wrong")]].concat();
        assert_eq!(number(&casbah.anonymous().post_form(TOKEN, &wrong)), 7_000_215);
        let device = [("client_id", web.client.as_str()), ("scope", SCOPE)];
        assert_eq!(number(&casbah.anonymous().post_form(DEVICE, &device)), 7_000_218);
        refresh(casbah, &web.client, token, &[("client_secret", &secret)]).ok();
    }
}

/// RFC 9700, 4.3 (#9): a code lives for a minute.
#[test]
fn a_code_dies_after_a_minute() {
    for database in [Database::sqlite(), Database::postgres()] {
        let casbah = Casbah::start(database);
        let old = code(&casbah, &[]);
        let later = NOW.replace("12:00:00", "12:01:00");
        let casbah = casbah.kill_and_restart_with(&Options { clock: later, ..Options::default() });
        let answer = redeem(&casbah, &old, &[]);
        assert_eq!((answer.status, number(&answer)), (400, 70_008));
        assert!(!answer.text().contains(TENANT) || !answer.text().contains(&old));
    }
}
