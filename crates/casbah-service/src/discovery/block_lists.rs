//! Lists of blocked apps that appliances fetch by themselves, each under a secret address.

use std::time::Duration;

use casbah_authority::{Caller, SecretKind};
use casbah_discovery::block_script::BLOCK_SCRIPT_FORMATS;
use casbah_model::{BlockList, RecordId, Secret, TenantId};
use casbah_store::{audit, block_lists};
use serde_json::{Value as Json, json};

use super::block_script::BlockKind;
use crate::{Error, Service};

/// How exactly the last fetch is kept: appliances come every few minutes.
const NOTED_EVERY: Duration = Duration::from_secs(60 * 60);
/// Addresses that a tenant may hand out.
const MOST: usize = 100;
/// 43 of them carry 256 bits.
const ALPHANUMERIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// A list with the secret of its address, which is told once.
#[derive(Debug)]
pub struct NewBlockList {
    /// The list.
    pub list: BlockList,
    /// The last part of its address.
    pub secret: Secret,
}

impl Service {
    /// Lists the addresses that appliances fetch from, oldest first.
    pub async fn list_block_lists(&self, caller: &Caller) -> Result<Vec<BlockList>, Error> {
        let tenant = caller.tenant;
        Ok(self.store.read(move |tx| block_lists::list(tx, tenant)).await?)
    }

    /// Makes an address under which a list in that format is always the newest one.
    pub async fn create_block_list(
        &self,
        caller: &Caller,
        name: String,
        format: String,
    ) -> Result<NewBlockList, Error> {
        let name = name.trim().to_string();
        if name.is_empty() || name.chars().count() > 64 || name.chars().any(char::is_control) {
            return Err(Error::invalid("name", "needs 1 to 64 characters"));
        }
        let known = BLOCK_SCRIPT_FORMATS.iter().find(|known| {
            known.key.eq_ignore_ascii_case(format.trim())
                || known.id.is_some_and(|id| id.to_string() == format.trim())
        });
        let format = known.ok_or_else(|| {
            let all: Vec<&str> = BLOCK_SCRIPT_FORMATS.iter().map(|known| known.key).collect();
            Error::invalid("format", format!("{format:?} is not one of {}", all.join(", ")))
        })?;
        let (tenant, now) = (caller.tenant, self.clock.now());
        let secret = Secret::random(43, ALPHANUMERIC);
        let digest = self.authority.digest(SecretKind::BlockList, &secret);
        let list = BlockList {
            id: RecordId::new(now),
            name,
            format: format.key.to_string(),
            created: now,
            created_by: caller.name().to_string(),
            last_fetched: None,
        };
        let record = caller.audit(now, "create block list", "block list", &list.id, json!({}));
        let made = list.clone();
        self.store
            .write(move |tx| {
                if block_lists::list(tx, tenant)?.len() >= MOST {
                    return Err(Error::invalid("name", format!("a tenant has at most {MOST} lists")));
                }
                block_lists::insert(tx, tenant, &list, &digest)?;
                audit::append(tx, tenant, &record.changed(&list.id, &Json::Null, &facts(&list)))?;
                Ok(())
            })
            .await?;
        Ok(NewBlockList { list: made, secret })
    }

    /// Takes an address back: it answers nothing from then on.
    pub async fn delete_block_list(&self, caller: &Caller, id: RecordId) -> Result<(), Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let record = caller.audit(now, "delete block list", "block list", &id, json!({}));
        self.store
            .write(move |tx| {
                let all = block_lists::list(tx, tenant)?;
                let list = all.iter().find(|list| list.id == id).ok_or(Error::NotFound)?;
                block_lists::delete(tx, tenant, &id)?;
                audit::append(tx, tenant, &record.changed(&id, &facts(list), &Json::Null))?;
                Ok(())
            })
            .await
    }

    /// The list under an address, as it is now; absent when nobody handed that address out.
    pub async fn fetch_block_list(&self, secret: &Secret) -> Result<String, Error> {
        let digest = self.authority.digest(SecretKind::BlockList, secret);
        let found = self.store.read(move |tx| block_lists::find_by_digest(tx, &digest)).await?;
        let (tenant, list): (TenantId, BlockList) = found.ok_or(Error::NotFound)?;
        let now = self.clock.now();
        if list.last_fetched.is_none_or(|at| at.plus(NOTED_EVERY) <= now) {
            let id = list.id.clone();
            self.store.write(move |tx| block_lists::note_fetch(tx, tenant, &id, now)).await?;
        }
        self.block_script_of(tenant, &list.format, BlockKind::Banned).await
    }
}

fn facts(list: &BlockList) -> Json {
    json!({ "name": list.name, "format": list.format })
}
