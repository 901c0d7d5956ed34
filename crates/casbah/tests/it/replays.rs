//! Replays of real clients: the requests that a product sends, in its order and with its oddities, and what it
//! reads from the answers. Each file names one client and the facts that its requests stand on.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::harness::Session;

mod documentation;
mod google_secops;
mod mcas_module;
mod netskope;
mod paging;
mod power_automate;
mod qradar;
mod stat;
mod xsiam;
mod xsoar;

/// 2026-11-23T11:00:00Z: an hour before the clock of the tests.
pub(crate) const AN_HOUR_AGO: i64 = 1_795_431_600_000;

/// Takes in one activity for each pair of id and time.
pub(crate) fn take_in<'a>(caller: &Session, activities: impl IntoIterator<Item = (&'a str, i64)>) {
    let line = |(id, at): (&str, i64)| {
        let activity = json!({
            "_id": id,
            "timestamp": at,
            "appId": 20892,
            "eventTypeName": "EVENT_CATEGORY_DOWNLOAD_FILE",
            "user": { "userName": "mira@contoso.example" },
            "device": { "clientIP": "198.51.100.7", "countryCode": "NO" },
        });
        format!("{activity}\n")
    };
    let lines: String = activities.into_iter().map(line).collect();
    let label = [("content-type", "application/x-ndjson")];
    let answer = caller.send("POST", "/api/v1/activities/ingest/", &label, lines.as_bytes()).ok();
    assert_eq!(answer["rejected"], 0, "{answer}");
}

/// The records of a list.
#[track_caller]
fn records(list: &Value) -> &Vec<Value> {
    list["data"].as_array().unwrap_or_else(|| panic!("no list: {list}"))
}

/// The ids of the records of a list.
#[track_caller]
fn ids(list: &Value) -> Vec<String> {
    records(list).iter().map(|record| record["_id"].as_str().unwrap().to_string()).collect()
}

/// How often each id was seen.
fn tally(seen: &[String]) -> BTreeMap<&str, usize> {
    let mut tally = BTreeMap::new();
    for id in seen {
        *tally.entry(id.as_str()).or_default() += 1;
    }
    tally
}
