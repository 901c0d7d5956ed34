//! Files of apps: lists by filter, one by its id, the folders above it, and the way in.

mod conditions;
pub mod matches;

use casbah_model::filter::{Condition, FileField, Page};
use casbah_model::{EntityAddress, File, Reach, RecordId, TenantId};

use crate::alerts::conditions::one_of;
use crate::entities::seen::{self, Seen};
use crate::full_text::{self, Texts};
use crate::reach::{Records, within};
use crate::{Result, Row, Tx, Value, entities};

const COLUMNS: &str = "id, service, instance, file, name, extension, mime, kind, access, state, quarantined, size, \
    created, modified, snapshot, owner, facts";

/// Counting stops here; beyond it a list says only that there are more.
pub const COUNT_CAP: i64 = 100_000;
/// Folders above a file that are followed, so that a circle has an end.
const MOST_FOLDERS: usize = 64;
/// The fields whose operands are keys of entities.
const KEYS: [FileField; 2] = [FileField::Owner, FileField::Collaborator];

/// Kinds of term.
const COLLABORATOR: i64 = 1;
const ADDRESS: i64 = 2;
const DOMAIN: i64 = 3;
const GROUP: i64 = 4;
const LABEL: i64 = 5;
const SCAN_LABEL: i64 = 6;
const PARENT: i64 = 7;

fn file(row: Row) -> Result<File> {
    let mut r = row.read();
    Ok(File {
        record: r.take()?,
        service: r.take()?,
        instance: r.take()?,
        id: r.take()?,
        name: r.take()?,
        extension: r.take()?,
        mime: r.take()?,
        kind: r.take()?,
        access: r.take()?,
        state: r.take()?,
        quarantined: r.take()?,
        size: r.take()?,
        created: r.take()?,
        modified: r.take()?,
        snapshot: r.take()?,
        owner: r.take()?,
        facts: r.take_json()?,
    })
}

/// The record id of the file with that id in that instance of an app.
pub fn record_of(tenant: TenantId, service: i64, instance: i64, id: &str) -> RecordId {
    let (service, instance) = (service.to_string(), instance.to_string());
    entities::derived_id(tenant, &["file", &service, &instance, &id.trim().to_lowercase()])
}

/// Writes a file as it is told now; answers whether that changed anything. Told again as it was, it stays; a
/// file that is known under another record id keeps that.
pub fn put(tx: &mut Tx<'_>, tenant: TenantId, told: &File) -> Result<bool> {
    let key = told.id.trim().to_lowercase();
    let sql = format!(
        "select {COLUMNS} from files where tenant = ?1 and (id = ?2 or (service = ?3 and instance = ?4 and file_key = ?5))"
    );
    let values = [
        tenant.into(),
        (&told.record).into(),
        told.service.into(),
        told.instance.into(),
        key.as_str().into(),
    ];
    let before = tx.row(&sql, &values)?.map(file).transpose()?;
    let mut now = told.clone();
    if let Some(before) = &before {
        now.record = before.record.clone();
        let same = File { snapshot: before.snapshot, ..now.clone() };
        if same == *before {
            return Ok(false);
        }
        let gone = [tenant.into(), Value::from(&now.record)];
        tx.execute("delete from file_terms where tenant = ?1 and file = ?2", &gone)?;
        full_text::remove_file(tx, tenant, &now.record)?;
        tx.execute("delete from files where tenant = ?1 and id = ?2", &gone)?;
    }
    insert(tx, tenant, &now, &key)?;
    matches::note(tx, tenant, &now.record)?;
    if let (Some(owner), true) = (&now.owner, now.service != casbah_model::activity::CASBAH_APP) {
        let name = now.facts.owner_address.clone().or(now.facts.owner_name.clone());
        let address = EntityAddress { id: owner.clone(), saas: now.service, inst: now.instance };
        let seen =
            Seen { address, application: false, name: name.unwrap_or_else(|| owner.clone()), at: None };
        seen::note(tx, tenant, &[seen], 0)?;
    }
    Ok(true)
}

fn insert(tx: &mut Tx<'_>, tenant: TenantId, file: &File, key: &str) -> Result<()> {
    let lower = |text: &Option<String>| text.as_ref().map(|t| t.trim().to_lowercase());
    let sql = format!(
        "insert into files (tenant, {COLUMNS}, file_key, name_l, modified_order, owner_key, owner_address_key, search, doc) \
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, \
         ?24, ?25)"
    );
    let (search, number) = (full_text::searchable(&file.name), full_text::next_number(tx, Texts::Files)?);
    let values = [
        tenant.into(),
        (&file.record).into(),
        file.service.into(),
        file.instance.into(),
        (&file.id).into(),
        (&file.name).into(),
        (&file.extension).into(),
        file.mime.as_ref().into(),
        file.kind.into(),
        file.access.into(),
        file.state.into(),
        file.quarantined.into(),
        file.size.into(),
        file.created.into(),
        file.modified.into(),
        file.snapshot.into(),
        file.owner.as_ref().into(),
        Value::json(&file.facts),
        key.into(),
        file.name.to_lowercase().into(),
        file.modified.map_or(0, |at| at.0).into(),
        lower(&file.owner).into(),
        lower(&file.facts.owner_address).into(),
        search.as_str().into(),
        number.into(),
    ];
    tx.execute(&sql, &values)?;
    if let Some(number) = number {
        full_text::insert(tx, tenant, Texts::Files, number, &search)?;
    }
    let facts = &file.facts;
    let mut terms: Vec<(i64, &str)> = Vec::new();
    for one in &facts.collaborators {
        terms.push((COLLABORATOR, &one.id));
        terms.extend(one.email.as_deref().map(|address| (ADDRESS, address)));
        if one.kind == 2 {
            terms.extend([(GROUP, one.id.as_str()), (GROUP, one.name.as_str())]);
        }
    }
    for (kind, list) in [
        (DOMAIN, &facts.domains),
        (GROUP, &facts.groups),
        (GROUP, &facts.group_ids),
        (LABEL, &facts.labels),
        (SCAN_LABEL, &facts.scan_labels),
        (PARENT, &facts.parents),
    ] {
        terms.extend(list.iter().map(|text| (kind, text.as_str())));
    }
    let mut terms: Vec<(i64, String)> = terms
        .into_iter()
        .map(|(kind, text)| (kind, text.trim().to_lowercase()))
        .filter(|(_, text)| !text.is_empty())
        .collect();
    terms.sort_unstable();
    terms.dedup();
    for (kind, term) in terms {
        let sql = "insert into file_terms (tenant, kind, term, file) values (?1, ?2, ?3, ?4)";
        tx.execute(sql, &[tenant.into(), kind.into(), term.into(), (&file.record).into()])?;
    }
    Ok(())
}

