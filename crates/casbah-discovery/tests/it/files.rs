//! Kinds of files, damage, limits.

use std::io::{self, Read, Write};

use casbah_discovery::{FileError, Options, SkipReason};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::support::{NOW, read, read_with, source};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn refused(result: Result<casbah_discovery::Report, FileError>) -> String {
    result.map(|report| report.summary).unwrap_err().to_string()
}

#[test]
fn gzip_says_the_same_as_the_text() {
    let sample = source("SQUID").sample;
    let plain = read("SQUID", sample).unwrap();
    let packed = read("SQUID", gzip(sample)).unwrap();
    assert_eq!(packed.summary, plain.summary);
    // Log rotation appends members.
    let (first, second) = sample.split_at(2000);
    let members = [gzip(first), gzip(second)].concat();
    assert_eq!(read("SQUID", members).unwrap().summary, plain.summary);
}

#[test]
fn damaged_and_foreign_files_are_refused() {
    let packed = gzip(source("SQUID").sample);
    for file in [
        packed[..packed.len() - 9].to_vec(),
        packed[..12].to_vec(),
        gzip(&packed),
        gzip(b"\x89PNG\r\n\x1a\nimage"),
        b"PK\x03\x04rest".to_vec(),
        b"%PDF-1.7".to_vec(),
        b"\xFF\xFE1\0.\0".to_vec(),
        vec![7; 4000],
        vec![0; 100_000],
    ] {
        assert!(refused(read("SQUID", file)).starts_with("Unsupported file type: "));
    }
}

#[test]
fn a_bomb_is_refused_and_a_repetitive_log_is_not() {
    let zeros = gzip(&vec![b'0'; 64 * 1024 * 1024]);
    assert!(refused(read("SQUID", zeros)).contains("inflates far more"));
    let log = source("SQUID").sample.repeat(500);
    assert_eq!(read("SQUID", gzip(&log)).unwrap().summary.parsed, 32 * 500);
    let options = Options { max_inflated: 100_000, ..Options::at(NOW) };
    assert!(refused(read_with("SQUID", &gzip(&log)[..], &options)).contains("more than is accepted"));
}

#[test]
fn a_source_that_fails_is_not_the_senders_fault() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("disk"))
        }
    }
    let sample = source("SQUID").sample;
    for start in [b"".to_vec(), sample[..1000].to_vec(), gzip(sample)[..200].to_vec()] {
        let result = read_with("SQUID", start.chain(Failing), &Options::at(NOW));
        assert!(matches!(result, Err(FileError::Read(_))));
    }
}

#[test]
fn line_ends_bom_and_holes_do_not_matter() {
    let plain = read("SQUID", source("SQUID").sample).unwrap().summary;
    let text: Vec<u8> = source("SQUID").sample.to_vec();
    let mut windows = b"\xEF\xBB\xBF".to_vec();
    for line in text.split_inclusive(|b| *b == b'\n') {
        windows.extend(line.strip_suffix(b"\n").unwrap_or(line));
        windows.extend(b"\r\n");
    }
    assert_eq!(read("SQUID", windows).unwrap().summary, plain);
    assert_eq!(read("SQUID", text.strip_suffix(b"\n").unwrap()).unwrap().summary, plain);
    let with_hole = [&[0; 5000][..], &text].concat();
    assert_eq!(read("SQUID", with_hole).unwrap().summary, plain);
}

#[test]
fn long_lines_are_skipped_and_the_next_is_read() {
    let line = b"1794902817.030 1 10.0.0.1 TCP_MISS/200 5 GET https://dropbox.com/x amal HIER_DIRECT/- -\n";
    let url = format!("https://dropbox.com/{}", "x".repeat(16_000));
    let long_url = format!("1794902817.030 1 10.0.0.1 TCP_MISS/200 5 GET {url} amal HIER_DIRECT/- -\n");
    for (length, skipped) in [(64 * 1024, 1), (64 * 1024 + 1, 1), (3_000_000, 1), (100, 1)] {
        let mut log = line.to_vec();
        log.extend(vec![b'x'; length]);
        log.push(b'\n');
        log.extend(long_url.as_bytes());
        log.extend(line);
        let report = read("SQUID_NATIVE", log).unwrap();
        assert_eq!((report.summary.parsed, report.summary.skipped), (3, skipped), "{length}");
        let reason = if length > 64 * 1024 { SkipReason::TooLong } else { SkipReason::FieldCount };
        assert_eq!(report.refused[0].reason, reason);
        assert_eq!(report.refused[0].line, 2);
    }
}

#[test]
fn a_wrong_format_is_given_up_after_a_thousand_lines() {
    let junk = "one two three\n".repeat(5000);
    let Err(FileError::LogFormatMismatch(failure)) = read("SQUID", &junk) else { panic!("mismatch") };
    assert_eq!(failure.accounting.lines, 1000);
    assert_eq!(failure.refused.len(), 20);
    // A tenth is enough.
    let sound = std::str::from_utf8(source("SQUID").sample).unwrap().lines().next().unwrap();
    let mixed = format!("{}{sound}\n", "one two three\n".repeat(9)).repeat(200);
    assert_eq!(read("SQUID", mixed).unwrap().summary.parsed, 200);
}

#[test]
fn limits_are_told() {
    let options = Options { max_keys: 5, ..Options::at(NOW) };
    let report = read_with("SQUID", source("SQUID").sample, &options).unwrap();
    assert_eq!(report.summary.parsed, 32);
    assert_eq!(report.summary.bytes_total, 519_220);
    assert!(report.unattributed > 0);
    assert!(report.usage.len() <= 5 && report.destinations.len() <= 5);
}

#[test]
fn progress_ends_with_everything() {
    let sample = source("SQUID").sample.repeat(1000);
    let mut calls = Vec::new();
    let format = source("SQUID");
    let catalogue = casbah_discovery::Catalogue::built_in();
    casbah_discovery::analyse(&sample[..], format, catalogue, &Options::at(NOW), &mut |bytes, lines| {
        calls.push((bytes, lines));
    })
    .unwrap();
    assert!(calls.len() > 1 && calls.is_sorted());
    assert_eq!(calls.last(), Some(&(sample.len() as u64, 34_000)));
}
