//! Buckets of the S3-compatible server that `CASBAH_TEST_S3` names.

use std::time::Duration;

use rusty_s3::actions::{CreateBucket, DeleteObject, PutObject};
use rusty_s3::{Bucket, Credentials, S3Action, UrlStyle};
use serde_json::{Value, json};

use super::{Place, file, files, names, server_of_today};

const SOON: Duration = Duration::from_secs(300);
const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// A bucket, as its owner fills it.
struct Filled {
    bucket: Bucket,
    credentials: Credentials,
}

impl Filled {
    fn new(server: &str, name: &str) -> Filled {
        let bucket =
            Bucket::new(server.parse().unwrap(), UrlStyle::Path, name.to_string(), "us-east-1").unwrap();
        let filled = Filled { bucket, credentials: Credentials::new(KEY, SECRET) };
        let made = CreateBucket::new(&filled.bucket, &filled.credentials).sign(SOON);
        let answer = agent().put(made.as_str()).send_empty().unwrap();
        assert!(answer.status().is_success(), "{answer:?}");
        filled
    }

    /// Puts an object, or with no key a setting of the bucket.
    fn put(&self, key: &str, query: &[(&str, &str)], headers: &[(&str, &str)], content: &[u8]) {
        let mut action = PutObject::new(&self.bucket, Some(&self.credentials), key);
        for (name, value) in query {
            action.query_mut().insert((*name).to_string(), (*value).to_string());
        }
        for (name, value) in headers {
            action.headers_mut().insert((*name).to_string(), (*value).to_string());
        }
        let url = action.sign(SOON);
        let mut request = agent().put(url.as_str());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send(content).unwrap();
        assert!(
            answer.status().is_success(),
            "{key} {query:?}: {}",
            answer.into_body().read_to_string().unwrap()
        );
    }

    fn delete(&self, key: &str) {
        let url = DeleteObject::new(&self.bucket, Some(&self.credentials), key).sign(SOON);
        assert!(agent().delete(url.as_str()).call().unwrap().status().is_success());
    }

    fn policy(&self, statements: &Value) {
        let policy = json!({ "Version": "2012-10-17", "Statement": statements });
        self.put("", &[("policy", "")], &[], policy.to_string().as_bytes());
    }

    fn block(&self, name: &str) {
        let xml = format!(
            "<PublicAccessBlockConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><{name}>true</{name}></PublicAccessBlockConfiguration>"
        );
        self.put("", &[("publicAccessBlock", "")], &[], xml.as_bytes());
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).build().new_agent()
}

fn source(server: &str, bucket: &str, more: &str) -> String {
    format!(
        "[[source]]\nname = \"store\"\nbucket = {bucket:?}\nendpoint = {server:?}\naccess_key_id = {KEY:?}\n{more}\n"
    )
}

