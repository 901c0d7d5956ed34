//! Forms, cookies and pages.

use serde_json::json;

use super::browser::{Browser, SESSION, action, hidden, parameter};
use super::{
    DEVICE, SCOPE, TOKEN, claims, number, poll_device, redeem, register, request, start_device, text,
    usual_request,
};
use crate::harness::{ADMINISTRATOR, Casbah, PASSWORD, PUBLIC_CLIENT, READER};

const CALLBACK: &str = "https://app.example/cb";

/// An application that nobody has consented to.
fn stranger(casbah: &Casbah) -> String {
    register(casbah, &json!({"displayName": "Stranger", "web": {"redirectUris": [CALLBACK]}})).client
}

both! {
    /// RFC 9700, 4.7 (#15); CVE-2022-39222: a form counts only from a page of ours, in the browser that
    /// was shown it, for the request that it was shown for.
    fn forms_of_others_are_refused(casbah: &Casbah) {
        let client = stranger(casbah);
        let address = request(&client, CALLBACK, &[]);
        let (victim, attacker) = (Browser::new(casbah), Browser::new(casbah));
        let consent = victim.sign_in(&address, ADMINISTRATOR);
        let theirs = attacker.sign_in(&address, READER);
        assert_eq!((consent.status, theirs.status), (200, 200));
        let place = action(&consent);
        let fields = |page: &crate::harness::Answer| {
            let mut fields = hidden(page);
            fields.push(("decision".to_string(), "accept".to_string()));
            fields
        };
        let refused = |browser: &Browser<'_>, elsewhere: bool, place: &str, fields: &[(String, String)]| {
            let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            let answer = if elsewhere { browser.post_from_elsewhere(place, &fields) } else { browser.post(place, &fields) };
            assert_eq!((answer.status, answer.header("location")), (400, ""), "{fields:?}");
        };
        // From another site, with all that a page of ours holds; without proof or ticket; with those of another.
        refused(&victim, true, &place, &fields(&consent));
        for missing in ["proof", "ticket"] {
            let mut some = fields(&consent);
            some.retain(|(name, _)| name != missing);
            refused(&victim, false, &place, &some);
            let mut swapped = some.clone();
            swapped.push(fields(&theirs).into_iter().find(|(name, _)| name == missing).unwrap());
            refused(&victim, false, &place, &swapped);
            let mut changed = fields(&consent);
            changed.iter_mut().filter(|(name, _)| name == missing).for_each(|(_, value)| value.push('A'));
            refused(&victim, false, &place, &changed);
        }
        refused(&victim, false, &place, &fields(&theirs));
        refused(&attacker, false, &place, &fields(&consent));
        // The victim's page, for a request with another scope, another address, another state.
        for (from, to) in [("Investigation.read", "Investigation.manage"), ("the-state", "other"), ("v2.0/", "")] {
            refused(&victim, false, &place.replace(from, to), &fields(&consent));
        }
        // Nothing of all that consented.
        let silent = victim.get(&request(&client, CALLBACK, &[("prompt", "none")]));
        assert_eq!(parameter(&silent, "error"), "consent_required");
        // Signing the victim in as the attacker (login CSRF).
        let fresh = Browser::new(casbah);
        fresh.get(&address);
        let page = Browser::new(casbah).get(&address);
        let mut login = hidden(&page);
        login.extend([("user".to_string(), READER.to_string()), ("password".to_string(), PASSWORD.to_string())]);
        refused(&fresh, false, &action(&page), &login);
        assert_eq!(fresh.cookie(SESSION), None);
        assert_eq!(victim.submit(&consent, &[("decision", "accept")]).status, 303);
    }

    /// CVE-2026-49443: an empty form skips no stage.
    fn empty_forms_lead_nowhere(casbah: &Casbah) {
        let browser = Browser::new(casbah);
        let query = usual_request(&[]);
        let (_, user_code) = start_device(casbah, PUBLIC_CLIENT);
        browser.get(&query);
        let stage = |name: &str| query.replacen("/authorize?", &format!("/authorize/{name}?"), 1);
        for place in [
            stage("sign-in"),
            stage("account"),
            stage("consent"),
            format!("/device/sign-in?code={user_code}"),
            format!("/device/decide?code={user_code}"),
            query.replacen("/oauth2/v2.0/authorize?", "/v2.0/adminconsent?", 1),
            query.replacen("/oauth2/v2.0/authorize?", "/v2.0/adminconsent/sign-in?", 1),
        ] {
            let answer = browser.post(&place, &[]);
            assert_eq!((answer.status, answer.header("location")), (400, ""), "{place}");
            assert_eq!(browser.cookie(SESSION), None, "{place}");
        }
    }

    /// Session fixation; CVE-2024-4540: cookies are ours, opaque, and new with each sign-in.
    fn cookies_are_opaque_and_new_with_each_sign_in(casbah: &Casbah) {
        let browser = Browser::new(casbah);
        let address = usual_request(&[("state", "secret-state"), ("nonce", "secret-nonce")]);
        let planted = "3.Aplantedplantedplantedplantedplantedplantedplantedplantedplantedpl";
        browser.set_cookie(SESSION, planted);
        let page = browser.get(&address);
        let done = browser.submit(&page, &[("user", ADMINISTRATOR), ("password", PASSWORD)]);
        for set in page.headers.get_all("set-cookie").iter().chain(done.headers.get_all("set-cookie")) {
            let set = set.to_str().unwrap();
            // Only what says nothing about anybody outlives the browser.
            let kept = if set.starts_with("__Host-casbah-browser") { "; Max-Age=7776000" } else { "" };
            let attributes = format!("; Path=/; Secure; HttpOnly; SameSite=Lax{kept}");
            let first_time = set.ends_with("; SameSite=Lax");
            assert!(set.starts_with("__Host-") && (set.ends_with(&attributes) || first_time), "{set}");
            for known in ["secret", "contoso", PUBLIC_CLIENT, "localhost", ADMINISTRATOR] {
                assert!(!set.contains(known), "{set}");
            }
        }
        let first = browser.cookie(SESSION).unwrap();
        assert_ne!(first, planted);
        assert!(first.len() >= 43);
        browser.sign_in(&usual_request(&[("prompt", "login")]), ADMINISTRATOR);
        assert_ne!(browser.cookie(SESSION).unwrap(), first);
        // A copy of the first cookie dies with the second sign-in; what was planted is still nobody;
        // what was signed out stays so.
        let attacker = Browser::new(casbah);
        attacker.set_cookie(SESSION, &first);
        assert_eq!(attacker.get(&address).status, 200);
        attacker.set_cookie(SESSION, planted);
        assert_eq!(attacker.get(&address).status, 200);
        let current = browser.cookie(SESSION).unwrap();
        browser.get("/common/oauth2/v2.0/logout");
        assert_eq!(browser.cookie(SESSION), None);
        attacker.set_cookie(SESSION, &current);
        assert_eq!(attacker.get(&address).status, 200);
    }

    /// CVE-2023-6787: an abandoned second sign-in changes nothing, a completed one changes everything.
    fn signing_in_again_takes_no_session_over(casbah: &Casbah) {
        let browser = Browser::new(casbah);
        let user = |code: &str| {
            let tokens = redeem(casbah, code, &[]).ok();
            claims(text(&tokens["access_token"]))["upn"].as_str().unwrap().to_string()
        };
        assert_eq!(user(&browser.code(&usual_request(&[]), READER)), READER);
        let again = browser.get(&usual_request(&[("prompt", "login")]));
        let failed = browser.submit(&again, &[("user", ADMINISTRATOR), ("password", "wrong")]);
        assert_eq!(failed.status, 400);
        assert_eq!(user(&parameter(&browser.get(&usual_request(&[])), "code")), READER);
        assert_eq!(user(&browser.code(&usual_request(&[("prompt", "login")]), ADMINISTRATOR)), ADMINISTRATOR);
        assert_eq!(user(&parameter(&browser.get(&usual_request(&[])), "code")), ADMINISTRATOR);
        // Nobody says of himself that he has just signed in.
        let forged = usual_request(&[("prompt", "login"), ("casbah_progress", "signed-in.9999999999999.AAAA")]);
        assert_eq!(browser.get(&forged).status, 200);
    }

    /// RFC 9700, 4.2 and 4.16 (#8, #23); security sheet, "Web": what protects a page stands on every page.
    fn pages_cannot_be_framed_cached_or_leak(casbah: &Casbah) {
        let client = stranger(casbah);
        let (_, user_code) = start_device(casbah, PUBLIC_CLIENT);
        let browser = Browser::new(casbah);
        let mut pages = vec![browser.get(&usual_request(&[]))];
        pages.push(browser.sign_in(&request(&client, CALLBACK, &[]), ADMINISTRATOR));
        for path in [
            "/",
            "/device",
            &format!("/device?code={user_code}"),
            "/device/approved",
            "/device?code=WRONG",
            "/common/oauth2/v2.0/authorize",
            &usual_request(&[("prompt", "select_account")]),
            &usual_request(&[("response_mode", "form_post")]),
            "/docs/migrate-from-api-tokens",
            "/common/oauth2/v2.0/logout",
        ] {
            pages.push(browser.get(path));
        }
        for page in &pages {
            assert!(page.header("content-type").starts_with("text/html"), "{page:?}");
            let policy = page.header("content-security-policy");
            for rule in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "script-src 'self'", "form-action 'self'"] {
                assert!(policy.contains(rule), "{rule}: {page:?}");
            }
            assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
            let expected = [("x-frame-options", "DENY"), ("referrer-policy", "no-referrer"), ("x-content-type-options", "nosniff"), ("cache-control", "no-store")];
            for (name, value) in expected {
                assert_eq!(page.header(name), value, "{name}: {page:?}");
            }
            assert!(page.header("strict-transport-security").starts_with("max-age="));
            let text = page.text();
            for foreign in ["src=\"http", "href=\"http", "<script>", "javascript:", " onclick", "style=\""] {
                assert!(!text.contains(foreign), "{foreign}: {text}");
            }
        }
        let back = browser.authorize(&usual_request(&[]), ADMINISTRATOR);
        assert_eq!((back.header("referrer-policy"), back.header("cache-control")), ("no-referrer", "no-store"));
    }

    /// RFC 9700, 4.15 and the sheet's #30: names chosen by strangers are shown as text, and cannot pose as others.
    fn hostile_names_are_refused_escaped_or_warned_about(casbah: &Casbah) {
        let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        for name in ["", " ", "a\u{202E}tfosorciM", "Azure\u{200B}", "a\u{0}b", "a\r\nb", "a\u{2066}b", "\u{FEFF}", &"x".repeat(257)] {
            let answer = administrator.post("/v1.0/applications", &json!({ "displayName": name }));
            assert_eq!(answer.status, 400, "{name:?}: {}", answer.text());
        }
        let browser = Browser::new(casbah);
        browser.authorize(&usual_request(&[]), ADMINISTRATOR);
        for (name, warned) in [
            ("<script>alert(1)</script>", false),
            ("<img src=x onerror=alert(1)>", false),
            ("\"><form action=https://evil.example>", false),
            ("' onmouseover='alert(1)", false),
            ("</strong></p><h1>Approved</h1>", false),
            ("{{7*7}} ${7*7} &lt;b&gt;", false),
            ("Microsoft Teams", true),
            ("M1cr0s0ft", true),
            ("M i c r o s o f t", true),
            ("Miсrosoft", true),
            ("Ａｚｕｒｅ", true),
            ("Cаsbah", true),
            ("Office-365", true),
            ("Rnicrosoft", true),
            ("A\u{332}zure", true),
            ("<svg/onload=alert(1)>", false),
            ("&#60;script&#62;alert(1)", false),
            ("%3Cscript%3Ealert(1)", false),
            ("<!--", false),
            ("]]>", false),
            ("javascript:alert(1)", false),
            ("'; drop table applications; --", false),
            ("O'Neil & Sons", false),
            ("Café Émile", false),
            ("Contoso Expenses", false),
            ("Отчёты", false),
            ("Ελληνικά", false),
            ("日本語アプリ", false),
            ("MICROSOFT", true),
            ("M.i.c.r.o.s.o.f.t", true),
            ("Micro-soft", true),
            ("Micrоsoft", true),
            ("Mícrosoft", true),
            ("Microsoft\u{301}", true),
            ("ＭＩＣＲＯＳＯＦＴ", true),
            ("\u{1D40C}icrosoft", true),
            ("Azur3", true),
            ("@zure AD", true),
            ("Entra ID", true),
            ("3ntra", true),
            ("Defénder", true),
            ("Defendеr", true),
            ("0ffice365", true),
            ("OFFICE 365", true),
            ("Àdmin portal", true),
            ("Adm!n", true),
            ("Casb@h", true),
            ("Ca5bah", true),
            ("Pаypal", true),
            ("Ԍithub", true),
        ] {
            let new = json!({"displayName": name, "web": {"redirectUris": [CALLBACK]}});
            let client = register(casbah, &new).client;
            let pages = [
                browser.get(&request(&client, CALLBACK, &[])),
                browser.get(&request(&client, CALLBACK, &[("prompt", "login")])),
            ];
            for page in pages {
                assert_eq!(page.status, 200, "{name}");
                let text = page.text();
                let dangerous = name.contains(['<', '"']);
                assert!(!dangerous || !text.contains(name), "{name} stands in {text}");
                for raw in ["<script>alert", "<img src=x", "<form action=https", "<h1>Approved"] {
                    assert!(!text.contains(raw), "{name}: {raw}");
                }
                let warning = text.contains("resembles that of") || text.contains("different scripts");
                assert_eq!(warning, warned, "{name}: {text}");
                // What cannot be chosen stands beside what can.
                assert!(text.contains(&client) || text.contains("Sign in"), "{text}");
            }
        }
        // The request's own texts are text, too.
        for value in ["\"><script>alert(1)</script>", "'><img src=x>"] {
            let hint = browser.get(&usual_request(&[("prompt", "login"), ("login_hint", value), ("state", value)]));
            let error = browser.get(&usual_request(&[("redirect_uri", value)]));
            let form = browser.get(&usual_request(&[("response_mode", "form_post"), ("state", value)]));
            let device = browser.get(&format!("/device?code={}", url::form_urlencoded::byte_serialize(value.as_bytes()).collect::<String>()));
            let look_up = browser.get("/error?code=%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E");
            for page in [hint, error, form, device, look_up] {
                assert!(!page.text().contains("<script>alert") && !page.text().contains("<img src=x"), "{}", page.text());
            }
        }
    }

    /// CVE-2024-38371, CVE-2023-2585: the device flow asks for the same consent as every other.
    fn a_device_gets_no_more_than_was_consented_to(casbah: &Casbah) {
        let new = json!({"displayName": "Device", "isFallbackPublicClient": true, "publicClient": {"redirectUris": ["http://localhost"]}});
        let client = register(casbah, &new).client;
        let browser = Browser::new(casbah);
        let (device, user_code) = start_device(casbah, &client);
        // A reader may not consent to what only an administrator can.
        let page = browser.sign_in(&format!("/device?code={user_code}"), READER);
        assert!(page.text().contains("Only an administrator") && !page.text().contains("value=\"accept\""));
        assert_eq!(browser.submit(&page, &[("decision", "accept")]).status, 400);
        assert_eq!(number(&poll_device(casbah, &client, &device)), 70_016);
        let administrator = Browser::new(casbah);
        let page = administrator.sign_in(&format!("/device?code={user_code}"), ADMINISTRATOR);
        assert_eq!(administrator.submit(&page, &[("decision", "accept")]).header("location"), "/device/approved");
        // Asking for more at the end than at the start, or by another client, or twice.
        let grant = ("grant_type", "urn:ietf:params:oauth:grant-type:device_code");
        let more = [grant, ("client_id", &client), ("device_code", &device), ("scope", "https://graph.microsoft.com/Application.ReadWrite.All")];
        assert_eq!(number(&casbah.anonymous().post_form(TOKEN, &more)), 65_001);
        assert_eq!(number(&poll_device(casbah, PUBLIC_CLIENT, &device)), 70_018);
        let tokens = poll_device(casbah, &client, &device).ok();
        assert_eq!(claims(text(&tokens["access_token"]))["scp"], "investigation.read");
        assert_eq!(number(&poll_device(casbah, &client, &device)), 70_018);
        let unknown = casbah.anonymous().post_form(DEVICE, &[("client_id", "x"), ("scope", SCOPE)]);
        assert_eq!(number(&unknown), 700_016);
    }
}
