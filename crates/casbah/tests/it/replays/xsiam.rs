//! The event collector of an analytics platform, whose four generations page in four ways (sheet: 3.2, the scan and
//! the collector that goes on behind the last time; 7.2, page sizes; 2.3, application tokens of version 1 and 2).

use serde_json::{Value, json};

use super::{AN_HOUR_AGO, ids, records, take_in, tally};
use crate::harness::{API_TOKEN, CLIENT, CLIENT_SECRET, Casbah, RESOURCE, Session, TENANT};

/// Activities of an hour: several a moment, and more in one moment than a page holds.
fn an_hour(casbah: &Casbah) -> Vec<String> {
    let at = |number: usize| AN_HOUR_AGO + if number < 130 { 7 } else { 10 + (number as i64 / 4) };
    let names: Vec<String> = (0..330).map(|number| format!("event-{number:03}")).collect();
    take_in(
        &casbah.application(),
        names.iter().enumerate().map(|(number, name)| (name.as_str(), at(number))),
    );
    names
}

#[track_caller]
fn each_once(seen: &[String], names: &[String]) {
    let tally = tally(seen);
    let wrong: Vec<_> = names.iter().filter(|name| tally.get(name.as_str()) != Some(&1)).collect();
    assert!(wrong.is_empty() && tally.len() == names.len(), "{wrong:?} of {} seen", seen.len());
}

fn list(caller: &Session, body: &Value) -> Value {
    caller.post("/api/v1/activities/", body).ok()
}

fn of_app() -> Value {
    json!({ "service": { "eq": [20892] }, "date": { "gte": AN_HOUR_AGO } })
}

both! {
    /// By number, with what the application's token of version 1 opens.
    fn the_first_generation_counts_records(casbah: &Casbah) {
        let names = an_hour(casbah);
        let form = [("grant_type", "client_credentials"), ("client_id", CLIENT), ("client_secret", CLIENT_SECRET), ("resource", RESOURCE)];
        let answer = casbah.anonymous().post_form(&format!("/{TENANT}/oauth2/token"), &form).ok();
        let caller = casbah.bearer(answer["access_token"].as_str().unwrap());
        let mut seen = Vec::new();
        loop {
            let body = json!({ "filters": of_app(), "skip": seen.len(), "limit": 100, "sortDirection": "asc", "sortField": "date" });
            let page = list(&caller, &body);
            seen.extend(ids(&page));
            assert_eq!(page["total"], names.len());
            if page["hasNext"] != true {
                break;
            }
        }
        each_once(&seen, &names);
    }

    /// Behind the last time: `date.gte` is one more than it, so a page may not end within one moment.
    fn the_second_generation_goes_on_behind_the_last_time(casbah: &Casbah) {
        let names = an_hour(casbah);
        let caller = casbah.with_header(&format!("Token {API_TOKEN}"));
        let (mut seen, mut from) = (Vec::new(), AN_HOUR_AGO);
        loop {
            let filters = json!({ "service": { "eq": 20892 }, "date": { "gte": from } });
            let page = list(&caller, &json!({ "filters": filters, "limit": 50, "sortDirection": "asc" }));
            seen.extend(ids(&page));
            let Some(last) = records(&page).last() else { break };
            from = last["timestamp"].as_i64().unwrap() + 1;
        }
        each_once(&seen, &names);
    }

    /// A scan whose `nextQueryFilters` is the next filter as it stands.
    fn the_third_generation_scans(casbah: &Casbah) {
        let names = an_hour(casbah);
        let caller = casbah.application();
        for (direction, limit) in [("asc", 100), ("desc", 100), ("asc", 5_000), ("desc", 7)] {
            let (mut seen, mut filters) = (Vec::new(), of_app());
            loop {
                let body = json!({ "isScan": "True", "limit": limit, "sortDirection": direction, "filters": filters });
                let page = list(&caller, &body);
                seen.extend(ids(&page));
                assert_eq!(page["hasNext"] == true, page.get("nextQueryFilters").is_some(), "{page}");
                let Some(next) = page.get("nextQueryFilters") else { break };
                assert_eq!(next["service"], filters["service"], "what was asked for stays");
                filters = next.clone();
            }
            each_once(&seen, &names);
        }
    }

    /// A scan of which only the two bounds of time are copied, into filters of its own.
    fn the_fourth_generation_copies_the_bounds_of_time(casbah: &Casbah) {
        let names = an_hour(casbah);
        let caller = casbah.application();
        for direction in ["asc", "desc"] {
            let (mut from, mut to) = (json!(AN_HOUR_AGO), json!(AN_HOUR_AGO + 3_600_000));
            let mut seen = Vec::new();
            loop {
                let filters = json!({ "service": { "eq": [20892] }, "date": { "gte": from, "lte": to } });
                let body = json!({ "isScan": true, "limit": 60, "sortDirection": direction, "filters": filters });
                let page = list(&caller, &body);
                seen.extend(ids(&page));
                if page["hasNext"] != true {
                    break;
                }
                // Both are there, also the one that did not move.
                from = page["nextQueryFilters"]["date"]["gte"].clone();
                to = page["nextQueryFilters"]["date"]["lte"].clone();
                assert!(from.is_i64() && to.is_i64(), "{page}");
            }
            each_once(&seen, &names);
        }
    }
}
