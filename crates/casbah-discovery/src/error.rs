//! Why a whole file came to nothing.

use std::borrow::Cow;
use std::fmt;
use std::io;

use crate::notices::{Notice, NoticeCode};
use crate::report::{Accounting, Refused, Report};

/// What was counted before the file was given up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failure {
    /// Lines by what became of them.
    pub accounting: Accounting,
    /// The first refused lines of each reason.
    pub refused: Vec<Refused>,
    /// What the person who uploaded this should know, such as the source it looks like.
    pub notices: Vec<Notice>,
}

/// Why a file gave no report. All but [`FileError::Read`] are about its content and will not go away by
/// trying again.
#[derive(Debug)]
pub enum FileError {
    /// Not text nor an archive of texts, or a broken archive.
    UnsupportedFileType {
        /// A sentence for the person who uploaded it.
        why: Cow<'static, str>,
    },
    /// The lines are not of this source.
    LogFormatMismatch(Box<Failure>),
    /// Every transaction is older than the limit.
    TooOld(Box<Failure>),
    /// Transactions, but none to an app of the catalogue. The report has no usage; its destinations and unmatched
    /// domains are where custom apps come from.
    NoCatalogedApps(Box<Failure>, Box<Report>),
    /// The file could not be read: our fault, not the sender's.
    Read(io::Error),
}

impl FileError {
    /// The text the governance log shows, literally that of Microsoft Defender for Cloud Apps.
    pub fn title(&self) -> &'static str {
        match self {
            Self::UnsupportedFileType { .. } => "Unsupported file type",
            Self::LogFormatMismatch(_) => "The log format doesn't match",
            Self::TooOld(_) => "Transactions are more than 90 days old",
            Self::NoCatalogedApps(..) => "No transactions to cataloged cloud apps",
            Self::Read(_) => "The file could not be read",
        }
    }

    /// The sentence behind the title, for the person who uploaded the file.
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::UnsupportedFileType { why } => Some(why),
            Self::LogFormatMismatch(failure) => {
                let is_guess = |notice: &&Notice| notice.code == NoticeCode::LooksLike;
                failure.notices.iter().find(is_guess).map(|notice| notice.text.as_str())
            }
            Self::TooOld(_) | Self::NoCatalogedApps(..) | Self::Read(_) => None,
        }
    }

    /// What was counted; `None` where nothing of the file could be trusted.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::LogFormatMismatch(failure) | Self::TooOld(failure) | Self::NoCatalogedApps(failure, _) => {
                Some(failure)
            }
            Self::UnsupportedFileType { .. } | Self::Read(_) => None,
        }
    }

    /// What is known of a log all of whose destinations are unknown.
    pub fn uncataloged(&self) -> Option<&Report> {
        match self {
            Self::NoCatalogedApps(_, report) => Some(report),
            _ => None,
        }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title())?;
        match (self, self.why()) {
            (_, Some(why)) => write!(f, ": {why}"),
            (Self::Read(error), None) => write!(f, ": {error}"),
            (_, None) => Ok(()),
        }
    }
}

impl std::error::Error for FileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read(error) => Some(error),
            _ => None,
        }
    }
}
