//! Activities over the wire: filters against a naive reading of the records, pages, scans, tenants.

use axum::body::Body;
use casbah_authority::Caller;
use casbah_model::user_agent::OUTDATED_BROWSER;
use casbah_model::{
    Activity, ActivityFacts, ActivityObject, Bound, Entitlements, Guid, Reach, Rights, Timestamp,
};
use casbah_store::activities;
use serde_json::{Value, json};

use crate::testing::{NOW, World, request};

const PEOPLE: [&str; 3] = ["ada@contoso.example", "Rita@contoso.example", "guest@fabrikam.example"];
const ADDRESSES: [Option<&str>; 4] = [Some("198.51.100.7"), Some("198.51.100.70"), Some("2001:db8::7"), None];
const AGENTS: [(&str, &str); 3] = [
    ("Mozilla/5.0 (Windows NT 10.0) Chrome/130.0.1 Safari/537", "DESKTOP"),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) Version/18.0 Mobile", "MOBILE"),
    ("python-requests/2.32.3", "OTHER"),
];

/// Activity `number` of a colourful set; every third is a failed sign-in.
fn activity(number: usize, at: Timestamp) -> Activity {
    let failed = number.is_multiple_of(3);
    let (action, category, action_type) = match number % 3 {
        0 => ("failed sign-in", "EVENT_CATEGORY_FAILED_LOGIN", "EVENT_AAD_LOGIN_FAILED"),
        1 => ("sign in", "EVENT_CATEGORY_LOGIN", "EVENT_AAD_LOGIN"),
        _ => ("create user", "EVENT_CATEGORY_CREATE_USER", "EVENT_CASBAH_CREATE_USER"),
    };
    let (agent, device) = AGENTS[number % AGENTS.len()];
    Activity {
        seq: Activity::place(at, number as u32),
        id: format!("{}_{number:032x}", at.0),
        created: Timestamp(at.0 + 1000 - (number % 7) as i64),
        source: 2,
        service: if number.is_multiple_of(5) { 11161 } else { 20595 },
        instance: 0,
        action: action.into(),
        category: category.into(),
        action_type: action_type.into(),
        actor_kind: "user".into(),
        actor: (!number.is_multiple_of(4)).then(|| format!("actor-{}", number % 3)),
        user_name: Some(PEOPLE[number % PEOPLE.len()].into()),
        client: Some(Guid::from_u128((number % 2) as u128)),
        address: ADDRESSES[number % ADDRESSES.len()].map(String::from),
        ip_category: (number % 3) as i64,
        country: number.is_multiple_of(2).then(|| "NO".to_string()),
        organization: number.is_multiple_of(5).then(|| "Example Telecom".to_string()),
        device_type: Some(device.into()),
        admin: number % 3 == 2,
        failure: failed.then_some(50126),
        facts: ActivityFacts {
            service_name: "Casbah".into(),
            user_agent: Some(agent.into()),
            objects: vec![ActivityObject {
                kind: "user".into(),
                id: format!("object-{}", number % 6),
                name: format!("Object {}", number % 6),
            }],
            ip_tags: if number % 4 == 1 { vec!["000000110000000000000000".into()] } else { Vec::new() },
            ..ActivityFacts::default()
        },
    }
}

/// A world with `count` activities, `together` in each millisecond.
async fn world(count: usize, together: usize) -> World {
    let world = World::start().await;
    let tenant = world.home.tenant;
    let insert = world.service.store().write(move |tx| {
        for number in 0..count {
            let at = Timestamp(NOW.0 - 1000 * (number / together) as i64);
            activities::insert(tx, tenant, &activity(number, at))?;
        }
        Ok::<_, casbah_store::Error>(())
    });
    insert.await.expect("activities can be stored");
    world
}

fn ids(answer: &Value) -> Vec<String> {
    let data = answer["data"].as_array().expect("a list");
    data.iter().map(|a| a["_id"].as_str().expect("an id").to_string()).collect()
}

