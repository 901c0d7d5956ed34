//! Any text as a catalogue of apps. What is taken finds its own hosts; what is refused has a fault that is told.
#![no_main]

use casbah_discovery::Catalogue;
use casbah_discovery::catalogue::check_catalogue;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let faults = check_catalogue(text);
    let Ok(catalogue) = Catalogue::parse(text) else {
        assert!(!faults.is_empty());
        return;
    };
    for app in catalogue.apps() {
        assert!(catalogue.app(app.id).is_some());
        let _ = catalogue.match_host(&app.name, Some("/x"));
        let _ = catalogue.match_application(&app.name);
    }
});
