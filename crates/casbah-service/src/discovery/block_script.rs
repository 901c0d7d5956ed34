//! Block scripts: what an appliance needs to refuse unsanctioned apps.

use casbah_authority::Caller;
use casbah_discovery::block_script::BLOCK_SCRIPT_FORMATS;
use casbah_model::TenantId;
use casbah_store::app_tags;

use crate::{Error, Service};

/// Which apps a list is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BlockKind {
    /// Unsanctioned apps.
    Banned,
    /// Sanctioned apps.
    Allowed,
}

impl Service {
    /// The domains of each banned or allowed app, app by app.
    pub async fn app_domains(&self, caller: &Caller, kind: BlockKind) -> Result<Vec<Vec<String>>, Error> {
        self.app_domains_of(caller.tenant, kind).await
    }

    async fn app_domains_of(&self, tenant: TenantId, kind: BlockKind) -> Result<Vec<Vec<String>>, Error> {
        let name = match kind {
            BlockKind::Banned => "Unsanctioned",
            BlockKind::Allowed => "Sanctioned",
        };
        let tags = self.store.read(move |tx| app_tags::list(tx, tenant)).await?;
        let apps = tags.into_iter().find(|tag| tag.built_in && tag.name == name).map(|tag| tag.apps);
        let catalogue = self.catalogue_of(tenant).await?;
        let domains = |app: &i64| {
            let app = u32::try_from(*app).ok().and_then(|id| catalogue.app(id))?;
            Some(app.domains.clone())
        };
        Ok(apps.unwrap_or_default().iter().filter_map(domains).collect())
    }

    /// The script for an appliance, by its number or name.
    pub async fn block_script(
        &self,
        caller: &Caller,
        format: &str,
        kind: BlockKind,
    ) -> Result<String, Error> {
        self.block_script_of(caller.tenant, format, kind).await
    }

    /// The same for a tenant, whoever asks.
    pub(crate) async fn block_script_of(
        &self,
        tenant: TenantId,
        format: &str,
        kind: BlockKind,
    ) -> Result<String, Error> {
        let domains = self.app_domains_of(tenant, kind).await?.into_iter().flatten();
        casbah_discovery::block_script(format, domains).ok_or_else(|| {
            let built = BLOCK_SCRIPT_FORMATS.iter().map(|f| match f.id {
                Some(id) => format!("{id} ({})", f.name),
                None => format!("{} ({})", f.key, f.name),
            });
            let built: Vec<String> = built.collect();
            Error::invalid("format", format!("{format} is not made; there are {}", built.join(", ")))
        })
    }
}
