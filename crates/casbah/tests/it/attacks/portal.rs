//! The pages of the portal: forms of others, frames, planted cookies, addresses that lead away, records that are markup.

use serde_json::json;

use super::browser::Browser;
use crate::harness::{ADMINISTRATOR, API_TOKEN, Answer, Casbah, PASSWORD, READER};

const PORTAL: &str = "__Host-casbah-portal";
const SCRIPT: &str = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'";

/// Follows redirects of ours to the first page.
fn follow(browser: &Browser<'_>, mut answer: Answer) -> Answer {
    for _ in 0..10 {
        if answer.status != 303 {
            return answer;
        }
        let location = answer.header("location").to_string();
        let path = match location.strip_prefix("https://") {
            Some(rest) => format!("/{}", rest.split_once('/').map_or("", |(_, path)| path)),
            None => location,
        };
        answer = browser.get(&path);
    }
    panic!("it goes round in circles");
}

/// Comes in as people do.
pub(crate) fn enter(browser: &Browser<'_>, path: &str, user: &str) -> Answer {
    let page = follow(browser, browser.get(path));
    assert_eq!(page.status, 200, "{}", page.text());
    let done = browser.submit(&page, &[("user", user), ("password", PASSWORD)]);
    follow(browser, done)
}

/// The hidden fields of the form that goes there.
pub(crate) fn form(page: &Answer, action: &str) -> Vec<(String, String)> {
    let text = page.text();
    let from = text
        .find(&format!("method=\"post\" action=\"{action}\""))
        .unwrap_or_else(|| panic!("no form {action}: {text}"));
    let form = &text[from..from + text[from..].find("</form>").unwrap()];
    let value = |field: &str| field[..field.find('"').unwrap()].to_string();
    let fields = form.split("<input type=\"hidden\" name=\"").skip(1);
    fields.map(|field| (value(field), value(field.split_once("value=\"").unwrap().1))).collect()
}

pub(crate) fn with<'f>(
    fields: &'f [(String, String)],
    more: &[(&'f str, &'f str)],
) -> Vec<(&'f str, &'f str)> {
    fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain(more.iter().copied()).collect()
}

