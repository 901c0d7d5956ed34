//! Getting round a second factor, or keeping its owner out.

use aws_lc_rs::hmac;
use serde_json::json;

use super::browser::{Browser, SESSION, action, hidden, parameter};
use super::{SCOPE, TOKEN, VERIFIER, number, usual_request};
use crate::harness::{ADMINISTRATOR, Answer, Casbah, PASSWORD, PUBLIC_CLIENT, READER};

const PENDING: &str = "__Host-casbah-sign-in";
/// The step of the frozen clock: 2026-11-23T12:00:00Z in units of 30 seconds.
pub(super) const STEP: i64 = 1_795_435_200 / 30;

/// The code of an authenticator program (RFC 6238) for a key as it stands on the page.
pub(super) fn code(key: &str, step: i64) -> String {
    let five = |c: u8| if c.is_ascii_digit() { c - b'2' + 26 } else { c - b'A' };
    let bits: Vec<u8> = key.bytes().flat_map(|c| (0..5).rev().map(move |n| five(c) >> n & 1)).collect();
    let key: Vec<u8> =
        bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |all, bit| all << 1 | bit)).collect();
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key), &step.to_be_bytes());
    let tag = tag.as_ref();
    let start = usize::from(tag[19] & 15);
    let word = u32::from_be_bytes(tag[start..start + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", word % 1_000_000)
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let rest = text.split_once(start).unwrap_or_else(|| panic!("no {start}: {text}")).1;
    rest.split_once(end).unwrap().0
}

/// Signs in at the account page and adds an authenticator program; its key and the recovery codes.
pub(super) fn enrol(browser: &Browser<'_>, user: &str) -> (String, Vec<String>) {
    let page = browser.get("/account/sign-in");
    let done = browser.submit(&page, &[("user", user), ("password", PASSWORD)]);
    assert_eq!(done.header("location"), "/account", "{}", done.text());
    let page = browser.get("/account/authenticator");
    let key = between(&page.text(), "<code class=\"key\">", "</code>").replace(' ', "");
    let codes = browser.submit(&page, &[("name", "Phone"), ("code", &code(&key, STEP - 1))]).text();
    assert!(codes.contains("never again"), "{codes}");
    let list = between(&codes, "<ol class=\"codes\">", "</ol>");
    let codes: Vec<String> =
        list.split("<code>").skip(1).map(|c| c.split('<').next().unwrap().to_string()).collect();
    assert_eq!(codes.len(), 10);
    (key, codes)
}

/// Enters name and password; the page for the step that is missing.
pub(super) fn begin(browser: &Browser<'_>, user: &str) -> Answer {
    let page = browser.get(&usual_request(&[]));
    let done = browser.submit(&page, &[("user", user), ("password", PASSWORD)]);
    assert_eq!((done.status, done.header("location")), (303, "/sign-in/next"), "{}", done.text());
    assert_eq!(browser.cookie(SESSION), None);
    browser.get("/sign-in/next")
}

both! {
    /// CVE-2026-49443: an empty post, a form of another step, or the cookie itself skip nothing.
    fn a_second_factor_is_not_skipped(casbah: &Casbah) {
        let (key, codes) = enrol(&Browser::new(casbah), READER);
        let browser = Browser::new(casbah);
        let page = begin(&browser, READER);
        for path in ["/sign-in/code", "/sign-in/passkey", "/sign-in/password", "/sign-in/register-code", "/sign-in/register-passkey"] {
            assert_eq!(browser.post(path, &[]).status, 400, "{path}");
            // With the proof of the form that is there, on a path that it is not for, or empty on its own.
            let fields = hidden(&page);
            let fields: Vec<_> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            assert_eq!(browser.post(path, &fields).status, 400, "{path}");
            assert_eq!(browser.cookie(SESSION), None, "{path}");
        }
        // The half-done sign-in is no session, under whatever name.
        let thief = Browser::new(casbah);
        thief.set_cookie(SESSION, &browser.cookie(PENDING).unwrap());
        assert_eq!(thief.get("/account").header("location"), "/account/sign-in");
        assert!(thief.get(&usual_request(&[])).text().contains("<h1>Sign in"));
        // Nor is it anything in another browser, whose proofs it does not have.
        thief.set_cookie(PENDING, &browser.cookie(PENDING).unwrap());
        let fields = hidden(&page);
        let mut fields: Vec<_> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let now = code(&key, STEP);
        fields.push(("code", &now));
        assert_eq!(thief.post(&action(&page), &fields).status, 400);
        assert_eq!(browser.post_from_elsewhere(&action(&page), &fields).status, 400);
        // The owner goes on, and tokens say how.
        let page = begin(&browser, READER);
        let before = browser.cookie(PENDING).unwrap();
        let done = browser.submit(&page, &[("code", &now)]);
        assert_eq!(done.status, 303, "{}", done.text());
        assert_eq!(browser.cookie(PENDING), None);
        assert_ne!(browser.cookie(SESSION).unwrap(), before);
        let mut answer = browser.get(done.header("location"));
        if answer.status == 200 {
            answer = browser.submit(&answer, &[("decision", "accept")]);
        }
        let form = [
            ("grant_type", "authorization_code"), ("client_id", PUBLIC_CLIENT), ("code", &parameter(&answer, "code")),
            ("redirect_uri", "http://localhost:5000"), ("code_verifier", VERIFIER),
        ];
        casbah.anonymous().post_form(TOKEN, &form).ok();
        // Whoever watched has nothing: neither the code nor a recovery code works twice.
        let thief = Browser::new(casbah);
        let page = begin(&thief, READER);
        assert_eq!(thief.submit(&page, &[("code", &now)]).status, 400);
        let recover = |browser: &Browser<'_>| {
            let page = begin(browser, READER);
            let fields = hidden(&page);
            let mut fields: Vec<_> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            fields.retain(|(name, _)| *name != "kind");
            fields.extend([("kind", "recovery"), ("code", &codes[0])]);
            browser.post("/sign-in/code", &fields).status
        };
        assert_eq!((recover(&Browser::new(casbah)), recover(&Browser::new(casbah))), (303, 400));
        // RFC 9700, 2.4 (#25): the password alone is worth nothing at the token endpoint.
        let form = [("grant_type", "password"), ("client_id", PUBLIC_CLIENT), ("username", READER), ("password", PASSWORD), ("scope", SCOPE)];
        let refused = casbah.anonymous().post_form(TOKEN, &form);
        assert_eq!(number(&refused), 50_076);
        assert_eq!(refused.json()["suberror"], "basic_action");
        assert!(refused.json()["claims"].as_str().unwrap().contains("mfa"));
        // An administrator resets it, by the command line's own calls.
        let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        let methods = administrator.get(&format!("/v1.0/users/{READER}/authentication/methods")).ok();
        let methods = methods["value"].as_array().unwrap().clone();
        assert_eq!(methods.len(), 2);
        let id = methods[1]["id"].as_str().unwrap();
        let path = format!("/v1.0/users/{READER}/authentication/softwareOathMethods/{id}");
        casbah.bearer(&casbah.directory_token(ADMINISTRATOR)).delete(&path);
        assert_eq!(browser.get("/account").header("location"), "/account/sign-in", "signed out by the reset");
        casbah.anonymous().post_form(TOKEN, &form).ok();
    }

    /// Somebody who guesses locks strangers out, not the owner's own browser.
    fn the_owner_is_not_locked_out(casbah: &Casbah) {
        let own = Browser::new(casbah);
        own.authorize(&usual_request(&[]), READER);
        let stranger = Browser::new(casbah);
        for guess in 0..14 {
            let page = stranger.get(&usual_request(&[]));
            stranger.submit(&page, &[("user", READER), ("password", &format!("guess {guess}"))]);
        }
        let page = stranger.get(&usual_request(&[]));
        let refused = stranger.submit(&page, &[("user", READER), ("password", PASSWORD)]);
        assert!(refused.text().contains("too many wrong passwords"), "{}", refused.text());
        own.authorize(&usual_request(&[("prompt", "login")]), READER);
    }

    /// CSRF: forms of the account page count from the account page only, and for its session only.
    fn accounts_are_not_changed_from_elsewhere(casbah: &Casbah) {
        let (own, other) = (Browser::new(casbah), Browser::new(casbah));
        for (browser, user) in [(&own, READER), (&other, ADMINISTRATOR)] {
            let page = browser.get("/account/sign-in");
            browser.submit(&page, &[("user", user), ("password", PASSWORD)]);
        }
        let (page, of_other) = (own.get("/account"), other.get("/account"));
        assert_eq!(page.status, 200, "{}", page.text());
        let proof = |page: &Answer| hidden(page).into_iter().find(|(n, _)| n == "proof").unwrap().1;
        let (proof, of_other) = (proof(&page), proof(&of_other));
        assert_eq!(own.post_from_elsewhere("/account/end", &[("proof", &proof), ("what", "everything")]).status, 400);
        assert_eq!(own.post("/account/end", &[("proof", &of_other), ("what", "everything")]).status, 400);
        assert_eq!(own.post("/account/end", &[("what", "everything")]).status, 400);
        assert_eq!(own.post("/account/password", &[("proof", &proof), ("present", PASSWORD), ("new", "x"), ("again", "x")]).status, 400);
        assert_eq!(own.get("/account").status, 200, "still signed in");
        assert_eq!(own.post("/account/end", &[("proof", &proof), ("what", "everything")]).status, 200);
        assert_eq!(own.get("/account").header("location"), "/account/sign-in");
        assert_eq!(other.get("/account").status, 200);
    }

    /// A password that an administrator set opens the page for another one, and nothing else.
    fn a_temporary_password_is_changed_first(casbah: &Casbah) {
        let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        let body = json!({ "passwordProfile": { "password": PASSWORD, "forceChangePasswordNextSignIn": true } });
        let path = format!("/v1.0/users/{READER}");
        let changed = administrator.send("PATCH", &path, &[("content-type", "application/json")], body.to_string().as_bytes());
        assert_eq!(changed.status, 204, "{}", changed.text());
        let form = [("grant_type", "password"), ("client_id", PUBLIC_CLIENT), ("username", READER), ("password", PASSWORD), ("scope", SCOPE)];
        assert_eq!(number(&casbah.anonymous().post_form(TOKEN, &form)), 50_055);
        let browser = Browser::new(casbah);
        let page = begin(&browser, READER);
        let same = browser.submit(&page, &[("new", PASSWORD), ("again", PASSWORD)]);
        assert!(same.status == 400 && same.text().contains("the present one"), "{}", same.text());
        let new = "nine paper boats upstream";
        let done = browser.submit(&page, &[("new", new), ("again", new)]);
        assert_eq!(done.status, 303, "{}", done.text());
        assert!(browser.cookie(SESSION).is_some());
        let mut form = form;
        form[3].1 = new;
        casbah.anonymous().post_form(TOKEN, &form).ok();
    }
}
