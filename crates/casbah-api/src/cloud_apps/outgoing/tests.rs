use proptest::prelude::*;
use serde_json::json;

use super::syslog::Subject;
use super::{cef, flow, syslog};

/// Reads CEF as its specification says it is to be read, without knowing how it was written.
fn read(event: &str) -> (Vec<String>, Vec<(String, String)>) {
    let (mut header, mut field, mut rest) = (Vec::new(), String::new(), event.chars());
    while header.len() < 7 {
        match rest.next().expect("seven fields") {
            '\\' => field.push(rest.next().expect("something escaped")),
            '|' => header.push(std::mem::take(&mut field)),
            c => field.push(c),
        }
    }
    let rest: Vec<char> = rest.collect();
    // A key is the word before an `=` that is not escaped.
    let mut equals = Vec::new();
    let mut at = 0;
    while at < rest.len() {
        match rest[at] {
            '\\' => at += 1,
            '=' => equals.push(at),
            _ => {}
        }
        at += 1;
    }
    let start_of_key =
        |equal: usize| rest[..equal].iter().rposition(|c| *c == ' ').map_or(0, |blank| blank + 1);
    let mut fields = Vec::new();
    for (place, equal) in equals.iter().enumerate() {
        let key: String = rest[start_of_key(*equal)..*equal].iter().collect();
        let end = equals.get(place + 1).map_or(rest.len(), |next| start_of_key(*next).saturating_sub(1));
        let (mut value, mut raw) = (String::new(), rest[equal + 1..end].iter());
        while let Some(c) = raw.next() {
            match c {
                '\\' => value.push(match raw.next().expect("something escaped") {
                    'n' => '\n',
                    'r' => '\r',
                    other => *other,
                }),
                c => value.push(*c),
            }
        }
        fields.push((key, value));
    }
    (header, fields)
}

fn field<'a>(fields: &'a [(String, String)], key: &str) -> &'a str {
    &fields.iter().find(|(known, _)| known == key).unwrap_or_else(|| panic!("no {key}")).1
}

fn without_control(text: &str, breaks: bool) -> String {
    let kept = |c: char| if c.is_control() && !(breaks && matches!(c, '\n' | '\r')) { ' ' } else { c };
    text.chars().map(kept).collect()
}

proptest! {
    /// Whatever strangers write into a record, a reader of CEF finds each field whole and no field more.
    #[test]
    fn an_event_is_read_as_it_was_meant(title in ".*", message in "(.|\n|\r)*", user in ".*", file in "[ a-z=|\\\\\n]*") {
        let record = json!({
            "_id": "6a1f0c2b9d3e4f5a6b7c8d90", "timestamp": 1_778_400_000_123_i64, "title": title, "description": message,
            "severityValue": 2, "policy": { "id": "6a1f0c2b9d3e4f5a6b7c8d91", "policyType": "AUDIT" }, "audits": [file],
            "entities": [{ "type": "account", "id": "x", "label": user }, { "type": "service", "id": 10489, "label": file }],
            "URL": "https://casbah.example/portal/alerts/6a1f?a=b|c",
        });
        let event = cef::alert(&record);
        prop_assert!(!event.contains(['\n', '\r']));
        let (header, fields) = read(&event);
        prop_assert_eq!(&header[4], "ALERT_CABINET_EVENT_MATCH_AUDIT");
        prop_assert_eq!(&header[5], &without_control(&title, false));
        prop_assert_eq!(&header[6], "9");
        prop_assert_eq!(fields.len(), 17);
        prop_assert_eq!(field(&fields, "msg"), without_control(&message, true));
        prop_assert_eq!(field(&fields, "suser"), without_control(&user, true));
        prop_assert_eq!(field(&fields, "destinationServiceName"), &file);
        prop_assert_eq!(field(&fields, "cs3"), &file);
        prop_assert_eq!(field(&fields, "cs1"), "https://casbah.example/portal/alerts/6a1f?a=b|c");
    }
}

