//! The rules of the workspace: which crate may use which, licences, sources, no stray words.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Who may depend on whom; the map of ARCHITECTURE.md. Anything else is refused.
const ARROWS: &[(&str, &[&str])] = &[
    ("casbah-model", &[]),
    ("casbah-discovery", &["casbah-model"]),
    ("casbah-detection", &["casbah-model"]),
    ("casbah-store", &["casbah-model"]),
    ("casbah-authority", &["casbah-model", "casbah-store"]),
    (
        "casbah-service",
        &["casbah-model", "casbah-store", "casbah-authority", "casbah-detection", "casbah-discovery"],
    ),
    ("casbah-api", &["casbah-model", "casbah-authority", "casbah-service"]),
    ("casbah-portal", &["casbah-model", "casbah-authority", "casbah-service", "casbah-api"]),
    (
        "casbah",
        &[
            "casbah-model",
            "casbah-store",
            "casbah-authority",
            "casbah-service",
            "casbah-api",
            "casbah-portal",
            "casbah-discovery",
        ],
    ),
    ("xtask", &["casbah-model", "casbah-store"]),
];

/// Licences that an Apache-2.0 product may be linked with.
const LICENCES: &[&str] = &[
    "Apache-2.0",
    "MIT",
    "MIT-0",
    "ISC",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "0BSD",
    "Zlib",
    "Unicode-3.0",
    "Unlicense",
    "BSL-1.0",
    // As permissive as MIT, in plainer words; of the reader of passkeys' CBOR.
    "BlueOak-1.0.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "MPL-2.0",
    "OpenSSL",
    "Apache-2.0 WITH LLVM-exception",
];

/// How many packages the binary may be made of; raise it only with a reason. (250 was the goal; the
/// library that verifies tokens instead of our own code is worth one more. Reading zip and zstd, whose
/// files come from strangers, by the libraries that everybody tests is worth three each; databases of addresses
/// two, user agents three, the names of users that are hidden with AES-GCM-SIV two; signing what goes to
/// S3-compatible stores three; Parquet, which nobody should write by hand, fourteen.)
const MOST_PACKAGES: usize = 285;

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version=1",
            "--locked",
            "--offline",
            "--filter-platform=x86_64-unknown-linux-gnu",
        ])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON")
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .and_then(Path::parent)
        .expect("crates/casbah is two below the root")
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

#[test]
fn crates_depend_only_along_the_arrows() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().unwrap();
    let ours: Vec<&Value> = packages.iter().filter(|p| p["source"].is_null()).collect();
    let names: BTreeSet<&str> = ours.iter().map(|p| text(p, "name")).collect();
    assert_eq!(names, ARROWS.iter().map(|(name, _)| *name).collect(), "ARROWS names every crate");
    for package in ours {
        let (_, allowed) = ARROWS.iter().find(|(name, _)| *name == text(package, "name")).unwrap();
        for dependency in package["dependencies"].as_array().unwrap() {
            let name = text(dependency, "name");
            let development = dependency["kind"] == "dev";
            let own = names.contains(name);
            assert!(
                !own || development || allowed.contains(&name),
                "{} may not use {name}",
                text(package, "name")
            );
        }
    }
}

#[test]
fn what_the_crates_must_not_know() {
    let forbidden: &[(&str, &[&str])] = &[
        ("casbah-model", &["axum", "tokio", "rusqlite", "tokio-postgres"]),
        ("casbah-discovery", &["axum", "tokio", "rusqlite", "tokio-postgres"]),
        ("casbah-detection", &["axum", "tokio", "rusqlite", "tokio-postgres"]),
        ("casbah-store", &["axum", "maud"]),
        ("casbah-authority", &["axum", "maud", "rusqlite", "tokio-postgres"]),
        ("casbah-service", &["axum", "maud", "rusqlite", "tokio-postgres"]),
        ("casbah-api", &["rusqlite", "tokio-postgres"]),
        ("casbah-portal", &["rusqlite", "tokio-postgres"]),
    ];
    let metadata = metadata();
    for package in metadata["packages"].as_array().unwrap() {
        let Some((_, never)) = forbidden.iter().find(|(name, _)| *name == text(package, "name")) else {
            continue;
        };
        for dependency in package["dependencies"].as_array().unwrap() {
            if dependency["kind"] != "dev" {
                let name = text(dependency, "name");
                assert!(!never.contains(&name), "{} must not know {name}", text(package, "name"));
            }
        }
    }
}

/// The packages that the binary is made of: normal and build dependencies of `casbah`.
fn linked(metadata: &Value) -> BTreeSet<&str> {
    let nodes: BTreeMap<&str, &Value> =
        metadata["resolve"]["nodes"].as_array().unwrap().iter().map(|n| (text(n, "id"), n)).collect();
    let packages = metadata["packages"].as_array().unwrap();
    let binary = packages.iter().find(|p| text(p, "name") == "casbah").unwrap();
    let mut found = BTreeSet::new();
    let mut open = vec![text(binary, "id")];
    while let Some(id) = open.pop() {
        if found.insert(id) {
            for dependency in nodes[id]["deps"].as_array().unwrap() {
                let kinds = dependency["dep_kinds"].as_array().unwrap();
                if kinds.iter().any(|k| k["kind"] != "dev") {
                    open.push(text(dependency, "pkg"));
                }
            }
        }
    }
    found
}

