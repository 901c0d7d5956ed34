//! The exchange of lists with another cloud security product (sheet: 11.6, the block script without a format is JSON
//! and pages by apps; 11.1, uploads as multipart forms; 11.5, tags).

use serde_json::{Value, json};

use super::records;
use crate::discovery::{sample, wait_for_task};
use crate::harness::{API_TOKEN, Casbah};

both! {
    fn lists_of_domains_are_read_page_by_page(casbah: &Casbah) {
        let caller = casbah.with_header(&format!("Token {API_TOKEN}"));
        for app in [10489, 11627, 10980] {
            caller.post(&format!("/api/v1/discovery/discovery_app/{app}/add_tag/"), &json!({ "tagName": "Unsanctioned" })).ok();
        }
        caller.post("/api/v1/discovery/discovery_app/11114/add_tag/", &json!({ "tagName": "Sanctioned" })).ok();
        let read = |kind: &str| {
            let (mut apps, mut skip): (Vec<Value>, usize) = (Vec::new(), 0);
            loop {
                let page = caller.get(&format!("/api/discovery_block_scripts/?type={kind}&limit=2&skip={skip}")).ok();
                let found = records(&page);
                assert!(found.iter().all(|app| app["domainList"].as_array().is_some_and(|list| !list.is_empty())), "{page}");
                skip += found.len();
                apps.extend(found.iter().cloned());
                if page["hasNext"] == false {
                    return apps;
                }
            }
        };
        let banned = read("banned");
        assert_eq!(banned.len(), 3);
        assert!(banned.iter().any(|app| app["domainList"].as_array().unwrap().contains(&json!("dropbox.com"))));
        assert_eq!(read("allowed").len(), 1);
    }

    fn logs_are_uploaded_as_a_form(casbah: &Casbah) {
        let caller = casbah.with_header(&format!("Token {API_TOKEN}"));
        caller.post("/api/v1/discovery/data_sources/", &json!({ "displayName": "Exchange", "logType": 155, "receiverType": "ftp" })).ok();
        let address = caller.get("/api/v1/discovery/upload_url/?filename=exchange.log&source=SQUID_NATIVE").ok();
        let address = address["url"].as_str().unwrap();
        let head = b"--0f9e\r\nContent-Disposition: form-data; name=\"file\"; filename=\"exchange.log\"\r\nContent-Type: text/plain\r\n\r\n";
        let form = [&head[..], &sample("SQUID_NATIVE.log"), b"\r\n--0f9e--\r\n"].concat();
        let headers = [("content-type", "multipart/form-data; boundary=0f9e"), ("x-ms-blob-type", "BlockBlob")];
        assert_eq!(casbah.anonymous().send("PUT", address, &headers, &form).status, 201);
        caller.post("/api/v1/discovery/done_upload/", &json!({ "uploadUrl": address, "inputStreamName": "Exchange" })).ok();
        let task = wait_for_task(&caller, "exchange.log");
        assert_eq!(task["status"]["isSuccess"], true, "{task}");
        let (lines, parsed) = (&task["figures"]["lines"], &task["figures"]["parsed"]);
        assert_eq!((lines, parsed), (&json!(37), &json!(33)), "the lines of the file, and none of the form: {task}");
    }
}
