//! Whole lists as files: complete while others write, as wide as the caller sees, safe in a spreadsheet.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row};
use serde_json::{Value, json};

use crate::activities::investigator;
use crate::alerts::raise;
use crate::harness::{CLIENT_SECRET, Casbah, OTHER_CLIENT, OTHER_TENANT, READER, Session};
use crate::replays::{AN_HOUR_AGO, take_in};

fn export(caller: &Session, list: &str, body: &Value) -> Vec<u8> {
    let answer = caller.post(&format!("/api/v1/{list}/export/"), body);
    assert_eq!(answer.status, 200, "{list} {body}: {}", answer.text());
    answer.body
}

fn lines(bytes: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(bytes).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The rows of a CSV file, each by the names of its header.
fn rows(bytes: &[u8]) -> Vec<BTreeMap<String, String>> {
    csv::Reader::from_reader(bytes).deserialize().map(Result::unwrap).collect()
}

/// The rows of a Parquet file as the CSV writes them, read by the library.
fn table_of(bytes: &[u8]) -> Vec<BTreeMap<String, String>> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    let reader = SerializedFileReader::new(file).unwrap();
    let told = |field: &Field| match field {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        Field::Long(number) => number.to_string(),
        Field::Bool(yes) => yes.to_string(),
        Field::TimestampMillis(ms) => casbah_model::Timestamp(*ms).iso(),
        other => panic!("{other:?}"),
    };
    let row = |row: Row| row.get_column_iter().map(|(name, field)| (name.clone(), told(field))).collect();
    reader.get_row_iter(None).unwrap().map(|one| row(one.unwrap())).collect()
}

/// Rows of a CSV without what makes them safe in a spreadsheet.
fn without_apostrophes(rows: &[BTreeMap<String, String>]) -> Vec<BTreeMap<String, String>> {
    let plain = |text: &String| text.strip_prefix('\'').unwrap_or(text).to_string();
    rows.iter().map(|row| row.iter().map(|(name, text)| (name.clone(), plain(text))).collect()).collect()
}

