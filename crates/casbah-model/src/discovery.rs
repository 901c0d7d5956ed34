//! Cloud discovery: uploads, the streams and snapshot reports that they feed, and usage.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{RecordId, Timestamp};

/// What a stream is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StreamKind {
    /// 1: a continuous report, fed by uploads again and again.
    Input,
    /// 3: a view; `Global View` is the sum of all continuous reports.
    View,
    /// 5: a snapshot report, from uploads that name it.
    Snapshot,
}

impl StreamKind {
    /// The number of `streamType`.
    pub fn number(self) -> i64 {
        match self {
            StreamKind::Input => 1,
            StreamKind::View => 3,
            StreamKind::Snapshot => 5,
        }
    }

    /// The kind of a `streamType`.
    pub fn from_number(number: i64) -> Option<StreamKind> {
        [StreamKind::Input, StreamKind::View, StreamKind::Snapshot].into_iter().find(|k| k.number() == number)
    }
}

/// A continuous report, a view or a snapshot report.
#[derive(Clone, Debug)]
pub struct Stream {
    /// Its id.
    pub id: RecordId,
    /// Name for people; unique within the tenant and kind, without regard to case.
    pub name: String,
    /// What it is.
    pub kind: StreamKind,
    /// Number of the log type (`logType`); 0 for a view.
    pub log_type: i64,
    /// How logs come in (`receiverType`): `builtin`, `ftp`, `syslog`, ...
    pub receiver: String,
    /// Transport of a log collector: `udp`, `tcp`, `tls`.
    pub protocol: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// When it last changed.
    pub modified: Timestamp,
    /// When usage last came in.
    pub last_data: Option<Timestamp>,
    /// Logs taken in.
    pub logs: i64,
    /// Logs refused.
    pub failures: i64,
    /// Entity kinds really seen: 1 user name, 2 IP address.
    pub entity_kinds: Vec<i64>,
    /// Traffic kinds really seen: 1 total, 2 downloaded, 3 uploaded bytes.
    pub traffic_kinds: Vec<i64>,
    /// Whether user names are hidden before they are stored.
    pub anonymize_users: bool,
    /// The tenant's parser that reads its logs, where its log type is that of custom parsers.
    pub parser: Option<RecordId>,
}

/// How far an upload has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UploadState {
    /// The address was handed out; nothing is stored yet.
    Waiting,
    /// The bytes are stored.
    Stored,
    /// `done_upload` was called; a task works on it.
    Finalised,
}

/// One piece of an uploaded file: a whole blob, or one of its blocks.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct UploadPart {
    /// Id of the block, base64 as the uploader wrote it; empty for a blob put at once.
    pub block: String,
    /// Name of the file in the uploads folder; made by Casbah, never taken from a request.
    pub file: String,
    /// Bytes.
    pub size: i64,
}

/// One file on its way in.
#[derive(Clone, Debug)]
pub struct Upload {
    /// Its id; also the name of the blob.
    pub id: RecordId,
    /// The file's name as the uploader gave it.
    pub filename: String,
    /// Source (log format) name.
    pub source: String,
    /// How far it has come.
    pub state: UploadState,
    /// Bytes stored.
    pub size: i64,
    /// The files that make up the blob, in order.
    pub parts: Vec<UploadPart>,
    /// When the address was handed out.
    pub created: Timestamp,
    /// Until when the address works.
    pub expires: Timestamp,
    /// Who asked for the address, for the governance log.
    pub initiator: String,
    /// The tenant's parser that reads it, where the source names one.
    pub parser: Option<RecordId>,
}

/// Whether a task is done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TaskState {
    /// Not yet, or being worked on.
    Pending,
    /// Done.
    Succeeded,
    /// Failed; the documented text says why.
    Failed(String),
}

/// The parsing of one uploaded log: an entry of the governance log.
#[derive(Clone, Debug)]
pub struct DiscoveryTask {
    /// Its id.
    pub id: RecordId,
    /// The stream that it feeds.
    pub stream: RecordId,
    /// The upload with the bytes.
    pub upload: RecordId,
    /// The file's name.
    pub filename: String,
    /// Source (log format) name.
    pub source: String,
    /// Who uploaded.
    pub initiator: String,
    /// When `done_upload` was called.
    pub created: Timestamp,
    /// When it ended.
    pub finished: Option<Timestamp>,
    /// Whether it is done.
    pub state: TaskState,
    /// The accounting: lines, parsed, skipped by reason, ignored, too old, ...
    pub figures: Value,
    /// The tenant's parser that reads it, if one does.
    pub parser: Option<RecordId>,
}

