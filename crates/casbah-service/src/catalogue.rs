//! The catalogue in force: ours, or a file of the operator's that is read again whenever it changes.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::SystemTime;

use casbah_discovery::Catalogue;

use crate::Service;

pub use casbah_discovery::App as CatalogueApp;

/// The catalogue in force, and where it came from.
#[derive(Default)]
pub(crate) struct Current {
    file: Option<PathBuf>,
    /// None while it is the one that ships with us.
    read: RwLock<Option<Arc<Catalogue>>>,
    /// What the file looked like when it was read last, well or not.
    seen: Mutex<Option<Look>>,
}

/// Time of change and size: enough to know that somebody replaced the file.
type Look = (SystemTime, u64);

impl Current {
    /// Reads a file that must be a catalogue.
    pub(crate) fn open(file: PathBuf) -> Result<Current, String> {
        let current = Current { file: Some(file), ..Current::default() };
        current.refresh()?;
        Ok(current)
    }

    /// Reads the file again if it has changed; true if it was read. What cannot be read changes nothing.
    fn refresh(&self) -> Result<bool, String> {
        let Some(file) = &self.file else { return Ok(false) };
        let shown = file.display();
        let cannot = |e: std::io::Error| format!("the catalogue {shown} cannot be read: {e}");
        let metadata = std::fs::metadata(file).map_err(cannot)?;
        let look = (metadata.modified().map_err(cannot)?, metadata.len());
        {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if *seen == Some(look) {
                return Ok(false);
            }
            *seen = Some(look);
        }
        let text = std::fs::read_to_string(file).map_err(cannot)?;
        let catalogue = Catalogue::parse(&text).map_err(|e| format!("{shown}: {e}"))?;
        let mut read = self.read.write().unwrap_or_else(PoisonError::into_inner);
        *read = Some(Arc::new(catalogue));
        Ok(true)
    }
}

impl Service {
    /// The catalogue as it is now.
    pub fn catalogue(&self) -> Arc<Catalogue> {
        let read = self.catalogue.read.read().unwrap_or_else(PoisonError::into_inner);
        read.clone().unwrap_or_else(Catalogue::shared)
    }

    /// Reads the operator's file again if somebody changed it; keeps what there is if it cannot be read.
    pub(crate) async fn refresh_catalogue(&self) {
        if self.catalogue.file.is_none() {
            return;
        }
        let current = self.catalogue.clone();
        match tokio::task::spawn_blocking(move || current.refresh()).await {
            Ok(Ok(true)) => {
                tracing::info!(apps = self.catalogue().apps().len(), "the catalogue was read again")
            }
            Ok(Ok(false)) => {}
            Ok(Err(why)) => tracing::error!("{why}; the catalogue stays as it was"),
            Err(e) => tracing::error!(error = %e, "the catalogue could not be looked at"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "app_id,name,vendor,category,domains\n";

    fn names(current: &Current) -> Vec<String> {
        let read = current.read.read().expect("readable");
        read.as_ref().expect("a catalogue").apps().map(|app| app.name.clone()).collect()
    }

    #[test]
    fn a_changed_file_is_read_again_and_a_broken_one_changes_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("catalogue.csv");
        let write = |text: &str| std::fs::write(&file, format!("{HEAD}{text}")).expect("written");
        write("40001,One,V,SAASDB_CATEGORY_CRM,one.example\n");
        let current = Current::open(file.clone()).expect("a catalogue");
        assert_eq!(names(&current), ["One"]);
        assert_eq!(current.refresh(), Ok(false), "nothing changed");
        write("40001,One,V,SAASDB_CATEGORY_CRM,one.example\n40002,Two,V,SAASDB_CATEGORY_CRM,two.example\n");
        assert_eq!(current.refresh(), Ok(true));
        assert_eq!(names(&current), ["One", "Two"]);
        write("40001,One,V,SAASDB_CATEGORY_CRM,co.uk\n");
        let why = current.refresh().expect_err("nobody owns that");
        assert!(why.contains("catalogue.csv") && why.contains("co.uk"), "{why}");
        assert_eq!(names(&current), ["One", "Two"]);
        assert_eq!(current.refresh(), Ok(false), "it is said once");
        assert!(Current::open(folder.path().join("none")).is_err());
    }
}
