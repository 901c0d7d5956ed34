//! Progress: a bar on a terminal, a plain line now and then otherwise.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{bytes, note};

/// Something that takes time.
pub struct Progress {
    bar: ProgressBar,
    what: String,
    total: Option<u64>,
    done: u64,
    said: Option<Instant>,
    terminal: bool,
    quiet: bool,
    /// How a number is told in a pipe.
    unit: fn(u64) -> String,
}

const BAR: &str = "  {msg} [{bar:30}] {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec} {eta}";

/// How often a pipe hears about it.
const INTERVAL: Duration = Duration::from_secs(5);

impl Progress {
    /// Bytes on their way; `total` may be unknown.
    pub fn bytes(what: &str, total: Option<u64>, quiet: bool) -> Progress {
        let template = if total.is_some() { BAR } else { "  {msg} {decimal_bytes} {decimal_bytes_per_sec}" };
        Progress::new(what, total, template, quiet)
    }

    /// Records on their way, of which nobody knows how many there are.
    pub fn records(what: &str, quiet: bool) -> Progress {
        let mut progress = Progress::new(what, None, "  {msg} {pos}", quiet);
        progress.unit = |number| number.to_string();
        progress
    }

    /// So many of so many records are done.
    pub fn count(&mut self, done: u64, total: u64) {
        set_template(&self.bar, "  {msg} [{bar:30}] {pos}/{len} {eta}");
        (self.done, self.total) = (done, Some(total));
        self.bar.set_length(total);
        self.bar.set_position(done);
        self.speak();
    }

    /// A wait of unknown length.
    pub fn wait(what: &str, quiet: bool) -> Progress {
        let progress = Progress::new(what, None, "  {spinner} {msg} {elapsed}", quiet);
        progress.bar.enable_steady_tick(Duration::from_millis(100));
        progress
    }

    fn new(what: &str, total: Option<u64>, template: &str, quiet: bool) -> Progress {
        let terminal = std::io::stderr().is_terminal();
        let target =
            if terminal && !quiet { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(total, target);
        set_template(&bar, template);
        bar.set_message(what.to_string());
        Progress { bar, what: what.to_string(), total, done: 0, said: None, terminal, quiet, unit: short }
    }

    /// So much more is done.
    pub fn advance(&mut self, by: u64) {
        self.done += by;
        self.bar.inc(by);
        self.speak();
    }

    /// So many of so many bytes are done: what began as a wait of unknown length has a length now.
    pub fn reach(&mut self, done: u64, total: u64) {
        if self.total.is_none() {
            self.total = Some(total);
            self.bar.set_length(total);
            set_template(&self.bar, BAR);
        }
        self.done = done.min(total);
        self.bar.set_position(self.done);
    }

    /// It is known better what goes on.
    pub fn say(&mut self, what: &str) {
        self.what = what.to_string();
        self.bar.set_message(what.to_string());
    }

    /// Still waiting.
    pub fn tick(&mut self) {
        self.speak();
    }

    /// It is over; the bar goes away.
    pub fn finish(self) {
        self.bar.finish_and_clear();
    }

    fn speak(&mut self) {
        if self.terminal || self.quiet {
            return;
        }
        // The clock of tests may stand still; this one measures how long a person has waited.
        let started = *self.said.get_or_insert_with(Instant::now);
        if started.elapsed() >= INTERVAL {
            self.said = Some(Instant::now());
            match (self.done, self.total) {
                (0, _) => note(&format!("  {} …", self.what)),
                (done, Some(total)) => {
                    note(&format!("  {}: {} of {}", self.what, (self.unit)(done), (self.unit)(total)));
                }
                (done, None) => note(&format!("  {}: {}", self.what, (self.unit)(done))),
            }
        }
    }
}

fn set_template(bar: &ProgressBar, template: &str) {
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
}

fn short(number: u64) -> String {
    bytes(i64::try_from(number).unwrap_or(i64::MAX))
}
