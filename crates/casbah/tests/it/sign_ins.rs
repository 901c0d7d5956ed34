//! How long people stay signed in, and what they and their administrators see of sign-ins afterwards.

use serde_json::json;

use crate::activities::{await_list, investigator};
use crate::attacks::browser::{Browser, SESSION, hidden, parameter};
use crate::attacks::{TOKEN, usual_request};
use crate::harness::{
    ADMINISTRATOR, Answer, CLIENT, Casbah, Database, NOW, Options, PASSWORD, PUBLIC_CLIENT, READER, TENANT,
};

/// Starts the same Casbah at another time.
fn at(casbah: Casbah, clock: &str) -> Casbah {
    casbah.kill_and_restart_with(&Options { clock: clock.to_string(), ..Options::default() })
}

/// Signs the reader in; the session cookie, and how it was set.
fn signed_in(casbah: &Casbah, keep: bool) -> (String, String) {
    let browser = Browser::new(casbah);
    let page = browser.get(&usual_request(&[]));
    let mut fields = vec![("user", READER), ("password", PASSWORD)];
    fields.extend(keep.then_some(("keep", "1")));
    let done = browser.submit(&page, &fields);
    assert_eq!(done.status, 303, "{}", done.text());
    let set = done.headers.get_all("set-cookie").iter().map(|v| v.to_str().unwrap().to_string());
    let set = set.into_iter().find(|set| set.starts_with(SESSION)).unwrap();
    (browser.cookie(SESSION).unwrap(), set)
}

/// Whether a cookie is somebody's.
fn is_signed_in(casbah: &Casbah, cookie: &str) -> bool {
    let browser = Browser::new(casbah);
    browser.set_cookie(SESSION, cookie);
    let answer = browser.get(&usual_request(&[("prompt", "none")]));
    let error = parameter(&answer, "error");
    assert!(["", "login_required"].contains(&error.as_str()), "{error}");
    error.is_empty()
}

fn how_long(database: Database) {
    let casbah = Casbah::start(database);
    let (kept, set) = signed_in(&casbah, true);
    assert!(set.ends_with("; Max-Age=7776000"), "the cookie outlives the browser: {set}");
    let (usual, set) = signed_in(&casbah, false);
    assert!(!set.contains("Max-Age") && !set.contains("Expires"), "the cookie ends with the browser: {set}");
    let (ended, _) = signed_in(&casbah, true);
    assert!([&kept, &usual, &ended].iter().all(|cookie| is_signed_in(&casbah, cookie)));
    let casbah = at(casbah, &NOW.replace("12:00:00", "19:59:59"));
    assert!(is_signed_in(&casbah, &usual), "for eight hours");
    let casbah = at(casbah, &NOW.replace("12:00:00", "20:00:00"));
    assert!(!is_signed_in(&casbah, &usual));
    let casbah = at(casbah, "2027-02-20T12:00:00Z");
    assert!(is_signed_in(&casbah, &kept) && is_signed_in(&casbah, &ended), "on day 89");
    // Signing out everywhere ends what was to last longer, and that at once.
    let browser = Browser::new(&casbah);
    browser.set_cookie(SESSION, &ended);
    let page = browser.get("/account");
    let proof = hidden(&page).into_iter().find(|(name, _)| name == "proof").unwrap().1;
    assert_eq!(browser.post("/account/end", &[("proof", &proof), ("what", "everything")]).status, 200);
    assert!(!is_signed_in(&casbah, &ended) && !is_signed_in(&casbah, &kept));
    let (fresh, _) = signed_in(&casbah, true);
    assert!(is_signed_in(&casbah, &fresh));
    let casbah = at(casbah, "2027-05-22T12:00:00Z");
    assert!(!is_signed_in(&casbah, &fresh), "on day 91");
}

#[test]
fn who_stays_signed_in_does_so_for_ninety_days_sqlite() {
    how_long(Database::sqlite());
}

#[test]
fn who_stays_signed_in_does_so_for_ninety_days_postgres() {
    how_long(Database::postgres());
}

