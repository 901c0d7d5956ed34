//! What the tests share: the fixed clock and one way to analyse.

use std::io::Read;

use casbah_discovery::{Catalogue, FileError, Format, Options, Report, analyse, format};

/// 2026-11-23T12:00:00Z, the time the samples are made for.
pub const NOW: i64 = 1_795_435_200_000;

pub fn source(name: &str) -> &'static Format {
    format(name).unwrap()
}

pub fn read(name: &str, log: impl AsRef<[u8]>) -> Result<Report, FileError> {
    read_with(name, log.as_ref(), &Options::at(NOW))
}

pub fn read_with(name: &str, log: impl Read, options: &Options) -> Result<Report, FileError> {
    analyse(log, source(name), Catalogue::built_in(), options, &mut |_, _| ())
}
