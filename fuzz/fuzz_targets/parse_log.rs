//! Any bytes as a log: the first byte chooses the format, the rest is the file.
#![no_main]

use casbah_discovery::{Catalogue, FORMATS, Options, analyse};
use libfuzzer_sys::fuzz_target;

/// 2026-11-23T12:00:00Z, the time the samples are made for.
const NOW: i64 = 1_795_435_200_000;

fuzz_target!(|input: &[u8]| {
    let Some((choice, log)) = input.split_first() else { return };
    let format = FORMATS[usize::from(*choice) % FORMATS.len()];
    let options = Options { max_inflated: 1 << 20, max_keys: 1000, ..Options::at(NOW) };
    let result = analyse(log, &format.plan(), Catalogue::built_in(), &options, &mut |_, _| ());
    let accounting = match &result {
        Ok(report) => report.accounting,
        Err(error) => error.failure().map(|failure| failure.accounting).unwrap_or_default(),
    };
    let told = accounting.parsed + accounting.skipped.total() + accounting.ignored + accounting.too_old;
    assert_eq!(accounting.lines, told);
});
