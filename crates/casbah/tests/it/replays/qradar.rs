//! The workflow of a SIEM that asks by GET with everything in the address (sheet: 3.1, the fifth way in which
//! parameters arrive; 3.2, total and `hasNext`; 5.2 and 5.3, what a workflow tells apart is the status).

use serde_json::{Value, json};

use super::{AN_HOUR_AGO, ids, take_in, tally};
use crate::harness::{API_TOKEN, Casbah};

fn address(path: &str, filters: &Value, more: &str) -> String {
    let filters: String = url::form_urlencoded::byte_serialize(filters.to_string().as_bytes()).collect();
    format!("/api/v1/{path}/?{more}&filters={filters}")
}

both! {
    fn it_asks_by_address_and_goes_on_by_number(casbah: &Casbah) {
        let names: Vec<String> = (0..45).map(|number| format!("event-{number:02}")).collect();
        take_in(&casbah.application(), names.iter().enumerate().map(|(at, name)| (name.as_str(), AN_HOUR_AGO + at as i64 / 3)));
        let caller = casbah.with_header(&format!("Token {API_TOKEN}"));
        let filters = json!({ "date": { "gte": AN_HOUR_AGO, "lte": AN_HOUR_AGO + 3_600_000 }, "service": { "eq": [20892] } });
        let mut seen = Vec::new();
        loop {
            let more = format!("sortDirection=asc&sortField=date&limit=20&skip={}", seen.len());
            let page = caller.get(&address("activities", &filters, &more)).ok();
            seen.extend(ids(&page));
            if page["hasNext"] != true {
                break;
            }
        }
        let tally = tally(&seen);
        assert!(tally.len() == names.len() && tally.values().all(|count| *count == 1), "{seen:?}");
        // Nothing new is an empty list, not an error.
        let later = json!({ "date": { "gte": AN_HOUR_AGO + 7_200_000 }, "service": { "eq": [20892] } });
        let page = caller.get(&address("activities", &later, "isScan=true&limit=500&sortDirection=asc")).ok();
        assert_eq!((ids(&page).len(), &page["hasNext"], page.get("nextQueryFilters")), (0, &json!(false), None));
        caller.get("/api/v1/alerts?sortDirection=asc&limit=100&filters=%7B%7D").ok();
        caller.get("/api/v1/alerts/?limit=100&filters=%7Bdate").refused(400);
        casbah.with_header("Token expired").get("/api/v1/alerts/?limit=100").refused(401);
    }
}
