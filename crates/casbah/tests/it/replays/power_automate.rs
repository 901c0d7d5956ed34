//! Power Automate's connector: it registers the address of a flow, hands each alert that comes to the flow, and takes
//! the registration back by the address that the answer named (sheet: 17; 2.1, its key is a legacy token; 1, the prefix
//! `/cas` and the slash at the end).

use casbah_model::Secret;
use serde_json::{Value, json};

use crate::alerts::raise;
use crate::forwarders::receiver::Hook;
use crate::forwarders::{calling_home, each, until};
use crate::harness::API_TOKEN;

const REGISTRATIONS: &str = "/cas/api/v1/ms_flow/";

#[test]
fn it_registers_a_flow_which_gets_each_alert_and_takes_it_back() {
    each(|casbah| {
        let hook = Hook::start();
        let caller = casbah.with_header(&format!("Token {API_TOKEN}"));
        let callback =
            hook.url("/workflows/1f2e/triggers/alert/run?api-version=2016-06-01&sp=run&sig=Zm9v_s3cr3t");
        for wrong in ["http://localhost/", "https://127.0.0.1/", "https://u@flow.example/", "flow"] {
            caller.post(REGISTRATIONS, &json!({ "callback_url": wrong })).refused(400);
        }
        let answer = caller.post(REGISTRATIONS, &json!({ "callback_url": callback }));
        let made = answer.ok();
        let place = answer.header("location").to_string();
        assert!(place.ends_with(&format!("{REGISTRATIONS}{}/", made["id"].as_str().unwrap())), "{place}");
        let secret = made["secret"].as_str().unwrap().to_string();

        // The flow is busy at first; what it did not take comes again, and is known by its id.
        hook.answers(503);
        let raised = raise(&casbah.application());
        let failing = until(&caller, REGISTRATIONS, |webhook| webhook["lastError"].is_string());
        assert_eq!((&failing["sent"], &failing["waiting"]), (&json!(0), &json!(raised.len())), "{failing}");
        assert!(failing["lastError"].as_str().unwrap().contains("503"), "{failing}");
        hook.answers(202);
        let casbah = casbah.kill_and_restart_with(&calling_home("2026-11-23T12:30:00Z"));
        let caller = casbah.with_header(&format!("Token {API_TOKEN}"));
        let done = until(&caller, REGISTRATIONS, |webhook| webhook["waiting"] == 0);
        assert_eq!((&done["sent"], &done["lastError"]), (&json!(raised.len()), &Value::Null), "{done}");

        let requests = hook.requests();
        assert_eq!(requests.len(), raised.len() + 1);
        assert_eq!(requests[0].header("webhook-id"), requests[1].header("webhook-id"));
        for request in &requests {
            assert_eq!(
                request.line,
                "POST /workflows/1f2e/triggers/alert/run?api-version=2016-06-01&sp=run&sig=Zm9v_s3cr3t HTTP/1.1"
            );
            let message: Value = serde_json::from_slice(&request.body).unwrap();
            let alert = raised.iter().find(|alert| alert["_id"] == message["ProviderAlertId"]).unwrap();
            assert_eq!(message["AlertDisplayName"], alert["title"]);
            assert_eq!(message["ProviderPolicyId"], alert["policy"]["id"]);
            assert_eq!(message["AlertType"], "MCAS_ALERT_CABINET_DISCOVERY_NEW_SERVICE");
            assert_eq!(
                (&message["VendorName"], &message["ProviderName"]),
                (&json!("Microsoft"), &json!("MCAS"))
            );
            assert!(["Low", "Medium", "High"].contains(&message["Severity"].as_str().unwrap()));
            for key in ["IP Addresses", "Cloud Applications", "Countries"] {
                assert!(message["ExtendedProperties"][key].is_string(), "{message}");
            }
            // Signed so that the receiver can tell that Casbah sent it, and when.
            let (id, at) = (request.header("webhook-id"), request.header("webhook-timestamp"));
            let wanted = signature(&secret, format!("{id}.{at}.").as_bytes(), &request.body);
            assert!(Secret::same_bytes(request.header("webhook-signature").as_bytes(), wanted.as_bytes()));
        }
        assert!(!casbah.log().contains("s3cr3t") && !casbah.log().contains(&secret));
        for shown in [caller.get(REGISTRATIONS).text(), caller.get("/api/v1/activities/?limit=100").text()] {
            assert!(!shown.contains("s3cr3t") && !shown.contains(&secret), "{shown}");
        }

        let path = &place[place.find("/cas/").unwrap()..];
        caller.delete(path).ok();
        caller.delete(path).refused(404);
        assert_eq!(caller.get(REGISTRATIONS).ok()["data"], json!([]));
    });
}

/// The signature as its specification says.
fn signature(secret: &str, prefix: &[u8], body: &[u8]) -> String {
    use base64::Engine as _;
    let standard = base64::engine::general_purpose::STANDARD;
    let key = standard.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let mut message = prefix.to_vec();
    message.extend_from_slice(body);
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &key);
    format!("v1,{}", standard.encode(aws_lc_rs::hmac::sign(&key, &message)))
}

/// An address that leads elsewhere is not followed, and a receiver that refuses an alert is not asked for ever.
#[test]
fn it_is_not_led_elsewhere() {
    each(|casbah| {
        let hook = Hook::start();
        hook.answers(302);
        let caller = casbah.application();
        caller
            .post(
                REGISTRATIONS,
                &json!({ "callback_url": hook.url("/"), "filters": { "severity": { "eq": [0, 1, 2, 3] } } }),
            )
            .ok();
        let raised = raise(&caller);
        let failing = until(&caller, REGISTRATIONS, |webhook| webhook["lastError"].is_string());
        assert!(failing["lastError"].as_str().unwrap().contains("302"), "{failing}");
        assert_eq!((&failing["sent"], &failing["waiting"]), (&json!(0), &json!(raised.len())), "{failing}");
        assert!(hook.requests().iter().all(|request| request.line.starts_with("POST / ")));
    });
}
