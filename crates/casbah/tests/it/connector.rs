//! `casbah connector`: what lies in folders and in a real S3-compatible store, as Casbah is told of it.

mod s3;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{CLIENT, CLIENT_SECRET, Casbah, Database, Options, Session, TENANT, casbah};

/// A server whose clock goes as that of the file system does.
fn server_of_today() -> Casbah {
    Casbah::start_with(Database::sqlite(), &Options { clock: "+1s".into(), ..Options::default() })
}

/// A folder with a configuration.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new(sources: &str) -> Place {
        let folder = tempfile::tempdir().unwrap();
        let text = format!("state = {:?}\n{sources}", folder.path().join("state"));
        std::fs::write(folder.path().join("connector.toml"), text).unwrap();
        Place { folder }
    }

    /// As an application that may take in.
    fn command(&self, at: &Casbah, more: &[&str]) -> Command {
        let mut command = casbah();
        command
            .args(["connector", "--output", "json", "--config"])
            .arg(self.folder.path().join("connector.toml"));
        command.args(more).env("HOME", "/nonexistent").env_remove("XDG_CONFIG_HOME");
        command.env("CASBAH_URL", &at.url).env("CASBAH_CA", at.data_dir().join("tls/ca.pem"));
        command
            .env("CASBAH_TENANT", TENANT)
            .env("CASBAH_CLIENT_ID", CLIENT)
            .env("CASBAH_CLIENT_SECRET", CLIENT_SECRET);
        command
    }

    fn run(&self, at: &Casbah, more: &[&str]) -> Output {
        self.command(at, more).output().unwrap()
    }

    /// The figures of the one source: seen, told, as before, deleted, refused.
    #[track_caller]
    fn figures(&self, at: &Casbah, more: &[&str]) -> [u64; 5] {
        let output = self.run(at, more);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let all: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
        ["seen", "told", "same", "deleted", "refused"].map(|field| all[0][field].as_u64().unwrap())
    }

    #[track_caller]
    fn fails(&self, at: &Casbah, more: &[&str]) -> (i32, String) {
        let output = self.run(at, more);
        assert!(!output.status.success());
        (output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

fn files(caller: &Session, filters: &Value) -> Vec<Value> {
    let body = json!({ "filters": filters, "limit": 100 });
    let mut found = caller.post("/api/v1/files/", &body).ok()["data"].as_array().unwrap().clone();
    found.sort_by_key(|file| file["filePath"].to_string());
    found
}

fn file(caller: &Session, name: &str) -> Value {
    let found = files(caller, &json!({ "filename": { "eq": name } }));
    assert_eq!(found.len(), 1, "{name}: {found:?}");
    found[0].clone()
}

fn names(files: &[Value]) -> Vec<&str> {
    files.iter().map(|file| file["name"].as_str().unwrap()).collect()
}

fn put(root: &Path, path: &str, content: &str, mode: u32) -> PathBuf {
    let place = root.join(path);
    std::fs::create_dir_all(place.parent().unwrap()).unwrap();
    std::fs::write(&place, content).unwrap();
    std::fs::set_permissions(&place, std::fs::Permissions::from_mode(mode)).unwrap();
    place
}

#[test]
fn a_folder_is_told_of_and_what_becomes_of_it() {
    let casbah = server_of_today();
    let caller = casbah.application();
    let root = tempfile::tempdir().unwrap();
    let share = root.path().join("share");
    put(&share, "Finance/Budget.xlsx", "numbers", 0o640);
    put(&share, "Finance/2026/plan.TXT", "a plan", 0o600);
    put(&share, "open.md", "for all", 0o644);
    put(&share, "Open.md", "another one", 0o644);
    for folder in ["", "Finance", "Finance/2026"] {
        std::fs::set_permissions(share.join(folder), std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    std::os::unix::fs::symlink("open.md", share.join("link.md")).unwrap();
    let owner = std::process::Command::new("stat").args(["-c", "%U"]).arg(&share).output().unwrap();
    let owner = String::from_utf8(owner.stdout).unwrap().trim().to_string();
    let place = Place::new(&format!(
        "[[source]]\nname = \"share\"\nfolder = {share:?}\napp = 900001\napp_name = \"File share\"\neverybody = \"public\"\ndomain = \"contoso.example\"\n"
    ));
    assert_eq!(place.figures(&casbah, &[]), [6, 6, 0, 0, 0]);
    let all = files(&caller, &json!({}));
    assert_eq!(names(&all), ["Finance", "2026", "plan.TXT", "Budget.xlsx", "Open.md", "open.md"]);
    let budget = file(&caller, "Budget.xlsx");
    assert_eq!(
        (&budget["appId"], &budget["appName"], &budget["fileSize"]),
        (&json!(900_001), &json!("File share"), &json!(7))
    );
    assert_eq!(
        (&budget["fileType"], &budget["fileAccessLevel"]),
        (&json!([2, "SPREADSHEET"]), &json!([1, "INTERNAL"]))
    );
    assert_eq!(budget["filePath"], share.join("Finance/Budget.xlsx").to_str().unwrap());
    assert_eq!(
        (&budget["ownerName"], &budget["ownerAddress"]),
        (&json!(owner), &json!(format!("{owner}@contoso.example")))
    );
    assert_eq!(budget["groups"].as_array().unwrap().len(), 1);
    // The digest that everybody gets of these bytes.
    let digest =
        std::process::Command::new("sha256sum").arg(share.join("Finance/Budget.xlsx")).output().unwrap();
    let digest = String::from_utf8(digest.stdout).unwrap();
    assert_eq!(budget["contentHash"], format!("sha256:{}", digest.split(' ').next().unwrap()));
    let modified = std::fs::metadata(share.join("Finance/Budget.xlsx")).unwrap().modified().unwrap();
    let modified = modified.duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    assert_eq!(budget["modifiedDate"].as_i64().unwrap() as u128, modified);
    let plan = file(&caller, "plan.TXT");
    assert_eq!(plan["facl"], 0);
    let above =
        caller.get(&format!("/api/v1/files/{}/effective_parents/", plan["_id"].as_str().unwrap())).ok();
    assert_eq!(names(above["data"].as_array().unwrap()), ["2026", "Finance"]);
    assert_eq!(files(&caller, &json!({ "sharing": { "eq": "PUBLIC" }, "folder": { "eq": false } })).len(), 2);

    // Nothing new; then something changed, new, gone and moved.
    assert_eq!(place.figures(&casbah, &[]), [6, 0, 6, 0, 0]);
    let before = plan["_id"].clone();
    put(&share, "Finance/Budget.xlsx", "more numbers", 0o600);
    std::fs::remove_file(share.join("open.md")).unwrap();
    std::fs::rename(share.join("Finance/2026"), share.join("Old")).unwrap();
    let [seen, _, _, deleted, _] = place.figures(&casbah, &[]);
    assert_eq!((seen, deleted), (5, 3));
    assert_eq!(names(&files(&caller, &json!({}))), ["Finance", "Budget.xlsx", "Old", "plan.TXT", "Open.md"]);
    let changed = file(&caller, "Budget.xlsx");
    assert_eq!(
        (&changed["fileSize"], &changed["facl"], &changed["_id"]),
        (&json!(12), &json!(0), &budget["_id"])
    );
    assert_ne!(changed["contentHash"], budget["contentHash"]);
    let gone = caller.get(&format!("/api/v1/files/{}/", before.as_str().unwrap())).ok();
    assert_eq!(
        (&gone["fileStatus"], &gone["name"], &gone["ownerName"]),
        (&json!([2, "DELETED"]), &json!("plan.TXT"), &json!(owner))
    );
    // What is back is there again.
    put(&share, "open.md", "for all", 0o644);
    assert_eq!(place.figures(&casbah, &[])[3], 0);
    let back = files(&caller, &json!({ "filename": { "eq": "open.md" } }));
    assert_eq!(names(&back), ["Open.md", "open.md"]);

    // A disk that is missing deletes nothing, unless somebody says that the folder is empty.
    std::fs::rename(&share, root.path().join("away")).unwrap();
    let (code, error) = place.fails(&casbah, &[]);
    assert!(code == 1 && error.contains("share"), "{code} {error}");
    std::fs::create_dir(&share).unwrap();
    let (code, error) = place.fails(&casbah, &[]);
    assert!(code == 1 && error.contains("--allow-empty"), "{code} {error}");
    assert_eq!(files(&caller, &json!({})).len(), 6);
    assert_eq!(place.figures(&casbah, &["--allow-empty"]), [0, 0, 0, 6, 0]);
    assert_eq!(files(&caller, &json!({})).len(), 0);

    // What is told must be plain, and who tells must be allowed to.
    for (sources, named) in [
        ("", "[[source]]"),
        ("[[source]]\nname = \"a\"\nfolder = \"/srv\"\n", "app"),
        ("[[source]]\nname = \"a b\"\nfolder = \"/srv\"\napp = 1\n", "name"),
        ("[[source]]\nname = \"a\"\nfolder = \"/srv\"\napp = 1\nbucket = \"b\"\n", "either folder or bucket"),
        ("[[source]]\nname = \"a\"\nfolder = \"/srv\"\napp = 1\nregion = \"r\"\n", "region"),
        ("[[source]]\nname = \"a\"\nfolder = \"/srv\"\napp = 1\neverybody = \"all\"\n", "public-internet"),
        ("[[source]]\nname = \"a\"\nbucket = \"b\"\nhash = true\n", "hash"),
        ("[[source]]\nname = \"a\"\nbucket = \"b\"\n", "AWS_ACCESS_KEY_ID"),
        ("[[source]]\nname = \"a\"\ncolour = 1\n", "colour"),
    ] {
        let wrong = Place::new(sources);
        let output = wrong.command(&casbah, &[]).env_remove("AWS_ACCESS_KEY_ID").output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && error.contains(named), "{sources}: {error}");
    }
    assert!(place.fails(&casbah, &["--source", "other"]).1.contains("other"));
    let output =
        place.command(&casbah, &["--allow-empty"]).env("CASBAH_CLIENT_SECRET", "wrong").output().unwrap();
    put(&share, "a.txt", "a", 0o644);
    assert!(!output.status.success() || files(&caller, &json!({})).is_empty());
    let refused = place.command(&casbah, &[]).env("CASBAH_CLIENT_SECRET", "wrong").output().unwrap();
    assert!(!refused.status.success() && files(&caller, &json!({})).is_empty());
    assert_eq!(place.figures(&casbah, &[]), [1, 1, 0, 0, 0]);
}

/// A connector that is killed goes on where the server has taken its files, and tells nothing twice.
#[test]
fn a_connector_that_was_killed_goes_on() {
    const MANY: usize = 4_000;
    let casbah = server_of_today();
    let caller = casbah.application();
    let root = tempfile::tempdir().unwrap();
    for number in 0..MANY {
        let folder = root.path().join(format!("{}", number % 7));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{number}.txt")), b"").unwrap();
    }
    let place =
        Place::new(&format!("[[source]]\nname = \"many\"\nfolder = {:?}\napp = 900001\n", root.path()));
    let mut killed = place.command(&casbah, &[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let part = place.folder.path().join("state/many.part.jsonl");
    // As soon as something is written down.
    while std::fs::read_to_string(&part).unwrap_or_default().lines().count() < 2 {
        assert!(killed.try_wait().unwrap().is_none(), "it ended before anything was written down");
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    let done = std::fs::read_to_string(&part).unwrap().lines().count() - 1;
    assert!((1..MANY).contains(&done), "{done}");
    let [seen, told, same, deleted, refused] = place.figures(&casbah, &[]);
    assert!(seen as usize <= MANY + 7 - done && seen >= told, "{seen} after {done}");
    assert_eq!((same, deleted, refused), (0, 0, 0));
    assert_eq!(caller.post("/api/v1/files/count/", &json!({})).text(), (MANY + 7).to_string());
    assert_eq!(place.figures(&casbah, &[]), [(MANY + 7) as u64, 0, (MANY + 7) as u64, 0, 0]);
}
