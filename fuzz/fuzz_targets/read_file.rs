//! Any bytes as an uploaded file: text, gzip, zstd or zip, as its first bytes say.
#![no_main]

use std::io::Cursor;

use casbah_discovery::{Catalogue, Options, analyse_file, explain_file, format};
use libfuzzer_sys::fuzz_target;

/// 2026-11-23T12:00:00Z, the time the samples are made for.
const NOW: i64 = 1_795_435_200_000;

fuzz_target!(|file: &[u8]| {
    let Ok(format) = format("GENERIC_W3C") else { return };
    let plan = format.plan();
    let (catalogue, one) = (Catalogue::built_in(), Options { max_inflated: 1 << 22, ..Options::at(NOW) });
    let two = Options { threads: 2, ..one.clone() };
    let said = |options: &Options| {
        let result = analyse_file(Cursor::new(file), &plan, catalogue, options, &mut |_, _| ());
        match result {
            Ok(report) => format!("{:?} {:?} {:?}", report.summary, report.usage, report.refused),
            Err(error) => format!("{error} {:?}", error.failure()),
        }
    };
    assert_eq!(said(&one), said(&two));
    let _ = explain_file(Cursor::new(file), &plan, catalogue, &one, &mut |_| true);
});
