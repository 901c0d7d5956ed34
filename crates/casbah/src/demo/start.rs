//! Starting the development server: where it keeps its things, on which port, with which world.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use casbah_store::Location;
use tempfile::TempDir;

use super::world;
use crate::client::failure::Failure;
use crate::client::profile;
use crate::config::{Config, clock_from_environment, outbound_from_environment};
use crate::output::note;
use crate::server::{self, Running};

/// Ports tried after the one asked for.
const TRIES: u16 = 50;

/// Where the server keeps its things.
pub struct Place {
    /// The folder.
    pub folder: PathBuf,
    /// Removes it at the end, unless the user named it.
    _temporary: Option<TempDir>,
    database: Location,
}

impl Place {
    /// A folder that the user named, or a private temporary one with everything else in memory.
    pub fn new(named: Option<PathBuf>) -> Result<Place, Failure> {
        match named {
            Some(folder) => {
                let folder = std::path::absolute(&folder).map_err(|e| Failure::file(&folder, &e))?;
                let database = Location::File(folder.join("casbah.db"));
                Ok(Place { folder, _temporary: None, database })
            }
            None => {
                let private = std::fs::Permissions::from_mode(0o700);
                let temporary = tempfile::Builder::new().prefix("casbah-").permissions(private).tempdir()?;
                let folder = temporary.path().to_path_buf();
                Ok(Place { folder, _temporary: Some(temporary), database: Location::Memory })
            }
        }
    }

    /// Whether the folder and all in it goes away at the end.
    pub fn is_temporary(&self) -> bool {
        self._temporary.is_some()
    }
}

/// Starts the server, makes the world, and writes `casbah.env`.
pub async fn start(listen: SocketAddr, place: &Place, test_mode: bool) -> Result<Running, Failure> {
    let listen = free(listen)?;
    let mut config = Config::development(listen, place.folder.clone(), place.database.clone());
    config.clock = clock_from_environment(test_mode).map_err(|e| Failure::usage(e.to_string()))?;
    (config.outbound_allow, config.outbound_ca) =
        outbound_from_environment().map_err(|e| Failure::usage(e.to_string()))?;
    config.test_mode = config.clock.setting() != casbah_model::ClockSetting::System;
    let running = server::start(config).await.map_err(|e| Failure::failed(e.to_string()))?;
    let made = running.service.apply_bootstrap(&world::bootstrap()).await;
    made.map_err(|e| Failure::failed(format!("the development world: {e}")))?;
    let folder = std::path::absolute(&running.data_dir).map_err(|e| Failure::file(&running.data_dir, &e))?;
    let ca = std::path::absolute(&running.ca_certificate)
        .map_err(|e| Failure::file(&running.ca_certificate, &e))?;
    world::environment(&running.url, &ca, &folder).write(&folder)?;
    profile::remember_development(&folder);
    Ok(running)
}

/// The address asked for, or the same with the next free port.
fn free(listen: SocketAddr) -> Result<SocketAddr, Failure> {
    if listen.port() == 0 {
        return Ok(listen);
    }
    let mut busy = None;
    for port in listen.port()..=listen.port().saturating_add(TRIES) {
        let candidate = SocketAddr::new(listen.ip(), port);
        match TcpListener::bind(candidate) {
            Ok(_) if busy.is_some() => {
                note(&format!("Port {} is in use; taking {port}.", listen.port()));
                return Ok(candidate);
            }
            Ok(_) => return Ok(candidate),
            Err(e) if e.kind() == std::io::ErrorKind::AddrInUse => busy = Some(e),
            Err(e) => return Err(Failure::failed(format!("cannot listen on {candidate}: {e}"))),
        }
    }
    Err(Failure::failed(format!(
        "port {} and the {TRIES} after it are in use; choose another with --listen",
        listen.port()
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_temporary_folder_is_private_and_goes_away() {
        let place = Place::new(None).unwrap();
        let folder = place.folder.clone();
        assert_eq!(std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
        drop(place);
        assert!(!folder.exists());
    }

    #[test]
    fn a_busy_port_gives_way_to_the_next() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let asked = taken.local_addr().unwrap();
        let found = free(asked).unwrap();
        assert!(found.port() > asked.port() && found.ip() == asked.ip());
        drop(taken);
        assert_eq!(free(asked).unwrap(), asked);
    }
}