fn place(sources: &str) -> Place {
    let place = Place::new("");
    let secret = place.folder.path().join("secret");
    std::fs::write(&secret, SECRET).unwrap();
    let path = place.folder.path().join("connector.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let sources = sources.replace("access_key_id", &format!("secret_key_file = {secret:?}\naccess_key_id"));
    std::fs::write(&path, format!("{text}{sources}")).unwrap();
    place
}

/// Objects come with sizes, digests and owners; a policy, access lists and what the owner rules out say how far they are
/// shared; what is changed or deleted is told.
#[test]
fn a_bucket_is_told_of_with_how_far_it_is_shared() {
    let server = std::env::var("CASBAH_TEST_S3").expect(
        "this test needs an S3-compatible server: run it by `cargo xtask test`, or set CASBAH_TEST_S3",
    );
    let casbah = server_of_today();
    let caller = casbah.application();
    // Whatever other tests left there.
    let name = format!("docs-{}", std::process::id());
    let store = Filled::new(&server, &name);
    store.put("own.txt", &[], &[], b"own");
    store.put("reports/2026/a b+c&d.csv", &[], &[], b"1,2,3");
    store.put("reports/open.pdf", &[], &[("x-amz-acl", "public-read")], b"pdf");
    store.put("reports/members.pdf", &[], &[("x-amz-acl", "authenticated-read")], b"pdf");
    store.put("www/index.html", &[], &[], b"<p>");
    store.put("partner/offer.docx", &[], &[], b"offer");
    store.put("Ärende/ö.png", &[], &[], b"png");
    store.put("empty/", &[], &[], b"");
    store.policy(&json!([
        { "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": format!("arn:aws:s3:::{name}/www/*") },
        { "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::444455556666:root" }, "Action": ["s3:Get*"],
            "Resource": [format!("arn:aws:s3:::{name}/partner/*")] },
    ]));
    let place = place(&source(
        &server,
        &name,
        "app_name = \"Store\"\n[source.owners]\nwebfile = \"storage@contoso.example\"",
    ));
    // Seven objects; the folders that their keys and the marker speak of.
    assert_eq!(place.figures(&casbah, &[]), [13, 13, 0, 0, 0]);
    let levels = |wanted: &[&str]| -> Vec<i64> {
        wanted.iter().map(|name| file(&caller, name)["facl"].as_i64().unwrap()).collect()
    };
    let objects = ["own.txt", "a b+c&d.csv", "open.pdf", "members.pdf", "index.html", "offer.docx", "ö.png"];
    assert_eq!(levels(&objects), [0, 0, 4, 3, 4, 2, 0]);
    let csv = file(&caller, "a b+c&d.csv");
    assert_eq!(
        (&csv["fileSize"], &csv["fileType"], &csv["appId"]),
        (&json!(5), &json!([2, "SPREADSHEET"]), &json!(11599))
    );
    assert_eq!(csv["filePath"], format!("s3://{name}/reports/2026/a b+c&d.csv"));
    let digest = std::process::Command::new("sh").args(["-c", "printf 1,2,3 | md5sum"]).output().unwrap();
    let digest = String::from_utf8(digest.stdout).unwrap();
    assert_eq!(csv["contentHash"], format!("etag:{}", digest.split(' ').next().unwrap()));
    assert_eq!(
        (&csv["ownerName"], &csv["ownerAddress"]),
        (&json!("webfile"), &json!("storage@contoso.example"))
    );
    assert!(csv["alternateLink"].as_str().unwrap().starts_with(&server), "{csv}");
    let above =
        caller.get(&format!("/api/v1/files/{}/effective_parents/", csv["_id"].as_str().unwrap())).ok();
    assert_eq!(names(above["data"].as_array().unwrap()), ["2026", "reports"]);
    assert_eq!(file(&caller, "offer.docx")["externalShares"], json!(["arn:aws:iam::444455556666:root"]));
    let folders = files(&caller, &json!({ "folder": { "eq": true } }));
    assert_eq!(names(&folders), ["empty", "partner", "reports", "2026", "www", "Ärende"]);
    assert_eq!(place.figures(&casbah, &[]), [13, 0, 13, 0, 0]);

    // Changed, deleted; and what the owner rules out.
    store.put("own.txt", &[], &[], b"changed");
    store.delete("reports/2026/a b+c&d.csv");
    store.block("IgnorePublicAcls");
    let [seen, _, _, deleted, _] = place.figures(&casbah, &[]);
    assert_eq!((seen, deleted), (11, 2));
    assert_eq!(levels(&["own.txt", "open.pdf", "members.pdf", "index.html"]), [0, 0, 0, 4]);
    assert_eq!(file(&caller, "own.txt")["fileSize"], 7);
    assert!(files(&caller, &json!({ "extension": { "eq": "csv" } })).is_empty());
    store.block("RestrictPublicBuckets");
    place.figures(&casbah, &[]);
    assert_eq!(levels(&["open.pdf", "index.html"]), [4, 1]);
    // Access lists that are off count for nothing.
    let off = "<OwnershipControls xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>";
    store.put("", &[("ownershipControls", "")], &[], off.as_bytes());
    place.figures(&casbah, &[]);
    assert_eq!(levels(&["open.pdf", "members.pdf"]), [0, 0]);
    // What is denied to everybody nobody has.
    store.policy(&json!([
        { "Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": ["arn:aws:s3:::*"] },
        { "Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": format!("arn:aws:s3:::{name}/partner/*") },
    ]));
    store.block("BlockPublicAcls");
    place.figures(&casbah, &[]);
    assert_eq!(levels(&["own.txt", "offer.docx", "www"]), [4, 0, 4]);
}

/// A list of many pages comes whole, below a prefix only what is there; what fails is said and deletes nothing.
#[test]
fn a_large_bucket_and_one_that_is_not_there() {
    let server = std::env::var("CASBAH_TEST_S3").expect(
        "this test needs an S3-compatible server: run it by `cargo xtask test`, or set CASBAH_TEST_S3",
    );
    let casbah = server_of_today();
    let caller = casbah.application();
    let name = format!("many-{}", std::process::id());
    let store = Filled::new(&server, &name);
    for number in 0..1_100 {
        store.put(&format!("logs/{number:04}.log"), &[], &[], b"");
    }
    store.put("other/x.log", &[], &[], b"");
    let place = place(&source(&server, &name, "prefix = \"logs/\"\nsharing = \"internal\""));
    assert_eq!(place.figures(&casbah, &[]), [1_100, 1_100, 0, 0, 0]);
    assert_eq!(
        caller.post("/api/v1/files/count/", &json!({ "filters": { "sharing": { "eq": 1 } } })).text(),
        "1100"
    );
    assert_eq!(place.figures(&casbah, &[]), [1_100, 0, 1_100, 0, 0]);
    let path = place.folder.path().join("connector.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    // The same name for another bucket is a mistake; a bucket that is not there is said to be.
    std::fs::write(&path, text.replace(&name, "nowhere-at-all")).unwrap();
    assert!(place.fails(&casbah, &[]).1.contains("another folder for state"));
    std::fs::write(&path, text.replace(&name, "nowhere-at-all").replace("\"store\"", "\"elsewhere\""))
        .unwrap();
    assert!(place.fails(&casbah, &[]).1.contains("NoSuchBucket"));
    assert_eq!(caller.post("/api/v1/files/count/", &json!({})).text(), "1100");
}
