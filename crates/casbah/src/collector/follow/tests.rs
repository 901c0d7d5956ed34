//! A log that is written to and rotated in every way, and a follower that dies at any moment.

use std::fs::{self, OpenOptions};

use casbah_model::Clock;
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use tempfile::TempDir;

use super::super::settings::{Input, Intake, Settings};
use super::*;

struct Place {
    folder: TempDir,
    follower: Option<Follower>,
    limit: u64,
    /// Whole lines that were written.
    lines: Vec<String>,
    /// Begun, without an end.
    half: String,
}

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir().expect("a folder");
        Place { folder, follower: None, limit: 1 << 20, lines: Vec::new(), half: String::new() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn log(&self) -> PathBuf {
        self.path("access.log")
    }

    fn spool(&self) -> Arc<Spool> {
        let input = Input { stream: "a".into(), source: "SQUID".into(), intake: Intake::Follow(self.log()) };
        let settings = Settings {
            name: "test".into(),
            spool: self.path("spool"),
            spool_limit: self.limit,
            rotate_size: 300,
            rotate_after: Duration::ZERO,
            inputs: Vec::new(),
        };
        Arc::new(Spool::open(&settings, &input, Clock::system()).expect("a spool"))
    }

    fn start(&mut self) {
        self.follower = None;
        self.follower = Some(Follower::open(self.log(), self.spool()).expect("a follower"));
    }

    fn look(&mut self) {
        if self.follower.is_none() {
            self.start();
        }
        if let Some(follower) = &mut self.follower {
            follower.look().expect("a look");
        }
    }

    fn write(&mut self, text: &str) {
        let mut file = OpenOptions::new().create(true).append(true).open(self.log()).expect("the log");
        file.write_all(text.as_bytes()).expect("written");
        self.half.push_str(text);
        while let Some(end) = self.half.find('\n') {
            self.lines.push(self.half.drain(..=end).collect());
        }
    }

    fn line(&mut self) {
        let number = self.lines.len();
        self.write(&format!("a line with the number {number}, which is {}\n", "x".repeat(number % 50)));
    }

    fn end_line(&mut self) {
        if !self.half.is_empty() {
            self.write(" and its end\n");
        }
    }

    /// `access.log` becomes `.1`, that `.2`, and so on; packed where that is asked for, as of then.
    fn rename(&mut self, pack: bool) {
        for number in (1..30).rev() {
            for end in ["", ".gz"] {
                let old = self.path(&format!("access.log.{number}{end}"));
                if old.exists() {
                    fs::rename(old, self.path(&format!("access.log.{}{end}", number + 1))).expect("renamed");
                }
            }
        }
        if self.log().exists() {
            fs::rename(self.log(), self.path("access.log.1")).expect("renamed");
            if pack {
                self.pack("access.log.1");
            }
        }
    }

    fn pack(&self, name: &str) {
        let content = fs::read(self.path(name)).expect("read");
        let file = File::create(self.path(&format!("{name}.gz"))).expect("made");
        let mut encoder = GzEncoder::new(file, Compression::fast());
        encoder.write_all(&content).expect("packed");
        encoder.finish().expect("packed");
        fs::remove_file(self.path(name)).expect("removed");
    }

    fn copy(&self, number: usize) {
        if self.log().exists() {
            fs::copy(self.log(), self.path(&format!("access.log-2026112{number}"))).expect("copied");
        }
    }

    fn truncate(&self) {
        if self.log().exists() {
            File::create(self.log()).expect("truncated");
        }
    }

    fn packs(&self) -> Vec<String> {
        let texts = self.spool().waiting().expect("a list").into_iter().map(|path| {
            let mut text = String::new();
            unpacked(&File::open(path).expect("there"))
                .expect("packed")
                .read_to_string(&mut text)
                .expect("text");
            text
        });
        texts.collect()
    }

    /// Every line that was written was taken, and once.
    fn check(&self) {
        let text = self.packs().concat();
        let mut taken: Vec<&str> = text.split_inclusive('\n').filter(|line| !line.starts_with('#')).collect();
        let mut written: Vec<&str> = self.lines.iter().map(String::as_str).collect();
        taken.sort_unstable();
        written.sort_unstable();
        assert_eq!(taken, written);
    }
}

