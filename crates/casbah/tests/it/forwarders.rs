//! What leaves Casbah as it arrives: webhooks and SIEM agents, with receivers that are sockets of the test.

pub(crate) mod receiver;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::alerts::raise;
use crate::harness::{Casbah, Database, Options, READER, Session};
use crate::nodes;
use crate::replays::{AN_HOUR_AGO, take_in};
use receiver::{Events, Hook, Manner, authority};

const AGENTS: &str = "/api/v1/agents/siem/";
/// Long after [`crate::harness::NOW`]: whatever waits is tried again.
const LATER: &str = "2026-11-23T18:00:00Z";

/// How Casbah is started so that it may call the machine that it runs on.
pub(crate) fn calling_home(clock: &str) -> Options {
    let file = authority().display().to_string();
    let arguments = ["--outbound-allow", "localhost,127.0.0.1", "--outbound-ca", &file].map(str::to_string);
    Options { clock: clock.to_string(), arguments: arguments.to_vec(), ..Options::default() }
}

/// On each database.
pub(crate) fn each(check: fn(Casbah)) {
    for database in [Database::sqlite(), Database::postgres()] {
        check(Casbah::start_with(database, &calling_home(crate::harness::NOW)));
    }
}

fn create(caller: &Session, port: u16, more: &Value) -> String {
    let mut body = json!({ "name": "Main", "host": "localhost", "port": port });
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    caller.post(AGENTS, &body).ok()["_id"].as_str().unwrap().to_string()
}

