//! The log engine: formats, records, catalogue, usage report.
//!
//! Bytes in, usage out. It never knows tenants, databases or the network, and never reads the clock:
//! the time of processing is an argument ([`Options::now_ms`]).
//!
//! ```text
//! file kind ─> lines ─> syslog envelope ─> shape (cells) ─> record ─> sessions ─> tally ─> report
//! file.rs      lines.rs  syslog.rs         shapes/          parser.rs  sessions.rs  tally.rs  report.rs
//! ```
//!
//! One pass, on several cores if wanted (`analyse/crew.rs`), whose memory grows with distinct users, addresses
//! and destinations, never with lines.

mod analyse;
pub mod block_script;
pub mod catalogue;
mod custom;
mod detect;
mod error;
mod explain;
mod file;
mod format;
mod formats;
mod gives;
mod lines;
mod notices;
mod numbers;
mod options;
mod parser;
mod plan;
mod record;
mod redact;
mod report;
mod sessions;
mod shapes;
mod sources;
mod syslog;
mod tally;
mod time;
mod value;

pub use analyse::{analyse, analyse_file};
pub use block_script::block_script;
pub use catalogue::{App, AppId, Catalogue, CatalogueError, Claims};
pub use custom::{CustomError, CustomKind, CustomParser, CustomTime};
pub use detect::{Candidate, Detection, detect, detect_file};
pub use error::{Failure, FileError};
pub use explain::{Explained, Taken, Transaction, explain, explain_file};
pub use file::wants_seeking;
pub use format::{Basis, Format, SourceError, format, format_by_id};
pub use formats::FORMATS;
pub use gives::Gives;
pub use notices::{Notice, NoticeCode};
pub use options::Options;
pub use parser::{Outcome, Parser};
pub use plan::Plan;
pub use record::{Destination, Record, SkipReason};
pub use report::{
    Accounting, DestinationRow, Refused, Report, Skipped, Summary, TrafficKind, UnmatchedRow, UsageRow,
};
pub use sources::{SOURCES, Source};
