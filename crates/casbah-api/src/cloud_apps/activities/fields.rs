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

pub(crate) const FIELDS: &[Field<F>] = &[
    Field::new(&["service"], F::Service, Kind::Number, IS, ("The app, by number", "11161")),
    Field::new(&["instance"], F::Instance, Kind::Number, IS, ("The instance of the app, by number", "0")),
    Field::new(
        &["user.orgUnit"],
        F::Absent,
        Kind::Text,
        IS_OR_HAS,
        ("Organizational unit of the person; no activity has one", "Sales"),
    ),
    Field::new(
        &["user.username"],
        F::UserName,
        Kind::Text,
        IS_OR_BEGINS,
        ("Sign-in name of the person, or name of the application", "mira@contoso.example"),
    ),
    Field::new(
        &["user.tags"],
        F::UserGroup,
        Kind::Group,
        IS_OR_BEGINS,
        (
            "User group of whoever did it, by id; a group of the directory by object id too",
            "0000003b0000000000000000",
        ),
    ),
    Field::new(
        &["user.domain"],
        F::UserDomain,
        Kind::Text,
        IS_OR_HAS,
        ("What follows the @ of the sign-in name", "contoso.example"),
    ),
    Field::new(
        &["entity"],
        F::Entity,
        Kind::Entity,
        IS_OR_BEGINS,
        (
            "Who did it: a person or application, by key",
            r#"{"id":"c0ffee00-1111-4222-8333-444455556666","saas":11161,"inst":0}"#,
        ),
    ),
    Field::new(
        &["actionType"],
        F::ActionType,
        Kind::Text,
        &[Contains, Eq, Neq, Isset, Isnotset],
        ("The fine type of the activity, or the category that it belongs to", "EVENT_AAD_LOGIN"),
    ),
    Field::new(
        &["activity.eventActionType", "activity.actionType"],
        F::ActionType,
        Kind::Text,
        IS,
        ("The fine type of the activity, or the category that it belongs to", "EVENT_AAD_LOGIN"),
    ),
    Field::new(
        &["activity.eventType"],
        F::Category,
        Kind::Text,
        IS,
        ("The category of the activity", "EVENT_CATEGORY_LOGIN"),
    ),
    Field::new(
        &["activity.id"],
        F::Id,
        Kind::Text,
        &[Eq],
        ("The id of the activity", "90210417_1778399990000_0f9e8d7c6b5a49382716051423324150"),
    ),
    Field::new(
        &["activity.impersonated"],
        F::False,
        Kind::Flag,
        &[Eq],
        ("Whether it was done in the name of somebody else; no activity is known to be", "false"),
    ),
    Field::new(
        &["activity.type"],
        F::Admin,
        Kind::Flag,
        &[Eq],
        ("Whether it changes how things are set up", "true"),
    ),
    Field::new(
        &["activity.takenAction"],
        F::Absent,
        Kind::NullableText,
        IS,
        ("What was done about it; nothing was done about any", "null"),
    ),
    Field::new(
        &["activity.alertId"],
        F::Alert,
        Kind::Text,
        &[Eq],
        ("An alert that came of it", "6a1f0c2b9d3e4f5a6b7c8d90"),
    ),
    Field::new(
        &["activityObject"],
        F::Object,
        Kind::Text,
        IS,
        ("Something that it was done to, by id or name", "Budget.xlsx"),
    ),
    Field::new(
        &["device.type"],
        F::DeviceType,
        Kind::NullableText,
        IS,
        ("Kind of device: DESKTOP, MOBILE, TABLET or OTHER", "DESKTOP"),
    ),
    Field::new(
        &["device.tags"],
        F::AgentTag,
        Kind::Text,
        IS,
        ("Tag of the device: 000000020000000000000000 outdated operating system", "000000010000000000000000"),
    ),
    Field::new(
        &["userAgent.userAgent"],
        F::UserAgent,
        Kind::Text,
        &[Contains, Ncontains],
        ("The user agent as it was sent", "Firefox"),
    ),
    Field::new(
        &["userAgent.tags"],
        F::AgentTag,
        Kind::Text,
        IS,
        (
            "Tag of the user agent: 000000000000000000000000 native client, 000000010000000000000000 outdated browser, 000000020000000000000000 outdated operating system, 0000002b0000000000000000 robot",
            "0000002b0000000000000000",
        ),
    ),
    Field::new(
        &["location.country"],
        F::Country,
        Kind::Text,
        IS_OR_HAS,
        ("Country of the address, two letters", "NO"),
    ),
    Field::new(
        &["location.organizations"],
        F::Organization,
        Kind::Text,
        &[Eq, Neq, Isset, Isnotset, Contains],
        ("Whose address it is", "Fjord Net"),
    ),
    Field::new(
        &["ip.address"],
        F::Address,
        Kind::Text,
        &[Eq, Neq, Startswith, Doesnotstartwith, Isset, Isnotset],
        ("The address that it came from", "198.51.100.7"),
    ),
    Field::new(
        &["ip.category"],
        F::IpCategory,
        Kind::Number,
        IS,
        (
            "Category of the address: 0 none, 1 corporate, 2 administrative, 3 risky, 4 VPN, 5 cloud provider, 6 other",
            "1",
        ),
    ),
    Field::new(
        &["ip.tags"],
        F::IpTag,
        Kind::Text,
        IS,
        ("Tag of the address, by id", "000000030000000000000000"),
    ),
    Field::new(
        &["fileSelector"],
        F::Absent,
        Kind::Any,
        IS,
        ("A file that it is about; no activity is known to be about one", "6a1f0c2b9d3e4f5a6b7c8d90"),
    ),
    Field::new(
        &["fileId"],
        F::Absent,
        Kind::Text,
        &[Eq],
        ("Id of a file that it is about; no activity is known to be about one", "6a1f0c2b9d3e4f5a6b7c8d90"),
    ),
    Field::new(
        &["fileLabels"],
        F::Absent,
        Kind::Text,
        IS,
        ("Label of a file that it is about; no activity is known to be about one", "confidential"),
    ),
    Field::new(
        &["text"],
        F::Text,
        Kind::Text,
        &[Eq, Startswithsingle, Text],
        ("All words of the activity", "mira"),
    ),
    Field::new(&["date"], F::At, Kind::Time, TIMES, ("When it happened", "1778399990000")),
    Field::new(
        &["created"],
        F::Created,
        Kind::Time,
        &[Lte, Gte, Range, Gt, Lt, Eq],
        ("When it was taken in", "1778400001500"),
    ),
    Field::new(
        &["policy"],
        F::Policy,
        Kind::Text,
        IS_OR_HAS,
        ("A policy that it matched", "6a1f0c2b9d3e4f5a6b7c8d90"),
    ),
    Field::new(
        &["source"],
        F::Source,
        Kind::Number,
        IS,
        (
            "Where it comes from: 0 access control, 1 session control, 2 app connector, 3 connector analysis, 5 discovery, 6 endpoint",
            "2",
        ),
    ),
    // Our own: the application that it was done through, and the number of the refusal.
    Field::new(
        &["client"],
        F::Client,
        Kind::Text,
        IS_OR_HAS,
        ("Application id of the client that it was done through", "c0ffee00-1111-4222-8333-444455556666"),
    ),
    Field::new(
        &["activity.errorCode"],
        F::Failure,
        Kind::Number,
        IS_OR_HAS,
        ("Why it failed: the number of an AADSTS code, 0 where there is none", "50126"),
    ),
];