/// The agent, when it says what is wanted.
#[track_caller]
pub(crate) fn until(caller: &Session, list: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        let one = caller.get(list).ok()["data"][0].clone();
        if wanted(&one) {
            return one;
        }
        assert!(std::time::Instant::now() < deadline, "{one}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// Takes in activities with these numbers, and says what their ids are.
fn activities(caller: &Session, numbers: std::ops::Range<i64>) -> BTreeSet<String> {
    let names: Vec<String> = numbers.map(|number| format!("event-{number:05}")).collect();
    let moments = names.iter().enumerate().map(|(at, name)| (name.as_str(), AN_HOUR_AGO + at as i64));
    take_in(caller, moments);
    names.into_iter().collect()
}

/// Of app 20892 only: Casbah's own activities are others.
fn of_sharepoint() -> Value {
    json!({ "sendAlerts": false, "activityFilters": { "service": { "eq": 20892 } } })
}

/// The ids that events in CEF name.
fn ids(events: &[String]) -> Vec<String> {
    let id = |event: &String| {
        let (_, rest) = event.split_once("externalId=").unwrap_or_else(|| panic!("{event}"));
        rest.split(' ').next().unwrap().to_string()
    };
    events.iter().map(id).collect()
}

#[test]
fn events_reach_a_receiver_over_tcp_whatever_breaks_off() {
    each(|casbah| {
        let events = Events::tcp(Manner::BreaksOff { after: 100 });
        let port = events.port;
        let caller = casbah.application();
        create(&caller, port, &of_sharepoint());
        let mut wanted = activities(&caller, 0..700);
        // It had not read everything when it broke off, so nothing is held to have arrived.
        // Casbah's own activities wait with them, until it is seen that nobody wants those.
        let all_wait = |agent: &Value| agent["waiting"].as_i64().is_some_and(|waiting| waiting >= 700);
        let failing =
            until(&caller, AGENTS, |agent| agent["status"] == "Connection error" && all_wait(agent));
        assert_eq!(failing["sent"], 0, "{failing}");
        drop(events);
        wanted.extend(activities(&caller, 700..750));

        // Killed while it sends: what the receiver had not confirmed is sent again.
        let events = Events::tcp_at(port, Manner::Slow { until: 150 });
        let casbah = casbah.kill_and_restart_with(&calling_home(LATER));
        events.wait_for(150);
        let casbah = casbah.kill_and_restart_with(&calling_home("2026-11-24T18:00:00Z"));
        events.hurry();
        let caller = casbah.application();
        let agent = until(&caller, AGENTS, |agent| agent["waiting"] == 0 && agent["sent"] == 750);
        assert_eq!((&agent["status"], &agent["lastError"]), (&json!("Connected"), &Value::Null), "{agent}");
        let got = events.until(|events| ids(events).into_iter().collect::<BTreeSet<_>>() == wanted);
        let first = got.iter().find(|event| event.contains("externalId=event-00000 ")).unwrap();
        assert!(first.starts_with(
            "<110>1 2026-11-23T11:00:00.000Z localhost casbah - activity - CEF:0|MCAS|SIEM_Agent|"
        ));
        assert!(first.contains("|EVENT_CATEGORY_DOWNLOAD_FILE|"), "{first}");
        assert!(first.contains(" suser=mira@contoso.example "), "{first}");
        assert!(first.contains(" cs2Label=uniqueServiceAppIds cs2=APPID_20892 "), "{first}");
    });
}

#[test]
fn events_reach_a_receiver_over_tls_whose_certificate_is_checked() {
    each(|casbah| {
        let events = Events::tls(Manner::Reads);
        let caller = casbah.application();
        let (known, other) = (std::fs::read_to_string(authority()).unwrap(), receiver::other_authority());
        let settings =
            json!({ "transport": "tls", "format": "json", "caCertificate": other, "sendActivities": false });
        let id = create(&caller, events.port, &settings);
        let raised = raise(&caller);
        let failing = until(&caller, AGENTS, |agent| agent["status"] == "Connection error");
        assert!(failing["lastError"].as_str().unwrap().contains("TLS"), "{failing}");
        assert_eq!((&failing["sent"], events.all().len()), (&json!(0), 0), "{failing}");
        // Told the right authority, it tries at once.
        let change = json!({ "caCertificate": known }).to_string();
        let headers = [("content-type", "application/json")];
        caller.send("PUT", &format!("{AGENTS}{id}/"), &headers, change.as_bytes()).ok();
        until(&caller, AGENTS, |agent| agent["sent"] == raised.len());
        let mut got: Vec<Value> = events
            .all()
            .iter()
            .map(|event| serde_json::from_str(event.split_once(" - alert - ").unwrap().1).unwrap())
            .collect();
        got.sort_by_key(|alert| alert["_id"].to_string());
        let mut raised = raised;
        raised.sort_by_key(|alert| alert["_id"].to_string());
        assert_eq!(got, raised, "an alert leaves as the API has it");
    });
}

#[test]
fn a_siem_agent_sends_what_it_is_for_and_says_how_it_is_doing() {
    each(|casbah| {
        let caller = casbah.application();
        for (body, field) in [
            (json!({ "host": "siem" }), "name"),
            (json!({ "name": "x" }), "host"),
            (json!({ "name": "x", "host": "a b" }), "host"),
            (json!({ "name": "x", "host": "s", "port": 70_000 }), "port"),
            (json!({ "name": "x", "host": "s", "transport": "http" }), "transport"),
            (json!({ "name": "x", "host": "s", "format": "leef" }), "format"),
            (json!({ "name": "x", "host": "s", "sendAlerts": false, "sendActivities": false }), "sendAlerts"),
            (json!({ "name": "x", "host": "s", "transport": "tls", "caCertificate": "x" }), "caCertificate"),
            (json!({ "name": "x", "host": "s", "alertFilters": { "date": { "gte": 1 } } }), "filters"),
        ] {
            let refusal = caller.post(AGENTS, &body).refused(400);
            assert!(refusal[field].is_array(), "{body}: {refusal}");
        }
        let datagrams = receiver::datagrams();
        let port = datagrams.local_addr().unwrap().port();
        let settings = json!({
            "transport": "udp", "host": "127.0.0.1", "sendAlerts": false,
            "activityFilters": { "actionType": { "eq": "EVENT_CATEGORY_DOWNLOAD_FILE" }, "user.username": { "eq": "mira@contoso.example" } },
        });
        let id = create(&caller, port, &settings);
        caller.post(AGENTS, &json!({ "name": "main", "host": "x" })).refused(400);
        take_in(&caller, [("one", AN_HOUR_AGO)]);
        let mut buffer = [0; 65_536];
        let size = datagrams.recv(&mut buffer).unwrap();
        let event = String::from_utf8_lossy(&buffer[..size]).into_owned();
        assert_eq!(ids(&[event]), ["one"]);
        let agent = until(&caller, AGENTS, |agent| agent["sent"] == 1 && agent["waiting"] == 0);
        assert_eq!((&agent["status"], &agent["dropped"]), (&json!("Connected"), &json!(0)), "{agent}");

        // A private place that the operator has not listed is not called.
        let path = format!("{AGENTS}{id}/");
        let change = json!({ "host": "127.0.0.2" }).to_string();
        caller.send("PUT", &path, &[("content-type", "application/json")], change.as_bytes()).ok();
        take_in(&caller, [("two", AN_HOUR_AGO + 1)]);
        let agent = until(&caller, AGENTS, |agent| agent["status"] == "Connection error");
        assert!(agent["lastError"].as_str().unwrap().contains("outbound_allow"), "{agent}");

        casbah.user(READER).get(AGENTS).refused(403);
        caller.delete(&path).ok();
        caller.delete(&path).refused(404);
        assert_eq!(caller.get(AGENTS).ok()["total"], 0);
    });
}

/// One of two nodes sends what either stores.
#[test]
fn two_nodes_do_not_both_send() {
    let hook = Hook::start();
    let file = authority().display().to_string();
    let (first, second) =
        nodes::pair_with(&["--outbound-allow", "localhost", "--outbound-ca", &file].map(str::to_string));
    let caller = first.application();
    caller.post("/cas/api/v1/ms_flow/", &json!({ "callback_url": hook.url("/flow") })).ok();
    let policy = json!({
        "name": "Downloads", "type": "AUDIT", "dailyAlertLimit": 100,
        "filters": { "actionType": { "eq": "EVENT_CATEGORY_DOWNLOAD_FILE" } },
    });
    caller.post("/api/v1/policies/create_rule/", &policy).ok();
    let other = second.application();
    for number in 0..10 {
        let names = [format!("first-{number}"), format!("second-{number}")];
        take_in(&caller, [(names[0].as_str(), AN_HOUR_AGO + number)]);
        take_in(&other, [(names[1].as_str(), AN_HOUR_AGO + 1_000 + number)]);
    }
    until(&caller, "/api/v1/ms_flow/", |webhook| webhook["waiting"] == 0 && webhook["sent"] == 20);
    let alerts = caller.get("/api/v1/alerts/").ok();
    let mut wanted: Vec<&str> =
        alerts["data"].as_array().unwrap().iter().map(|alert| alert["_id"].as_str().unwrap()).collect();
    wanted.sort_unstable();
    let mut got: Vec<String> = hook.requests().iter().map(|request| request.header("webhook-id")).collect();
    got.sort_unstable();
    assert_eq!(got, wanted);
}
