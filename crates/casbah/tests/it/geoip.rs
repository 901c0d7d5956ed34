//! `--geoip`: where activities came from, as databases of addresses say.

use serde_json::{Value, json};

use crate::harness::{Casbah, Database, Options};

#[path = "../../../casbah-service/src/geoip/mmdb.rs"]
mod mmdb;

/// The database of cities says where, that of networks whose address it is; the tenant's own ranges go before both.
fn places_are_told(database: Database) {
    let folder = tempfile::tempdir().unwrap();
    let (cities, networks) = (folder.path().join("city.mmdb"), folder.path().join("asn.mmdb"));
    let net = [198, 51, 100, 0];
    let oslo = json!({
        "city": { "names": { "en": "Oslo" } },
        "country": { "iso_code": "NO", "names": { "en": "Norway" } },
        "location": { "latitude": 59.91, "longitude": 10.75 },
    });
    let asn = json!({ "autonomous_system_number": 64_500, "autonomous_system_organization": "Fjord Net" });
    std::fs::write(&cities, mmdb::database("GeoLite2-City", &[(net, 24, oslo)])).unwrap();
    std::fs::write(&networks, mmdb::database("GeoLite2-ASN", &[(net, 24, asn)])).unwrap();
    let named = format!("{},{}", cities.display(), networks.display());
    let options = Options { arguments: vec!["--geoip".into(), named], ..Options::default() };
    let casbah = Casbah::start_with(database, &options);
    let caller = casbah.application();
    let range = json!({ "name": "Office", "category": 1, "subnets": ["198.51.100.128/25"], "organization": "Contoso",
        "location": { "name": "Bergen", "countryCode": "NO" } });
    caller.post("/api/v1/subnet/create_rule/", &range).ok();
    let line = |id: &str, address: &str| {
        json!({ "_id": id, "timestamp": 1_795_435_000_000_i64, "appId": 10489, "eventTypeName": "EVENT_CATEGORY_LOGIN",
            "device": { "clientIP": address } }).to_string()
    };
    let lines = [line("told", "198.51.100.7"), line("own", "198.51.100.200"), line("nowhere", "203.0.113.1")]
        .join("\n");
    let kind = [("content-type", "application/x-ndjson")];
    caller.send("POST", "/api/v1/activities/ingest/", &kind, lines.as_bytes()).ok();
    let activity = |id: &str| caller.get(&format!("/api/v1/activities/{id}/")).ok();

    let told = activity("told");
    assert_eq!(
        (&told["device"]["countryCode"], &told["location"]["countryCode"]),
        (&json!("NO"), &json!("NO"))
    );
    assert_eq!(
        (&told["location"]["city"], &told["location"]["organizationSearchable"]),
        (&json!("Oslo"), &json!("Fjord Net"))
    );
    assert_eq!(
        (&told["location"]["latitude"], &told["location"]["longitude"]),
        (&json!(59.91), &json!(10.75))
    );
    let own = activity("own");
    assert_eq!(
        (&own["location"]["city"], &own["location"]["organizationSearchable"]),
        (&json!("Bergen"), &json!("Contoso"))
    );
    let nowhere = activity("nowhere");
    assert!(nowhere["location"]["countryCode"].as_str().unwrap_or_default().is_empty(), "{nowhere}");

    let found = |filters: Value| -> Vec<String> {
        let answer = caller.post("/api/v1/activities/", &json!({ "filters": filters })).ok();
        let ids =
            answer["data"].as_array().unwrap().iter().map(|one| one["_id"].as_str().unwrap().to_string());
        let mut ids: Vec<String> = ids.collect();
        ids.sort();
        ids
    };
    assert_eq!(found(json!({ "location.country": { "eq": ["no"] } })), ["own", "told"]);
    assert_eq!(found(json!({ "location.organizations": { "contains": ["fjord"] } })), ["told"]);
    assert_eq!(
        found(json!({ "location.country": { "isnotset": true }, "service": { "eq": 10489 } })),
        ["nowhere"]
    );
}

#[test]
fn sqlite() {
    places_are_told(Database::sqlite());
}

#[test]
fn postgres() {
    places_are_told(Database::postgres());
}

#[test]
fn a_file_that_is_no_database_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("city.mmdb");
    std::fs::write(&file, "no database").unwrap();
    let output =
        crate::harness::serve(folder.path(), &Database::sqlite()).arg("--geoip").arg(&file).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && errors.contains("city.mmdb"), "{errors}");
}
