//! What alerts can be filtered by.

use casbah_model::filter::AlertField;

use crate::filters::Operator::{Eq, Gte, GteNdays, Lte, LteNdays, Neq, Range, Text};
use crate::filters::{Field, Kind, Operator};

const IS: &[Operator] = &[Eq, Neq];
const TIMES: &[Operator] = &[Lte, Gte, Range, LteNdays, GteNdays];

const fn field(
    names: &'static [&'static str],
    field: AlertField,
    kind: Kind,
    operators: &'static [Operator],
) -> Field<AlertField> {
    Field { names, field, kind, operators }
}

pub(super) const FIELDS: &[Field<AlertField>] = &[
    field(&["entity.entity"], AlertField::Entity, Kind::Entity, IS),
    field(&["entity.user"], AlertField::User, Kind::Text, IS),
    field(&["entity.ip"], AlertField::Ip, Kind::Text, IS),
    field(&["entity.service"], AlertField::Service, Kind::Number, IS),
    field(&["entity.instance", "instance"], AlertField::Instance, Kind::Number, IS),
    field(&["entity.policy"], AlertField::Policy, Kind::Id, IS),
    field(&["entity.file"], AlertField::File, Kind::Text, IS),
    field(&["alertOpen"], AlertField::Open, Kind::Flag, &[Eq]),
    field(&["severity"], AlertField::Severity, Kind::Number, IS),
    field(&["resolutionStatus"], AlertField::Resolution, Kind::Number, IS),
    field(&["read"], AlertField::Read, Kind::Flag, &[Eq]),
    field(&["date"], AlertField::Raised, Kind::Time, TIMES),
    field(&["resolutionDate"], AlertField::Resolved, Kind::Time, TIMES),
    field(&["risk"], AlertField::Story, Kind::Number, IS),
    field(&["alertType"], AlertField::Type, Kind::Number, IS),
    field(&["id", "ID"], AlertField::Id, Kind::Id, IS),
    field(&["source"], AlertField::BuiltIn, Kind::Either("built-in", "policy"), &[Eq]),
    field(&["text"], AlertField::Text, Kind::Text, &[Text]),
];