/// Each filter gives what the same question, asked of the records one by one, gives.
#[tokio::test]
async fn filters_agree_with_the_records() {
    type Naive = fn(&Activity) -> bool;
    let world = world(60, 1).await;
    let cases: Vec<(Value, Naive)> = vec![
        (json!({ "service": { "eq": [11161] } }), |a| a.service == 11161),
        (json!({ "service": { "neq": "11161" } }), |a| a.service != 11161),
        (json!({ "user.username": { "eq": "ADA@contoso.example" } }), |a| {
            a.user_name.as_deref() == Some(PEOPLE[0])
        }),
        (json!({ "user.username": { "startswith": "rita" } }), |a| a.user_name.as_deref() == Some(PEOPLE[1])),
        (json!({ "user.domain": { "eq": ["contoso.example"] } }), |a| {
            a.user_name.as_deref() != Some(PEOPLE[2])
        }),
        (json!({ "entity": { "eq": { "id": "actor-1", "saas": 11161, "inst": 0 } } }), |a| {
            a.actor.as_deref() == Some("actor-1")
        }),
        (json!({ "entity": { "eq": { "id": "actor-1", "saas": 10489 } } }), |_| false),
        (json!({ "entity": { "isset": true } }), |a| a.actor.is_some()),
        (json!({ "entity": { "isnotset": true } }), |a| a.actor.is_none()),
        (json!({ "actionType": { "eq": "EVENT_CATEGORY_LOGIN" } }), |a| a.action == "sign in"),
        (json!({ "actionType": { "contains": "login" } }), |a| a.action != "create user"),
        (json!({ "activity.eventActionType": { "neq": ["EVENT_AAD_LOGIN"] } }), |a| a.action != "sign in"),
        (json!({ "activity.eventType": { "eq": "EVENT_CATEGORY_CREATE_USER" } }), |a| a.admin),
        (json!({ "activity.type": { "eq": true } }), |a| a.admin),
        (json!({ "activity.type": { "eq": false } }), |a| !a.admin),
        (json!({ "activity.impersonated": { "eq": true } }), |_| false),
        (json!({ "activity.takenAction": { "eq": "null" } }), |_| true),
        (json!({ "activity.takenAction": { "eq": "block" } }), |_| false),
        (json!({ "activityObject": { "eq": "object-2" } }), |a| a.facts.objects[0].id == "object-2"),
        (json!({ "activityObject": { "neq": "Object 2" } }), |a| a.facts.objects[0].id != "object-2"),
        (json!({ "device.type": { "eq": ["MOBILE", null] } }), |a| {
            a.device_type.as_deref() == Some("MOBILE")
        }),
        (json!({ "userAgent.userAgent": { "contains": "Python" } }), |a| {
            a.device_type.as_deref() == Some("OTHER")
        }),
        (json!({ "userAgent.userAgent": { "ncontains": ["python"] } }), |a| {
            a.device_type.as_deref() != Some("OTHER")
        }),
        (json!({ "location.country": { "eq": "no" } }), |a| a.country.is_some()),
        (json!({ "location.country": { "neq": "NO" } }), |a| a.country.is_none()),
        (json!({ "location.country": { "isset": false } }), |a| a.country.is_none()),
        (json!({ "location.organizations": { "contains": "telecom" } }), |a| a.organization.is_some()),
        (json!({ "ip.address": { "eq": "198.51.100.7" } }), |a| a.address.as_deref() == Some("198.51.100.7")),
        (json!({ "ip.address": { "startswith": "198.51.100.7" } }), |a| {
            a.address.as_deref().is_some_and(|a| a.starts_with("198.51.100.7"))
        }),
        (json!({ "ip.address": { "doesnotstartwith": "198." } }), |a| {
            !a.address.as_deref().is_some_and(|a| a.starts_with("198."))
        }),
        (json!({ "ip.category": { "eq": [1, 2] } }), |a| a.ip_category != 0),
        (json!({ "ip.tags": { "eq": "000000110000000000000000" } }), |a| !a.facts.ip_tags.is_empty()),
        (json!({ "ip.tags": { "neq": "000000110000000000000000" } }), |a| a.facts.ip_tags.is_empty()),
        (json!({ "text": { "text": "object-5 create" } }), |a| {
            a.admin && a.facts.objects[0].id == "object-5"
        }),
        (json!({ "date": { "gte": NOW.0 - 5000, "lte": NOW.0 - 2000 } }), |a| {
            (NOW.0 - 5000..=NOW.0 - 2000).contains(&a.at().0)
        }),
        (json!({ "date": { "range": [{ "start": NOW.0 - 3000 }] } }), |a| a.at().0 >= NOW.0 - 3000),
        (json!({ "created": { "lt": NOW.0 - 20_000 } }), |a| a.created.0 < NOW.0 - 20_000),
        (json!({ "policy": { "isset": true } }), |_| false),
        (json!({ "source": { "eq": 2 } }), |_| true),
        (json!({ "activity.errorCode": { "eq": 50126 } }), |a| a.failure.is_some()),
        (json!({ "activity.errorCode": { "isset": true } }), |a| a.failure.is_some()),
        (json!({ "service": { "eq": [] }, "user.tags": {} }), |_| true),
        (json!({ "service": { "eq": 20595 }, "device.type": { "eq": "DESKTOP" } }), |a| {
            a.service == 20595 && a.device_type.as_deref() == Some("DESKTOP")
        }),
    ];
    for (filters, naive) in cases {
        let answer = world.post("/api/v1/activities/", json!({ "filters": filters })).await.ok();
        let expected: Vec<String> = (0..60)
            .map(|number| activity(number, Timestamp(NOW.0 - 1000 * number as i64)))
            .filter(naive)
            .map(|a| a.id)
            .collect();
        assert_eq!(ids(&answer), expected, "{filters}");
        assert_eq!(answer["total"], expected.len(), "{filters}");
    }
    let one = json!({ "filters": { "activity.id": { "eq": [activity(7, Timestamp(NOW.0 - 7000)).id] } } });
    assert_eq!(world.post("/cas/api/v1/activities", one).await.ok()["total"], 1);
}

