//! The samples against figures that were written by the program that made the samples, not by this one.

use std::fs;
use std::net::IpAddr;

use casbah_discovery::{Basis, FORMATS, Report, Summary, format};

use crate::support::{read, source};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/samples");

fn rows(file: &str) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_path(format!("{FOLDER}/{file}")).unwrap();
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

fn sample(file: &str) -> Vec<u8> {
    fs::read(format!("{FOLDER}/{file}")).unwrap()
}

fn summary_cells(s: &Summary) -> Vec<String> {
    let mut cells: Vec<String> = [
        s.lines,
        s.parsed,
        s.skipped,
        s.ignored,
        s.too_old,
        s.users,
        s.client_ips,
        s.dest_hosts,
        s.bytes_up,
        s.bytes_down,
        s.bytes_total,
        s.blocked,
    ]
    .iter()
    .map(u64::to_string)
    .collect();
    cells.extend([s.first_seen.clone().unwrap_or_default(), s.last_seen.clone().unwrap_or_default()]);
    cells
}

fn destination_cells(report: &Report) -> Vec<Vec<String>> {
    let cells = |row: &casbah_discovery::DestinationRow| {
        let figures = [
            row.transactions,
            row.users,
            row.client_ips,
            row.bytes_up,
            row.bytes_down,
            row.bytes_total,
            row.blocked,
        ];
        let mut cells = vec![row.dest.clone()];
        cells.extend(figures.iter().map(u64::to_string));
        cells
    };
    report.destinations.iter().map(cells).collect()
}

#[test]
fn samples_give_the_expected_figures() {
    let destinations = rows("expected-dest.csv");
    let mut wrong = Vec::new();
    for row in rows("expected.csv") {
        let (file, name) = (&row[0], &row[1]);
        assert_eq!(format(name).map_or(167, |format| format.log_type).to_string(), row[2]);
        let report = match read(file.trim_end_matches(".log"), sample(file)) {
            Ok(report) => report,
            Err(error) => {
                wrong.push(format!("{file}: {error}"));
                continue;
            }
        };
        assert_eq!(report.summary.source, *name);
        assert_eq!(report.unattributed, 0);
        if summary_cells(&report.summary) != row[4..18] {
            wrong.push(format!("{file}: {:?}\n  {:?}", summary_cells(&report.summary), &row[4..18]));
        }
        let mut expected: Vec<Vec<String>> =
            destinations.iter().filter(|row| row[0] == *file).map(|row| row[1..].to_vec()).collect();
        expected.sort();
        let found = destination_cells(&report);
        if let Some((found, expected)) =
            found.iter().zip(&expected).find(|(found, expected)| found != expected)
        {
            wrong.push(format!("{file}: {found:?}\n  {expected:?}"));
        }
        assert_eq!(found.len(), expected.len(), "{file}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The shelf of samples that stands beside the checkout where there is one: all of it is here.
#[test]
fn no_sample_of_the_shelf_is_left_out() {
    let shelf = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/samples/logs");
    let walked: Vec<String> = rows("expected.csv").into_iter().map(|row| row[0].clone()).collect();
    assert_eq!(walked.len(), 64);
    for entry in fs::read_dir(shelf).into_iter().flatten() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(!name.ends_with(".log") || walked.contains(&name), "{name}");
    }
    for format in FORMATS.iter().filter(|format| format.basis != Basis::Unverified) {
        let theirs = walked.iter().any(|name| sample(name) == format.sample);
        // Those beyond the documented list have samples of our own.
        assert!(theirs || format.log_type > 10_000 || format.id == "SQUID_SYSLOG", "{}", format.id);
    }
}

#[test]
fn every_format_reads_its_own_sample() {
    for format in FORMATS {
        let report = read(format.id, format.sample).unwrap();
        assert!(report.summary.parsed >= 20, "{}", format.id);
        let named = |row: &casbah_discovery::DestinationRow| row.dest.parse::<IpAddr>().is_err();
        assert!(!report.usage.is_empty() || !report.destinations.iter().any(named), "{}", format.id);
    }
}

#[test]
fn bad_uploads_end_with_their_title() {
    for row in rows("bad/expected.csv") {
        let error = read(&row[1], sample(&format!("bad/{}", row[0]))).unwrap_err();
        let accounting = error.failure().map(|failure| failure.accounting).unwrap_or_default();
        let found = [accounting.lines.to_string(), accounting.parsed.to_string(), error.title().to_owned()];
        assert_eq!(found, row[2..5], "{}", row[0]);
    }
}

#[test]
fn the_summary_has_the_agreed_names() {
    let report = read("SQUID", source("SQUID").sample).unwrap();
    let json = serde_json::to_value(&report.summary).unwrap();
    let mut names: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected: Vec<&str> =
        "source lines parsed skipped ignored tooOld users clientIps destHosts bytesUp \
        bytesDown bytesTotal blocked firstSeen lastSeen"
            .split_whitespace()
            .collect();
    names.sort_unstable();
    expected.sort_unstable();
    assert_eq!(names, expected);
    assert_eq!(json["firstSeen"], "2026-11-17T14:02:08Z");
}