/// The account page, as soon as it shows something.
fn account_page(browser: &Browser<'_>, wanted: &[&str]) -> String {
    let mut text = String::new();
    for _ in 0..2_000 {
        text = browser.get("/account").text();
        if wanted.iter().all(|part| text.contains(part)) {
            return text;
        }
        std::thread::yield_now();
    }
    panic!("{wanted:?} is not in {text}");
}

fn account<'a>(casbah: &'a Casbah, user: &str) -> Browser<'a> {
    let browser = Browser::new(casbah);
    let page = browser.get("/account/sign-in");
    let done = browser.submit(&page, &[("user", user), ("password", PASSWORD)]);
    assert_eq!(done.header("location"), "/account", "{}", done.text());
    browser
}

both! {
    /// Who sees that somebody else tried the own password can do something about it.
    fn people_see_their_latest_sign_ins(casbah: &Casbah) {
        let form = |password| [
            ("grant_type", "password"), ("client_id", PUBLIC_CLIENT), ("username", READER),
            ("password", password), ("scope", "openid"),
        ];
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form("wrong")).finish();
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("user-agent", "<b>Thief</b>/1.0")];
        casbah.anonymous().send("POST", TOKEN, &headers, body.as_bytes()).refused(400);
        casbah.anonymous().post_form(TOKEN, &form(PASSWORD)).ok();
        let rita = account(casbah, READER);
        let failed = "/error?code=50126\">User name or password is wrong</a>";
        let text = account_page(&rita, &["Your latest sign-ins", failed]);
        for part in ["Integration tests, installed", "127.0.0.1", "these pages", "signed in", "&lt;b&gt;Thief"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("<b>Thief"));
        // Nobody else sees them.
        let ada = account_page(&account(casbah, ADMINISTRATOR), &["Your latest sign-ins", "signed in"]);
        assert!(!ada.contains("50126") && !ada.contains("Thief"), "{ada}");
    }

    /// What is refused before anybody has signed in is a failed sign-in too, by whichever door.
    fn every_refusal_is_a_failed_sign_in(casbah: &Casbah) {
        let caller = investigator(casbah);
        let at = |endpoint: &str| format!("/{TENANT}/oauth2/v2.0/{endpoint}");
        let post = |endpoint: &str, client: &str, more: &[(&str, &str)]| -> Answer {
            let form = [&[("client_id", client), ("token", "x")], more].concat();
            casbah.anonymous().post_form(&at(endpoint), &form)
        };
        let nobody = |end: u32| format!("aaaaaaaa-0000-4000-8000-9000000{end:05}");
        let wrong = [("client_secret", "wrong")];
        let page = Browser::new(casbah).get(&usual_request(&[("redirect_uri", "https://evil.example/")]));
        assert_eq!(page.status, 400);
        for (answer, client, code) in [
            (page, PUBLIC_CLIENT.to_string(), 50_011),
            (post("devicecode", &nobody(1), &[("scope", "openid")]), nobody(1), 700_016),
            (post("devicecode", CLIENT, &[("scope", "openid")]), CLIENT.to_string(), 7_000_218),
            (post("introspect", CLIENT, &wrong), CLIENT.to_string(), 7_000_215),
            (post("introspect", &nobody(2), &wrong), nobody(2), 700_016),
            (post("revoke", &nobody(3), &wrong), nobody(3), 700_016),
            (post("par", &nobody(4), &wrong), nobody(4), 700_016),
        ] {
            assert!(matches!(answer.status, 400 | 401), "{code}: {}", answer.text());
            let same = json!({ "activity.errorCode": { "eq": code }, "client": { "eq": client } });
            let found = await_list(&caller, &same, 1);
            assert_eq!(found[0]["eventTypeName"], "EVENT_CATEGORY_FAILED_LOGIN", "{code}");
            assert_eq!(found[0]["device"]["clientIP"], "127.0.0.1");
        }
        // A token that is none is no failed sign-in of the application that asks about it.
        post("introspect", CLIENT, &[("client_secret", crate::harness::CLIENT_SECRET)]).ok();
        post("revoke", PUBLIC_CLIENT, &[]).ok();
        let failures = json!({ "activity.eventType": { "eq": "EVENT_CATEGORY_FAILED_LOGIN" } });
        await_list(&caller, &failures, 7);
    }
}