#[tokio::test]
async fn what_is_not_a_filter_is_refused() {
    let world = world(1, 1).await;
    for filters in [
        json!({ "user.name": { "eq": "x" } }),
        json!({ "service": { "contains": "x" } }),
        json!({ "service": { "eq": "x" } }),
        json!({ "location.country": { "isset": "maybe" } }),
    ] {
        world.post("/api/v1/activities/", json!({ "filters": filters })).await.refused(400, "filters");
    }
    world.get("/api/v1/activities/?sortField=severity").await.refused(400, "sortField");
}

/// Both directions, pages that end inside a millisecond, and one millisecond that overfills a page.
#[tokio::test]
async fn scans_and_pages_give_every_record_once() {
    for (count, together, limit) in [(50, 1, 7), (50, 4, 7), (50, 20, 7)] {
        let world = world(count, together).await;
        for direction in ["asc", "desc"] {
            let mut filters = json!({ "service": { "neq": 1 } });
            let mut seen = Vec::new();
            loop {
                let body = json!({
                    "isScan": true, "limit": limit, "sortDirection": direction, "filters": filters,
                });
                let answer = world.post("/api/v1/activities/", body).await.ok();
                seen.extend(ids(&answer));
                if answer["hasNext"] == false {
                    assert!(answer.get("nextQueryFilters").is_none());
                    break;
                }
                filters = answer["nextQueryFilters"].clone();
                assert_eq!(filters["service"], json!({ "neq": 1 }));
            }
            let mut distinct = seen.clone();
            distinct.sort_unstable();
            distinct.dedup();
            assert_eq!((seen.len(), distinct.len()), (count, count), "{together} {direction}");
        }
        let mut seen = Vec::new();
        for skip in (0..count).step_by(limit) {
            let path = format!("/api/v1/activities?skip={skip}&limit={limit}&sortField=created");
            let answer = world.get(&path).await.ok();
            assert_eq!(answer["hasNext"], skip + limit < count);
            seen.extend(ids(&answer));
        }
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), count);
    }
}

