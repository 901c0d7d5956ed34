//! One file from the first byte to the report.

mod batch;
mod crew;
mod order;

use std::io::{Read, Seek};

use jiff::Timestamp;

use crate::catalogue::Catalogue;
use crate::error::FileError;
use crate::file::{self, Meter, Source};
use crate::options::Options;
use crate::plan::Plan;
use crate::report::{Accounting, Report, Summary};
use crate::tally::Tally;
use crew::Crew;
use order::Order;

/// Reads a file and adds it up. `progress` is told, now and then and once at the end, bytes taken from
/// `reader` and lines read. Zip files want [`analyse_file`].
pub fn analyse(
    mut reader: impl Read,
    plan: &Plan,
    catalogue: &Catalogue,
    options: &Options,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Report, FileError> {
    run(Source::Stream(&mut reader), plan, catalogue, options, progress)
}

/// As [`analyse`], for what one can seek in: also zip files.
pub fn analyse_file(
    mut file: impl Read + Seek,
    plan: &Plan,
    catalogue: &Catalogue,
    options: &Options,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Report, FileError> {
    run(Source::File(&mut file), plan, catalogue, options, progress)
}

fn run(
    source: Source<'_>,
    plan: &Plan,
    catalogue: &Catalogue,
    options: &Options,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Report, FileError> {
    let meter = Meter::default();
    let order = Order::new(plan, options);
    let (order, tally) = Crew::work(order, plan, catalogue, options, |crew| {
        file::each_text(source, options, &meter, &mut |text| {
            crew.read(text, &mut |lines| progress(meter.bytes_read(), lines))
        })?;
        progress(meter.bytes_read(), crew.lines());
        Ok(())
    })?;
    finish(order, tally, plan, options)
}

/// The report, or why there is none.
fn finish(
    mut order: Order<'_>,
    mut tally: Tally<'_>,
    plan: &Plan,
    options: &Options,
) -> Result<Report, FileError> {
    let (rest, place) = order.settle_rest();
    tally.add_all(&rest, place);
    if order.misfits() {
        return Err(FileError::LogFormatMismatch(order.failure()));
    }
    let Accounting { lines, parsed, skipped, ignored, too_old } = order.accounting;
    if parsed == 0 {
        return Err(FileError::TooOld(order.failure()));
    }
    // A catalogue of hosts cannot know addresses; where a log has nothing else, all of it is unmatched.
    let uncataloged = (!tally.has_matches() && tally.has_hosts()).then(|| order.failure());
    let summary = Summary {
        source: plan.name.clone(),
        lines,
        parsed,
        skipped: skipped.total(),
        ignored,
        too_old,
        users: tally.user_count(),
        client_ips: tally.client_count(),
        dest_hosts: tally.destination_count(),
        bytes_up: tally.all.up,
        bytes_down: tally.all.down,
        bytes_total: tally.all.total,
        blocked: tally.all.blocked,
        first_seen: seconds(tally.all.first_ms),
        last_seen: seconds(tally.all.last_ms),
    };
    let notices = order.notices(Some(tally.all.last_ms), options);
    let report = Report {
        summary,
        accounting: order.accounting,
        destinations: tally.destination_rows(),
        usage: tally.usage_rows(),
        unmatched: tally.unmatched_rows(),
        refused: order.into_refused(),
        notices,
        unattributed: tally.unattributed,
        has_users: tally.user_count() > 0,
        traffic_kinds: tally.traffic_kinds(),
    };
    match uncataloged {
        Some(failure) => Err(FileError::NoCatalogedApps(failure, Box::new(report))),
        None => Ok(report),
    }
}

/// RFC 3339 with whole seconds, cut, not rounded.
fn seconds(ms: i64) -> Option<String> {
    Timestamp::from_second(ms.div_euclid(1000)).ok().map(|time| time.to_string())
}