/// What one user did with one app from one address on one day, in one stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UsageRow {
    /// UTC day, in days since 1970.
    pub day: i64,
    /// Catalogue id of the app.
    pub app: i64,
    /// User name as logged, in lower case; empty when unknown.
    pub user: String,
    /// Client address.
    pub ip: String,
    /// Transactions, refused ones included.
    pub events: i64,
    /// Refused transactions.
    pub blocked: i64,
    /// Bytes from client to app.
    pub uploaded: i64,
    /// Bytes from app to client.
    pub downloaded: i64,
    /// Both together, or the single total that the log has.
    pub total: i64,
    /// First transaction.
    pub first: Timestamp,
    /// Last transaction.
    pub last: Timestamp,
}

/// The usage of one app within a time frame.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AppUsage {
    /// Catalogue id of the app.
    pub app: i64,
    /// Transactions, refused ones included.
    pub events: i64,
    /// Refused transactions.
    pub blocked: i64,
    /// Bytes from client to app.
    pub uploaded: i64,
    /// Bytes from app to client.
    pub downloaded: i64,
    /// Both together.
    pub total: i64,
    /// Distinct users.
    pub users: i64,
    /// Distinct client addresses.
    pub ips: i64,
    /// First transaction.
    pub first: Timestamp,
    /// Last transaction.
    pub last: Timestamp,
}

/// What usage is summed up by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UsageKey {
    /// User name; transactions of nobody in particular are left out.
    User,
    /// Client address.
    Ip,
    /// UTC day, in days since 1970.
    Day,
}

/// What sums of usage are sorted by; ties are broken by their key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UsageOrder {
    /// The key itself.
    Key,
    /// Transactions.
    Events,
    /// Refused transactions.
    Blocked,
    /// Bytes uploaded.
    Uploaded,
    /// Bytes downloaded.
    Downloaded,
    /// Bytes of both directions.
    Total,
    /// Users.
    Users,
    /// Client addresses.
    Ips,
    /// First use.
    First,
    /// Last use.
    Last,
    /// Apps.
    Apps,
}

/// Usage added up, whatever it is of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UsageFigures {
    /// Transactions, refused ones included.
    pub events: i64,
    /// Refused transactions.
    pub blocked: i64,
    /// Bytes from client to app.
    pub uploaded: i64,
    /// Bytes from app to client.
    pub downloaded: i64,
    /// Both together.
    pub total: i64,
    /// Distinct users.
    pub users: i64,
    /// Distinct client addresses.
    pub ips: i64,
    /// First transaction.
    pub first: Timestamp,
    /// Last transaction.
    pub last: Timestamp,
    /// Distinct apps.
    pub apps: i64,
}

/// The usage of one user, from one address or of one day.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyedUsage {
    /// User name, address, or number of the day.
    pub key: String,
    /// What was used.
    pub figures: UsageFigures,
}

/// A label that people put on apps.
#[derive(Clone, Debug)]
pub struct AppTag {
    /// Its id.
    pub id: RecordId,
    /// Its name; unique within the tenant, without regard to case.
    pub name: String,
    /// Whether it came with the product.
    pub built_in: bool,
    /// Catalogue ids of the apps that bear it, in order.
    pub apps: Vec<i64>,
}

/// Where lines of one log went: a host, or an address where the log has no host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DestinationUsage {
    /// Host in lower case, or address.
    pub destination: String,
    /// Catalogue id of the app behind it, if it is known.
    pub app: Option<i64>,
    /// Transactions, refused ones included.
    pub transactions: i64,
    /// Distinct users.
    pub users: i64,
    /// Distinct client addresses.
    pub client_ips: i64,
    /// Bytes from client to destination.
    pub uploaded: i64,
    /// Bytes from destination to client.
    pub downloaded: i64,
    /// Both together, or the single total that the log has.
    pub total: i64,
    /// Refused transactions.
    pub blocked: i64,
}
