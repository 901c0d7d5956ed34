//! What holds for any bytes.

use casbah_discovery::{Accounting, Catalogue, FORMATS, FileError, Format, Options, Report, analyse};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::support::NOW;

fn run(format: &Format, log: &[u8]) -> Result<Report, FileError> {
    analyse(log, &format.plan(), Catalogue::built_in(), &Options::at(NOW), &mut |_, _| ())
}

fn accounting(result: &Result<Report, FileError>) -> Option<Accounting> {
    match result {
        Ok(report) => Some(report.accounting),
        Err(error) => error.failure().map(|failure| failure.accounting),
    }
}

/// Lines as editors see them: CR, LF and CRLF end one, and a run of CR ends one.
fn physical_lines(log: &[u8]) -> u64 {
    let text = match log {
        [0xEF, 0xBB, 0xBF, rest @ ..] => rest,
        _ => log,
    };
    let ends = |at: usize| match (text[at], text.get(at + 1)) {
        (b'\n', _) => true,
        (b'\r', Some(b'\r' | b'\n')) => false,
        (b'\r', next) => next.is_some(),
        _ => false,
    };
    let ended = (0..text.len()).filter(|at| ends(*at)).count();
    let open = text.last().is_some_and(|last| *last != b'\n');
    (ended + usize::from(open)) as u64
}

fn run_on(threads: usize, format: &Format, log: &[u8]) -> Result<Report, FileError> {
    let options = Options { threads, ..Options::at(NOW) };
    analyse(log, &format.plan(), Catalogue::built_in(), &options, &mut |_, _| ())
}

/// All that a report says, to be compared.
fn said(result: &Result<Report, FileError>) -> String {
    match result {
        Ok(report) => serde_json::to_string(report).unwrap(),
        Err(error) => format!("{error} {:?}", error.failure()),
    }
}

/// Long enough for many chunks: a sample again and again, damaged in places, with changing headers and users'
/// spellings.
fn long_logs() -> impl Strategy<Value = (&'static Format, Vec<u8>)> {
    let change = (any::<Index>(), any::<u8>());
    (any_format(), vec(change, 0..60), vec(any::<Index>(), 0..6), 150_usize..400).prop_map(
        |(format, changes, headers, times)| {
            let mut log = format.sample.repeat(times);
            log.truncate(3_000_000);
            for (at, byte) in changes {
                let at = at.index(log.len());
                log[at] = byte;
            }
            for at in headers {
                let at = at.index(log.len());
                let fields = b"\n#Fields: time date c-ip cs-host sc-bytes cs-bytes cs-username\n";
                log.splice(at..at, fields.iter().copied());
            }
            (format, log)
        },
    )
}

fn any_format() -> impl Strategy<Value = &'static Format> {
    select(FORMATS)
}

/// Pieces of samples with some bytes changed: closer to real damage than noise.
fn damaged() -> impl Strategy<Value = (&'static Format, Vec<u8>)> {
    (any_format(), vec((any::<Index>(), any::<u8>()), 0..40), any::<Index>()).prop_map(
        |(format, changes, cut)| {
            let mut log = format.sample.to_vec();
            for (at, byte) in changes {
                let at = at.index(log.len());
                log[at] = byte;
            }
            log.truncate(cut.index(log.len()) + 1);
            (format, log)
        },
    )
}

/// Devices that tell one session in several lines, so that lines depend on each other.
const WITH_SESSIONS: &[&str] =
    &["Palo Alto", "Fortinet", "SonicWall", "Juniper SRX", "Barracuda F-series", "Sophos", "Unbound"];

