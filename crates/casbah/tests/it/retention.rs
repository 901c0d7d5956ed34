//! How long records are kept, as the clock goes on.

use serde_json::{Value, json};

use crate::activities::investigator;
use crate::alerts::raise;
use crate::harness::{ADMINISTRATOR, Casbah, Database, Options, Session};
use crate::replays::{AN_HOUR_AGO, take_in};

const SETTINGS: &str = "/v1.0/policies/tenantSettings";

fn total(caller: &Session, list: &str, filters: &Value) -> i64 {
    caller.post(&format!("/api/v1/{list}/"), &json!({ "filters": filters })).ok()["total"].as_i64().unwrap()
}

/// The clean-up runs when a node starts, and behind everybody's back.
#[track_caller]
fn await_nothing(caller: &Session, list: &str, filters: &Value) {
    for _ in 0..5_000 {
        if total(caller, list, filters) == 0 {
            return;
        }
    }
    panic!("{list} {filters}: {} are left", total(caller, list, filters));
}

fn later(casbah: Casbah, clock: &str) -> Casbah {
    casbah.kill_and_restart_with(&Options { clock: clock.to_string(), ..Options::default() })
}

fn check(database: Database) {
    let casbah = Casbah::start(database);
    let caller = casbah.application();
    let alerts = raise(&caller).len() as i64;
    take_in(&caller, [("a", AN_HOUR_AGO), ("b", AN_HOUR_AGO + 1)]);
    let of_app = json!({ "service": { "eq": 20892 } });
    let forgotten = json!({ "activity.eventType": { "eq": "EVENT_CATEGORY_FORGET_OLD_RECORDS" } });
    assert_eq!(total(&investigator(&casbah), "governance", &json!({})), 1);

    // 119 days: everything is there but the usage of logs.
    let casbah = later(casbah, "2027-03-22T12:00:00Z");
    let caller = investigator(&casbah);
    crate::activities::await_list(&caller, &forgotten, 1);
    assert_eq!(total(&caller, "governance", &json!({})), 1);
    assert_eq!((total(&caller, "alerts", &json!({})), total(&caller, "activities", &of_app)), (alerts, 2));

    // 121 days; and whoever wants alerts for ever has them.
    let casbah = later(casbah, "2027-03-24T12:00:00Z");
    let caller = investigator(&casbah);
    await_nothing(&caller, "governance", &json!({}));
    let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
    let json_body = [("content-type", "application/json")];
    let change = json!({ "retention": { "alerts": null } }).to_string();
    administrator.send("PATCH", SETTINGS, &json_body, change.as_bytes()).ok();

    // 181 days.
    let casbah = later(casbah, "2027-05-23T12:00:00Z");
    let caller = investigator(&casbah);
    await_nothing(&caller, "activities", &of_app);
    assert_eq!(total(&caller, "alerts", &json!({})), alerts);
    let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
    let change = json!({ "retention": { "alerts": 180 } }).to_string();
    administrator.send("PATCH", SETTINGS, &json_body, change.as_bytes()).ok();
    let casbah = later(casbah, "2027-05-23T13:00:00Z");
    let caller = investigator(&casbah);
    await_nothing(&caller, "alerts", &json!({}));
    // What goes in one sweep is told once.
    let told = crate::activities::await_list(&caller, &forgotten, 4);
    let counts: Vec<&Value> = told.iter().map(|a| &a["rawDataJson"]["Details"]["before"]["alerts"]).collect();
    assert_eq!(counts.iter().filter(|count| **count == &json!(alerts)).count(), 1, "{told:#?}");
}

#[test]
fn records_are_kept_as_long_as_the_tenant_wants_sqlite() {
    check(Database::sqlite());
}

#[test]
fn records_are_kept_as_long_as_the_tenant_wants_postgres() {
    check(Database::postgres());
}
