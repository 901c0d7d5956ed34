//! Any bytes as a log of which nobody says where it is from.
#![no_main]

use std::io::Cursor;

use casbah_discovery::{Options, detect_file};
use libfuzzer_sys::fuzz_target;

/// 2026-11-23T12:00:00Z, the time the samples are made for.
const NOW: i64 = 1_795_435_200_000;

fuzz_target!(|log: &[u8]| {
    let options = Options { max_inflated: 1 << 20, ..Options::at(NOW) };
    if let Ok(found) = detect_file(Cursor::new(log), &options) {
        assert!(found.candidates.iter().all(|one| one.read <= found.lines));
        assert!(!found.to_string().is_empty());
    }
});
