//! What dead processes and forgetful clients leave behind goes away.

use std::time::Duration;

use casbah_store::uploads;

use crate::{Error, Service};

/// Bytes of an upload that nobody finishes are kept this long after its address expired; those of a log that could
/// not be read, after that.
const ABANDONED: Duration = Duration::from_secs(7 * 24 * 60 * 60);

impl Service {
    /// Deletes files that nothing needs any more; answers how many. For the start, and now and then.
    pub async fn sweep_uploads(&self) -> Result<u64, Error> {
        let before = self.clock.now().minus(ABANDONED);
        self.store.write(move |tx| uploads::delete_abandoned(tx, before)).await?;
        self.store.write(move |tx| uploads::forget_failed(tx, before)).await?;
        let folder = self.folder();
        // The folder is looked at after the rows, so a file that is named meanwhile is older than this
        // list; the grace time and the state of its upload keep it.
        let (in_use, finished) = self
            .store
            .read(|tx| Ok::<_, casbah_store::Error>((uploads::files_in_use(tx)?, uploads::finished(tx)?)))
            .await?;
        let (in_use, finished) = (in_use.into_iter().collect(), finished.into_iter().collect());
        let swept = tokio::task::spawn_blocking(move || folder.sweep(&in_use, &finished)).await;
        swept.map_err(Error::internal)?.map_err(Error::internal)
    }
}
