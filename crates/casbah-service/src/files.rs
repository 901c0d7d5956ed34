//! Files of apps: list, count, one by its id, the folders above it, and the way in.

use std::collections::BTreeSet;

use casbah_authority::Caller;
use casbah_model::filter::{Condition, FileField, Operand, Page, Test};
use casbah_model::{
    Access, File, FileFacts, Part, Reach, RecordId, TenantId, Timestamp, extension, file_type,
};
use casbah_store::{audit, files, tenants};
use serde_json::{Value, json};

use crate::activities::TakenIn;
use crate::{Error, Service};

/// Which files, and in which order.
#[derive(Clone, Debug)]
pub struct FileQuery {
    /// All of these hold.
    pub conditions: Vec<Condition<FileField>>,
    /// The one that was changed first is first.
    pub ascending: bool,
    /// This part of the list; scan mode looks at the limit only.
    pub page: Page,
    /// Whether the list is walked through by record id, and behind which one.
    pub scan: Option<Option<RecordId>>,
}

/// A part of a list of files.
#[derive(Debug)]
pub struct FilePage {
    /// The files.
    pub files: Vec<File>,
    /// How many satisfy the conditions, over all pages.
    pub total: i64,
    /// Whether there are more than `total`: counting has an end.
    pub more_than_total: bool,
    /// Whether something is left behind this page.
    pub has_next: bool,
}

/// A file as somebody reports it; what is none is derived.
#[derive(Clone, PartialEq, Debug)]
pub struct SentFile {
    /// Its record id.
    pub record: Option<RecordId>,
    /// Number of the app.
    pub service: i64,
    /// Number of the instance of that app.
    pub instance: i64,
    /// Id inside the app.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What stands behind the last point of the name.
    pub extension: Option<String>,
    /// Media type.
    pub mime: Option<String>,
    /// Kind, by number.
    pub kind: Option<i64>,
    /// How far it is shared, by number.
    pub access: Option<i64>,
    /// Whether it is there, by number.
    pub state: i64,
    /// Whether it is kept where nobody reaches it.
    pub quarantined: bool,
    /// Bytes.
    pub size: i64,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// When it was last changed.
    pub modified: Option<Timestamp>,
    /// When what is known of it was last changed.
    pub snapshot: Option<Timestamp>,
    /// Id of the owner inside the app.
    pub owner: Option<String>,
    /// Whether the owner belongs to another organisation.
    pub owner_external: Option<bool>,
    /// All the rest. Where the access level of a collaborator is 0, it is derived.
    pub facts: FileFacts,
}

impl SentFile {
    /// The file with what follows from the rest and from the domains of its tenant.
    fn complete(self, tenant: TenantId, own: &[String], now: Timestamp) -> File {
        let domain = |address: &str| {
            let (_, domain) = address.trim().rsplit_once('@')?;
            (!domain.is_empty()).then(|| domain.to_lowercase())
        };
        let outside = |address: &str| domain(address).is_some_and(|domain| !own.contains(&domain));
        let mut facts = self.facts;
        let owner_address = facts.owner_address.clone();
        let owner = self.owner.or_else(|| owner_address.clone());
        facts.owner_external =
            self.owner_external.unwrap_or_else(|| owner_address.as_deref().is_some_and(outside));
        for one in &mut facts.collaborators {
            if one.access_level == 0 {
                let external = outside(one.email.as_deref().unwrap_or(&one.id));
                one.access_level = if external { 2 } else { 1 };
            }
        }
        if facts.domains.is_empty() {
            let addresses =
                facts.collaborators.iter().filter_map(|one| domain(one.email.as_deref().unwrap_or(&one.id)));
            let all: BTreeSet<String> = addresses.chain(owner_address.as_deref().and_then(domain)).collect();
            facts.domains = all.into_iter().collect();
        }
        let is_owner = |id: &str| {
            [owner.as_deref(), owner_address.as_deref()]
                .into_iter()
                .flatten()
                .any(|known| known.eq_ignore_ascii_case(id))
        };
        let shared = facts
            .collaborators
            .iter()
            .any(|one| !is_owner(&one.id) && !one.email.as_deref().is_some_and(is_owner));
        let derived = if facts.collaborators.iter().any(|one| one.access_level == 2) {
            2
        } else {
            i64::from(shared || !facts.groups.is_empty() || !facts.group_ids.is_empty())
        };
        let extension = self.extension.unwrap_or_else(|| extension(&self.name));
        let kind = self.kind.unwrap_or_else(|| file_type(self.mime.as_deref(), &extension));
        let record =
            self.record.unwrap_or_else(|| files::record_of(tenant, self.service, self.instance, &self.id));
        File {
            record,
            service: self.service,
            instance: self.instance,
            id: self.id,
            extension: if kind == casbah_model::FOLDER { String::new() } else { extension },
            name: self.name,
            mime: self.mime,
            kind,
            access: self.access.unwrap_or(derived),
            state: self.state,
            quarantined: self.quarantined,
            size: self.size,
            created: self.created,
            modified: self.modified,
            snapshot: self.snapshot.unwrap_or(now),
            owner,
            facts,
        }
    }
}

