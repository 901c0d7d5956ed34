//! What a tenant tells cloud discovery, described for `/openapi.json`.

use crate::describe::{Property, Record, Shape, has, may_have};

const IMPORTANCE: Shape = Shape::Word(&["ignored", "low", "medium", "high", "veryHigh"]);
const SCORE: Shape = Shape::Nullable(&Shape::Between(1, 10));
const TEXTS: Shape = Shape::List(&Shape::Text);
const ABSENT_OR_TIME: Shape = Shape::Nullable(&Shape::Time);

pub(super) const CUSTOM_APP: Record = Record {
    name: "CustomApp",
    what: "An app that a tenant has added to the catalogue.",
    properties: &[
        has("appId", Shape::Between(90_000, 99_999), ""),
        has("name", Shape::Text, ""),
        has("description", Shape::Text, ""),
        has("category", Shape::Text, "`SAASDB_CATEGORY_…`."),
        has("domains", TEXTS, "Patterns of its hosts, as in the catalogue."),
        has("ipRanges", TEXTS, "Addresses and ranges that are this app's alone."),
        has("hostingPlatform", Shape::Text, ""),
        has("subscriptionId", Shape::Text, "Subscription of that platform."),
        has("businessUnit", Shape::Text, "Who runs it."),
        has("score", SCORE, "Risk score; 10 is least risk."),
        has("notes", Shape::Text, ""),
    ],
};

pub(super) const NEW_CUSTOM_APP: &[Property] = &[
    has("name", Shape::Text, ""),
    may_have("description", Shape::Text, ""),
    has("category", Shape::Text, "`SAASDB_CATEGORY_…`."),
    may_have("domains", TEXTS, "Patterns of its hosts, as in the catalogue; these or addresses are needed."),
    may_have("ipRanges", TEXTS, "Addresses and ranges that are this app's alone."),
    may_have("hostingPlatform", Shape::Text, ""),
    may_have("subscriptionId", Shape::Text, "Subscription of that platform."),
    may_have("businessUnit", Shape::Text, "Who runs it."),
    may_have("score", SCORE, "Risk score; 10 is least risk."),
    may_have("notes", Shape::Text, ""),
];

pub(super) const APP_OVERRIDE: Record = Record {
    name: "AppOverride",
    what: "What a tenant says of an app.",
    properties: &[
        has("appId", Shape::Integer, ""),
        has("score", SCORE, "Instead of the computed one."),
        has("notes", Shape::Text, ""),
        has("modified", Shape::Time, ""),
    ],
};

pub(super) const NEW_OVERRIDE: &[Property] = &[
    may_have("score", SCORE, "Instead of the computed one; left out, that one counts again."),
    may_have("notes", Shape::Text, "Left out, there are none any more."),
];

pub(super) const WEIGHTS: Record = Record {
    name: "ScoreWeights",
    what: "How much each part of the risk score counts.",
    properties: &[
        has(
            "fields",
            Shape::List(&Shape::Inline(&[
                has("name", Shape::Text, "Of the factor."),
                has("category", Shape::Text, "Its group."),
                has("importance", IMPORTANCE, ""),
                has("weight", Shape::Integer, "How often it counts."),
            ])),
            "The factors one by one.",
        ),
        has("groups", Shape::Map(&IMPORTANCE), "By name of the group."),
        has("factors", Shape::Map(&IMPORTANCE), "By name of the factor."),
        has("excludeUnknown", Shape::Flag, "Whether factors of which nothing is known are left out."),
    ],
};

pub(super) const NEW_WEIGHTS: &[Property] = &[
    may_have("groups", Shape::Map(&IMPORTANCE), "By name of the group; those left out have their default."),
    may_have("factors", Shape::Map(&IMPORTANCE), "By name of the factor; those left out have their default."),
    may_have("excludeUnknown", Shape::Flag, "Whether factors of which nothing is known are left out."),
];

pub(super) const EXCLUSION: Record = Record {
    name: "DiscoveryExclusion",
    what: "A user or an address whose transactions are not counted.",
    properties: &[
        has("_id", Shape::Id, ""),
        has("entityType", Shape::Word(&["user", "ipAddress"]), ""),
        has("value", Shape::Text, "User name, or address or range."),
        has("note", Shape::Text, ""),
        has("created", Shape::Time, ""),
        has("createdBy", Shape::Text, ""),
    ],
};

pub(super) const NEW_EXCLUSION: &[Property] = &[
    has("entityType", Shape::Word(&["user", "ipAddress"]), ""),
    has("value", Shape::Text, "User name, or address or range."),
    may_have("note", Shape::Text, ""),
];

pub(super) const UNMATCHED: Record = Record {
    name: "UnmatchedDomain",
    what: "A destination of no known app.",
    properties: &[
        has("domain", Shape::Text, "Registrable domain, or address where no host is known."),
        has("trafficTotalEvents", Shape::Integer, "Transactions."),
        has("trafficTotalBytes", Shape::Integer, "Bytes of both directions."),
        has("firstSeen", Shape::Moment, ""),
        has("lastSeen", Shape::Moment, ""),
    ],
};

pub(super) const ENCRYPTION: Shape = Shape::Inline(&[
    has("anonymizeByDefault", Shape::Flag, "Whether new data sources and snapshot reports hide user names."),
    has("hasKey", Shape::Flag, "Whether names have been hidden yet."),
    has("algorithm", Shape::Text, ""),
]);

pub(super) const BY_DEFAULT: &[Property] = &[has("anonymizeByDefault", Shape::Flag, "")];

