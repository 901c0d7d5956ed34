//! What files can be filtered by.

use casbah_model::filter::FileField as F;

use crate::filters::Operator::{
    Cabinetmatchedrulesequals, Contains, Deq, Eq, Gte, GteNdays, Isnotset, Isset, Lte, LteNdays, Neq, Range,
    Text,
};
use crate::filters::{Field, Kind, Operator};

const IS: &[Operator] = &[Eq, Neq];
const IS_OR_HAS: &[Operator] = &[Eq, Neq, Isset, Isnotset];
const TYPES: &[(&str, i64)] = &[
    ("OTHER", 0),
    ("DOCUMENT", 1),
    ("SPREADSHEET", 2),
    ("PRESENTATION", 3),
    ("TEXT", 4),
    ("IMAGE", 5),
    ("FOLDER", 6),
];
const LEVELS: &[(&str, i64)] =
    &[("PRIVATE", 0), ("INTERNAL", 1), ("EXTERNAL", 2), ("PUBLIC", 3), ("PUBLIC_INTERNET", 4)];
const KEY: &str = r#"{"id":"mira@lagoon.example","saas":10489,"inst":0}"#;
const TIME: &str = "1778399990000";

pub(in super::super) const FIELDS: &[Field<F>] = &[
    Field::new(&["service"], F::Service, Kind::Number, IS, ("The app, by number", "20892")),
    Field::new(&["instance"], F::Instance, Kind::Number, IS, ("The instance of the app, by number", "0")),
    Field::new(&["fileType"], F::Kind, Kind::Named(TYPES), IS, ("Kind of file", "2")),
    Field::new(&["sharing"], F::Sharing, Kind::Named(LEVELS), IS, ("How far it is shared", "3")),
    Field::new(
        &["fileId"],
        F::Id,
        Kind::Text,
        IS,
        ("Its `_id`, or its id in the app", "69b1000000000000000000aa"),
    ),
    Field::new(&["filename"], F::Name, Kind::Text, &[Eq, Text, Contains], ("Its name", "Budget.xlsx")),
    Field::new(&["extension"], F::Extension, Kind::Text, IS, ("The ending of its name", "xlsx")),
    Field::new(&["mimeType"], F::MimeType, Kind::Text, IS, ("Media type", "text/plain")),
    Field::new(&["folder"], F::Folder, Kind::Flag, &[Eq], ("Whether it is a folder", "false")),
    Field::new(&["trashed"], F::Trashed, Kind::Flag, &[Eq], ("Whether it is in the trash", "true")),
    Field::new(
        &["quarantined"],
        F::Quarantined,
        Kind::Flag,
        &[Eq],
        ("Whether it is kept where nobody reaches it", "false"),
    ),
    Field::new(
        &["allowDeleted"],
        F::AllowDeleted,
        Kind::Flag,
        &[Eq],
        ("Whether deleted and trashed files are listed too; `trashed` overrides it", "true"),
    ),
    Field::new(
        &["policy"],
        F::Policy,
        Kind::Id,
        &[Cabinetmatchedrulesequals, Neq, Isset, Isnotset],
        ("A policy that it matches", "69d0000000000000000000aa"),
    ),
    Field::new(
        &["modifiedDate"],
        F::Modified,
        Kind::Time,
        &[Lte, Gte, Range, LteNdays, GteNdays],
        ("When it was last changed", TIME),
    ),
    Field::new(&["createdDate"], F::Created, Kind::Time, &[Lte, Gte, Range], ("When it was made", TIME)),
    Field::new(
        &["snapshotLastModifiedDate"],
        F::Snapshot,
        Kind::Time,
        &[Lte, Gte, Range],
        ("When what is known of it last changed", TIME),
    ),
    Field::new(
        &["collaborators.entity"],
        F::Collaborator,
        Kind::Entity,
        IS,
        ("Who has access, by key; a person with all accounts", KEY),
    ),
    Field::new(
        &["collaborators.domains"],
        F::Domain,
        Kind::Text,
        IS,
        ("Domains with access", "lagoon.example"),
    ),
    Field::new(
        &["collaborators.groups"],
        F::Group,
        Kind::Text,
        IS,
        ("Groups with access, by name or id", "Sales"),
    ),
    Field::new(
        &["collaborators.withDomain"],
        F::WithDomain,
        Kind::Text,
        &[Eq, Neq, Deq],
        ("Domains with access; deq: one with access that is not named", "lagoon.example"),
    ),
    Field::new(
        &["collaborators.users"],
        F::User,
        Kind::Text,
        IS,
        ("Who has access, by id or address", "mira@lagoon.example"),
    ),
    Field::new(
        &["owner.entity"],
        F::Owner,
        Kind::Entity,
        IS,
        ("Its owner, by key; a person with all accounts", KEY),
    ),
    Field::new(
        &["owner.orgUnit"],
        F::OwnerUnit,
        Kind::Text,
        IS,
        ("Organizational unit of the owner", "Sales"),
    ),
    Field::new(
        &["owner.username"],
        F::OwnerName,
        Kind::Text,
        IS,
        ("Its owner, by address or id", "mira@lagoon.example"),
    ),
    Field::new(&["fileLabels"], F::Label, Kind::Text, IS_OR_HAS, ("Label, by id or name", "Confidential")),
    Field::new(
        &["fileScanLabels"],
        F::ScanLabel,
        Kind::Text,
        IS_OR_HAS,
        ("What a look into it found", "^Azure RMS encrypted file"),
    ),
    Field::new(
        &["parentFolder"],
        F::Parent,
        Kind::Text,
        IS,
        ("The folder that it is in, by `_id` or by its id in the app", "69b1000000000000000000ab"),
    ),
];
