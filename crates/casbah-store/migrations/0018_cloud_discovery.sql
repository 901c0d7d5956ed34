-- What tenants tell cloud discovery: their own apps and parsers, what is left out, how names are hidden, who
-- sends logs and who fetches lists.

alter table streams add column anonymize_users {int} not null default 0;
-- The parser of a tenant that reads the logs of a stream of the type CUSTOM_PARSER.
alter table streams add column parser {text};
alter table uploads add column parser {text};
alter table discovery_tasks add column parser {text};

-- Destinations of no known app, by registrable domain; the day is the last on which a log names them.
create table discovery_unmatched (
    tenant {text} not null,
    stream {text} not null,
    day {int} not null,
    domain {text} not null,
    events {int} not null,
    total {int} not null,
    first_seen {int} not null,
    last_seen {int} not null,
    primary key (tenant, stream, day, domain)
) {strict};

-- Users and addresses whose transactions are not counted from then on.
create table discovery_exclusions (
    tenant {text} not null references tenants (id),
    id {text} not null,
    -- 1 user, 2 address or range
    kind {int} not null,
    value {text} not null,
    note {text} not null,
    created {int} not null,
    created_by {text} not null,
    primary key (tenant, id)
) {strict};
create unique index discovery_exclusions_by_value on discovery_exclusions (tenant, kind, value);

create table custom_apps (
    tenant {text} not null references tenants (id),
    app {int} not null,
    document {text} not null,
    primary key (tenant, app)
) {strict};

-- What a tenant says of an app of the catalogue: a score of its own, notes.
create table app_overrides (
    tenant {text} not null references tenants (id),
    app {int} not null,
    score {int},
    notes {text} not null,
    modified {int} not null,
    primary key (tenant, app)
) {strict};

create table discovery_settings (
    tenant {text} primary key not null references tenants (id),
    document {text} not null
) {strict};

-- The key under which user names are hidden, sealed.
create table discovery_keys (
    tenant {text} not null references tenants (id),
    number {int} not null,
    sealed {blob} not null,
    created {int} not null,
    primary key (tenant, number)
) {strict};

create table custom_parsers (
    tenant {text} not null references tenants (id),
    id {text} not null,
    name {text} not null,
    name_key {text} not null,
    definition {text} not null,
    created {int} not null,
    modified {int} not null,
    primary key (tenant, id)
) {strict};
create unique index custom_parsers_by_name on custom_parsers (tenant, name_key);

create table log_collectors (
    tenant {text} not null references tenants (id),
    id {text} not null,
    name {text} not null,
    name_key {text} not null,
    -- What it said of itself when it last came.
    health {text} not null,
    created {int} not null,
    last_seen {int} not null,
    primary key (tenant, id)
) {strict};
create unique index log_collectors_by_name on log_collectors (tenant, name_key);

-- Lists of blocked apps that appliances fetch, each under a secret address.
create table block_lists (
    tenant {text} not null references tenants (id),
    id {text} not null,
    name {text} not null,
    format {text} not null,
    digest {blob} not null,
    created {int} not null,
    created_by {text} not null,
    last_fetched {int},
    primary key (tenant, id)
) {strict};
create unique index block_lists_by_digest on block_lists (digest);
