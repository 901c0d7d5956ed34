//! A format made ready for reading: built-in ones and people's own come to the same thing, and the parser
//! cannot tell them apart.

use std::sync::LazyLock;

use crate::format::{Cells, Field, Format, Shape, Verdict};
use crate::shapes::Columns;
use crate::value::Escape;

/// How the lines of one source are read.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(crate) name: String,
    pub(crate) reader: Reader,
    pub(crate) names: Names,
    pub(crate) columns: Columns,
    pub(crate) blocked: Vec<String>,
    pub(crate) starts: fn(&[u8]) -> bool,
    pub(crate) quirk: fn(&mut Cells<'_>) -> Verdict,
    pub(crate) escape: Escape,
    pub(crate) percent: bool,
    /// How the whole stamp, or date and clock, are written; where not set, any known style is read.
    pub(crate) patterns: Patterns,
    /// Whether lines and headers mean more than the plan says: CEF is CEF anywhere, `dst` a destination.
    pub(crate) open: bool,
}

/// What a plan expects of its stamps.
#[derive(Clone, Debug, Default)]
pub(crate) struct Patterns {
    pub(crate) time: Option<String>,
    pub(crate) date: Option<String>,
    pub(crate) clock: Option<String>,
}

/// How a line falls into cells.
#[derive(Clone, Debug)]
pub(crate) enum Reader {
    Shape(Shape),
    /// Pairs between separators that somebody chose.
    Delimited {
        pair: u8,
        value: u8,
    },
    /// Groups of a regular expression.
    Regex(crate::custom::Groups),
}

impl Format {
    /// This format, ready for reading.
    pub fn plan(&self) -> Plan {
        Plan {
            name: self.id.to_owned(),
            reader: Reader::Shape(self.shape),
            names: Names::new(self.names.iter().copied(), false),
            columns: Columns::by_position(self.columns),
            blocked: self.blocked.iter().map(|word| (*word).to_owned()).collect(),
            starts: self.starts,
            quirk: self.quirk,
            escape: self.escape,
            percent: self.percent,
            patterns: Patterns::default(),
            open: true,
        }
    }
}

impl Plan {
    /// What the report calls the source.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether a word about the outcome means refused.
    pub(crate) fn refuses(&self, action: &[u8]) -> bool {
        let is = |word: &String| match word.strip_suffix('*') {
            Some(start) => {
                action.get(..start.len()).is_some_and(|a| a.eq_ignore_ascii_case(start.as_bytes()))
            }
            None => action.eq_ignore_ascii_case(word.as_bytes()),
        };
        !action.is_empty() && self.blocked.iter().any(is)
    }
}

/// Names longer than this are not searched by length.
const LONGEST: usize = 32;

/// Which name means what. Found by length first: a line has dozens of keys, and few matter.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    names: Vec<(Box<[u8]>, Field, u8)>,
    /// Where the names of each length start.
    starts: [u8; LONGEST + 2],
    exact: bool,
}

impl Names {
    /// The first of several names for one field wins. `exact`: the case of letters matters.
    pub(crate) fn new<'n>(names: impl Iterator<Item = (Field, &'n str)>, exact: bool) -> Self {
        // A table of names is far shorter than 127.
        let ranked =
            names.enumerate().map(|(rank, (field, name))| (name.as_bytes().into(), field, rank as u8));
        let mut names: Vec<(Box<[u8]>, Field, u8)> = ranked.collect();
        names.sort_by_key(|(name, _, rank)| (name.len().min(LONGEST), *rank));
        let mut starts = [0; LONGEST + 2];
        for (length, start) in starts.iter_mut().enumerate() {
            *start = names.partition_point(|(name, _, _)| name.len().min(LONGEST) < length) as u8;
        }
        Self { names, starts, exact }
    }

    pub(crate) fn find(&self, key: &[u8]) -> Option<(Field, u8)> {
        let length = key.len().min(LONGEST);
        let range = usize::from(self.starts[length])..usize::from(self.starts[length + 1]);
        let is = |name: &[u8]| if self.exact { name == key } else { name.eq_ignore_ascii_case(key) };
        self.names[range].iter().find(|(name, _, _)| is(name)).map(|(_, field, rank)| (*field, *rank))
    }

    /// What a name means to the plan itself, else what it means everywhere.
    pub(crate) fn find_or(&self, everywhere: &Names, key: &[u8]) -> Option<(Field, u8)> {
        self.find(key).or_else(|| everywhere.find(key).map(|(field, rank)| (field, rank | 0x80)))
    }
}

