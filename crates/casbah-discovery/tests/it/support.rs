//! What the tests share: the fixed clock and one way to analyse.

use std::io::Read;

use casbah_discovery::{Catalogue, CustomParser, FileError, Format, Options, Plan, Report, analyse, format};

/// 2026-11-23T12:00:00Z, the time the samples are made for.
pub const NOW: i64 = 1_795_435_200_000;

pub fn source(name: &str) -> &'static Format {
    format(name).unwrap()
}

/// The plan of a source, or of a parser that `custom-parsers.json` defines.
pub fn plan(name: &str) -> Plan {
    let custom = custom_parsers().into_iter().find(|parser| parser.name == name);
    custom.map_or_else(|| source(name).plan(), |parser| parser.plan().unwrap())
}

pub fn custom_parsers() -> Vec<CustomParser> {
    serde_json::from_str(include_str!("../../samples/custom-parsers.json")).unwrap()
}

pub fn read(name: &str, log: impl AsRef<[u8]>) -> Result<Report, FileError> {
    read_with(name, log.as_ref(), &Options::at(NOW))
}

pub fn read_with(name: &str, log: impl Read, options: &Options) -> Result<Report, FileError> {
    analyse(log, &plan(name), Catalogue::built_in(), options, &mut |_, _| ())
}