/// What is there, unless the caller asks for what is not: trash only with `trashed`, deleted files only with
/// `allowDeleted`, which `trashed` overrides.
pub(crate) fn of_those_there(mut conditions: Vec<Condition<FileField>>) -> Vec<Condition<FileField>> {
    let says = |conditions: &[Condition<FileField>], field: FileField, flag: bool| {
        conditions.iter().any(|c| {
            c.field == field && matches!(&c.test, Test::AnyOf(all) if all.contains(&Operand::Flag(flag)))
        })
    };
    let trashed = says(&conditions, FileField::Trashed, true);
    let not_trashed = says(&conditions, FileField::Trashed, false);
    let deleted = says(&conditions, FileField::AllowDeleted, true);
    if not_trashed || (!trashed && !deleted) {
        let there = Test::AnyOf(vec![Operand::Number(0)]);
        conditions.push(Condition { field: FileField::State, test: there });
    }
    conditions
}

impl Service {
    /// Lists files.
    pub async fn list_files(&self, caller: &Caller, query: FileQuery) -> Result<FilePage, Error> {
        let (tenant, reach) = (caller.tenant, caller.reach(Part::Files, Access::Read));
        let query = FileQuery { conditions: of_those_there(query.conditions), ..query };
        self.store
            .read(move |tx| {
                let FileQuery { conditions, ascending, page, scan } = &query;
                let total = files::count(tx, tenant, &reach, conditions, files::COUNT_CAP + 1)?;
                let limit = page.limit.saturating_add(1);
                let mut found = match scan {
                    Some(after) => files::scan(tx, tenant, &reach, conditions, after.as_ref(), limit)?,
                    None => {
                        let page = Page { skip: page.skip, limit };
                        files::list(tx, tenant, &reach, conditions, *ascending, page)?
                    }
                };
                let has_next = found.len() as i64 > page.limit;
                found.truncate(usize::try_from(page.limit).unwrap_or(0));
                let more_than_total = total > files::COUNT_CAP;
                let total = total.min(files::COUNT_CAP);
                Ok(FilePage { files: found, total, more_than_total, has_next })
            })
            .await
    }

    /// How many files satisfy all conditions, exactly.
    pub async fn count_files(
        &self,
        caller: &Caller,
        conditions: Vec<Condition<FileField>>,
    ) -> Result<i64, Error> {
        let (tenant, reach) = (caller.tenant, caller.reach(Part::Files, Access::Read));
        let conditions = of_those_there(conditions);
        self.store.read(move |tx| Ok(files::count(tx, tenant, &reach, &conditions, i64::MAX)?)).await
    }

    /// Fetches a file; one that is deleted too.
    pub async fn file(&self, caller: &Caller, id: RecordId) -> Result<File, Error> {
        let (tenant, reach) = (caller.tenant, caller.reach(Part::Files, Access::Read));
        self.store.read(move |tx| files::find(tx, tenant, &reach, &id)?.ok_or(Error::NotFound)).await
    }

    /// The folders above a file, the nearest first.
    pub async fn folders_above(&self, caller: &Caller, id: RecordId) -> Result<Vec<File>, Error> {
        let (tenant, reach) = (caller.tenant, caller.reach(Part::Files, Access::Read));
        self.store
            .read(move |tx| {
                let file = files::find(tx, tenant, &reach, &id)?.ok_or(Error::NotFound)?;
                Ok(files::folders_above(tx, tenant, &reach, &file)?)
            })
            .await
    }

    /// Takes in a batch of files in one transaction, each as it is now.
    pub async fn take_in_files(&self, caller: &Caller, batch: Vec<SentFile>) -> Result<TakenIn, Error> {
        if caller.reach(Part::Files, Access::Change) != Reach::Everything {
            let needs =
                "Files are taken in by whoever may change all of them, not those of chosen apps or groups.";
            return Err(Error::Forbidden { needs: needs.into() });
        }
        if batch.is_empty() {
            return Ok(TakenIn { stored: 0, unchanged: 0 });
        }
        let (tenant, now) = (caller.tenant, self.clock.now());
        let record = caller.audit(now, "take in files", "tenant", tenant, json!({}));
        self.store
            .write(move |tx| {
                let domains = tenants::find(tx, tenant)?.ok_or(Error::NotFound)?.domains;
                let mut taken = TakenIn { stored: 0, unchanged: 0 };
                for sent in &batch {
                    let changed = files::put(tx, tenant, &sent.clone().complete(tenant, &domains, now))?;
                    *(if changed { &mut taken.stored } else { &mut taken.unchanged }) += 1;
                }
                if taken.stored > 0 {
                    let after = json!({ "stored": taken.stored, "unchanged": taken.unchanged });
                    audit::append(tx, tenant, &record.changed(tenant, &Value::Null, &after))?;
                }
                Ok(taken)
            })
            .await
    }
}
