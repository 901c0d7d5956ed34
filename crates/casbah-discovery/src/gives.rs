//! What a source's logs tell, measured on its sample and not claimed.

use crate::format::Format;
use crate::options::Options;
use crate::parser::{Outcome, Parser};
use crate::record::{Destination, Record};

/// 2026-11-23T12:00:00Z, the time the samples are made for.
const SAMPLES_MADE: i64 = 1_795_435_200_000;

/// What the records of a source have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gives {
    /// The host, or the whole URL.
    pub target_url: bool,
    /// The address of the server, and no host.
    pub target_ip: bool,
    /// The user's name.
    pub user: bool,
    /// Bytes, of both directions or of one.
    pub bytes: bool,
    /// Bytes from the client to the server, apart.
    pub uploaded: bool,
    /// Whether something was refused.
    pub action: bool,
}

impl Gives {
    /// The words that lists show.
    pub fn names(self) -> Vec<&'static str> {
        let Self { target_url, target_ip, user, bytes, uploaded, action } = self;
        let all = [
            (target_url, "target URL"),
            (target_ip, "target IP"),
            (user, "user name"),
            (true, "origin IP"),
            (bytes, "traffic"),
            (uploaded, "uploaded"),
            (action, "action"),
        ];
        all.into_iter().filter(|(given, _)| *given).map(|(_, name)| name).collect()
    }
}

impl Format {
    /// What this source's logs tell.
    pub fn gives(&self) -> Gives {
        let (plan, options) = (self.plan(), Options::at(SAMPLES_MADE));
        let mut parser = Parser::new(&plan, &options);
        let mut gives = Gives::default();
        for line in self.sample.split(|b| *b == b'\n') {
            let Outcome::Record(record) = parser.read(line) else { continue };
            let Record { destination, user, up, down, total, blocked, .. } = record;
            gives.target_url |= matches!(destination, Destination::Host(_));
            gives.target_ip |= matches!(destination, Destination::Ip(_));
            gives.user |= user.is_some();
            gives.bytes |= up.is_some() || down.is_some() || total.is_some();
            gives.uploaded |= up.is_some();
            gives.action |= blocked;
        }
        gives
    }
}
