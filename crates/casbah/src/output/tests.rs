use serde_json::json;

use super::*;

const COLUMNS: &[Column] = &[
    Column::text("App", "name", "/name"),
    Column::new("Traffic", "bytes", "/bytes", Cell::Bytes),
    Column::new("Seen", "lastSeen", "/seen", Cell::Time),
    Column::new("Severity", "severity", "/severity", Cell::Word(&["low", "medium"])),
];

fn check(format: Option<Format>, terminal: bool, expected: &str) {
    let output = Output { format, terminal, now: 1_795_435_200_000 };
    let records = [
        json!({"name": "Box, \"the\" app", "bytes": 1_234_567, "seen": 1_795_428_000_000_i64, "severity": 1, "more": 7}),
        json!({"name": "evil\u{1b}[2J\tname", "bytes": 5, "seen": "2026-11-23T11:30:00.000Z", "severity": 9}),
    ];
    let text = output.list_text(COLUMNS, &records).unwrap();
    assert_eq!(anstream::adapter::strip_str(&text).to_string(), expected);
}

#[test]
fn a_list_in_each_format() {
    let table = "\
APP             TRAFFIC  SEEN        SEVERITY
Box, \"the\" app   1.2 MB  2 h ago     medium
evil\u{fffd}[2J\u{fffd}name       5 B  30 min ago  9
";
    check(Some(Format::Table), false, table);
    check(
        None,
        false,
        "Box, \"the\" app\t1234567\t2026-11-23T10:00:00Z\tmedium\nevil\u{fffd}[2J\u{fffd}name\t5\t2026-11-23T11:30:00Z\t9\n",
    );
    check(
        Some(Format::Csv),
        false,
        "name,bytes,lastSeen,severity\n\"Box, \"\"the\"\" app\",1234567,2026-11-23T10:00:00Z,medium\nevil\u{fffd}[2J\u{fffd}name,5,2026-11-23T11:30:00Z,9\n",
    );
}

#[test]
fn json_carries_the_whole_record() {
    let output = Output { format: Some(Format::Jsonl), terminal: true, now: 0 };
    let text = output.list_text(COLUMNS, &[json!({"more": 7}), json!({"more": 8})]).unwrap();
    assert_eq!(text, "{\"more\":7}\n{\"more\":8}\n");
    let output = Output { format: Some(Format::Json), ..output };
    assert_eq!(output.list_text(COLUMNS, &[json!(1)]).unwrap(), "[\n  1\n]\n");
}

#[test]
fn a_record_is_a_name_and_a_value_a_line() {
    let record = json!({"name": "Box", "bytes": 12_000});
    let output = Output { format: None, terminal: false, now: 0 };
    assert_eq!(output.record_text(&COLUMNS[..2], &record).unwrap(), "name\tBox\nbytes\t12000\n");
    let output = Output { terminal: true, ..output };
    let text = output.record_text(COLUMNS, &record).unwrap();
    assert_eq!(anstream::adapter::strip_str(&text).to_string(), "App       Box\nTraffic   12.0 kB\n");
}

#[test]
fn units() {
    assert_eq!(count(1_234_567), "1 234 567");
    assert_eq!(count(-12), "-12");
    assert_eq!(
        (bytes(999), bytes(999_950), bytes(5 << 30)),
        ("999 B".into(), "1.0 MB".into(), "5.4 GB".into())
    );
    assert_eq!(bytes(i64::MAX), "9.2 EB");
    assert_eq!(relative(0, 0), "now");
    assert_eq!(relative(13 * 86_400_000, 0), "in 13 days");
    assert_eq!(relative(0, 365 * 86_400_000), "1970-01-01");
    assert_eq!(relative(i64::MAX, i64::MIN), relative(i64::MAX, 0));
}

#[test]
fn json_cannot_steer_a_terminal_and_stays_the_same_json() {
    let hostile = json!({"name": "a\u{9b}31mb\u{202e}c\u{1b}[2Jd\u{7f}"});
    for text in [pretty(&hostile), line(&hostile)] {
        assert!(!text.contains(['\u{9b}', '\u{202e}', '\u{1b}', '\u{7f}']), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), hostile);
    }
}
