//! What dead processes and forgetful clients leave behind goes away.

use std::time::Duration;

use casbah_store::{uploads, usage};

use crate::{Error, Service};

/// Bytes of an upload that nobody finishes are kept this long after its address expired.
const ABANDONED: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Days for which usage is kept.
const USAGE_DAYS: i64 = 90;

impl Service {
    /// Forgets usage that no time frame reaches any more; answers how many rows.
    pub async fn remove_old_usage(&self) -> Result<u64, Error> {
        let today = self.clock.now().0.div_euclid(86_400_000);
        Ok(self.store.write(move |tx| usage::delete_before(tx, today - USAGE_DAYS)).await?)
    }

    /// Deletes files that nothing needs any more; answers how many. For the start, and now and then.
    pub async fn sweep_uploads(&self) -> Result<u64, Error> {
        let before = self.clock.now().minus(ABANDONED);
        self.store.write(move |tx| uploads::delete_abandoned(tx, before)).await?;
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