both! {
    /// A form counts from a page of ours, of this session, for where it goes, and once.
    fn portal_forms_of_others_change_nothing(casbah: &Casbah) {
        let (victim, attacker) = (Browser::new(casbah), Browser::new(casbah));
        let page = enter(&victim, "/portal/ip-ranges", ADMINISTRATOR);
        let own = form(&page, "/portal/ip-ranges");
        let typed = [("name", "Planted"), ("category", "1"), ("subnets", "10.99.0.0/24")];
        let theirs = form(&enter(&attacker, "/portal/tokens", READER), "/portal/tokens");
        let refused = |answer: &Answer| assert_eq!((answer.status, answer.header("location")), (400, ""), "{}", answer.text());
        // With all that a page of ours holds, from elsewhere; without a proof; with that of another session or page.
        refused(&victim.post_from_elsewhere("/portal/ip-ranges", &with(&own, &typed)));
        refused(&victim.post("/portal/ip-ranges", &typed));
        refused(&victim.post("/portal/ip-ranges", &with(&theirs, &typed)));
        let elsewhere = victim.post("/portal/tokens", &with(&own, &[("name", "Planted")]));
        refused(&elsewhere);
        // What came from elsewhere is never offered to be sent again.
        let planted = victim.post_from_elsewhere("/portal/ip-ranges", &typed);
        assert!(!planted.text().contains("Send it again") && !planted.text().contains("Planted"), "{}", planted.text());
        let list = victim.get("/portal/ip-ranges");
        assert!(!list.text().contains("Planted"));
        // The same form works, once.
        assert_eq!(victim.post("/portal/ip-ranges", &with(&own, &typed)).status, 303);
        assert_eq!(victim.post("/portal/ip-ranges", &with(&own, &typed)).status, 409);
        assert_eq!(victim.get("/portal/ip-ranges").text().matches(">Planted<").count(), 1);

        // What was typed into a form when the session had ended comes back; what another site sent does not.
        let page = victim.get("/portal/tokens");
        let late = form(&page, "/portal/tokens");
        victim.set_cookie(PORTAL, "3.Agoneagoneagoneagoneagoneagoneagoneagoneagoneagone");
        let ended = victim.post("/portal/tokens", &with(&late, &[("name", "typed before")]));
        assert_eq!(ended.status, 401);
        assert!(ended.text().contains("typed before"), "{}", ended.text());
        let planted = victim.post_from_elsewhere("/portal/tokens", &[("name", "Planted")]);
        assert_eq!(planted.status, 401);
        assert!(!planted.text().contains("Planted"), "{}", planted.text());
    }

    /// Frames, caches, scripts of others: what every page says to the browser. A planted session is nobody's, each
    /// sign-in has a new one, and no address leads away.
    fn portal_pages_are_not_framed_nor_fixed_and_lead_nowhere_else(casbah: &Casbah) {
        let browser = Browser::new(casbah);
        browser.set_cookie(PORTAL, "3.Aplantedplantedplantedplantedplantedplantedplanted");
        assert_eq!(browser.get("/portal/alerts").status, 401);
        let evil = ["https://evil.example", "//evil.example", "/\\evil.example", "/portal/../../evil", "javascript:alert(1)",
            "/portal/sign-out", "/portalevil"];
        for next in evil {
            let query: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
            let answer = browser.post("/portal/preferences", &[("next", next), ("language", "sv")]);
            let leads = answer.header("location").to_string();
            assert!(leads == "/portal" || (next.starts_with("/portal/..") && leads.starts_with("/portal/")), "{next}: {leads}");
            let begun = browser.get(&format!("/portal/sign-in?next={query}"));
            assert_eq!(begun.status, 303);
            assert!(!begun.header("location").contains("evil.example"), "{}", begun.header("location"));
        }
        browser.cookies.borrow_mut().retain(|(name, _)| name != PORTAL && name != "casbah-language");
        let page = enter(&browser, "/portal/sign-in?next=https%3A%2F%2Fevil.example", ADMINISTRATOR);
        let first = browser.cookie(PORTAL).unwrap();
        assert!(first.len() >= 43 && !first.contains("planted"));
        for path in ["/portal", "/portal/policies", "/portal/settings", "/portal/nothing-here"] {
            let page = browser.get(path);
            let policy = page.header("content-security-policy").to_string();
            for part in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"] {
                assert!(policy.contains(part), "{path}: {policy}");
            }
            assert!(!policy.contains("unsafe"), "{policy}");
            assert_eq!((page.header("x-frame-options"), page.header("cache-control")), ("DENY", "no-store"), "{path}");
            assert_eq!(page.header("x-content-type-options"), "nosniff", "{path}");
        }
        // Out and in again: another session, and the first is nobody's.
        let out = form(&page, "/portal/sign-out");
        assert_eq!(browser.post("/portal/sign-out", &with(&out, &[])).status, 303);
        let again = Browser::new(casbah);
        enter(&again, "/portal", ADMINISTRATOR);
        assert_ne!(again.cookie(PORTAL).unwrap(), first);
        again.set_cookie(PORTAL, &first);
        assert_eq!(again.get("/portal/alerts").status, 401);
    }

    /// Markup in what apps report, what people name and what an address asks is text on every page.
    fn markup_in_records_is_text_on_every_page_of_the_portal(casbah: &Casbah) {
        let api = casbah.with_header(&format!("Token {API_TOKEN}"));
        let lines = json!({ "ii": format!("10489|0|{SCRIPT}"), "displayName": SCRIPT, "email": "x@lagoon.example", "organization": SCRIPT });
        api.send("POST", "/api/v1/entities/ingest/", &[], lines.to_string().as_bytes()).ok();
        let file = json!({
            "id": "f-1", "appId": 20892, "appName": SCRIPT, "name": SCRIPT, "ownerName": SCRIPT, "ownerAddress": "x@lagoon.example",
            "collaborators": [{ "id": "c-1", "name": SCRIPT, "email": SCRIPT }], "fTags": [SCRIPT], "mimeType": SCRIPT,
        });
        api.send("POST", "/api/v1/files/ingest/", &[], file.to_string().as_bytes()).ok();
        let browser = Browser::new(casbah);
        enter(&browser, "/portal", ADMINISTRATOR);
        let files = browser.get("/portal/files").text();
        let one = files.split("href=\"/portal/files/").nth(1).map(|rest| rest[..24].to_string()).expect("a file");
        let query = |name: &str, value: &str| {
            format!("?{}", url::form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish())
        };
        let filters = json!({ "text": { "text": SCRIPT } }).to_string();
        let pages = [
            "/portal/entities".to_string(),
            format!("/portal/entities/one{}", query("ii", &format!("10489|0|{SCRIPT}"))),
            "/portal/files".to_string(),
            format!("/portal/files/{one}"),
            format!("/portal/alerts{}", query("filters", &filters)),
            format!("/portal/alerts{}", query("filters", SCRIPT)),
            format!("/portal/activities{}", query("f0", SCRIPT)),
            format!("/portal/people{}", query("search", SCRIPT)),
            format!("/portal/policies/new{}&type=AUDIT", query("filters", &filters)),
            "/portal/audit".to_string(),
        ];
        let mut seen = 0;
        for path in &pages {
            let page = browser.get(path);
            assert!(matches!(page.status, 200 | 400), "{path}: {}", page.status);
            let text = page.text();
            assert!(!text.contains("<script>alert") && !text.contains("<img src=x"), "{path}: {text}");
            seen += text.matches("&lt;script&gt;alert(1)").count();
        }
        assert!(seen >= 8, "{seen}");
        // As a file it is no page of ours.
        let export = browser.get("/portal/export/entities?format=csv");
        assert!(export.header("content-disposition").starts_with("attachment"), "{:?}", export.headers);
        assert_eq!(export.header("x-content-type-options"), "nosniff");
    }
}
