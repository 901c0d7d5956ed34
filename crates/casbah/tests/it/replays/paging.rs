//! The five ways to page, while others write: what was there when a walk began is seen, and seen once where the way
//! allows it (sheet: 3.2).

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::{AN_HOUR_AGO, ids, records, take_in, tally};
use crate::harness::{Casbah, Session};

fn list(caller: &Session, body: &Value) -> Value {
    caller.post("/api/v1/activities/", body).ok()
}

/// By number; in steps of what came, or of what was asked for.
fn by_number(caller: &Session, direction: &str, of_limit: bool) -> Vec<String> {
    let (mut seen, mut skip) = (Vec::new(), 0);
    loop {
        let body = json!({ "filters": { "service": { "eq": 20892 } }, "skip": skip, "limit": 40, "sortDirection": direction });
        let page = list(caller, &body);
        skip += if of_limit { 40 } else { records(&page).len() };
        seen.extend(ids(&page));
        if page["hasNext"] == false {
            return seen;
        }
    }
}

fn behind_the_last_time(caller: &Session) -> Vec<String> {
    let (mut seen, mut from) = (Vec::new(), 0);
    loop {
        let filters = json!({ "service": { "eq": 20892 }, "date": { "gte": from } });
        let page = list(caller, &json!({ "filters": filters, "limit": 40, "sortDirection": "asc" }));
        seen.extend(ids(&page));
        let Some(last) = records(&page).last() else { return seen };
        from = last["timestamp"].as_i64().unwrap() + 1;
    }
}

/// By scan; the filters as they come back, or their two bounds of time only.
fn by_scan(caller: &Session, direction: &str, bounds_only: bool) -> Vec<String> {
    let (mut seen, mut filters) = (Vec::new(), json!({ "service": { "eq": 20892 } }));
    loop {
        let body = json!({ "isScan": true, "limit": 40, "sortDirection": direction, "filters": filters });
        let page = list(caller, &body);
        seen.extend(ids(&page));
        let Some(next) = page.get("nextQueryFilters") else { return seen };
        filters = if bounds_only {
            json!({ "service": { "eq": 20892 }, "date": next["date"] })
        } else {
            next.clone()
        };
    }
}

both! {
    fn every_way_sees_what_was_there_while_others_write(casbah: &Casbah) {
        let caller = casbah.application();
        let names: Vec<String> = (0..200).map(|number| format!("before-{number:03}")).collect();
        // Five to a moment, so that page ends fall into the middle of one.
        take_in(&caller, names.iter().enumerate().map(|(at, name)| (name.as_str(), AN_HOUR_AGO + at as i64 / 5)));
        let (walked, written) = (AtomicBool::new(false), AtomicBool::new(false));
        std::thread::scope(|threads| {
            let writer = threads.spawn(|| {
                let mut number = 0;
                while !walked.load(Ordering::Relaxed) && number < 4_000 {
                    // What is new is later than all that was there.
                    let name = format!("during-{number:04}");
                    take_in(&caller, [(name.as_str(), AN_HOUR_AGO + 1_000 + number)]);
                    written.store(true, Ordering::Relaxed);
                    number += 1;
                }
            });
            while !written.load(Ordering::Relaxed) && !writer.is_finished() {
                std::thread::yield_now();
            }
            let once = |what: &str, seen: Vec<String>| {
                let tally = tally(&seen);
                let wrong: Vec<_> = names.iter().filter(|name| tally.get(name.as_str()) != Some(&1)).collect();
                assert!(wrong.is_empty(), "{what}: {wrong:?}");
                assert!(tally.values().all(|count| *count == 1), "{what}: {tally:?}");
            };
            let walk = || {
                once("number, ascending", by_number(&caller, "asc", false));
                once("number in fixed steps, ascending", by_number(&caller, "asc", true));
                once("behind the last time", behind_the_last_time(&caller));
                for direction in ["asc", "desc"] {
                    once("scan", by_scan(&caller, direction, false));
                    once("bounds of a scan", by_scan(&caller, direction, true));
                }
                // What arrives in front moves everything back: seen twice perhaps, but never missed.
                let seen = by_number(&caller, "desc", false);
                let tally = tally(&seen);
                assert!(names.iter().all(|name| tally.contains_key(name.as_str())), "number, descending");
            };
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(walk));
            walked.store(true, Ordering::Relaxed);
            writer.join().unwrap();
            outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        });
    }
}