#[test]
fn every_package_has_a_licence_and_a_source_that_we_allow() {
    let metadata = metadata();
    let linked = linked(&metadata);
    for package in metadata["packages"].as_array().unwrap() {
        if !linked.contains(text(package, "id")) {
            continue;
        }
        let name = text(package, "name");
        let licence = text(package, "license").replace('/', " OR ");
        // "A AND B" needs both, "A OR B" either; parentheses only group ORs in the packages we use.
        let fine = licence.split(" AND ").all(|part| {
            let part = part.trim_matches(['(', ')']);
            part.split(" OR ").any(|one| LICENCES.contains(&one.trim_matches(['(', ')', ' '])))
        });
        assert!(fine, "{name} has the licence {licence:?}");
        let source = package["source"].as_str();
        assert!(source.is_none_or(|s| s.starts_with("registry+")), "{name} comes from {source:?}");
    }
}

#[test]
fn the_binary_is_made_of_few_packages() {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--package=casbah", "--edges=normal,build", "--prefix=none", "--locked", "--offline"])
        .arg("--target=x86_64-unknown-linux-gnu")
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let packages: BTreeSet<&str> =
        text.lines().map(|l| l.trim_end_matches(" (*)")).filter(|l| !l.is_empty()).collect();
    let count = packages.len();
    assert!(count <= MOST_PACKAGES, "{count} packages, more than {MOST_PACKAGES}");
}

/// Every `.rs` file below a folder, tests aside: its path and its text.
fn sources(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        let name = entry.file_name().into_string().unwrap();
        if path.is_dir() && name != "tests" {
            found.extend(sources(&path));
        } else if name.ends_with(".rs") && !["tests.rs", "testing.rs"].contains(&name.as_str()) {
            found.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
        }
    }
    found
}

#[test]
fn sql_stands_in_the_store_only() {
    for (name, _) in ARROWS.iter().filter(|(name, _)| !["casbah-store", "xtask"].contains(name)) {
        for (file, text) in sources(&root().join("crates").join(name).join("src")) {
            for call in ["tx.rows(", "tx.row(", "tx.number(", "tx.execute("] {
                assert!(!text.contains(call), "{file} runs SQL: {call}");
            }
        }
    }
}

/// Statements that serve all tenants at once: cleaning up, and the queue of this node. Nothing that a caller
/// asks for is among them.
const FOR_ALL_TENANTS: &[&str] = &[
    "delete from authorization_codes where expires < ?1",
    "delete from browser_sessions where expires < ?1",
    "delete from device_codes where expires < ?1",
    "delete from familiar_places where last_used < ?1",
    "delete from pending_sign_ins where expires < ?1",
    "delete from portal_sessions where expires < ?1",
    "delete from refresh_tokens where expires < ?1",
    "delete from sign_in_attempts where updated < ?1",
    "delete from used_assertions where expires < ?1",
    "delete from pushed_requests where expires < ?1",
    "delete from revoked_tokens where expires < ?1",
    "delete from session_applications where session not in",
    "delete from upstream_sign_ins where expires < ?1",
    "delete from used_proofs where expires < ?1",
    "from discovery_unmatched where {wanted}",
    "delete from used_challenges where expires < ?1",
    "update discovery_tasks set lease = null",
    "update forwarders set lease = null",
    "from uploads where state <> ?1 and expires < ?2",
    "select parts from uploads where parts <> '[]'",
    "select file from upload_blocks",
    "select id from uploads where state = ?1",
    // `{within}` begins with the tenant, in activities/plan.rs; `{row}` names it, in forwarders.rs.
    "select min(c.{column}) from activities c where {within}",
    "delete from forwarder_queue {row}",
    "update forwarder_queue set attempts = attempts + 1, retry_at = ?6 {row}",
    // `{wanted}` begins with the tenant: see `Scope` in usage.rs.
    "from usage_rows where {wanted}",
];

#[test]
fn every_statement_on_a_tenants_rows_names_the_tenant() {
    let store = root().join("crates/casbah-store");
    let mut tables = BTreeSet::new();
    for entry in std::fs::read_dir(store.join("migrations")).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for table in text.split("create table ").skip(1) {
            let (name, rest) = table.split_once(" (").unwrap();
            let columns = rest.split_once("\n)").unwrap().0;
            if columns.lines().any(|l| l.trim_start().starts_with("tenant ")) {
                tables.insert(name.to_string());
            }
        }
    }
    assert!(tables.len() > 20, "the migrations were read: {tables:?}");
    for (file, text) in sources(&store.join("src")) {
        // Texts in quotes are every other part; a quote as a character would shift them.
        let text = text.replace("'\"'", "' '").replace("\\\"", "'");
        for literal in text.split('"').skip(1).step_by(2) {
            let statement = literal.split_whitespace().collect::<Vec<_>>().join(" ");
            let words: Vec<&str> = statement.split(' ').collect();
            let touches = words.windows(2).any(|pair| {
                ["from", "join", "update", "into"].contains(&pair[0])
                    && tables.contains(pair[1].trim_end_matches(['(', ',']))
            });
            let fine =
                statement.contains("tenant") || FOR_ALL_TENANTS.iter().any(|known| statement.contains(known));
            assert!(!touches || fine, "{file}: a statement without a tenant: {statement}");
        }
    }
}

