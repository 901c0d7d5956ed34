//! Kinds of files, damage, limits.

use std::io::{self, Cursor, Read, Write};

use casbah_discovery::{Catalogue, FileError, NoticeCode, Options, Report, SkipReason, analyse_file};
use flate2::Compression;
use flate2::write::GzEncoder;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::support::{NOW, read, read_with, source};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

/// A zip file of members, each with its name and content.
fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    zip_with(members, SimpleFileOptions::default().compression_method(CompressionMethod::Deflated))
}

fn zip_with(members: &[(&str, &[u8])], options: SimpleFileOptions) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in members {
        writer.start_file(*name, options).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn read_file(name: &str, file: impl AsRef<[u8]>) -> Result<Report, FileError> {
    read_file_with(name, file, &Options::at(NOW))
}

fn read_file_with(name: &str, file: impl AsRef<[u8]>, options: &Options) -> Result<Report, FileError> {
    analyse_file(Cursor::new(file), &source(name).plan(), Catalogue::built_in(), options, &mut |_, _| ())
}

fn refused(result: Result<Report, FileError>) -> String {
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
fn zstd_says_the_same_as_the_text() {
    let sample = source("SQUID").sample;
    let plain = read("SQUID", sample).unwrap().summary;
    assert_eq!(read("SQUID", zstd(sample)).unwrap().summary, plain);
    let (first, second) = sample.split_at(2000);
    let skippable = [&[0x50, 0x2A, 0x4D, 0x18, 4, 0, 0, 0][..], b"note"].concat();
    let frames = [skippable.clone(), zstd(first), skippable, zstd(second)].concat();
    assert_eq!(read("SQUID", frames).unwrap().summary, plain);
}

#[test]
fn every_member_of_a_zip_file_is_a_log() {
    let sample = source("GENERIC_W3C").sample;
    let plain = read("GENERIC_W3C", sample).unwrap().summary;
    let one = zip(&[("../../etc/passwd", sample)]);
    assert_eq!(read_file("GENERIC_W3C", &one).unwrap().summary, plain);
    // The header of the first says nothing about the second; the last line of the first has no end.
    let without_end = sample.strip_suffix(b"\n").unwrap_or(sample);
    let resource_fork = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X";
    let two = zip(&[
        ("a/one.log", without_end),
        ("__MACOSX/a/._one.log", resource_fork),
        ("empty.log", b""),
        ("two.log", sample),
    ]);
    let found = read_file("GENERIC_W3C", two).unwrap().summary;
    assert_eq!((found.lines, found.parsed), (plain.lines * 2, plain.parsed * 2));
    let headless: Vec<u8> =
        sample.split_inclusive(|b| *b == b'\n').filter(|l| !l.starts_with(b"#")).flatten().copied().collect();
    let found = read_file("GENERIC_W3C", zip(&[("1", sample), ("2", &headless)])).unwrap();
    assert_eq!(found.summary.parsed, plain.parsed, "no header, no record");
    // Stored without compression, and with a folder.
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.add_directory("logs", SimpleFileOptions::default()).unwrap();
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    writer.start_file("logs/x", stored).unwrap();
    writer.write_all(sample).unwrap();
    let stored = writer.finish().unwrap().into_inner();
    assert_eq!(read_file("GENERIC_W3C", stored).unwrap().summary, plain);
}

#[test]
fn zip_files_that_are_not_read_say_why() {
    let sample = source("SQUID").sample;
    let check = |file: &[u8], why: &str| {
        let found = refused(read_file("SQUID", file));
        assert!(found.starts_with("Unsupported file type: ") && found.contains(why), "{found}");
    };
    let whole = zip(&[("a.log", sample)]);
    check(&whole[..whole.len() - 5], "damaged or cut off");
    check(&whole[..100], "damaged or cut off");
    let mut damaged = whole.clone();
    damaged[200] ^= 0xFF;
    check(&damaged, "damaged or cut off");
    check(&zip(&[]), "empty");
    check(&zip(&[("a.zip", &whole)]), "member 1 of this zip file: a zip file inside an archive is not read");
    check(
        &zip(&[("a.log", sample), ("b.gz", &gzip(sample))]),
        "member 2 of this zip file: a gzip file inside",
    );
    check(&zip(&[("a.png", b"\x89PNG\r\n\x1a\nimage")]), "member 1 of this zip file: this is an image");
    let mut encrypted = whole.clone();
    // The flag of encryption, in the member's own header and in the list of members (APPNOTE 4.4.4).
    let list = encrypted.windows(4).rposition(|w| w == b"PK\x01\x02").unwrap();
    encrypted[6] |= 1;
    encrypted[list + 8] |= 1;
    check(&encrypted, "member 1 of this zip file: it is encrypted");
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.add_symlink("a.log", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    check(&writer.finish().unwrap().into_inner(), "member 1 of this zip file: it is a link");
    let names: Vec<String> = (0..1001).map(|number| number.to_string()).collect();
    let many: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), sample)).collect();
    check(&zip(&many), "more than 1000 members");
    assert_eq!(read_file("SQUID", zip(&many[..1000])).unwrap().summary.parsed, 32_000);
    let stream = refused(read("SQUID", &whole));
    assert!(stream.contains("a zip file cannot be read from a stream"), "{stream}");
}