fn everywhere(names: &[(Field, &'static str)]) -> Names {
    Names::new(names.iter().copied(), false)
}

/// Common Event Format, as its specification names things.
pub(crate) static CEF: LazyLock<Names> = LazyLock::new(|| {
    everywhere(&[
        (Field::Time, "rt"),
        (Field::Time, "end"),
        (Field::Time, "start"),
        (Field::Time, "deviceCustomDate1"),
        (Field::SourceIp, "src"),
        (Field::SourceIp, "c6a2"),
        (Field::User, "suser"),
        (Field::User, "susr"),
        (Field::User, "duser"),
        (Field::Url, "request"),
        (Field::Host, "dhost"),
        (Field::Host, "destinationDnsDomain"),
        (Field::DestinationIp, "dst"),
        (Field::DestinationIp, "c6a3"),
        // Seen from the device's client: in is what came to it.
        (Field::Down, "in"),
        (Field::Up, "out"),
        (Field::Action, "act"),
        (Field::Outcome, "outcome"),
    ])
});

/// Log Event Extended Format.
pub(crate) static LEEF: LazyLock<Names> = LazyLock::new(|| {
    everywhere(&[
        (Field::Time, "devTime"),
        (Field::TimePattern, "devTimeFormat"),
        (Field::SourceIp, "src"),
        (Field::User, "usrName"),
        (Field::Url, "url"),
        (Field::Host, "dstHost"),
        (Field::Host, "hostname"),
        (Field::DestinationIp, "dst"),
        (Field::Up, "srcBytes"),
        (Field::Down, "dstBytes"),
        (Field::Total, "totalBytes"),
        (Field::Action, "action"),
        (Field::Action, "disposition"),
        (Field::Action, "act"),
    ])
});

/// W3C extended log files.
pub(crate) static W3C: LazyLock<Names> = LazyLock::new(|| {
    everywhere(&[
        (Field::Time, "timestamp"),
        (Field::Time, "x-timestamp"),
        (Field::Time, "datetime"),
        (Field::Time, "gmttime"),
        (Field::Date, "date"),
        (Field::Clock, "time"),
        (Field::SourceIp, "c-ip"),
        (Field::SourceIp, "x-client-ip"),
        (Field::SourceIp, "x-ss-client-ip"),
        (Field::User, "cs-username"),
        (Field::User, "cs-userdn"),
        (Field::Url, "cs-uri"),
        (Field::Url, "cs-url"),
        (Field::Host, "cs-host"),
        (Field::Host, "r-host"),
        (Field::Host, "cs(host)"),
        (Field::Host, "s-host"),
        (Field::Path, "cs-uri-path"),
        (Field::Path, "cs-uri-stem"),
        // On some proxies s-ip is the proxy itself.
        (Field::DestinationIp, "r-ip"),
        (Field::DestinationIp, "s-ip"),
        (Field::DestinationIp, "cs-ip"),
        (Field::Up, "cs-bytes"),
        (Field::Down, "sc-bytes"),
        (Field::Total, "bytes"),
        (Field::Action, "sc-filter-result"),
        (Field::Action, "action"),
        (Field::Outcome, "s-action"),
        (Field::Status, "sc-status"),
    ])
});

/// What devices call things when nothing tells which device it is: JSON, pairs and headers of CSV files.
pub(crate) static COMMON: LazyLock<Names> = LazyLock::new(|| {
    everywhere(&[
        (Field::Time, "datetime"),
        (Field::Time, "timestamp"),
        (Field::Time, "event_time"),
        (Field::Time, "eventtime"),
        (Field::Time, "event time"),
        (Field::Time, "date time"),
        (Field::Time, "@timestamp"),
        (Field::Time, "devTime"),
        (Field::Time, "rt"),
        (Field::Time, "ts"),
        (Field::Date, "date"),
        (Field::Clock, "time"),
        (Field::Zone, "tz"),
        (Field::Zone, "timezone"),
        (Field::SourceIp, "src"),
        (Field::SourceIp, "srcip"),
        (Field::SourceIp, "src_ip"),
        (Field::SourceIp, "source_ip"),
        (Field::SourceIp, "source ip"),
        (Field::SourceIp, "source-address"),
        (Field::SourceIp, "source address"),
        (Field::SourceIp, "sourceip"),
        (Field::SourceIp, "c-ip"),
        (Field::SourceIp, "clientip"),
        (Field::SourceIp, "client_ip"),
        (Field::SourceIp, "client ip"),
        (Field::SourceIp, "cip"),
        (Field::SourceIp, "x-client-ip"),
        (Field::User, "user"),
        (Field::User, "usr"),
        (Field::User, "usrName"),
        (Field::User, "user_name"),
        (Field::User, "user name"),
        (Field::User, "username"),
        (Field::User, "suser"),
        (Field::User, "src_user"),
        (Field::User, "userid"),
        (Field::User, "login"),
        (Field::User, "cs-username"),
        (Field::User, "loginID"),
        (Field::Url, "url"),
        (Field::Url, "request"),
        (Field::Url, "cs-uri"),
        (Field::Url, "uri"),
        (Field::Url, "eurl"),
        (Field::Host, "dhost"),
        (Field::Host, "hostname"),
        (Field::Host, "host"),
        (Field::Host, "dstname"),
        (Field::Host, "domain"),
        (Field::Host, "cs-host"),
        (Field::Host, "destination_host"),
        (Field::Host, "requested_host"),
        (Field::Host, "destination host"),
        (Field::DestinationIp, "dst"),
        (Field::DestinationIp, "dstip"),
        (Field::DestinationIp, "dst_ip"),
        (Field::DestinationIp, "destination_ip"),
        (Field::DestinationIp, "destination ip"),
        (Field::DestinationIp, "destination-address"),
        (Field::DestinationIp, "destination address"),
        (Field::DestinationIp, "r-ip"),
        (Field::DestinationIp, "s-ip"),
        (Field::DestinationIp, "serverip"),
        (Field::Up, "out"),
        (Field::Up, "sent"),
        (Field::Up, "sentbyte"),
        (Field::Up, "sent_bytes"),
        (Field::Up, "bytes sent"),
        (Field::Up, "srcBytes"),
        (Field::Up, "bytes_sent"),
        (Field::Up, "requestsize"),
        (Field::Up, "cs-bytes"),
        (Field::Up, "InitiatorBytes"),
        (Field::Up, "bytes-from-client"),
        (Field::Up, "client_to_server_bytes"),
        (Field::Down, "in"),
        (Field::Down, "rcvd"),
        (Field::Down, "rcvdbyte"),
        (Field::Down, "rcvd_bytes"),
        (Field::Down, "recv_bytes"),
        (Field::Down, "bytes received"),
        (Field::Down, "dstBytes"),
        (Field::Down, "bytes_received"),
        (Field::Down, "responsesize"),
        (Field::Down, "sc-bytes"),
        (Field::Down, "ResponderBytes"),
        (Field::Down, "bytes-from-server"),
        (Field::Down, "server_to_client_bytes"),
        (Field::Total, "bytes"),
        (Field::Total, "total_bytes"),
        (Field::Total, "totalBytes"),
        (Field::Total, "transactionsize"),
        (Field::Action, "action"),
        (Field::Action, "act"),
        (Field::Action, "disp"),
        (Field::Action, "disposition"),
        (Field::Action, "log_subtype"),
        (Field::Action, "sc-filter-result"),
        (Field::Action, "s-action"),
        (Field::Action, "AccessControlRuleAction"),
        (Field::Action, "fw_action"),
        (Field::Action, "pe_action"),
        (Field::Outcome, "status"),
        (Field::Outcome, "result"),
        (Field::Status, "sc-status"),
        (Field::Status, "respcode"),
    ])
});