/// A comparison that stops at the first difference tells how much of a secret was right.
#[test]
fn secrets_are_compared_in_one_place() {
    let secret = std::fs::read_to_string(root().join("crates/casbah-model/src/secret.rs")).unwrap();
    assert!(secret.contains("ct_eq"), "the one comparison is the library's");
    assert!(!secret.contains("PartialEq"), "a secret has no ==");
    for (name, _) in ARROWS.iter().filter(|(name, _)| *name != "xtask") {
        for (file, text) in sources(&root().join("crates").join(name).join("src")) {
            for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
                let words = ["digest", "expose()", "proof", "ticket"].map(|word| {
                    [
                        format!("{word} == "),
                        format!(" == {word}"),
                        format!(" == &{word}"),
                        format!("{word} != "),
                    ]
                });
                let compares = words.iter().flatten().any(|pattern| line.contains(pattern.as_str()));
                // Which of the sessions on a page is the one that asks is no question of rights.
                let harmless = line.contains("s.digest == session.digest") || line.contains("\"\"");
                assert!(!compares || harmless, "{file} compares a secret: {line}");
            }
        }
    }
}

/// The rows of a table in a document, below a heading; cells without blanks around them.
fn table<'a>(document: &'a str, heading: &str) -> Vec<Vec<&'a str>> {
    let (_, section) = document.split_once(&format!("\n## {heading}\n")).expect("the heading");
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter(|line| line.starts_with('|')).skip(2);
    rows.map(|row| row.trim_matches('|').split(" | ").map(str::trim).collect()).collect()
}

/// Where a test named in the documentation stands: `[crate ]module::path::name`.
fn file_of_test(named: &str) -> (std::path::PathBuf, String) {
    let (folder, path) = match named.split_once(' ') {
        Some((package, path)) => (root().join("crates").join(package).join("src"), path),
        None => (root().join("crates/casbah/tests/it"), named),
    };
    let (modules, name) = path.rsplit_once("::").unwrap_or_else(|| panic!("{named} names no module"));
    (folder.join(format!("{}.rs", modules.replace("::", "/"))), name.to_string())
}

/// docs/security.md is no promise: each row names a test, and each test that it names exists.
#[test]
fn every_attack_in_the_documentation_has_its_test() {
    let document = std::fs::read_to_string(root().join("docs/security.md")).unwrap();
    for (heading, columns) in [("Attacks", 4), ("Mistakes of others", 5)] {
        let rows = table(&document, heading);
        let numbers: Vec<&str> = rows.iter().map(|row| row[0]).collect();
        assert!(numbers.len() >= 30, "{heading}: a row is gone");
        let expected: Vec<String> = (1..=numbers.len()).map(|n| n.to_string()).collect();
        assert_eq!(numbers, expected, "{heading}");
        for row in rows {
            assert_eq!(row.len(), columns, "{heading}: {row:?}");
            let tests: Vec<&str> = row[columns - 1].split('`').skip(1).step_by(2).collect();
            assert!(!tests.is_empty(), "{heading} {}: no test", row[0]);
            for test in tests {
                let (file, name) = file_of_test(test);
                let source = std::fs::read_to_string(&file)
                    .unwrap_or_else(|_| panic!("{test}: no {}", file.display()));
                assert!(
                    source.contains(&format!("fn {name}(")),
                    "{heading} {}: {} has no {name}",
                    row[0],
                    file.display()
                );
                let is_run = source.contains("#[test]")
                    || source.contains("#[tokio::test]")
                    || source.contains("both! {");
                assert!(is_run, "{} holds no tests", file.display());
            }
        }
    }
}

#[test]
fn nothing_unfinished_or_private_is_committed() {
    let output = Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output().expect("git runs");
    // Written in pieces, so that this file does not hold what it looks for.
    let words = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X"),
        concat!("dbg", "!("),
        concat!("todo", "!("),
    ];
    let private = [concat!("/wo", "rk/main"), concat!("/ro", "ot/."), concat!("static.cra", "tes.io")];
    for name in output.stdout.split(|b| *b == 0).filter(|n| !n.is_empty()) {
        let name = String::from_utf8_lossy(name);
        let Ok(content) = std::fs::read_to_string(root().join(&*name)) else { continue };
        for word in private {
            assert!(!content.contains(word), "{name} holds {word}");
        }
        if name.ends_with(".rs") || name.ends_with(".md") {
            for word in words {
                assert!(!content.contains(word), "{name} holds {word}");
            }
        }
    }
}