#[test]
fn a_list_of_millions_of_members_takes_no_memory() {
    // Entries of the list one after the other, as many as fit into 20 MB, all of the same empty member.
    let one = zip(&[("a", b"")]);
    let list = one.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    let end = one.windows(4).rposition(|w| w == b"PK\x05\x06").unwrap();
    let entry = &one[list..end];
    let count = 20_000_000 / entry.len();
    let mut file = one[..list].to_vec();
    file.extend(entry.repeat(count));
    let mut tail = one[end..].to_vec();
    tail[8..12].copy_from_slice(&[0xFF; 4]);
    tail[12..16].copy_from_slice(&u32::try_from(entry.len() * count).unwrap().to_le_bytes());
    file.extend(tail);
    let found = refused(read_file("SQUID", file));
    assert!(found.starts_with("Unsupported file type: "), "{found}");
}

#[test]
fn damaged_and_foreign_files_are_refused() {
    let sample = source("SQUID").sample;
    let (packed, frames) = (gzip(sample), zstd(sample));
    for (file, why) in [
        (packed[..packed.len() - 9].to_vec(), "this gzip file is damaged or cut off"),
        (packed[..12].to_vec(), "this gzip file is damaged or cut off"),
        (frames[..frames.len() - 9].to_vec(), "this zstd file is damaged or cut off"),
        ([frames.clone(), frames[..50].to_vec()].concat(), "this zstd file is damaged or cut off"),
        (gzip(&packed), "a gzip file inside an archive"),
        (gzip(&frames), "a zstd file inside an archive"),
        (zstd(&packed), "a gzip file inside an archive"),
        (gzip(&zip(&[("a", sample)])), "a zip file inside an archive"),
        (gzip(b"\x89PNG\r\n\x1a\nimage"), "an image"),
        (b"%PDF-1.7".to_vec(), "a PDF document"),
        (gzip(&[&[b'a'; 257][..], b"ustar\x0000", &[b' '; 300]].concat()), "tar archives"),
        (vec![7; 4000], "not text"),
        (vec![0; 100_000], "not text"),
    ] {
        let found = refused(read("SQUID", file));
        assert!(found.starts_with("Unsupported file type: ") && found.contains(why), "{found} for {why}");
    }
}

#[test]
fn a_bomb_is_refused_and_a_repetitive_log_is_not() {
    // Members of gzip and frames of zstd follow each other, so a large bomb is quickly made.
    let zeros = vec![b'0'; 64 * 1024 * 1024];
    for bomb in [gzip(&zeros), zstd(&zeros)] {
        assert!(refused(read("SQUID", bomb.repeat(6))).contains("inflates far more"));
    }
    let members: Vec<String> = (0..6).map(|number| number.to_string()).collect();
    let members: Vec<(&str, &[u8])> = members.iter().map(|name| (name.as_str(), &zeros[..])).collect();
    assert!(refused(read_file("SQUID", zip(&members))).contains("inflates far more"));
    let log = source("SQUID").sample.repeat(500);
    for packed in [gzip(&log), zstd(&log), zip(&[("a", &log)])] {
        assert_eq!(read_file("SQUID", &packed).unwrap().summary.parsed, 32 * 500);
        let options = Options { max_inflated: 100_000, ..Options::at(NOW) };
        let found = refused(read_file_with("SQUID", packed, &options));
        assert!(found.contains("more than is accepted"), "{found}");
    }
}

#[test]
fn utf_16_is_read_with_and_without_a_mark() {
    let sample = source("SQUID_NATIVE").sample;
    let text: String = sample.iter().map(|b| char::from(*b)).filter(char::is_ascii).collect();
    let plain = read("SQUID_NATIVE", &text).unwrap().summary;
    for mark in ["", "\u{FEFF}"] {
        let units: Vec<u16> = format!("{mark}{text}").encode_utf16().collect();
        let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        for file in [gzip(&little), little, big] {
            assert_eq!(read("SQUID_NATIVE", file).unwrap().summary, plain);
        }
    }
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
    let lines: Vec<&[u8]> = text.split(|b| *b == b'\n').collect();
    for ends in [["\r", "\r"], ["\r\n", "\r"], ["\n", "\r"]] {
        let mixed =
            lines.iter().zip(ends.iter().cycle()).flat_map(|(line, end)| [*line, end.as_bytes()].concat());
        let mixed: Vec<u8> = mixed.collect();
        let mixed = mixed.trim_ascii_end();
        assert_eq!(read("SQUID", mixed).unwrap().summary, plain, "{ends:?}");
    }
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
        assert!(report.refused[0].example.starts_with("xxx"));
    }
}