both! {
    fn an_export_is_complete_while_others_write(casbah: &Casbah) {
        let caller = casbah.application();
        // More than two steps, several to a moment.
        let names: Vec<String> = (0..1_203).map(|number| format!("before-{number:04}")).collect();
        take_in(&caller, names.iter().enumerate().map(|(at, name)| (name.as_str(), AN_HOUR_AGO + at as i64 / 4)));
        let (walked, written) = (AtomicBool::new(false), AtomicBool::new(false));
        std::thread::scope(|threads| {
            let writer = threads.spawn(|| {
                let mut number = 0;
                while !walked.load(Ordering::Relaxed) && number < 4_000 {
                    let name = format!("during-{number:04}");
                    take_in(&caller, [(name.as_str(), AN_HOUR_AGO + 1_000 + number)]);
                    written.store(true, Ordering::Relaxed);
                    number += 1;
                }
            });
            while !written.load(Ordering::Relaxed) && !writer.is_finished() {
                std::thread::yield_now();
            }
            let walk = || {
                for (direction, format) in [("asc", "jsonl"), ("desc", "jsonl"), ("asc", "csv"), ("desc", "csv")] {
                    let body = json!({ "format": format, "sortDirection": direction, "filters": { "service": { "eq": 20892 } } });
                    let bytes = export(&caller, "activities", &body);
                    let seen: Vec<String> = if format == "csv" {
                        rows(&bytes).iter().map(|row| row["_id"].clone()).collect()
                    } else {
                        lines(&bytes).iter().map(|record| record["_id"].as_str().unwrap().to_string()).collect()
                    };
                    let before: Vec<&String> = seen.iter().filter(|id| id.starts_with("before")).collect();
                    let mut once = seen.clone();
                    once.sort();
                    once.dedup();
                    assert_eq!((before.len(), once.len()), (names.len(), seen.len()), "{direction} {format}");
                    let moments: Vec<i64> = before.iter().map(|id| id[7..].parse::<i64>().unwrap() / 4).collect();
                    let sorted = moments.is_sorted_by(|a, b| if direction == "asc" { a <= b } else { a >= b });
                    assert!(sorted, "{direction} {format}");
                }
            };
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(walk));
            walked.store(true, Ordering::Relaxed);
            writer.join().unwrap();
            outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        });
    }

    fn every_list_comes_as_csv_as_json_lines_and_packed(casbah: &Casbah) {
        let caller = casbah.application();
        let alerts = raise(&caller);
        let formula = json!({ "_id": "formula", "timestamp": AN_HOUR_AGO, "appId": 20892, "eventTypeName": "EVENT_CATEGORY_RUN_COMMAND", "description": "=cmd|' /C calc'!A0", "user": { "userName": "@mira, \"x\"" } });
        let label = [("content-type", "application/x-ndjson")];
        caller.send("POST", "/api/v1/activities/ingest/", &label, formula.to_string().as_bytes()).ok();
        caller.post("/api/v1/subnet/create_rule/", &json!({ "name": "Oslo", "category": 1, "subnets": ["198.51.100.0/24", "203.0.113.7"], "tags": ["office"] })).ok();
        for n in 0..3 {
            let file = json!({ "id": n.to_string(), "name": format!("={n}.csv"), "appId": 10489 });
            caller.send("POST", "/api/v1/files/ingest/", &label, file.to_string().as_bytes()).ok();
        }
        for list in ["alerts", "activities", "entities", "files", "subnet", "governance", "discovery/discovered_apps"] {
            // Each export is an activity of Casbah itself, and so would be in the next.
            let filters = if list == "activities" { json!({ "service": { "eq": 20892 } }) } else { json!({}) };
            let first = caller.post(&format!("/api/v1/{list}/"), &json!({ "filters": filters, "limit": 1 })).ok();
            let total = first["total"].as_u64().unwrap() as usize;
            assert!(total > 0, "{list}");
            let records = lines(&export(&caller, list, &json!({ "format": "jsonl", "filters": filters })));
            let table = rows(&export(&caller, list, &json!({ "filters": filters })));
            assert_eq!((records.len(), table.len()), (total, total), "{list}");
            if ["entities", "files"].contains(&list) {
                // In another order than the list.
                let found = caller.post(&format!("/api/v1/{list}/"), &json!({ "limit": 100 })).ok();
                assert!(found["data"].as_array().unwrap().iter().any(|one| one["_id"] == records[0]["_id"]), "{found}");
            } else {
                assert_eq!(records[0], first["data"][0], "{list}: the record that the list has");
            }
            let body = json!({ "format": "jsonl", "compression": "gzip", "filters": filters });
            let mut plain = Vec::new();
            flate2::read::GzDecoder::new(&export(&caller, list, &body)[..]).read_to_end(&mut plain).unwrap();
            assert_eq!(lines(&plain), records, "{list}");
            for compression in ["none", "gzip"] {
                let body = json!({ "format": "parquet", "compression": compression, "filters": filters });
                assert_eq!(table_of(&export(&caller, list, &body)), without_apostrophes(&table), "{list} {compression}");
            }
        }
        let answer = caller.post("/api/v1/alerts/export", &json!({}));
        assert!(answer.header("content-type").starts_with("text/csv"));
        assert_eq!(answer.header("content-disposition"), "attachment; filename=\"alerts-2026-11-23.csv\"");
        let row = &rows(&answer.body)[0];
        assert_eq!((row["_id"].as_str(), row["timestamp"].len()), (alerts[0]["_id"].as_str().unwrap(), 24));
        let dangerous = rows(&export(&caller, "activities", &json!({ "filters": { "activity.id": { "eq": "formula" } } })));
        assert_eq!(dangerous[0]["description"], "'=cmd|' /C calc'!A0");
        assert_eq!(dangerous[0]["userName"], "'@mira, \"x\"");
        let files = rows(&export(&caller, "files", &json!({ "filters": { "filename": { "eq": "=2.csv" } } })));
        assert_eq!((files.len(), files[0]["name"].as_str(), files[0]["fileType"].as_str()), (1, "'=2.csv", "SPREADSHEET"));
        let range = rows(&export(&caller, "subnet", &json!({})));
        assert_eq!((range[0]["subnets"].as_str(), range[0]["tags"].as_str()), ("198.51.100.0/24; 203.0.113.7", "office"));
    }

    fn an_export_holds_what_was_asked_for_and_may_be_seen(casbah: &Casbah) {
        let caller = casbah.application();
        let alerts = raise(&caller);
        let first = &alerts[0]["_id"];
        let one = lines(&export(&caller, "alerts", &json!({ "format": "jsonl", "filters": { "id": { "eq": [first] } } })));
        assert_eq!(one.len(), 1);
        assert_eq!(lines(&export(&caller, "alerts", &json!({ "format": "jsonl", "filters": { "alertOpen": { "eq": false } }, "sortDirection": "asc" }))).len(), 0);
        let header_only = export(&caller, "alerts", &json!({ "filters": { "alertOpen": { "eq": false } } }));
        assert_eq!(header_only.iter().filter(|byte| **byte == b'\n').count(), 1);
        for (body, named) in [
            (json!({ "format": "xlsx" }), "format"),
            (json!({ "compression": "zip" }), "compression"),
            (json!({ "filters": { "colour": { "eq": 1 } } }), "filters"),
            (json!({ "sortDirection": "up" }), "sortDirection"),
        ] {
            let refusal = caller.post("/api/v1/alerts/export/", &body).refused(400);
            assert!(refusal[named][0]["error"].is_string(), "{refusal}");
        }
        let stranger = casbah.bearer(&casbah.application_token(OTHER_TENANT, OTHER_CLIENT, CLIENT_SECRET));
        assert_eq!(lines(&export(&stranger, "alerts", &json!({ "format": "jsonl" }))).len(), 0);
        assert_eq!(lines(&export(&stranger, "subnet", &json!({ "format": "jsonl" }))).len(), 0);
        // Who may look may take out, and the trail says so.
        let reader = casbah.user(READER);
        assert_eq!(lines(&export(&reader, "alerts", &json!({ "format": "jsonl" }))).len(), alerts.len());
        reader.post("/api/v1/subnet/export/", &json!({})).refused(403);
        let filters = json!({ "activity.eventType": { "eq": "EVENT_CATEGORY_EXPORT_ALERTS" }, "user.username": { "eq": READER } });
        let found = investigator(casbah).post("/api/v1/activities/", &json!({ "filters": filters })).ok();
        assert_eq!(found["total"], 1, "{found}");
        assert_eq!(found["data"][0]["rawDataJson"]["Details"]["after"]["format"], "jsonl");
    }
}
