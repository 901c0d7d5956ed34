//! What entities can be filtered by.

use casbah_model::filter::EntityField as F;

use crate::filters::Operator::{
    Contains, Eq, Gt, Gte, GteNdays, Isnotset, Isset, Lt, Lte, LteNdays, Neq, Range,
};
use crate::filters::{Field, Kind, Operator};

const IS: &[Operator] = &[Eq, Neq];
const IS_OR_HAS: &[Operator] = &[Eq, Neq, Isset, Isnotset];

const TYPES: &[(&str, i64)] = &[("account", 1), ("user", 2)];
const STATES: &[(&str, i64)] = &[("n/a", 0), ("staged", 1), ("active", 2), ("suspended", 3), ("deleted", 4)];

pub(super) const FIELDS: &[Field<F>] = &[
    Field::new(&["type"], F::Kind, Kind::Named(TYPES), IS, ("Person or account", "2")),
    Field::new(
        &["isAdmin"],
        F::Admin,
        Kind::Flag,
        &[Eq],
        ("Whether it holds a role of administrators", "true"),
    ),
    Field::new(
        &["entity"],
        F::Entity,
        Kind::Entity,
        IS,
        (
            "By key; a person brings their accounts",
            r#"{"id":"c0ffee00-1111-4222-8333-444455556666","saas":11161,"inst":0}"#,
        ),
    ),
    Field::new(
        &["userGroups"],
        F::Group,
        Kind::Group,
        IS,
        ("User group, by id; a group of the directory by object id too", "000000200000000000000000"),
    ),
    Field::new(&["app", "service"], F::Service, Kind::Number, IS, ("The app, by number", "10489")),
    Field::new(&["instance"], F::Instance, Kind::Number, IS, ("The instance of the app, by number", "0")),
    Field::new(
        &["isExternal", "affiliation"],
        F::External,
        Kind::Flag,
        &[Eq],
        ("Whether it belongs to another organisation; null where nothing says so", "true"),
    ),
    Field::new(
        &["domain"],
        F::Domain,
        Kind::Text,
        IS_OR_HAS,
        ("What follows the @ of its address", "lagoon.example"),
    ),
    Field::new(&["organization"], F::Organization, Kind::Text, IS_OR_HAS, ("Organizational unit", "Sales")),
    Field::new(&["status"], F::Status, Kind::Named(STATES), IS, ("Whether it can be used", "2")),
    Field::new(
        &["displayName"],
        F::DisplayName,
        Kind::Text,
        &[Eq, Neq, Contains],
        ("Name for people", "Mira Holt"),
    ),
    Field::new(
        &["score"],
        F::Score,
        Kind::Number,
        &[Eq, Isset, Isnotset, Gt, Lt, Gte, Lte, Range],
        ("Investigation priority", "40"),
    ),
    Field::new(
        &["date", "lastSeen"],
        F::LastSeen,
        Kind::Time,
        &[Lte, Gte, Lt, Gt, Range, LteNdays, GteNdays, Isset, Isnotset],
        ("When it last did something", "1778399990000"),
    ),
];
