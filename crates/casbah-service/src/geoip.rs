//! Where addresses are and whose they are, by files in MaxMind's format that the operator provides: of countries,
//! of cities, of autonomous systems. They are read again whenever they change.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::SystemTime;

use casbah_model::{IpLocation, Place};
use casbah_store::Places;
use maxminddb::{Reader, geoip2};

use crate::Service;

/// The files in force.
#[derive(Default)]
pub(crate) struct Geoip {
    files: Vec<File>,
}

struct File {
    path: PathBuf,
    read: RwLock<Option<Arc<Reader<Vec<u8>>>>>,
    /// What the file looked like when it was read last, well or not: time of change and size.
    seen: Mutex<Option<(SystemTime, u64)>>,
}

impl Geoip {
    /// Reads files that must be in MaxMind's format.
    pub(crate) fn open(files: Vec<PathBuf>) -> Result<Geoip, String> {
        let new = |path| File { path, read: RwLock::default(), seen: Mutex::default() };
        let geoip = Geoip { files: files.into_iter().map(new).collect() };
        for file in &geoip.files {
            file.refresh()?;
        }
        Ok(geoip)
    }
}

impl File {
    /// Reads the file again if it has changed; true if it was read. What cannot be read changes nothing.
    fn refresh(&self) -> Result<bool, String> {
        let shown = self.path.display();
        let cannot = |e: std::io::Error| format!("the address database {shown} cannot be read: {e}");
        let metadata = std::fs::metadata(&self.path).map_err(cannot)?;
        let look = (metadata.modified().map_err(cannot)?, metadata.len());
        {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if *seen == Some(look) {
                return Ok(false);
            }
            *seen = Some(look);
        }
        // Not mapped into memory: whoever replaces the file in place must not crash the server.
        let reader = Reader::open_readfile(&self.path)
            .map_err(|e| format!("{shown} is not in MaxMind's format, or damaged: {e}"))?;
        *self.read.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(reader));
        Ok(true)
    }

    fn reader(&self) -> Option<Arc<Reader<Vec<u8>>>> {
        self.read.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Places for Geoip {
    /// What the files say of an address; what one does not know another may.
    fn place(&self, address: IpAddr) -> Place {
        let mut place = Place::default();
        for reader in self.files.iter().filter_map(File::reader) {
            // A damaged record is as good as none.
            let Ok(found) = reader.lookup(address) else { continue };
            if let Ok(Some(city)) = found.decode::<geoip2::City<'_>>() {
                let text = |text: Option<&str>| text.map(str::to_string);
                let country =
                    if city.country.iso_code.is_some() { &city.country } else { &city.registered_country };
                let own = IpLocation {
                    name: text(city.city.names.english),
                    latitude: city.location.latitude,
                    longitude: city.location.longitude,
                    country_code: text(country.iso_code),
                    country_name: text(country.names.english),
                };
                if own != IpLocation::default() {
                    place.location.get_or_insert(own);
                }
            }
            if let Ok(Some(system)) = found.decode::<geoip2::Asn<'_>>()
                && let Some(name) = system.autonomous_system_organization
            {
                place.organization.get_or_insert_with(|| name.to_string());
            }
        }
        place
    }
}

impl Service {
    /// With these files of addresses.
    ///
    /// # Errors
    /// One line that names the file.
    pub fn with_geoip(mut self, files: Vec<PathBuf>) -> Result<Service, String> {
        let geoip = Arc::new(Geoip::open(files)?);
        self.store.set_places(geoip.clone());
        self.geoip = geoip;
        Ok(self)
    }

    /// Reads the files of addresses again that somebody changed; the server calls it now and then.
    pub async fn refresh_geoip(&self) {
        let geoip = self.geoip.clone();
        let refresh = move || geoip.files.iter().map(File::refresh).collect::<Vec<_>>();
        match tokio::task::spawn_blocking(refresh).await {
            Ok(all) => {
                for result in all {
                    match result {
                        Ok(true) => tracing::info!("a database of addresses was read again"),
                        Ok(false) => {}
                        Err(why) => tracing::error!("{why}; it stays as it was"),
                    }
                }
            }
            Err(e) => tracing::error!(error = %e, "the databases of addresses could not be looked at"),
        }
    }
}

#[cfg(test)]
pub(crate) mod mmdb;
#[cfg(test)]
mod tests;
