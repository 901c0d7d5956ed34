//! Files that were there before policies looked at them and before their words had an index.

use casbah_model::filter::{Condition, FileField, Operand, Page, Test};
use casbah_model::{File, FileFacts, Reach, RecordId, TenantId, Timestamp};

use crate::files::{self, matches};
use crate::{Location, Store, Tx};

const CONTOSO: &str = "7d0c2f6e-1111-4222-8333-444455556666";
const NOW: Timestamp = Timestamp(1_795_435_200_000);

fn told(record: &RecordId) -> File {
    File {
        record: record.clone(),
        service: 10_489,
        instance: 0,
        id: "F-1".into(),
        name: "Årsbudget 2026.xlsx".into(),
        extension: "xlsx".into(),
        mime: None,
        kind: 2,
        access: 2,
        state: 0,
        quarantined: false,
        size: 5,
        created: None,
        modified: Some(Timestamp(5)),
        snapshot: Timestamp(6),
        owner: Some("Ada@contoso.example".into()),
        facts: FileFacts { labels: vec!["Secret".into()], ..FileFacts::default() },
    }
}

#[tokio::test]
async fn files_of_before_are_found_by_their_words_and_looked_at_by_policies() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("casbah.db");
    let old = rusqlite::Connection::open(&path).expect("SQLite opens");
    let record: RecordId = "69b1000000000000000000aa".parse().expect("an id");
    let facts = serde_json::to_string(&told(&record).facts).expect("JSON");
    let mut script = crate::migrations::script_up_to(20);
    script.push_str(&format!(
        "insert into tenants values ('{CONTOSO}', 90210417, 'Contoso', 1);
         insert into files (tenant, id, service, instance, file, file_key, name, name_l, extension, kind, access, state, \
           quarantined, size, modified, modified_order, snapshot, owner, owner_key, facts) \
           values ('{CONTOSO}', '{record}', 10489, 0, 'F-1', 'f-1', 'Årsbudget 2026.xlsx', 'årsbudget 2026.xlsx', 'xlsx', \
           2, 2, 0, 0, 5, 5, 5, 6, 'Ada@contoso.example', 'ada@contoso.example', '{facts}');
         insert into file_terms values ('{CONTOSO}', 5, 'secret', '{record}');"
    ));
    old.execute_batch(&script).expect("a database of that time");
    drop(old);
    let store = Store::open(&Location::File(path)).await.expect("it is brought up to date");
    let tenant: TenantId = CONTOSO.parse().expect("an id");
    let outcome = store.write(move |tx| looked_at(tx, tenant, &record)).await;
    outcome.expect("files can be read and written");
}

fn looked_at(tx: &mut Tx<'_>, tenant: TenantId, record: &RecordId) -> crate::Result<()> {
    let find = |tx: &mut Tx<'_>, field: FileField, test: Test| {
        let wanted = [Condition { field, test }];
        files::list(tx, tenant, &Reach::Everything, &wanted, false, Page { skip: 0, limit: 10 })
    };
    let words = |text: &str| Test::Words(vec![text.into()]);
    let whole = find(tx, FileField::Name, words("2026 ÅRSB"))?;
    assert_eq!(whole, [told(record)]);
    assert_eq!(find(tx, FileField::Name, words("budget"))?, []);
    let label = Test::AnyOf(vec![Operand::Text("Secret".into())]);
    assert_eq!(find(tx, FileField::Label, label)?.len(), 1);
    // Nobody has to look at it until a policy is made.
    assert_eq!(matches::next_tenant(tx, None, NOW)?, None);
    let policy: RecordId = "69d0000000000000000000aa".parse().expect("an id");
    matches::begin_round(tx, tenant, &policy, NOW)?;
    assert_eq!(matches::next_tenant(tx, None, Timestamp(NOW.0 - 1))?, None);
    assert_eq!(matches::next_tenant(tx, None, NOW)?, Some(tenant));
    assert_eq!(matches::behind(tx, tenant, "", 10)?, std::slice::from_ref(record));
    // Told again it is the same file; told anew it is found by its new words only, and has arrived.
    assert!(!files::put(tx, tenant, &told(record))?);
    assert_eq!(matches::waiting(tx, tenant, 10)?, []);
    assert!(files::put(tx, tenant, &File { name: "Plan.txt".into(), ..told(record) })?);
    assert_eq!(matches::waiting(tx, tenant, 10)?, std::slice::from_ref(record));
    assert_eq!(find(tx, FileField::Name, words("2026"))?, []);
    assert_eq!(find(tx, FileField::Name, words("pla"))?.len(), 1);
    Ok(())
}
