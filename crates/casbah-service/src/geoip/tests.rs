use casbah_store::Places;
use serde_json::{Value, json};

use super::Geoip;
use super::mmdb::database;

fn oslo(city: &str) -> Value {
    json!({
        "city": { "names": { "en": city } },
        "country": { "iso_code": "NO", "names": { "en": "Norway" } },
        "location": { "latitude": 59.91, "longitude": 10.75 },
    })
}

#[test]
fn files_complete_each_other_and_are_read_again_when_they_change() {
    let folder = tempfile::tempdir().expect("a folder");
    let (cities, systems) = (folder.path().join("city.mmdb"), folder.path().join("asn.mmdb"));
    let net = [198, 51, 100, 0];
    std::fs::write(&cities, database("GeoLite2-City", &[(net, 24, oslo("Oslo"))])).expect("written");
    let asn = json!({ "autonomous_system_number": 64_500, "autonomous_system_organization": "Fjord Net" });
    std::fs::write(&systems, database("GeoLite2-ASN", &[(net, 25, asn)])).expect("written");
    let geoip = Geoip::open(vec![cities.clone(), systems]).expect("both are read");

    let place = geoip.place("198.51.100.7".parse().expect("an address"));
    let location = place.location.expect("a place");
    assert_eq!((location.name.as_deref(), location.country_code.as_deref()), (Some("Oslo"), Some("NO")));
    assert_eq!((location.latitude, location.country_name.as_deref()), (Some(59.91), Some("Norway")));
    assert_eq!(place.organization.as_deref(), Some("Fjord Net"));
    let place = geoip.place("198.51.100.200".parse().expect("an address"));
    assert!(place.location.is_some() && place.organization.is_none(), "outside the second network");
    for nowhere in ["203.0.113.1", "2001:db8::1"] {
        let place = geoip.place(nowhere.parse().expect("an address"));
        assert!(place.location.is_none() && place.organization.is_none(), "{nowhere}");
    }

    let new = database("GeoLite2-City", &[(net, 24, oslo("Drammen by the fjord"))]);
    std::fs::write(&cities, new).expect("written");
    assert_eq!(geoip.files[0].refresh(), Ok(true));
    let place = geoip.place("198.51.100.7".parse().expect("an address"));
    assert_eq!(place.location.and_then(|l| l.name).as_deref(), Some("Drammen by the fjord"));
    std::fs::write(&cities, "no database").expect("written");
    let why = geoip.files[0].refresh().expect_err("damaged");
    assert!(why.contains("city.mmdb"), "{why}");
    let place = geoip.place("198.51.100.7".parse().expect("an address"));
    assert!(place.location.is_some(), "what cannot be read changes nothing");
    assert!(Geoip::open(vec![folder.path().join("none")]).is_err());
}