#[tokio::test]
async fn a_record_has_its_full_shape_and_its_tenant() {
    let world = world(4, 1).await;
    let id = activity(3, Timestamp(NOW.0 - 3000)).id;
    let record = world.get(&format!("/api/v1/activities/{id}/")).await.ok();
    for key in [
        "_id",
        "uid",
        "tenantId",
        "aadTenantId",
        "appId",
        "saasId",
        "appName",
        "srcAppId",
        "timestamp",
        "timestampRaw",
        "instantiation",
        "created",
        "eventType",
        "eventTypeValue",
        "eventTypeName",
        "genericEventType",
        "description",
        "description_id",
        "description_metadata",
        "severity",
        "source",
        "rawDataJson",
        "confidenceLevel",
        "classifications",
        "tags",
        "eventRouting",
        "device",
        "location",
        "user",
        "failedUserData",
        "userAgent",
        "internals",
        "mainInfo",
        "resolvedActor",
        "entityData",
    ] {
        assert!(record.get(key).is_some(), "{key} is missing");
    }
    assert_eq!(record["timestamp"], NOW.0 - 3000);
    assert_eq!(record["userAgent"]["browser"], "CHROME");
    assert_eq!(record["mainInfo"]["activityResult"], json!({ "isSuccess": false, "message": "AADSTS50126" }));
    assert!(record["entityData"]["1"].is_null());
    let foreign = request("GET", &format!("/api/v1/activities/{id}"), Body::empty());
    world.send(Some(&world.abroad), foreign).await.refused(404, "");
    let list = request("GET", "/api/v1/activities", Body::empty());
    assert_eq!(world.send(Some(&world.abroad), list).await.ok()["total"], 0);
}

#[tokio::test]
async fn feedback_is_kept_in_all_its_spellings() {
    let world = world(2, 1).await;
    let id = activity(1, Timestamp(NOW.0 - 1000)).id;
    let path = format!("/api/v1/activities/{id}/feedback/");
    for body in [
        json!({ "feedback": "1", "feedbackText": "was me" }),
        json!({ "feedbackValue": "0", "feedbackText": "was not me", "allowContact": "true", "contactEmail": "a@b.example" }),
    ] {
        let answer = world.post(&path, body).await.ok();
        assert_eq!(ids(&answer), [id.as_str()]);
    }
    let tenant = world.home.tenant;
    let trail = world.service.store().read(move |tx| casbah_store::audit::newest(tx, tenant, 10)).await;
    let said: Vec<Value> = trail
        .expect("read")
        .into_iter()
        .filter(|r| r.action == "give feedback")
        .map(|r| r.details["after"]["feedback"]["value"].clone())
        .collect();
    assert_eq!(said.len(), 2);
    assert!(said.contains(&json!("0")) && said.contains(&json!("1")));
    world.post("/api/v1/activities/unknown/feedback", json!({})).await.refused(404, "");
}

