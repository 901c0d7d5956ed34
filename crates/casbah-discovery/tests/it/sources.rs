//! The list of sources, in the code and in the documentation.

use std::fs;

use casbah_discovery::{Basis, FORMATS, Format, Options, SOURCES, detect};

use crate::support::{NOW, source};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/discovery.md");
const START: &str = "<!-- sources: written by a test, UPDATE=1 -->\n";
const END: &str = "<!-- end of sources -->\n";

/// One row a device: siblings with and without syslog headers differ in nothing else.
fn table() -> String {
    let mut rows: Vec<(&'static Format, String)> = Vec::new();
    for format in FORMATS {
        match rows.iter_mut().find(|(first, _)| first.vendor == format.vendor && first.basis == format.basis)
        {
            Some((_, names)) => names.push_str(&format!(", `{}`", format.id)),
            None => rows.push((format, format!("`{}`", format.id))),
        }
    }
    rows.sort_by_key(|(format, _)| format.vendor.to_lowercase());
    let mut table = "| device | sources | layout | gives |\n|---|---|---|---|\n".to_string();
    for (format, names) in rows {
        let gives = match format.basis {
            Basis::Unverified => "as present".to_string(),
            _ => format.gives().names().join(", "),
        };
        table += &format!("| {} | {names} | {} | {gives} |\n", format.vendor, format.basis.name());
    }
    table
}

#[test]
fn the_documentation_lists_the_sources() {
    let page = fs::read_to_string(PAGE).unwrap();
    let from = page.find(START).unwrap() + START.len();
    let to = page.find(END).unwrap();
    let wanted = format!("{}{}{}", &page[..from], table(), &page[to..]);
    if std::env::var_os("UPDATE").is_some() {
        fs::write(PAGE, wanted).unwrap();
    } else {
        assert!(page == wanted, "docs/discovery.md is stale; UPDATE=1 writes it");
    }
}

#[test]
fn every_source_but_those_that_are_never_read_has_a_format() {
    for known in SOURCES {
        let built = FORMATS.iter().any(|format| format.id == known.name);
        assert_eq!(built, !matches!(known.name, "OTHER" | "CUSTOM_PARSER"), "{}", known.name);
    }
    let mut numbers: Vec<u16> = FORMATS.iter().map(|format| format.log_type).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), FORMATS.len());
}

#[test]
fn what_sources_give_is_measured() {
    assert_eq!(source("CISCO_ASA").gives().names(), ["target IP", "origin IP", "traffic", "action"]);
    assert_eq!(source("MACHINE_ZONE_MERAKI").gives().names(), ["target URL", "origin IP"]);
    let all = ["target URL", "user name", "origin IP", "traffic", "uploaded", "action"];
    assert_eq!(source("ZSCALER_CEF_SYSLOG").gives().names(), all);
}

#[test]
fn every_sample_is_recognised() {
    let mut wrong = Vec::new();
    for format in FORMATS.iter().filter(|format| format.basis != Basis::Unverified) {
        let found = detect(format.sample, &Options::at(NOW)).unwrap();
        let best = found.best().unwrap();
        // A sibling that reads the same lines is as right.
        if best.vendor != format.vendor {
            wrong.push(format!("{} is taken for {}: {found}", format.id, best.id));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let exact = |name: &str| detect(source(name).sample, &Options::at(NOW)).unwrap().best().unwrap().id;
    for name in ["SQUID_NATIVE", "SQUID_NATIVE_SYSLOG", "FORTIOS_SYSLOG", "PALO_ALTO_LEEF", "ZSCALER_SYSLOG"]
    {
        assert_eq!(exact(name), name);
    }
}

#[test]
fn detection_says_why() {
    let check = |log: &[u8], expected: &str| {
        assert_eq!(detect(log, &Options::at(NOW)).unwrap().to_string(), expected);
    };
    check(b"nothing\nto\nread\n", "no source reads any of the first 3 lines");
    let lines =
        "1794902817.030 1 10.0.0.1 TCP_MISS/200 5 GET https://a.example/ - HIER_NONE/- -\n".repeat(1200);
    check(lines.as_bytes(), "1,000 of 1,000 lines read; no other source reads any");
}
