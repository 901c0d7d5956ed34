//! A file that grows and is rotated, and a collector that is killed at any moment.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use super::{Collector, source, squid};
use crate::harness::{Casbah, Database, Session};

/// Lines of Squid's log; each tells its number by its bytes too, so that one lost and one doubled do not look like none.
struct Log {
    path: PathBuf,
    lines: u64,
    bytes: u64,
}

impl Log {
    fn write(&mut self, count: u64) {
        let mut file = OpenOptions::new().create(true).append(true).open(&self.path).unwrap();
        for _ in 0..count {
            self.lines += 1;
            let bytes = 1000 + self.lines;
            self.bytes += bytes;
            let line = squid(self.lines % 1000, "ann").replace(" 100 GET ", &format!(" {bytes} GET "));
            // In two pieces: somebody may look between them.
            let (first, second) = line.split_at(60);
            file.write_all(first.as_bytes()).unwrap();
            file.write_all(format!("{second}\n").as_bytes()).unwrap();
        }
    }

    fn numbered(&self, end: &str) -> PathBuf {
        PathBuf::from(format!("{}.{end}", self.path.display()))
    }

    /// As logrotate does without and with `delaycompress`.
    fn rename(&self, pack: bool) {
        for number in (1..20).rev() {
            for end in ["", ".gz"] {
                let old = self.numbered(&format!("{number}{end}"));
                if old.exists() {
                    fs::rename(old, self.numbered(&format!("{}{end}", number + 1))).unwrap();
                }
            }
        }
        fs::rename(&self.path, self.numbered("1")).unwrap();
        File::create(&self.path).unwrap();
        if pack {
            let mut packed =
                GzEncoder::new(File::create(self.numbered("1.gz")).unwrap(), Compression::fast());
            packed.write_all(&fs::read(self.numbered("1")).unwrap()).unwrap();
            packed.finish().unwrap().sync_all().unwrap();
            fs::remove_file(self.numbered("1")).unwrap();
        }
    }

    /// As logrotate does with `copytruncate`.
    fn copy_and_truncate(&self, date: u64) {
        fs::copy(&self.path, PathBuf::from(format!("{}-{date}", self.path.display()))).unwrap();
        OpenOptions::new().write(true).open(&self.path).unwrap().set_len(0).unwrap();
    }
}

/// Where the collector stands, as it says on disk.
fn position(spool: &Path) -> String {
    let inside = fs::read_dir(spool).into_iter().flatten().flatten();
    inside.map(|entry| fs::read_to_string(entry.path().join("position.json")).unwrap_or_default()).collect()
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn counted(caller: &Session) -> (u64, u64) {
    let answer = caller.post("/api/v1/discovery/app_users/", &json!({"appId": 11627})).ok();
    let of = |field: &str| answer["data"][0][field].as_u64().unwrap_or(0);
    (of("trafficTotalEvents"), of("trafficTotalBytes"))
}

fn each_line_is_counted_once(database: Database) {
    let server = Casbah::start(database);
    let caller = server.application();
    source(&caller, "Proxy", "SQUID_NATIVE");
    let folder = tempfile::tempdir().unwrap();
    let (config, spool) = (folder.path().join("collector.toml"), folder.path().join("spool"));
    let mut log = Log { path: folder.path().join("access.log"), lines: 0, bytes: 0 };
    let text = format!(
        "name = \"branch\"\nspool = {spool:?}\nrotate_seconds = 1\nrotate_kib = 4\n\
         [[input]]\nstream = \"Proxy\"\nsource = \"SQUID_NATIVE\"\nfollow = {:?}\n",
        log.path
    );
    fs::write(&config, text).unwrap();
    log.write(20);
    let mut collector = Collector::start(&server, &config);
    wait_until("the log is read", || {
        position(&spool).contains("log\"") || position(&spool).contains("batch\":\"")
    });
    for round in 0..8_u64 {
        let before = position(&spool);
        log.write(60);
        match round % 4 {
            0 => log.rename(false),
            1 => log.copy_and_truncate(20_261_120 + round),
            2 => log.rename(true),
            _ => {}
        }
        log.write(7);
        // In every other round it dies at once, else as soon as it has taken something.
        if round % 2 == 0 {
            wait_until("the log is read", || position(&spool) != before);
        }
        // The process is killed, as by kill -9.
        drop(collector);
        if round == 5 {
            // Twice, while nobody looks.
            log.rename(false);
            log.write(30);
            log.rename(true);
        }
        log.write(5);
        collector = Collector::start(&server, &config);
    }
    wait_until("every line is counted", || counted(&caller).0 >= log.lines);
    // Whatever else there is to be sent is sent before the collector says that it has nothing more.
    wait_until("nothing waits", || {
        let known = caller.get("/api/v1/discovery/log_collectors/").ok()["data"][0]["health"].clone();
        known["inputs"][0]["behind"] == 0
            && known["inputs"][0]["waiting"] == 0
            && counted(&caller).0 >= log.lines
    });
    assert_eq!(counted(&caller), (log.lines, log.bytes), "of {} lines", log.lines);
    // A second one may not use the same spool.
    let second = super::command(&server, &config).output().unwrap();
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(!second.status.success() && said.contains("another collector uses the spool"), "{said}");
    collector.stop();
}

#[test]
fn a_growing_log_is_counted_once_however_often_the_collector_is_killed_on_sqlite() {
    each_line_is_counted_once(Database::sqlite());
}

#[test]
fn a_growing_log_is_counted_once_however_often_the_collector_is_killed_on_postgres() {
    each_line_is_counted_once(Database::postgres());
}
