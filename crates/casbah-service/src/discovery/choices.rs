//! What can be chosen in discovery: log formats that are read, and appliances that scripts are made for.

use casbah_discovery::FORMATS;
use casbah_discovery::block_script::BLOCK_SCRIPT_FORMATS;

use crate::Service;

impl Service {
    /// Names of the sources whose logs are read, in the order of the alphabet.
    pub fn log_sources() -> Vec<&'static str> {
        let mut names: Vec<&'static str> = FORMATS.iter().map(|format| format.id).collect();
        names.sort_unstable();
        names
    }

    /// Key and name of everything that block scripts are made for.
    pub fn block_script_formats() -> Vec<(&'static str, &'static str)> {
        BLOCK_SCRIPT_FORMATS.iter().map(|format| (format.key, format.name)).collect()
    }
}