pub(super) const ENRICHMENT: &[Property] = &[has(
    "resolveDiscoveryUserWithAAD",
    Shape::Flag,
    "Whether logged names become the sign-in names of the directory.",
)];

pub(super) const RESOLVE: &[Property] = &[
    has("userNames", TEXTS, "Hidden names, or names whose hidden form is wanted; at most 1,000."),
    has("justification", Shape::Text, "Why; it stands in the audit trail."),
];

pub(super) const RESOLVED: Shape = Shape::Inline(&[has(
    "data",
    Shape::List(&Shape::Inline(&[
        has("userName", Shape::Text, "As it was given."),
        has("resolved", Shape::Nullable(&Shape::Text), "Null where a hidden name is none of this tenant's."),
    ])),
    "",
)]);

pub(super) const SOURCE: Record = Record {
    name: "DiscoverySource",
    what: "A source whose logs can be read.",
    properties: &[
        has("name", Shape::Text, "As uploads give it."),
        has("logType", Shape::Integer, ""),
        has("vendor", Shape::Text, ""),
        has("layout", Shape::Text, "Where the layout is known from."),
        has("gives", TEXTS, "What its logs tell."),
    ],
};

const SAMPLE: Property = may_have("sample", Shape::Text, "Some lines.");
const SAMPLE_FILE: Property = may_have("sampleBase64", Shape::Text, "Instead, a file in base64.");

pub(super) const DETECT: &[Property] = &[SAMPLE, SAMPLE_FILE];

pub(super) const DETECTED: Shape = Shape::Inline(&[
    has("source", Shape::Nullable(&Shape::Text), "The source that reads most of it."),
    has("logType", Shape::Nullable(&Shape::Integer), ""),
    has("lines", Shape::Integer, "Lines looked at."),
    has("why", Shape::Text, ""),
    has(
        "candidates",
        Shape::List(&Shape::Inline(&[
            has("name", Shape::Text, ""),
            has("logType", Shape::Integer, ""),
            has("linesRead", Shape::Integer, ""),
        ])),
        "Best first.",
    ),
]);

const DEFINITION: Property =
    has("definition", Shape::Object, "In the form that `casbah discovery parse --parser` reads.");

pub(super) const PARSER: Record = Record {
    name: "CustomParser",
    what: "A parser that a tenant has defined.",
    properties: &[
        has("_id", Shape::Id, ""),
        has("name", Shape::Text, "Uploads may give it as their source."),
        DEFINITION,
        has("created", Shape::Time, ""),
        has("lastModified", Shape::Time, ""),
    ],
};

pub(super) const NEW_PARSER: &[Property] = &[DEFINITION];
pub(super) const TRY_PARSER: &[Property] = &[DEFINITION, SAMPLE, SAMPLE_FILE];

pub(super) const TRIED: Shape = Shape::Inline(&[
    has("accepted", Shape::Flag, "Whether an upload of it would be."),
    has("statusMessage", Shape::Text, "Why not, as the governance log says it."),
    has("figures", Shape::Object, "The accounting, as in the governance log."),
    has("lines", Shape::List(&Shape::Object), "The first 50 lines, each with the rule that took it."),
]);

pub(super) const COLLECTOR: Record = Record {
    name: "LogCollector",
    what: "A program that sends logs.",
    properties: &[
        has("_id", Shape::Id, ""),
        has("name", Shape::Text, ""),
        has("status", Shape::Word(&["Created", "Healthy", "Connected", "Disconnected"]), ""),
        has("created", Shape::Moment, ""),
        has("lastSeen", Shape::Moment, "When it last reported."),
        has("lastDataReceived", Shape::Nullable(&Shape::Moment), "When a log last came to it."),
        has("health", Shape::Object, "What it said of itself."),
    ],
};

pub(super) const COLLECTOR_REPORT: &[Property] = &[
    has("name", Shape::Text, "Of the collector; a new name is a new collector."),
    has("health", Shape::Object, "What it says of itself; `lastData` in milliseconds since 1970."),
];

pub(super) const COLLECTOR_ID: Shape = Shape::Inline(&[has("_id", Shape::Id, "")]);

const LIST_ID: Property = has("_id", Shape::Id, "");
const LIST_NAME: Property = has("name", Shape::Text, "");
const LIST_FORMAT: Property = has("format", Shape::Text, "As of a block script.");
const LIST_CREATED: Property = has("created", Shape::Time, "");
const LIST_CREATOR: Property = has("createdBy", Shape::Text, "");
const LIST_FETCHED: Property = has("lastFetched", ABSENT_OR_TIME, "Within an hour.");

pub(super) const BLOCK_LIST: Record = Record {
    name: "BlockList",
    what: "An address under which an appliance fetches the list of blocked apps.",
    properties: &[LIST_ID, LIST_NAME, LIST_FORMAT, LIST_CREATED, LIST_CREATOR, LIST_FETCHED],
};

pub(super) const MADE_BLOCK_LIST: Record = Record {
    name: "NewBlockList",
    what: "The same with its address, which no other answer holds.",
    properties: &[
        LIST_ID,
        LIST_NAME,
        LIST_FORMAT,
        LIST_CREATED,
        LIST_CREATOR,
        LIST_FETCHED,
        has("url", Shape::Url, "The secret address."),
    ],
};

pub(super) const NEW_BLOCK_LIST: &[Property] = &[
    has("name", Shape::Text, "For people."),
    has("format", Shape::Text, "As of a block script, by name or number."),
];

pub(super) const NOTHING: Shape = Shape::Inline(&[]);