/// One page of the files that satisfy all conditions, by the time of their last change.
pub fn list(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    reach: &Reach,
    wanted: &[Condition<FileField>],
    ascending: bool,
    page: Page,
) -> Result<Vec<File>> {
    let wanted = entities::expanded(tx, tenant, wanted, &KEYS)?;
    let mut values = vec![tenant.into()];
    let reach = within(reach, Records::Files, &mut values);
    let conditions = conditions::compile(tx.dialect(), &wanted, &mut values);
    values.extend([page.limit.into(), page.skip.into()]);
    let (limit, skip) = (values.len() - 1, values.len());
    let direction = if ascending { "asc" } else { "desc" };
    let sql = format!(
        "select {COLUMNS} from files f where f.tenant = ?1{reach}{conditions} \
         order by f.modified_order {direction}, f.id {direction} limit ?{limit} offset ?{skip}"
    );
    tx.rows(&sql, &values)?.into_iter().map(file).collect()
}

/// The files that satisfy all conditions, by record id, behind `after`: each once, whatever changes meanwhile.
pub fn scan(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    reach: &Reach,
    wanted: &[Condition<FileField>],
    after: Option<&RecordId>,
    limit: i64,
) -> Result<Vec<File>> {
    let wanted = entities::expanded(tx, tenant, wanted, &KEYS)?;
    let mut values = vec![tenant.into(), after.map_or("", RecordId::as_str).into()];
    let reach = within(reach, Records::Files, &mut values);
    let conditions = conditions::compile(tx.dialect(), &wanted, &mut values);
    values.push(limit.into());
    let sql = format!(
        "select {COLUMNS} from files f where f.tenant = ?1 and f.id > ?2{reach}{conditions} order by f.id limit ?{}",
        values.len()
    );
    tx.rows(&sql, &values)?.into_iter().map(file).collect()
}

/// How many files satisfy all conditions; at most `cap`.
pub fn count(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    reach: &Reach,
    wanted: &[Condition<FileField>],
    cap: i64,
) -> Result<i64> {
    let wanted = entities::expanded(tx, tenant, wanted, &KEYS)?;
    let mut values = vec![tenant.into()];
    let reach = within(reach, Records::Files, &mut values);
    let conditions = conditions::compile(tx.dialect(), &wanted, &mut values);
    values.push(cap.into());
    let sql = format!(
        "select count(*) from (select 1 as one from files f where f.tenant = ?1{reach}{conditions} limit ?{}) as counted",
        values.len()
    );
    tx.number(&sql, &values)
}

/// A file by its record id, if it exists within reach; those too that are deleted.
pub fn find(tx: &mut Tx<'_>, tenant: TenantId, reach: &Reach, id: &RecordId) -> Result<Option<File>> {
    let mut values = vec![tenant.into(), id.into()];
    let reach = within(reach, Records::Files, &mut values);
    let sql = format!("select {COLUMNS} from files f where f.tenant = ?1 and f.id = ?2{reach}");
    tx.row(&sql, &values)?.map(file).transpose()
}

/// The folders above a file within reach, the nearest first.
pub fn folders_above(tx: &mut Tx<'_>, tenant: TenantId, reach: &Reach, of: &File) -> Result<Vec<File>> {
    let mut found: Vec<File> = Vec::new();
    let mut asked: Vec<String> = Vec::new();
    let mut next = of.facts.parents.clone();
    while !next.is_empty() && found.len() < MOST_FOLDERS {
        let ids: Vec<String> =
            next.iter().map(|id| id.trim().to_lowercase()).filter(|id| !asked.contains(id)).collect();
        if ids.is_empty() {
            break;
        }
        asked.extend(ids.iter().cloned());
        let mut values = vec![tenant.into(), of.service.into(), of.instance.into()];
        let list = one_of(ids.into_iter().map(Value::from).collect(), &mut values);
        let reach = within(reach, Records::Files, &mut values);
        let sql = format!(
            "select {COLUMNS} from files f where f.tenant = ?1 and f.service = ?2 and f.instance = ?3 \
             and f.file_key in ({list}){reach} order by f.id"
        );
        let folders = tx.rows(&sql, &values)?.into_iter().map(file).collect::<Result<Vec<File>>>()?;
        next = folders.iter().flat_map(|folder| folder.facts.parents.clone()).collect();
        found.extend(folders);
    }
    found.truncate(MOST_FOLDERS);
    Ok(found)
}
