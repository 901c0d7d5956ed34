//! The portal without a browser: every page that the navigation leads to, and what people change there, as a form without
//! script sends it. On both databases; the pages in Chromium are in `e2e/node/portal.test.mjs`.

use serde_json::{Value, json};

use crate::attacks::browser::Browser;
use crate::attacks::portal::{enter, form, with};
use crate::harness::{ADMINISTRATOR, API_TOKEN, Answer, Casbah, READER};

fn posted(browser: &Browser<'_>, page: &Answer, action: &str, typed: &[(&str, &str)]) -> Answer {
    browser.post(action, &with(&form(page, action), typed))
}

/// Where the navigation leads.
fn places(page: &Answer) -> Vec<String> {
    let text = page.text();
    let side = &text[text.find("<nav class=\"side\"").unwrap()..];
    let links = side[..side.find("</nav>").unwrap()].split("href=\"").skip(1);
    links.map(|link| link[..link.find('"').unwrap()].to_string()).collect()
}

fn follow(browser: &Browser<'_>, answer: &Answer) -> Answer {
    assert_eq!(answer.status, 303, "{}", answer.text());
    browser.get(answer.header("location"))
}

both! {
    /// Every page answers whoever finds it in the navigation; what a role does not open is neither there nor answered.
    fn the_navigation_leads_to_pages_that_answer(casbah: &Casbah) {
        let all = Browser::new(casbah);
        let everything = places(&enter(&all, "/portal", ADMINISTRATOR));
        assert!(everything.len() >= 15, "{everything:?}");
        for path in &everything {
            let page = all.get(path);
            let page = if page.status == 303 { follow(&all, &page) } else { page };
            assert_eq!(page.status, 200, "{path}: {}", page.text());
        }
        let plain = Browser::new(casbah);
        let own = places(&enter(&plain, "/portal", READER));
        for path in &everything {
            let page = plain.get(path);
            let page = if page.status == 303 { follow(&plain, &page) } else { page };
            assert_eq!(page.status, if own.contains(path) { 200 } else { 403 }, "{path}");
        }
    }

    /// Filters are the API's; saved queries are their owner's, and what is saved is what was asked for.
    fn filters_lead_to_what_the_api_answers_and_are_kept_for_their_owner(casbah: &Casbah) {
        let browser = Browser::new(casbah);
        enter(&browser, "/portal", ADMINISTRATOR);
        let ranges = browser.get("/portal/ip-ranges");
        let typed = [("name", "Lab"), ("category", "1"), ("subnets", "10.98.0.0/24"), ("tags", "lab")];
        assert_eq!(posted(&browser, &ranges, "/portal/ip-ranges", &typed).status, 303);
        let sent = browser.get("/portal/activities?f0=activity.type&o0=eq&v0=true&f1=user.username&o1=startswith&v1=ada");
        let address = sent.header("location").to_string();
        let filters: Value = {
            let query = address.split_once('?').unwrap().1.as_bytes();
            let text = url::form_urlencoded::parse(query).find(|(name, _)| name == "filters").unwrap().1.into_owned();
            serde_json::from_str(&text).unwrap()
        };
        assert_eq!(filters, json!({ "activity.type": { "eq": true }, "user.username": { "startswith": "ada" } }));
        let page = browser.get(&address);
        assert_eq!(page.status, 200);
        let api = casbah.with_header(&format!("Token {API_TOKEN}"));
        let total = api.post("/api/v1/activities/", &json!({ "filters": filters })).ok()["total"].as_i64().unwrap();
        assert!(total > 0 && page.text().contains(&format!(">{total} ")), "{total}: {}", page.text());
        let wrong = browser.get(&format!("/portal/activities?filters={}", "%7B%22no%22%3A%7B%22eq%22%3A1%7D%7D"));
        assert_eq!(wrong.status, 400);
        assert!(wrong.text().contains("there is no filter"), "{}", wrong.text());

        let filters = filters.to_string();
        let kept = [("name", "Admins"), ("list", "activities"), ("filters", filters.as_str()), ("back", address.as_str())];
        let proof = form(&page, "/portal/saved").into_iter().find(|(name, _)| name == "proof").unwrap().1;
        let saved = browser.post("/portal/saved", &[&kept[..], &[("proof", proof.as_str())]].concat());
        let page = follow(&browser, &saved);
        assert!(page.text().contains(">Admins</bdi></a>"), "{}", page.text());
        // Once more under that name is refused; another person sees none of it and cannot remove it.
        let again = posted(&browser, &page, "/portal/saved", &[("name", "admins")]);
        assert_eq!(again.status, 400, "{}", again.text());
        let text = page.text();
        let id = text.split("/portal/saved/").nth(1).map(|rest| rest[..24].to_string()).unwrap();
        let other = Browser::new(casbah);
        enter(&other, "/portal", READER);
        let page_of_other = other.get("/portal/tokens");
        let theirs = other.post(&format!("/portal/saved/{id}/delete"), &with(&form(&page_of_other, "/portal/tokens"), &[]));
        assert_eq!(theirs.status, 400);
        assert_eq!(follow(&browser, &posted(&browser, &page, &format!("/portal/saved/{id}/delete"), &[])).status, 200);
        assert!(!browser.get(&address).text().contains(">Admins</bdi></a>"));
        // What was done stands in the audit trail.
        let trail = browser.get("/portal/audit").text();
        assert!(trail.contains("save query") && trail.contains("delete saved query"), "{trail}");
    }

    /// A record of another tenant, an id that is none, a person who is not here: a page says so.
    fn what_is_not_here_is_explained(casbah: &Casbah) {
        let browser = Browser::new(casbah);
        enter(&browser, "/portal", ADMINISTRATOR);
        let gone = "6a1f0c2b9d3e4f5a6b7c8d90";
        for path in [
            format!("/portal/alerts/{gone}"),
            format!("/portal/files/{gone}"),
            format!("/portal/policies/{gone}"),
            format!("/portal/ip-ranges/{gone}"),
            "/portal/people/nobody".to_string(),
            "/portal/entities/one?ii=11161|0|nobody".to_string(),
            "/portal/apps/c0ffee00-1111-4222-8333-444455556666/setup".to_string(),
            "/portal/export/nothing".to_string(),
        ] {
            let page = browser.get(&path);
            assert_eq!(page.status, 404, "{path}");
            let id = page.header("x-ms-request-id").to_string();
            assert!(page.text().contains("This page does not exist") && page.text().contains(&id), "{path}");
        }
    }
}