/// Formats whose lines do not depend on each other but for headers.
fn some_lines() -> impl Strategy<Value = (&'static Format, Vec<u8>, Vec<u8>)> {
    let independent: Vec<_> =
        FORMATS.iter().copied().filter(|f| !WITH_SESSIONS.iter().any(|v| f.vendor.starts_with(v))).collect();
    let pick = |format: &'static Format, indices: Vec<Index>| {
        let lines: Vec<&[u8]> = format.sample.split_inclusive(|b| *b == b'\n').collect();
        let is_header = |line: &&&[u8]| line.windows(7).any(|w| w.eq_ignore_ascii_case(b"#fields"));
        let headers = lines[..1].iter().chain(lines[1..].iter().filter(is_header));
        let picked = indices.iter().map(|index| &lines[index.index(lines.len())]);
        // Enough sound lines to be taken for what it is.
        headers.chain(&lines[3..6]).chain(picked).flat_map(|line| line.iter().copied()).collect::<Vec<u8>>()
    };
    (select(independent), vec(any::<Index>(), 0..60), vec(any::<Index>(), 0..60))
        .prop_map(move |(format, a, b)| (format, pick(format, a), pick(format, b)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_panic(format in any_format(), log in vec(any::<u8>(), 0..2000)) {
        let _ = run(format, &log);
    }

    #[test]
    fn no_text_panics(format in any_format(), log in "(\\PC|[\\n\\r\\t \",|=\\[\\]<>#:/0-9]){0,400}") {
        let _ = run(format, log.as_bytes());
    }

    #[test]
    fn every_line_is_accounted_for((format, log) in damaged()) {
        let result = run(format, &log);
        let Some(a) = accounting(&result) else { return Ok(()) };
        let physical = physical_lines(&log);
        prop_assert_eq!(a.lines, physical);
        prop_assert_eq!(a.lines, a.parsed + a.skipped.total() + a.ignored + a.too_old);
        let Ok(report) = result else { return Ok(()) };
        let usage: u64 = report.usage.iter().map(|row| row.events).sum();
        let unmatched: u64 = report.unmatched.iter().map(|row| row.events).sum();
        let to_destinations: u64 = report.destinations.iter().map(|row| row.transactions).sum();
        prop_assert_eq!(usage + unmatched, a.parsed);
        prop_assert_eq!(to_destinations, a.parsed);
        let total = report.destinations.iter().fold(0_u64, |sum, row| sum.saturating_add(row.bytes_total));
        prop_assert_eq!(total, report.summary.bytes_total);
    }

    #[test]
    fn two_logs_in_one_say_what_both_say((format, a, b) in some_lines()) {
        let (Ok(first), Ok(second)) = (run(format, &a), run(format, &b)) else { return Ok(()) };
        let both = run(format, &[a, b].concat()).unwrap();
        let sum = |of: fn(&Report) -> u64| (of(&first) + of(&second), of(&both));
        for of in [
            (|r| r.summary.lines) as fn(&Report) -> u64,
            |r| r.summary.parsed,
            |r| r.summary.skipped,
            |r| r.summary.ignored,
            |r| r.summary.bytes_up,
            |r| r.summary.bytes_down,
            |r| r.summary.bytes_total,
            |r| r.summary.blocked,
            |r| r.usage.iter().map(|row| row.events).sum(),
        ] {
            let (parts, whole) = sum(of);
            prop_assert_eq!(parts, whole);
        }
        prop_assert!(both.summary.users <= first.summary.users + second.summary.users);
        prop_assert!(both.summary.users >= first.summary.users.max(second.summary.users));
        prop_assert_eq!(both.summary.first_seen, first.summary.first_seen.min(second.summary.first_seen));
    }

    #[test]
    fn no_host_panics(host in "\\PC{0,60}", path in proptest::option::of("/\\PC{0,30}")) {
        let catalogue = Catalogue::built_in();
        let found = catalogue.match_host(&host, path.as_deref());
        prop_assert!(found.is_none_or(|id| catalogue.app(id).is_some()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn many_threads_say_what_one_says((format, log) in long_logs(), threads in 2_usize..5) {
        prop_assert_eq!(said(&run_on(threads, format, &log)), said(&run(format, &log)));
    }
}

#[test]
fn many_threads_read_every_sample_as_one_does() {
    for format in FORMATS {
        let log = format.sample.repeat(2_000_000 / format.sample.len());
        assert_eq!(said(&run_on(3, format, &log)), said(&run(format, &log)), "{}", format.id);
    }
}
