//! Files and people by command: lists, details, and records from a file and from another tenant.

use std::process::Command;

use serde_json::{Value, json};

use super::{investigator, world};
use crate::command_line::{command, fails, json as as_json, run};
use crate::harness::{ADMINISTRATOR, API_TOKEN, Casbah, Database};

fn names(found: &Value, field: &str) -> Vec<String> {
    found.as_array().unwrap().iter().map(|one| one[field].as_str().unwrap().to_string()).collect()
}

both! {
    fn files_and_people_by_command(casbah: &Casbah) {
        let caller = investigator(casbah);
        world(&caller);
        let list = |arguments: &[&str]| names(&as_json(casbah, &[&["file", "list"], arguments].concat()), "name");
        assert_eq!(list(&[]), ["Budget.XLSX", "Plan", "notes.txt", "logo.png", "Sales", "All"]);
        assert_eq!(list(&["--limit", "2"]), ["Budget.XLSX", "Plan"]);
        assert_eq!(list(&["--name", "o", "--type", "image", "--type", "text"]), ["notes.txt", "logo.png"]);
        assert_eq!(list(&["--words", "budg"]), ["Budget.XLSX"]);
        assert_eq!(list(&["--owner", "ada@contoso.example"]), ["Budget.XLSX", "notes.txt"]);
        assert_eq!(list(&["--app", "11627"]), ["logo.png"]);
        assert_eq!(list(&["--sharing", "external", "--sharing", "public-internet"]), ["Budget.XLSX", "logo.png"]);
        assert_eq!(list(&["--domain", "lagoon.example", "--extension", "xlsx"]), ["Budget.XLSX"]);
        assert_eq!(list(&["--trashed"]), ["old.txt"]);
        assert_eq!(list(&["--deleted", "--extension", "txt"]), ["notes.txt", "old.txt", "gone.txt"]);
        assert_eq!(list(&["--filters", r#"{"fileLabels": {"eq": "Confidential"}}"#]), ["Budget.XLSX"]);
        assert_eq!(list(&["--policy", "69d0000000000000000000aa"]), Vec::<String>::new());
        assert_eq!(list(&["--days", "1", "--type", "folder"]), ["Sales", "All"]);
        assert_eq!(run(casbah, &["file", "count", "--type", "folder", "--output", "table"]).trim(), "2");
        assert_eq!(as_json(casbah, &["file", "count"])["count"], 6);
        let table = run(casbah, &["file", "list", "--output", "table"]);
        assert!(table.contains("EXTERNAL") && table.contains("48.2 kB"), "{table}");
        let shown = run(casbah, &["file", "show", "f-1", "--output", "table"]);
        assert!(shown.contains("mira@lagoon.example") && shown.contains("Confidential"), "{shown}");
        let record = as_json(casbah, &["file", "show", "F-1"]);
        assert_eq!(as_json(casbah, &["file", "show", record["_id"].as_str().unwrap()]), record);
        assert_eq!(names(&as_json(casbah, &["file", "folders", "F-1"]), "name"), ["Sales", "All"]);
        for (arguments, code) in [
            (&["file", "show", "F-99"][..], 5),
            (&["file", "show", "69d0000000000000000000aa"], 5),
            (&["file", "list", "--filters", "[]"], 2),
        ] {
            assert_eq!(fails(casbah, arguments).0, code, "{arguments:?}");
        }
        assert_eq!(command(casbah, &["file", "list", "--sharing", "secret"]).status.code(), Some(2));

        let people = |arguments: &[&str]| as_json(casbah, &[&["entity", "list"], arguments].concat());
        let all = people(&[]);
        assert!(names(&all, "displayName").contains(&"Ada Lindqvist".to_string()), "{all}");
        assert!(all.as_array().unwrap().iter().all(|one| one["type"] == 2), "{all}");
        let accounts = people(&["--accounts", "--app", "10489"]);
        assert_eq!(accounts.as_array().unwrap().len(), 2, "{accounts}");
        let gus = people(&["--all", "--name", "gus"]);
        assert_eq!(names(&gus, "email"), ["gus@lagoon.example"]);
        assert_eq!(as_json(casbah, &["entity", "show", "10489|0|u-9"]), gus[0]);
        assert!(people(&["--administrators", "--by-score"]).as_array().unwrap().iter().all(|one| one["isAdmin"] == true));
        assert!(people(&["--external", "--all"]).as_array().unwrap().iter().all(|one| one["isExternal"] == true));
        assert_eq!(people(&["--status", "deleted"]), json!([]));
        let ada = as_json(casbah, &["entity", "show", ADMINISTRATOR]);
        assert_eq!(ada["displayName"], "Ada Lindqvist");
        let shown = run(casbah, &["entity", "show", ADMINISTRATOR, "--output", "table"]);
        assert!(shown.contains("Box"), "{shown}");
        let apps = as_json(casbah, &["entity", "accounts", ADMINISTRATOR]);
        let apps: Vec<&Value> = apps.as_array().unwrap().iter().map(|one| &one["saas"]).collect();
        assert!(apps.contains(&&json!(10489)), "{apps:?}");
        assert_eq!(fails(casbah, &["entity", "show", "nobody@contoso.example"]).0, 5);
        assert_eq!(fails(casbah, &["entity", "show", "nobody"]).0, 2);
    }

    /// What one tenant gives out the other takes in: from a file, and by copying.
    fn files_come_from_a_file_and_from_another_tenant(casbah: &Casbah) {
        let source = Casbah::start(Database::sqlite());
        world(&investigator(&source));
        let lines = investigator(&source).post("/api/v1/files/export/", &json!({ "format": "jsonl", "compression": "gzip" })).body;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("files.jsonl.gz");
        std::fs::write(&file, lines).unwrap();
        let file = file.to_str().unwrap();
        let import = ["import", file, "--format", "casbah", "--into", "files"];
        let done = as_json(casbah, &import);
        assert_eq!((&done[0]["stored"], &done[0]["rejected"]), (&json!(6), &json!(0)), "{done}");
        assert_eq!(as_json(casbah, &import)[0]["unchanged"], 6);
        let all = |of: &Casbah| as_json(of, &["file", "list"]);
        let (here, there) = (all(casbah), all(&source));
        assert_eq!(here, there);
        let (code, error) = fails(casbah, &["import", file, "--format", "okta", "--into", "files"]);
        assert!(code == 2 && error.contains("--format casbah"), "{error}");

        let into = Casbah::start(Database::sqlite());
        let mut copy: Command = crate::harness::casbah();
        let authority = source.data_dir().join("tls/ca.pem");
        copy.args(["import", "--from", &source.url, "--from-ca", authority.to_str().unwrap(), "--only", "files", "--output", "json"]);
        copy.current_dir(folder.path()).env("CASBAH_FROM_TOKEN", API_TOKEN).env("HOME", "/nonexistent");
        copy.env("CASBAH_URL", &into.url).env("CASBAH_CA", into.data_dir().join("tls/ca.pem")).env("CASBAH_API_TOKEN", API_TOKEN);
        let output = copy.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&said[0]["name"], &said[0]["stored"]), (&json!("files"), &json!(6)), "{said}");
        assert_eq!(all(&into), there);
    }
}