fn sent(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

async fn ingest(world: &World, lines: String) -> Value {
    let request = request("POST", "/api/v1/activities/ingest/", Body::from(lines));
    world.send(Some(&world.home), request).await.ok()
}

#[tokio::test]
async fn records_of_other_apps_are_taken_in_once_and_completed() {
    let world = world(0, 1).await;
    world
        .post(
            "/api/v1/subnet/create_rule/",
            json!({ "name": "Oslo", "category": 1, "subnets": ["198.51.100.0/24"], "organization": "Fjord Net",
                    "tags": ["office"], "location": { "countryCode": "NO" } }),
        )
        .await
        .ok();
    let login = json!({
        "_id": "event-1", "timestamp": NOW.0 - 5000, "appId": "20893", "eventTypeName": "event_category_failed_login",
        "device": { "clientIP": "198.51.100.7", "countryCode": "se",
                    "userAgent": "Mozilla/5.0 (Windows NT 10.0) Chrome/130.0.1 Safari/537" },
        "location": { "category": 3 }, "user": { "userName": "Mira@lagoon.example" },
        "mainInfo": { "activityResult": { "isSuccess": false, "message": "Wrong password" } },
        "rawDataJson": { "Operation": "UserLoginFailed", "ErrorNumber": "50126" },
    });
    let download = json!({
        "timestamp": "2026-11-23T11:59:00Z", "saasId": 10489, "appName": "Box (Europe)",
        "mainInfo": { "rawOperationName": "DOWNLOAD", "eventObjects": [
            { "objType": 23, "role": 4, "name": "mira@lagoon.example", "id": "m-1" },
            { "objType": 2, "role": 1, "name": "plan.xlsx", "id": 4711 },
        ] },
        "resolvedActor": { "id": "m-1", "name": "mira@lagoon.example" }, "description": "Downloaded plan.xlsx",
        "device": { "clientIP": "2001:db8::9", "countryCode": "FI" },
    });
    let lines = sent(&[login, download]);
    let answer = ingest(&world, lines.clone()).await;
    assert_eq!(answer, json!({ "received": 2, "stored": 2, "unchanged": 0, "rejected": 0, "errors": [] }));
    let again = ingest(&world, lines).await;
    assert_eq!((&again["stored"], &again["unchanged"]), (&json!(0), &json!(2)));

    let login = world.get("/api/v1/activities/event-1/").await.ok();
    assert_eq!(login["appName"], "Microsoft Exchange Online");
    assert_eq!(login["eventTypeName"], "EVENT_CATEGORY_FAILED_LOGIN");
    // What the tenant says of its own addresses goes before what the sender says.
    assert_eq!(login["location"]["categoryValue"], "CORPORATE");
    assert_eq!(login["location"]["countryCode"], "NO");
    assert_eq!(login["location"]["organizationSearchable"], "Fjord Net");
    let tags = login["tags"].as_array().expect("a list");
    assert!(
        tags.len() == 2 && tags[1] == OUTDATED_BROWSER,
        "one of the address, one of the browser: {tags:?}"
    );
    assert_eq!(login["userAgent"]["browser"], "CHROME");
    assert_eq!(
        login["mainInfo"]["activityResult"],
        json!({ "isSuccess": false, "message": "Wrong password" })
    );
    assert_eq!(login["rawDataJson"]["Operation"], "UserLoginFailed");
    assert_eq!(login["created"], NOW.0);
    let found = |filters: Value| {
        let world = &world;
        async move { world.post("/api/v1/activities/", json!({ "filters": filters })).await.ok() }
    };
    for filters in [
        json!({ "activityObject": { "eq": "4711" } }),
        json!({ "entity": { "eq": { "id": "m-1" } }, "service": { "eq": 10489 } }),
        json!({ "location.country": { "eq": "FI" }, "text": { "text": "plan.xlsx" } }),
        json!({ "actionType": { "eq": "EVENT_DOWNLOAD" } }),
        json!({ "userAgent.tags": { "neq": OUTDATED_BROWSER }, "text": { "text": "plan" } }),
    ] {
        let answer = found(filters.clone()).await;
        assert_eq!(answer["total"], 1, "{filters}");
        let record = &answer["data"][0];
        assert_eq!(
            (&record["appName"], &record["description"]),
            (&json!("Box (Europe)"), &json!("Downloaded plan.xlsx"))
        );
        assert_eq!(record["timestamp"], NOW.0 - 60_000);
    }
    assert_eq!(found(json!({ "activity.errorCode": { "eq": 50126 } })).await["total"], 1);
    let outdated = found(json!({ "userAgent.tags": { "eq": OUTDATED_BROWSER } })).await;
    assert_eq!((&outdated["total"], &outdated["data"][0]["_id"]), (&json!(1), &json!("event-1")));
}

#[tokio::test]
async fn what_is_wrong_with_a_line_is_said_and_nothing_of_it_is_kept() {
    let world = world(0, 1).await;
    let good =
        json!({ "_id": "good", "timestamp": NOW.0, "appId": 1, "eventTypeName": "EVENT_CATEGORY_LOGIN" });
    let with = |path: &str, value: Value| {
        let mut record = good.clone();
        record["_id"] = "bad".into();
        *record.pointer_mut(path).unwrap_or_else(|| panic!("{path}")) = value;
        record
    };
    let mut other = good.clone();
    other["_id"] = "bad".into();
    let also = |name: &str, value: Value| {
        let mut record = other.clone();
        record[name] = value;
        record
    };
    let bad = [
        (with("/timestamp", Value::Null), "timestamp"),
        (with("/timestamp", json!("yesterday")), "timestamp"),
        (with("/timestamp", json!(NOW.0 + 49 * 3_600_000)), "timestamp"),
        (with("/timestamp", json!(-1)), "timestamp"),
        (with("/appId", Value::Null), "appId"),
        (with("/appId", json!("box")), "appId"),
        // The audit trail is not for others to write.
        (with("/appId", json!(20595)), "appId"),
        (with("/eventTypeName", json!("")), "eventTypeName"),
        (also("_id", json!(["x"])), "_id"),
        (also("_id", json!("line\nbreak")), "_id"),
        (also("_id", json!("x".repeat(513))), "_id"),
        (also("device", json!({ "clientIP": "300.1.2.3" })), "device.clientIP"),
        (also("device", json!({ "countryCode": "NOR" })), "device.countryCode"),
        (also("location", json!({ "latitude": 91 })), "location.latitude"),
        (also("location", json!({ "category": 7 })), "location.category"),
        (also("mainInfo", json!({ "eventObjects": {} })), "mainInfo.eventObjects"),
        (also("eventRouting", json!({ "adminEvent": "yes" })), "eventRouting.adminEvent"),
        (also("rawDataJson", json!("text")), "rawDataJson"),
    ];
    let mut lines = sent(&bad.iter().map(|(record, _)| record.clone()).collect::<Vec<_>>());
    lines.push_str("[1]\n{\"half\": \n");
    lines.push_str(&good.to_string());
    let answer = ingest(&world, lines).await;
    assert_eq!(
        (&answer["received"], &answer["stored"], &answer["rejected"]),
        (&json!(21), &json!(1), &json!(20))
    );
    let errors = answer["errors"].as_array().expect("errors");
    for (number, (record, field)) in bad.iter().enumerate() {
        assert_eq!(errors[number]["line"], number + 1, "{record}");
        assert_eq!(errors[number]["field"], *field, "{record} {}", errors[number]);
    }
    assert!(errors[18]["field"].is_null() && errors[19]["field"].is_null(), "{answer}");
    let kept = world.post("/api/v1/activities/", json!({ "filters": { "service": { "eq": 1 } } })).await.ok();
    assert_eq!(ids(&kept), ["good"]);
    // Reading is not enough, and another tenant has nothing of it.
    let reader = Caller {
        permissions: casbah_model::PermissionSet::from_iter([casbah_model::Permission::InvestigationRead]),
        ..world.home.clone()
    };
    let again = || request("POST", "/api/v1/activities/ingest", Body::from(good.to_string()));
    world.send(Some(&reader), again()).await.refused(403, "");
    // Nor is managing what is about one app, even of that app: whoever looks after some cannot write history.
    let of_one_app = Reach::Within(vec![Bound::App { app: 1, instance: None }]);
    let chosen =
        Caller { entitlements: Entitlements::from_iter([(Rights::APP, of_one_app)]), ..world.home.clone() };
    world.send(Some(&chosen), again()).await.refused(403, "");
    let list = request("GET", "/api/v1/activities", Body::empty());
    assert_eq!(world.send(Some(&world.abroad), list).await.ok()["total"], 0);
}

/// What a list returns can be sent as it is, to another Casbah say, and is the same there.
#[tokio::test]
async fn a_record_that_was_listed_can_be_taken_in_elsewhere() {
    let world = world(12, 1).await;
    let listed =
        world.post("/api/v1/activities/", json!({ "filters": { "service": { "eq": 11161 } } })).await.ok();
    let records = listed["data"].as_array().expect("a list").clone();
    assert!(records.len() > 1);
    let request_to = |path: &str, body: String| request("POST", path, Body::from(body));
    let abroad = Some(&world.abroad);
    let taken = world.send(abroad, request_to("/api/v1/activities/ingest", sent(&records))).await.ok();
    assert_eq!(taken["stored"], records.len());
    for mut record in records {
        let id = record["_id"].as_str().expect("an id");
        let path = format!("/api/v1/activities/{id}");
        let mut copy = world.send(abroad, request("GET", &path, Body::empty())).await.ok();
        for own in
            ["tenantId", "_tid", "aadTenantId", "instantiation", "instantiationRaw", "created", "createdRaw"]
        {
            record[own].take();
            copy[own].take();
        }
        // What each knows of whoever did it is its own.
        for side in [&mut record, &mut copy] {
            side["user"]["userTags"].take();
            for (place, key) in [
                ("/resolvedActor", "resolved"),
                ("/resolvedActor", "tags"),
                ("/entityData/0", "resolved"),
                ("/mainInfo/eventObjects/0", "resolved"),
                ("/mainInfo/eventObjects/0", "tags"),
            ] {
                if let Some(Value::Object(part)) = side.pointer_mut(place) {
                    part.remove(key);
                }
            }
        }
        assert_eq!(copy, record);
    }
}
