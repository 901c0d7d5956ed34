//! Kinds of files, what is told about their lines, and the commands that need no server.

use std::io::{Cursor, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::{apps, sample, samples, stream, stream_id, upload};
use crate::harness::{Casbah, NOW, Options, casbah};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in members {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A line of Squid's log, with what differs.
fn line(second: i64, client: &str, url: &str, user: &str) -> String {
    format!("{second}.030 1 {client} TCP_MISS/200 5 GET {url} {user} HIER_DIRECT/- -\n")
}

both! {
    fn packed_logs_give_the_figures_of_plain_ones(casbah: &Casbah) {
        let caller = casbah.application();
        // A byte that is no text has no place in UTF-16.
        let log: Vec<u8> = sample("SQUID_NATIVE.log").into_iter().filter(u8::is_ascii).collect();
        let of = |content: &[u8], name: &str| {
            let task = upload(&caller, content, name, "SQUID_NATIVE", name, true);
            assert_eq!(task["status"]["isSuccess"], true, "{task}");
            task["figures"].clone()
        };
        let plain = of(&log, "plain.log");
        let wide: Vec<u8> = String::from_utf8_lossy(&log).encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (content, name) in [
            (gzip(&log), "log.gz"),
            ([gzip(&log[..1000]), gzip(&log[1000..])].concat(), "members.gz"),
            (zstd::encode_all(&log[..], 3).unwrap(), "log.zst"),
            (zip(&[("../../log", &log), ("none", b"")]), "log.zip"),
            (wide, "wide.log"),
        ] {
            let found = of(&content, name);
            for figure in ["lines", "parsed", "users", "clientIps", "destHosts", "bytesTotal", "blocked"] {
                assert_eq!(found[figure], plain[figure], "{figure} of {name}");
            }
        }
        let both = of(&zip(&[("a", &log), ("b", &log)]), "both.zip");
        assert_eq!(both["parsed"].as_i64().unwrap(), plain["parsed"].as_i64().unwrap() * 2);
    }

    fn archives_that_cannot_be_trusted_change_nothing(casbah: &Casbah) {
        let caller = casbah.application();
        stream(&caller, "Office", 155);
        let log = sample("SQUID_NATIVE.log");
        let whole = zip(&[("a.log", &log)]);
        let zeros = gzip(&vec![b'0'; 64 << 20]).repeat(6);
        for (content, name, why) in [
            (whole[..whole.len() - 10].to_vec(), "cut.zip", "damaged or cut off"),
            (zip(&[("a.log", &log), ("b.zip", &whole)]), "nested.zip", "member 2 of this zip file: a zip file inside an archive"),
            (zstd::encode_all(&log[..], 3).unwrap()[..300].to_vec(), "cut.zst", "damaged or cut off"),
            (gzip(&log)[..300].to_vec(), "cut.gz", "damaged or cut off"),
            ([gzip(&log), gzip(&log)[..300].to_vec()].concat(), "cut-member.gz", "damaged or cut off"),
            (gzip(&gzip(&log)), "nested.gz", "a gzip file inside an archive"),
            (zeros, "zeros.gz", "inflates far more than a log does"),
        ] {
            let task = upload(&caller, &content, name, "SQUID_NATIVE", "Office", false);
            assert_eq!(task["status"]["statusMessage"], "Unsupported file type", "{task}");
            assert!(task["figures"]["why"].as_str().unwrap().contains(why), "{task}");
        }
        assert!(apps(&caller, &stream_id(&caller, "Office")).is_empty(), "the sound member before the bad one counts not");
    }

    fn odd_bytes_cost_lines_and_not_the_file(casbah: &Casbah) {
        let caller = casbah.application();
        let second = 1_795_435_000;
        let sound = |n: usize| line(second, "10.0.0.1", &format!("https://dropbox.com/{n}"), "amal");
        // A line of as many bytes, its end not counted.
        let long = |bytes: usize| {
            let least = line(second, "10.0.0.1", "https://dropbox.com/", "amal").len() - 1;
            line(second, "10.0.0.1", &format!("https://dropbox.com/{}", "x".repeat(bytes - least)), "amal")
        };
        let all: String = (0..20).map(sound).collect();
        let marked = |bom: &[u8], bytes: fn(u16) -> [u8; 2]| [bom.to_vec(), all.encode_utf16().flat_map(bytes).collect()].concat();
        let squid = String::from_utf8(sample("SQUID.log")).unwrap();
        let squid: Vec<&str> = squid.lines().filter(|line| line.contains("HTTP/1.1")).collect();
        for (name, content, expected, skipped) in [
            ("utf-16-little.log", marked(b"\xFF\xFE", u16::to_le_bytes), 20, json!({})),
            ("utf-16-big.log", marked(b"\xFE\xFF", u16::to_be_bytes), 20, json!({})),
            ("bom.log", [b"\xEF\xBB\xBF", all.as_bytes()].concat(), 20, json!({})),
            ("nuls.log", [all.as_bytes(), &[0; 5000], sound(20).as_bytes(), b"\0\0\n"].concat(), 21, json!({})),
            ("64-kib.log", [all.clone(), long(65_536), long(65_537), sound(21)].concat().into_bytes(), 22, json!({"tooLong": 1})),
            ("ends.log", [all.replace('\n', "\r\n"), all.replace('\n', "\r"), sound(20).trim_end().to_string()].concat().into_bytes(), 41, json!({})),
            ("windows-1252.log", [all.as_bytes(), &line(second, "10.0.0.1", "https://dropbox.com/", "J%rg").bytes().map(|byte| if byte == b'%' { 0xF6 } else { byte }).collect::<Vec<u8>>()].concat(), 21, json!({})),
            ("mixed.log", [all.as_str(), &squid.join("\n")].concat().into_bytes(), 20, json!({"timestamp": squid.len()})),
        ] {
            let task = upload(&caller, &content, name, "SQUID_NATIVE", name, true);
            let figures = &task["figures"];
            assert_eq!((&task["status"]["isSuccess"], &figures["parsed"]), (&json!(true), &json!(expected)), "{task}");
            for (reason, count) in figures["skippedByReason"].as_object().unwrap() {
                assert_eq!(count, skipped.get(reason).unwrap_or(&json!(0)), "{reason} in {name}: {figures}");
            }
            let looks_like = figures["notices"].as_array().unwrap().iter().any(|notice| notice["code"] == "looksLike");
            assert_eq!(looks_like, name == "mixed.log", "{figures}");
        }
    }

    fn refused_lines_are_told_with_reasons_and_examples(casbah: &Casbah) {
        let caller = casbah.application();
        let second = 1_795_435_000;
        let sound = line(second, "10.0.0.1", "https://dropbox.com/x", "amal");
        let refused = line(second, "10.0.0", "https://dropbox.com/?token=hidden", "zuleika\u{1b}[2J");
        let ahead = line(second + 7200, "10.0.0.1", "https://dropbox.com/x", "amal");
        let other = String::from_utf8(sample("SQUID.log")).unwrap();
        let log = [sound.repeat(10), refused.repeat(4), other, ahead].concat();
        let task = upload(&caller, log.as_bytes(), "mixed.log", "SQUID_NATIVE", "Mixed", true);
        let figures = &task["figures"];
        assert_eq!((&figures["parsed"], &figures["skippedByReason"]["sourceIp"]), (&json!(11), &json!(4)), "{task}");
        let examples: Vec<&Value> = figures["refused"].as_array().unwrap().iter().filter(|r| r["reason"] == "sourceIp").collect();
        assert_eq!(examples.len(), 3);
        assert_eq!(examples[0]["line"], 11);
        let text = examples[0]["example"].as_str().unwrap();
        assert!(text.contains("10.0.0 TCP_MISS/200") && text.contains("https://dropbox.com/?***"), "{text}");
        let all = task.to_string();
        assert!(!all.contains("zuleika") && !all.contains("hidden") && !all.contains("u001b"), "{all}");
        let codes: Vec<&Value> = figures["notices"].as_array().unwrap().iter().map(|n| &n["code"]).collect();
        assert_eq!(codes, [&json!("clockAhead"), &json!("looksLike")], "{figures}");
        // Another format altogether.
        let task = upload(&caller, &sample("SQUID.log"), "other.log", "SQUID_NATIVE", "Other", true);
        assert_eq!(task["status"]["statusMessage"], "The log format doesn't match");
        assert!(task["figures"]["why"].as_str().unwrap().ends_with("look like those of SQUID"), "{task}");
    }
}

#[test]
fn the_catalogue_is_replaced_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("catalogue.jsonl");
    let entry = |id: u32, name: &str, host: &str| {
        json!({"id": id, "name": name, "vendor": "V", "cat": "SAASDB_CATEGORY_CRM", "match": [host]})
            .to_string()
            + "\n"
    };
    std::fs::write(&file, entry(40_001, "Own", "own.example")).unwrap();
    let arguments = vec!["--catalogue".to_string(), file.display().to_string()];
    let casbah =
        Casbah::start_with(crate::harness::Database::sqlite(), &Options { arguments, ..Options::default() });
    let caller = casbah.application();
    let names = |stream: &str| -> Vec<String> {
        let found = apps(&caller, &stream_id(&caller, stream));
        found.iter().map(|app| app["name"].as_str().unwrap().to_string()).collect()
    };
    let log = |host: &str| line(1_795_435_000, "10.0.0.1", &format!("https://{host}/x"), "amal");
    upload(&caller, log("a.own.example").as_bytes(), "one.log", "SQUID_NATIVE", "One", true);
    assert_eq!(names("One"), ["Own"]);
    let new = entry(40_001, "Own", "own.example") + &entry(40_002, "New", "new.example");
    std::fs::write(&file, new).unwrap();
    // The file is looked at now and then.
    let mut round = 0;
    loop {
        let (name, host) = (format!("Round {round}"), format!("r{round}.new.example"));
        let task =
            upload(&caller, log(&host).as_bytes(), &format!("{round}.log"), "SQUID_NATIVE", &name, true);
        if task["status"]["isSuccess"] == true {
            assert_eq!(names(&name), ["New"]);
            break;
        }
        round += 1;
        assert!(round < 200, "the new catalogue is not read");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}

fn run(arguments: &[&str], file: &Path) -> Output {
    let mut command = casbah();
    command.args(arguments).arg(file).env("CASBAH_CLOCK", NOW).env("CASBAH_TEST_MODE", "1");
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_zip_file_comes_through_a_pipe_too() {
    let content = zip(&[("a", &sample("SQUID.log")), ("b", &sample("SQUID.log"))]);
    let mut command: Command = casbah();
    command.args(["discovery", "parse", "-", "--source", "SQUID", "--output", "json"]);
    command
        .env("CASBAH_CLOCK", NOW)
        .env("CASBAH_TEST_MODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut process = command.spawn().unwrap();
    process.stdin.take().unwrap().write_all(&content).unwrap();
    let output = process.wait_with_output().unwrap();
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["parsed"], 64, "{found}");
}

#[test]
fn every_line_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("squid.log");
    let second = 1_795_435_000;
    let log = [
        line(second, "10.0.0.1", "https://dropbox.com/x?key=hidden", "zuleika"),
        "\n".to_string(),
        line(second, "not-an-ip", "https://dropbox.com/x", "zuleika"),
        line(second - 100 * 86_400, "10.0.0.1", "https://dropbox.com/x", "zuleika"),
        "cut off\n".to_string(),
    ];
    std::fs::write(&file, log.concat()).unwrap();
    let explain = |more: &[&str]| {
        run(&[&["discovery", "explain", "--source", "squid_native"][..], more].concat(), &file)
    };
    let json = explain(&["--output", "json"]);
    let found: Value = serde_json::from_slice(&json.stdout).unwrap();
    let outcomes: Vec<&str> =
        found.as_array().unwrap().iter().map(|l| l["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["transaction", "ignored", "skipped", "tooOld", "skipped"]);
    let seen = &found[0]["transaction"];
    assert_eq!(
        (&seen["destination"], &seen["app"], &seen["user"]),
        (&json!("dropbox.com"), &json!(11_627), &json!(true))
    );
    let fault = &found[2];
    assert_eq!(
        (&fault["reason"], &fault["field"], &fault["text"]),
        (&json!("sourceIp"), &json!("sourceIp"), &json!("not-an-ip"))
    );
    assert_eq!(fault["column"], 1 + log[2].find("not-an-ip").unwrap());
    assert_eq!(found[4]["reason"], "fieldCount");
    assert!(!text(&json.stdout).contains("zuleika") && !text(&json.stdout).contains("hidden"));
    let one = explain(&["--line", "3"]);
    assert!(text(&one.stdout).contains("sourceIp at column 18: not-an-ip"), "{}", text(&one.stdout));
    assert_eq!(text(&one.stdout).lines().count(), 1);
    let refused = explain(&["--refused", "--output", "jsonl"]);
    assert_eq!(text(&refused.stdout).lines().count(), 2);
    assert_eq!(text(&explain(&["--output", "csv"]).stdout).lines().count(), 6);
    let beyond = explain(&["--line", "9"]);
    assert_eq!(beyond.status.code(), Some(5));
    assert!(text(&beyond.stderr).contains("the file has 5"), "{}", text(&beyond.stderr));
    let image = run(&["discovery", "explain", "--source", "SQUID"], &samples().join("bad/image.png"));
    assert!(text(&image.stderr).contains("Unsupported file type: this is an image"));
}

#[test]
fn the_parser_tells_people_what_it_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("squid.log");
    let second = 1_795_435_000;
    let sound = line(second, "10.0.0.1", "https://dropbox.com/x", "amal");
    std::fs::write(&file, sound + &line(second, "10.0.0", "https://dropbox.com/x", "zuleika")).unwrap();
    let told = run(&["discovery", "parse", "--source", "SQUID_NATIVE", "--output", "table"], &file);
    let said = text(&told.stderr);
    assert!(
        said.contains("skipped lines by reason: sourceIp 1") && said.contains("line 2 (sourceIp)"),
        "{said}"
    );
    assert!(!said.contains("zuleika"));
    let json = run(&["discovery", "parse", "--source", "SQUID_NATIVE", "--output", "json"], &file);
    let found: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(found["skippedByReason"]["sourceIp"], 1);
    assert_eq!(found["refused"][0]["line"], 2);
    let mismatch = run(&["discovery", "parse", "--source", "SQUID_NATIVE"], &samples().join("SQUID.log"));
    let said = text(&mismatch.stderr);
    assert!(
        said.contains("The log format doesn't match") && said.contains("look like those of SQUID"),
        "{said}"
    );
}

#[test]
fn a_catalogue_is_checked() {
    let own = casbah().args(["catalogue", "check", "--output", "json"]).output().unwrap();
    assert!(own.status.success(), "{}", text(&own.stderr));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("catalogue.csv");
    let head = "app_id,name,vendor,category,domains,headquarters,founded\n";
    let one = "40001,One,V,SAASDB_CATEGORY_CRM,one.example,US,2001\n";
    std::fs::write(&file, format!("{head}{one}40002,Two,V,SAASDB_CATEGORY_CRM,one.example,US,2001\n"))
        .unwrap();
    let found = run(&["catalogue", "check", "--output", "jsonl"], &file);
    assert_eq!(found.status.code(), Some(1));
    let fault: Value = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!((&fault["line"], &fault["kind"], &fault["error"]), (&json!(3), &json!("clash"), &json!(true)));
    std::fs::write(&file, format!("{head}{one}")).unwrap();
    let found = run(&["catalogue", "check"], &file);
    assert!(found.status.success() && text(&found.stderr).contains("can be used"), "{}", text(&found.stderr));
}
