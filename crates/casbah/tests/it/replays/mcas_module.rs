//! The PowerShell module for this interface (sheet: 2.1, keys of 64 characters and more; 3.1, JSON labelled as a form,
//! `[]` for an empty table, keys in the wrong case; 5.1, `max` and `streams`; 1, keys that differ by case; 11.1, the
//! chunked upload and its form-encoded end; 11.6, lists of domains).

use serde_json::Value;

use super::{AN_HOUR_AGO, ids, take_in, tally};
use crate::alerts::{no_clash, raise};
use crate::harness::{API_TOKEN, Casbah, Session};

/// `Invoke-RestMethod` labels a text body as a form.
const FORM: [(&str, &str); 1] = [("content-type", "application/x-www-form-urlencoded")];

fn invoke(caller: &Session, path: &str, body: &str) -> Value {
    let answer = caller.send("POST", &format!("/cas/api/v1/{path}"), &FORM, body.as_bytes()).ok();
    no_clash(&answer, path);
    answer
}

both! {
    fn it_asks_for_the_page_size_and_pages_by_it(casbah: &Casbah) {
        let names: Vec<String> = (0..250).map(|number| format!("event-{number:03}")).collect();
        take_in(&casbah.application(), names.iter().map(|name| (name.as_str(), AN_HOUR_AGO + 5)));
        // A key that passes its check.
        assert!((64..=192).contains(&API_TOKEN.len()) && API_TOKEN.bytes().all(|b| b.is_ascii_alphanumeric()));
        let caller = casbah.with_header(&format!("Token {API_TOKEN}"));
        let max = invoke(&caller, "activities/", "")["max"].as_u64().unwrap();
        assert!(max >= 100);
        let (mut seen, mut skip) = (Vec::new(), 0);
        loop {
            let body = format!(r#"{{"skip":{skip},"limit":{max},"sortdirection":"asc","filters":{{"service":{{"eq":20892}}}}}}"#);
            let page = invoke(&caller, "activities/", &body);
            seen.extend(ids(&page));
            if page["hasNext"] == false {
                break;
            }
            skip += max;
        }
        let tally = tally(&seen);
        assert!(tally.len() == names.len() && tally.values().all(|count| *count == 1), "{} seen", seen.len());
        for body in ["{\"filters\":[]}", "{\"filters\":{}}", "{\"skip\":\"0\",\"limit\":\"100\",\"filters\":\"\"}", "{\"LIMIT\":1}"] {
            assert!(ids(&invoke(&caller, "activities/", body)).len() >= 100, "{body}");
        }
    }

    fn it_handles_alerts_one_by_one(casbah: &Casbah) {
        let caller = casbah.with_header(&format!("token {API_TOKEN}"));
        let all = raise(&casbah.application());
        let id = all[0]["_id"].as_str().unwrap();
        invoke(&caller, &format!("alerts/{id}/read/"), "");
        let alert = caller.get(&format!("/cas/api/v1/alerts/{id}/")).ok();
        no_clash(&alert, "an alert");
        assert_eq!(alert["statusValue"], 1);
        invoke(&caller, &format!("alerts/{id}/unread/"), "{}");
        invoke(&caller, &format!("alerts/{id}/dismiss/"), r#"{"comment":"known"}"#);
        assert_eq!(caller.get(&format!("/cas/api/v1/alerts/{id}/")).ok()["resolutionStatusValue"], 3);
        let filters = format!(r#"{{"filters":{{"resolutionStatus":{{"eq":"3"}},"id":{{"eq":"{id}"}}}}}}"#);
        assert_eq!(invoke(&caller, "alerts/", &filters)["total"], 1);
    }

    fn it_uploads_in_chunks_and_reads_streams(casbah: &Casbah) {
        let caller = casbah.with_header(&format!("Token {API_TOKEN}"));
        let body = r#"{"displayName":"Branch","logType":155,"receiverType":"ftp","receiverTypeFull":"FTP","protocol":null,"anonymizeUsers":"false"}"#;
        invoke(&caller, "discovery/data_sources/", body);
        let streams = caller.get("/cas/api/discovery/streams/").ok();
        no_clash(&streams, "streams");
        let named = |name: &str| streams["streams"].as_array().unwrap().iter().any(|s| s["displayName"] == name && s["_id"].is_string());
        assert!(named("Branch") && named("Global View"), "{streams}");
        let address = caller.get("/cas/api/v1/discovery/upload_url/?filename=branch.log&source=SQUID_NATIVE").ok();
        assert!(address["provider"].is_string());
        let address = address["url"].as_str().unwrap();
        let log = crate::discovery::sample("SQUID_NATIVE.log");
        assert_eq!(casbah.anonymous().put_in_chunks(address, &[("x-ms-blob-type", "BlockBlob")], &log).status, 201);
        let end = [("uploadUrl", address), ("inputStreamName", "Branch"), ("uploadAsSnapshot", "False")];
        assert_eq!(caller.post_form("/cas/api/v1/discovery/done_upload/", &end).ok()["success"], true);
        let task = crate::discovery::wait_for_task(&caller, "branch.log");
        assert_eq!(task["status"]["isSuccess"], true, "{task}");
        let sources = caller.get("/cas/api/v1/discovery/data_sources/?skip=0&limit=100&sortField=created&sortDirection=desc").ok();
        assert!(sources["data"].as_array().unwrap().iter().any(|s| s["displayName"] == "Branch"), "{sources}");
        let other = caller.get("/cas/api/v1/discovery/upload_url/?filename=other.log&source=SQUID_NATIVE").ok();
        let other = other["url"].as_str().unwrap();
        assert_eq!(casbah.anonymous().put_in_chunks(other, &[], &log).status, 201);
        let wrong = [("uploadUrl", other), ("inputStreamName", "Nowhere")];
        let refusal = caller.post_form("/cas/api/v1/discovery/done_upload/", &wrong);
        assert!(matches!(refusal.status, 400 | 404), "{}", refusal.text());
        assert!(refusal.text().contains("NOT_FOUND_INPUT_STREAM"), "{}", refusal.text());
    }
}
