//! What alerts can be filtered by.

use casbah_model::filter::AlertField;

use crate::filters::Operator::{Eq, Gte, GteNdays, Lte, LteNdays, Neq, Range, Text};
use crate::filters::{Field, Kind, Operator};

const IS: &[Operator] = &[Eq, Neq];
const TIMES: &[Operator] = &[Lte, Gte, Range, LteNdays, GteNdays];

pub(crate) const FIELDS: &[Field<AlertField>] = &[
    Field::new(
        &["entity.entity"],
        AlertField::Entity,
        Kind::Entity,
        IS,
        (
            "A person or account that it is about, by key",
            r#"{"id":"c0ffee00-1111-4222-8333-444455556666","saas":11161,"inst":0}"#,
        ),
    ),
    Field::new(
        &["entity.user"],
        AlertField::User,
        Kind::Text,
        IS,
        ("A person that it is about, by name", "mira@contoso.example"),
    ),
    Field::new(
        &["entity.ip"],
        AlertField::Ip,
        Kind::Text,
        IS,
        ("An address that it is about", "198.51.100.7"),
    ),
    Field::new(
        &["entity.service"],
        AlertField::Service,
        Kind::Number,
        IS,
        ("An app that it is about, by number", "11161"),
    ),
    Field::new(
        &["entity.instance", "instance"],
        AlertField::Instance,
        Kind::Number,
        IS,
        ("An instance of an app that it is about", "0"),
    ),
    Field::new(
        &["entity.policy"],
        AlertField::Policy,
        Kind::Id,
        IS,
        ("The policy that raised it", "6a1f0c2b9d3e4f5a6b7c8d90"),
    ),
    Field::new(
        &["entity.file"],
        AlertField::File,
        Kind::Text,
        IS,
        ("A file that it is about, by id", "6a1f0c2b9d3e4f5a6b7c8d90"),
    ),
    Field::new(&["alertOpen"], AlertField::Open, Kind::Flag, &[Eq], ("Whether it is open", "true")),
    Field::new(
        &["severity"],
        AlertField::Severity,
        Kind::Number,
        IS,
        ("0 low, 1 medium, 2 high, 3 informational", "2"),
    ),
    Field::new(
        &["resolutionStatus"],
        AlertField::Resolution,
        Kind::Number,
        IS,
        (
            "What became of it: 0 open, 1 dismissed, 2 resolved, 3 false positive, 4 benign, 5 true positive",
            "0",
        ),
    ),
    Field::new(
        &["read"],
        AlertField::Read,
        Kind::Flag,
        &[Eq],
        ("Whether somebody has looked at it", "false"),
    ),
    Field::new(&["date"], AlertField::Raised, Kind::Time, TIMES, ("When it was raised", "1778400000123")),
    Field::new(
        &["resolutionDate"],
        AlertField::Resolved,
        Kind::Time,
        TIMES,
        ("When it was closed", "1778400000123"),
    ),
    Field::new(
        &["risk"],
        AlertField::Story,
        Kind::Number,
        IS,
        (
            "Risk category: 0 threat detection, 1 privileged account monitoring, 2 compliance, 3 data loss prevention, 4 discovery, 5 sharing control, 7 access control, 8 configuration monitoring",
            "4",
        ),
    ),
    Field::new(&["alertType"], AlertField::Type, Kind::Number, IS, ("Number of its type", "15859716")),
    Field::new(&["id", "ID"], AlertField::Id, Kind::Id, IS, ("Its id", "6a1f0c2b9d3e4f5a6b7c8d90")),
    Field::new(
        &["source"],
        AlertField::BuiltIn,
        Kind::Either("built-in", "policy"),
        &[Eq],
        ("What raised it: `built-in` or `policy`", "built-in"),
    ),
    Field::new(&["text"], AlertField::Text, Kind::Text, &[Text], ("All words of the alert", "travel")),
];