#[test]
fn refused_lines_are_counted_by_reason_with_three_examples_each() {
    let sound = "1794902817.030 1 10.0.0.1 TCP_MISS/200 5 GET https://dropbox.com/x amal HIER_DIRECT/- -\n";
    let no_time =
        "yesterday 1 10.0.0.1 TCP_MISS/200 5 GET https://dropbox.com/?key=hidden zuleika HIER_DIRECT/- -\n";
    let no_client =
        "1794902817.030 1 10.0.0 TCP_MISS/200 5 GET https://dropbox.com/x \x1b[31mzuleika HIER_DIRECT/- -\n";
    let no_host = "1794902817.030 1 10.0.0.1 TCP_MISS/200 5 GET https://a..b/ zuleika HIER_DIRECT/- -\n";
    let cut = "1794902817.030 1 10.0.0.1 TCP_MISS/200 5 GET https://dropbox.com/x zuleika\n";
    let ahead =
        "1799999999.030 1 10.0.0.1 TCP_MISS/200 5 GET https://dropbox.com/x zuleika HIER_DIRECT/- -\n";
    let log =
        [sound, no_time, no_client, no_host, cut, ahead, "x", &"y".repeat(70_000), "\n"].concat().repeat(5);
    let report = read("SQUID_NATIVE", log).unwrap();
    let skipped = report.accounting.skipped;
    let by_reason = [
        skipped.timestamp,
        skipped.source_ip,
        skipped.destination,
        skipped.field_count,
        skipped.future,
        skipped.too_long,
    ];
    assert_eq!(by_reason, [5; 6]);
    assert_eq!(report.refused.len(), 6 * 3);
    let of_time: Vec<u64> =
        report.refused.iter().filter(|r| r.reason == SkipReason::Timestamp).map(|r| r.line).collect();
    assert_eq!(of_time, [2, 9, 16]);
    assert!(report.refused.is_sorted_by_key(|refused| refused.line));
    let example = &report.refused[0].example;
    assert_eq!(
        example,
        "yesterday 1 10.0.0.1 TCP_MISS/200 5 GET https://dropbox.com/?*** *** HIER_DIRECT/- -"
    );
    for refused in &report.refused {
        let example = &refused.example;
        assert!(!example.contains("zuleika") && !example.contains("hidden"), "{example}");
        assert!(!example.contains('\u{1b}'), "{example}");
    }
}

#[test]
fn another_format_is_named() {
    let squid = source("SQUID").sample;
    let Err(FileError::LogFormatMismatch(failure)) = read("SQUID_NATIVE", squid) else { panic!("mismatch") };
    let notice = failure.notices.iter().find(|notice| notice.code == NoticeCode::LooksLike).expect("a guess");
    assert!(notice.text.ends_with("look like those of SQUID"), "{}", notice.text);
    // Two logs in one file.
    let both = [source("SQUID_NATIVE").sample, squid].concat();
    let report = read("SQUID_NATIVE", both).unwrap();
    assert!(
        report.notices.iter().any(|n| n.text.ends_with("look like those of SQUID")),
        "{:?}",
        report.notices
    );
    assert_eq!(read("SQUID", squid).unwrap().notices, []);
}

#[test]
fn a_clock_that_is_ahead_is_noticed() {
    let at = |seconds: i64| {
        let time = NOW / 1000 + seconds;
        format!("{time}.030 1 10.0.0.1 TCP_MISS/200 5 GET https://dropbox.com/x amal HIER_DIRECT/- -\n")
    };
    let codes = |log: &str| {
        let notices = read("SQUID_NATIVE", log).unwrap().notices;
        notices.iter().map(|notice| notice.code).collect::<Vec<_>>()
    };
    assert_eq!(codes(&at(-30)), []);
    assert_eq!(codes(&at(2 * 3600)), [NoticeCode::ClockAhead]);
    assert_eq!(codes(&(at(-30) + &at(3 * 24 * 3600))), [NoticeCode::ClockAhead]);
    assert_eq!(codes(&at(-2 * 3600)), [NoticeCode::ClockBehind]);
}

#[test]
fn a_wrong_format_is_given_up_after_a_thousand_lines() {
    let junk = "one two three\n".repeat(5000);
    let Err(FileError::LogFormatMismatch(failure)) = read("SQUID", &junk) else { panic!("mismatch") };
    assert_eq!(failure.accounting.lines, 1000);
    assert_eq!(failure.refused.len(), 3);
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
    casbah_discovery::analyse(
        &sample[..],
        &format.plan(),
        catalogue,
        &Options::at(NOW),
        &mut |bytes, lines| {
            calls.push((bytes, lines));
        },
    )
    .unwrap();
    assert!(calls.len() > 1 && calls.is_sorted());
    assert_eq!(calls.last(), Some(&(sample.len() as u64, 34_000)));
}