/// The fields of an activity, in the order in which Microsoft's agent has them.
#[test]
fn an_activity_is_written_as_the_siem_agent_writes_it() {
    let record = json!({
        "_id": "90210417_1_x", "timestamp": 1_778_400_000_000_i64, "eventTypeName": "EVENT_CATEGORY_LOGOUT",
        "description": "Log out", "description_metadata": { "event_category": "Log out", "target_object": "plan=b.txt" },
        "user": { "userName": "mira@contoso.example" }, "appName": "ServiceNow", "appId": 14_509,
        "device": { "clientIP": "2001:db8::7", "userAgent": "Agent|1" }, "policies": ["6a1f0c2b9d3e4f5a6b7c8d91"],
    });
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        cef::activity(&record, "https://casbah.example"),
        format!(
            "CEF:0|MCAS|SIEM_Agent|{version}|EVENT_CATEGORY_LOGOUT|Log out|0|externalId=90210417_1_x rt=1778400000000 \
             start=1778400000000 end=1778400000000 msg=Log out suser=mira@contoso.example \
             destinationServiceName=ServiceNow dvc= requestClientApplication=Agent|1 cs1Label=portalURL \
             cs1=https://casbah.example/portal/activities/one?id\\=90210417%5F1%5Fx cs2Label=uniqueServiceAppIds \
             cs2=APPID_SERVICENOW cs3Label=targetObjects cs3=plan\\=b.txt cs4Label=policyIDs \
             cs4=6a1f0c2b9d3e4f5a6b7c8d91 c6a1Label=\"Device IPv6 Address\" c6a1=2001:db8::7"
        )
    );
    let framed = syslog::message(Subject::Activity, &record, "casbah.example", "CEF:0|");
    assert_eq!(framed, "<110>1 2026-05-10T08:00:00.000Z casbah.example casbah - activity - CEF:0|");
}

#[test]
fn a_flow_gets_an_alert_in_the_form_of_the_connector() {
    let record = json!({
        "_id": "6a1f0c2b9d3e4f5a6b7c8d90", "timestamp": 1_778_400_000_123_i64, "title": "Impossible travel activity",
        "description": "Mira", "severityValue": 1, "idValue": 15_859_716, "contextId": "2b1d7b5e-0a0c-4c53-9a4e-4d3f1f1a9b77",
        "policy": { "id": "6a1f0c2b9d3e4f5a6b7c8d91", "policyType": "ANOMALY_DETECTION" }, "URL": "https://casbah.example/a",
        "entities": [
            { "type": "policyRule", "id": "6a1f0c2b9d3e4f5a6b7c8d91", "label": "Travel" },
            { "type": "account", "id": "x", "label": "mira@contoso.example" },
            { "type": "ip", "id": "198.51.100.7", "label": "198.51.100.7" },
            { "type": "country", "id": "NO", "label": "NO" },
            { "type": "country", "id": "SE", "label": "SE" },
            { "type": "service", "id": 10_489, "label": "Box", "inst": 0 },
        ],
    });
    let told = flow::alert(&record);
    assert_eq!(told["AlertType"], "MCAS_ALERT_ANUBIS_DETECTION_VELOCITY");
    assert_eq!(
        (&told["Severity"], &told["TimeGenerated"]),
        (&json!("Medium"), &json!("2026-05-10T08:00:00.123Z"))
    );
    assert_eq!(told["CompromisedEntity"], "mira@contoso.example");
    let named = json!({ "IP Addresses": "198.51.100.7", "Cloud Applications": "Box", "Countries": "NO, SE" });
    assert_eq!(told["ExtendedProperties"], named);
    assert_eq!(told["Entities"].as_array().map(Vec::len), Some(3));
    assert_eq!(told["Entities"][0]["UPNSuffix"], "contoso.example");
}
