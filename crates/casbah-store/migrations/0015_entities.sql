-- People, accounts in apps, applications: from the directory, from what they do, and from what is sent in.

create table entities (
    tenant {text} not null,
    -- 24 hex digits, which follow from tenant and key.
    record {text} not null,
    -- The key: app, instance, id inside it; the id in lower case too.
    saas {int} not null,
    inst {int} not null,
    id {text} not null,
    id_key {text} not null,
    -- 1 account, 2 user
    kind {int} not null,
    of_directory {int} not null,
    application {int} not null,
    display_name {text} not null,
    display_key {text} not null,
    user_name {text} not null,
    name_key {text} not null,
    email {text},
    email_key {text},
    domain {text},
    -- What is known for certain; where it is null the domain decides.
    external {int},
    organization {text},
    -- 0 unknown, 1 staged, 2 active, 3 suspended, 4 deleted
    status {int} not null,
    -- What the app says; the roles of people are looked up in the directory.
    admin {int} not null,
    role {text},
    -- Record of the person behind an account.
    parent {text},
    -- 0 is never.
    last_seen {int} not null,
    -- -1 is none.
    score {int} not null,
    score_time {int},
    -- JSON.
    facts {text} not null,
    primary key (tenant, record)
) {strict};
create unique index entities_by_key on entities (tenant, saas, inst, id_key);
create index entities_by_id on entities (tenant, id_key);
create index entities_by_email on entities (tenant, email_key) where email_key is not null;
create index entities_by_parent on entities (tenant, parent) where parent is not null;
create index entities_by_seen on entities (tenant, last_seen, record);
create index entities_by_score on entities (tenant, score, record);
create index entities_by_display on entities (tenant, display_key, record);
create index entities_by_name on entities (tenant, name_key, record);

-- The investigation priority of each day.
create table entity_scores (
    tenant {text} not null,
    record {text} not null,
    -- Days since 1970-01-01.
    day {int} not null,
    score {int} not null,
    percentile {int} not null,
    alerts {int} not null,
    primary key (tenant, record, day)
) {strict};

-- Groups of the directory that are user groups of Cloud Apps.
create table user_tags (
    tenant {text} not null,
    id {text} not null,
    group_id {text} not null,
    created {int} not null,
    primary key (tenant, id)
) {strict};
create unique index user_tags_by_group on user_tags (tenant, group_id);
