//! What activities can be filtered by.

use casbah_model::filter::ActivityField as F;

use crate::filters::Operator::{
    Contains, Doesnotstartwith, Eq, Gt, Gte, GteNdays, Isnotset, Isset, Lt, Lte, LteNdays, Ncontains, Neq,
    Range, Startswith, Startswithsingle, Text,
};
use crate::filters::{Field, Kind, Operator};

const IS: &[Operator] = &[Eq, Neq];
const IS_OR_HAS: &[Operator] = &[Eq, Neq, Isset, Isnotset];
const IS_OR_BEGINS: &[Operator] = &[Eq, Neq, Isset, Isnotset, Startswith];
const TIMES: &[Operator] = &[Lte, Gte, Range, LteNdays, GteNdays];

const fn field(
    names: &'static [&'static str],
    field: F,
    kind: Kind,
    operators: &'static [Operator],
) -> Field<F> {
    Field { names, field, kind, operators }
}

pub(super) const FIELDS: &[Field<F>] = &[
    field(&["service"], F::Service, Kind::Number, IS),
    field(&["instance"], F::Instance, Kind::Number, IS),
    field(&["user.orgUnit"], F::Absent, Kind::Text, IS_OR_HAS),
    field(&["user.username"], F::UserName, Kind::Text, IS_OR_BEGINS),
    field(&["user.tags"], F::Absent, Kind::Any, IS_OR_BEGINS),
    field(&["user.domain"], F::UserDomain, Kind::Text, IS_OR_HAS),
    field(&["entity"], F::Entity, Kind::Entity, IS_OR_BEGINS),
    field(&["actionType"], F::ActionType, Kind::Text, &[Contains, Eq, Neq, Isset, Isnotset]),
    field(&["activity.eventActionType", "activity.actionType"], F::ActionType, Kind::Text, IS),
    field(&["activity.eventType"], F::Category, Kind::Text, IS),
    field(&["activity.id"], F::Id, Kind::Text, &[Eq]),
    field(&["activity.impersonated"], F::False, Kind::Flag, &[Eq]),
    field(&["activity.type"], F::Admin, Kind::Flag, &[Eq]),
    field(&["activity.takenAction"], F::Absent, Kind::NullableText, IS),
    field(&["activity.alertId"], F::Absent, Kind::Text, &[Eq]),
    field(&["activityObject"], F::Object, Kind::Text, IS),
    field(&["device.type"], F::DeviceType, Kind::NullableText, IS),
    field(&["device.tags"], F::Absent, Kind::Text, IS),
    field(&["userAgent.userAgent"], F::UserAgent, Kind::Text, &[Contains, Ncontains]),
    field(&["userAgent.tags"], F::Absent, Kind::Text, IS),
    field(&["location.country"], F::Country, Kind::Text, IS_OR_HAS),
    field(&["location.organizations"], F::Organization, Kind::Text, &[Eq, Neq, Isset, Isnotset, Contains]),
    field(&["ip.address"], F::Address, Kind::Text, &[Eq, Neq, Startswith, Doesnotstartwith, Isset, Isnotset]),
    field(&["ip.category"], F::IpCategory, Kind::Number, IS),
    field(&["ip.tags"], F::IpTag, Kind::Text, IS),
    field(&["fileSelector"], F::Absent, Kind::Any, IS),
    field(&["fileId"], F::Absent, Kind::Text, &[Eq]),
    field(&["fileLabels"], F::Absent, Kind::Text, IS),
    field(&["text"], F::Text, Kind::Text, &[Eq, Startswithsingle, Text]),
    field(&["date"], F::At, Kind::Time, TIMES),
    field(&["created"], F::Created, Kind::Time, &[Lte, Gte, Range, Gt, Lt, Eq]),
    field(&["policy"], F::Absent, Kind::Text, IS_OR_HAS),
    field(&["source"], F::Source, Kind::Number, IS),
    // Our own: the application that it was done through, and the number of the refusal.
    field(&["client"], F::Client, Kind::Text, IS_OR_HAS),
    field(&["activity.errorCode"], F::Failure, Kind::Number, IS_OR_HAS),
];
