//! Any text as host and path; a line end separates them.
#![no_main]

use casbah_discovery::{Catalogue, block_script};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Ok(input) = std::str::from_utf8(input) else { return };
    let (host, path) = match input.split_once('\n') {
        Some((host, path)) => (host, Some(path)),
        None => (input, None),
    };
    let catalogue = Catalogue::built_in();
    if let Some(id) = catalogue.match_host(host, path) {
        assert!(catalogue.app(id).is_some());
    }
    assert!(block_script(120, [host]).is_some());
});