#[derive(Clone, Debug)]
enum Step {
    Lines(usize),
    Half,
    Look,
    /// The process dies; also just before the last step of what it did last.
    Die,
    DieUnsettled,
    Rename {
        pack: bool,
    },
    CopyTruncate,
    /// Somebody looks, and writes, between the two.
    CopyLookTruncate,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..12_usize).prop_map(Step::Lines),
        1 => Just(Step::Half),
        4 => Just(Step::Look),
        1 => Just(Step::Die),
        1 => Just(Step::DieUnsettled),
        1 => any::<bool>().prop_map(|pack| Step::Rename { pack }),
        1 => Just(Step::CopyTruncate),
        1 => Just(Step::CopyLookTruncate),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn no_line_is_lost_or_taken_twice(steps in proptest::collection::vec(step(), 1..40)) {
        let mut place = Place::new();
        place.look();
        let mut copies = 0;
        for step in steps {
            match step {
                Step::Lines(count) => {
                    place.end_line();
                    (0..count).for_each(|_| place.line());
                }
                Step::Half => {
                    let begun = format!("half of line {} ", place.lines.len());
                    place.write(&begun);
                }
                Step::Look => place.look(),
                Step::Die => place.follower = None,
                Step::DieUnsettled => {
                    place.follower = None;
                    let spool = place.path("spool");
                    let folder = fs::read_dir(spool).expect("a folder").next().expect("one").expect("one").path();
                    let position = Position::read(&folder.join("position.json")).expect("read").expect("there");
                    let name = position.batch.unwrap_or_default();
                    let (packed, part) = (folder.join(format!("{name}.log.gz")), folder.join(format!("{name}.part")));
                    if packed.exists() {
                        fs::rename(packed, part).expect("renamed");
                    }
                    // One that was begun after that and counts for nothing.
                    fs::write(folder.join("0-junk.part"), b"junk").expect("written");
                }
                Step::Rename { pack } => {
                    place.end_line();
                    place.rename(pack);
                }
                Step::CopyTruncate | Step::CopyLookTruncate => {
                    place.end_line();
                    copies += 1;
                    place.copy(copies);
                    if matches!(step, Step::CopyLookTruncate) {
                        place.look();
                        place.look();
                    }
                    place.truncate();
                }
            }
        }
        place.end_line();
        (0..4).for_each(|_| place.look());
        place.check();
    }
}

#[test]
fn half_a_line_waits_until_its_file_is_rotated_away() {
    let mut place = Place::new();
    place.write("one\ntwo");
    place.look();
    place.look();
    assert_eq!(place.packs(), ["one\n"]);
    place.write(" and its end\nthree");
    place.look();
    place.rename(false);
    place.look();
    assert_eq!(place.packs().concat(), "one\ntwo and its end\nthree\n");
    // A line longer than a batch comes whole.
    let long = format!("{}\n", "y".repeat(200_000));
    place.write(&long);
    place.look();
    assert_eq!(place.packs().last(), Some(&long));
}

#[test]
fn each_part_of_a_log_begins_with_the_names_of_its_fields() {
    let mut place = Place::new();
    place.write("#Software: one\n#Fields: a b\n1 2\n");
    place.look();
    place.write("3 4\n");
    place.look();
    place.start();
    place.write("5 6\n#Remark: nothing\n");
    place.look();
    place.write("#Fields: b a\n");
    place.look();
    place.write("7 8\n");
    place.look();
    let header = "#Software: one\n#Fields: a b\n";
    let (mut packs, mut expected) = (
        place.packs(),
        [
            format!("{header}1 2\n"),
            format!("{header}3 4\n"),
            format!("{header}5 6\n#Remark: nothing\n"),
            "#Fields: b a\n".to_string(),
            "#Remark: nothing\n#Fields: b a\n7 8\n".to_string(),
        ],
    );
    packs.sort();
    expected.sort();
    assert_eq!(packs, expected);
}

#[test]
fn what_was_rotated_away_before_is_not_taken_and_what_the_spool_cannot_hold_waits() {
    let mut place = Place::new();
    place.write("old\n");
    place.rename(true);
    place.write("older than the follower\n");
    place.rename(false);
    place.lines.clear();
    place.line();
    place.look();
    place.rename(true);
    place.look();
    place.check();
    place.limit = 1;
    place.start();
    place.line();
    place.look();
    place.rename(false);
    place.line();
    place.look();
    assert!(place.follower.as_ref().expect("there").spool.behind.load(Ordering::Relaxed) > 0);
    place.limit = 1 << 20;
    place.start();
    place.look();
    place.check();
}
