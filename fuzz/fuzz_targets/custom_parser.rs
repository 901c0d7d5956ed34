//! A definition of a parser and a log that is read with it: JSON up to the first NUL byte, then the lines.
#![no_main]

use casbah_discovery::{Catalogue, CustomParser, Options, analyse, explain};
use libfuzzer_sys::fuzz_target;

/// 2026-11-23T12:00:00Z, the time the samples are made for.
const NOW: i64 = 1_795_435_200_000;

fuzz_target!(|input: &[u8]| {
    let end = input.iter().position(|byte| *byte == 0).unwrap_or(input.len());
    let (definition, log) = (&input[..end], input.get(end + 1..).unwrap_or_default());
    let Ok(parser) = serde_json::from_slice::<CustomParser>(definition) else { return };
    let Ok(plan) = parser.plan() else { return };
    let options = Options { max_inflated: 1 << 20, max_keys: 1000, ..Options::at(NOW) };
    let result = analyse(log, &plan, Catalogue::built_in(), &options, &mut |_, _| ());
    let accounting = match &result {
        Ok(report) => report.accounting,
        Err(error) => error.failure().map(|failure| failure.accounting).unwrap_or_default(),
    };
    let told = accounting.parsed + accounting.skipped.total() + accounting.ignored + accounting.too_old;
    assert_eq!(accounting.lines, told);
    let _ = explain(log, &plan, Catalogue::built_in(), &options, &mut |_| true);
});
