//! An alert as Power Automate's connector hands it to a flow.

use casbah_model::Timestamp;
use serde_json::{Map, Value, json};

use super::{ADDRESSES, APPS, PEOPLE, entities, kind_of_alert, labels};

/// The message about an alert, from its record.
pub fn alert(record: &Value) -> Value {
    let at = Timestamp(record["timestamp"].as_i64().unwrap_or_default()).iso();
    let severity = match record["severityValue"].as_i64() {
        Some(0) => "Low",
        Some(1) => "Medium",
        Some(2) => "High",
        _ => "Informational",
    };
    let list = |kinds: &[&str]| labels(record, kinds).join(", ");
    json!({
        "Version": "3.0",
        "VendorName": "Microsoft",
        "ProviderName": "MCAS",
        "AlertType": format!("MCAS_{}", kind_of_alert(record)),
        "StartTimeUtc": at,
        "EndTimeUtc": at,
        "TimeGenerated": at,
        "Severity": severity,
        "ProviderAlertId": record["_id"],
        "ProviderPolicyId": record["policy"]["id"],
        "CorrelationKey": record["contextId"],
        "AzureResourceId": null,
        "CompromisedEntity": labels(record, PEOPLE).first(),
        "AlertDisplayName": record["title"],
        "Description": record["description"],
        "RemediationSteps": [],
        "Metadata": {},
        "ExtendedProperties": {
            "IP Addresses": list(ADDRESSES),
            "Cloud Applications": list(APPS),
            "Countries": list(&["country"]),
        },
        "Entities": told(record),
        "ExtendedLinks": [{ "Href": record["URL"], "Category": null, "Label": "Alert", "Type": "webLink" }],
    })
}

/// Who and what it is about, each with a number.
fn told(record: &Value) -> Vec<Value> {
    let mut all: Vec<Map<String, Value>> = Vec::new();
    let mut add = |kind: &str, facts: Value| {
        let mut entity = Map::new();
        entity.insert("$id".into(), json!((all.len() + 1).to_string()));
        entity.insert("Type".into(), json!(kind));
        if let Value::Object(facts) = facts {
            entity.extend(facts);
        }
        all.push(entity);
    };
    for one in entities(record, PEOPLE) {
        let label = one["label"].as_str().unwrap_or_default();
        let (name, suffix) =
            label.split_once('@').map_or((label, None), |(name, suffix)| (name, Some(suffix)));
        add("account", json!({ "Name": name, "UPNSuffix": suffix, "DisplayName": label }));
    }
    for one in entities(record, ADDRESSES) {
        add("ip", json!({ "Address": one["label"] }));
    }
    for one in entities(record, APPS) {
        let instance = one.get("inst").cloned().unwrap_or(Value::Null);
        add("cloud-application", json!({ "AppId": one["id"], "Name": one["label"], "InstanceId": instance }));
    }
    for one in entities(record, &["file"]) {
        add("file", json!({ "Name": one["label"] }));
    }
    all.into_iter().map(Value::Object).collect()
}
