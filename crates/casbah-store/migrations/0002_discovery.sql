-- Policies and alerts; cloud discovery: streams, uploads, parsing tasks, usage, app tags.

create table policies (
    tenant {text} not null references tenants (id),
    id {text} not null,
    -- Key of the built-in policy that this row came from; '' for a tenant's own.
    template {text} not null,
    name {text} not null,
    description {text} not null,
    policy_type {text} not null,
    severity {int} not null,
    enabled {int} not null,
    created {int} not null,
    modified {int} not null,
    primary key (tenant, id)
) {strict};
create unique index policies_by_template on policies (tenant, template) where template <> '';

create table alerts (
    tenant {text} not null references tenants (id),
    id {text} not null,
    raised {int} not null,
    title {text} not null,
    description {text} not null,
    severity {int} not null,
    -- Severity in the order of weight: informational before low.
    severity_rank {int} not null,
    status {int} not null,
    resolution {int} not null,
    resolved {int},
    comment {text} not null,
    reason {int},
    handled_by {text},
    policy {text} not null,
    policy_name {text} not null,
    policy_type {text} not null,
    built_in {int} not null,
    alert_type {int} not null,
    stories {text} not null,
    intent {text} not null,
    entities {text} not null,
    evidence {text} not null,
    context {text} not null,
    -- All its words in lower case, for the filter `text`.
    search {text} not null,
    primary key (tenant, id)
) {strict};
create index alerts_by_time on alerts (tenant, raised, id);
create index alerts_by_severity on alerts (tenant, severity_rank, raised, id);
create index alerts_open on alerts (tenant, raised, id) where resolution = 0;

-- What filters look for; the wire form stands in alerts.entities.
create table alert_entities (
    tenant {text} not null,
    alert {text} not null,
    position {int} not null,
    kind {text} not null,
    id_key {text} not null,
    label_key {text} not null,
    saas {int},
    inst {int},
    primary key (tenant, alert, position)
) {strict};
create index alert_entities_by_id on alert_entities (tenant, kind, id_key);

create table alert_stories (
    tenant {text} not null,
    alert {text} not null,
    story {int} not null,
    primary key (tenant, alert, story)
) {strict};

-- When a policy last raised an alert about an app in a stream: once in 90 days.
create table policy_matches (
    tenant {text} not null,
    policy {text} not null,
    stream {text} not null,
    app {int} not null,
    at {int} not null,
    alert {text} not null,
    primary key (tenant, policy, stream, app)
) {strict};

create table streams (
    tenant {text} not null references tenants (id),
    id {text} not null,
    name {text} not null,
    name_key {text} not null,
    kind {int} not null,
    log_type {int} not null,
    receiver {text} not null,
    protocol {text},
    created {int} not null,
    modified {int} not null,
    last_data {int},
    logs {int} not null,
    failures {int} not null,
    entity_kinds {text} not null,
    traffic_kinds {text} not null,
    primary key (tenant, id)
) {strict};
create unique index streams_by_name on streams (tenant, kind, name_key);

-- Content already counted in a stream, by SHA-256.
create table stream_digests (
    tenant {text} not null,
    stream {text} not null,
    digest {blob} not null,
    task {text} not null,
    at {int} not null,
    primary key (tenant, stream, digest)
) {strict};

create table uploads (
    tenant {text} not null references tenants (id),
    id {text} not null,
    filename {text} not null,
    source {text} not null,
    state {int} not null,
    size {int} not null,
    -- The files that make up the blob, in order, as JSON.
    parts {text} not null,
    created {int} not null,
    expires {int} not null,
    initiator {text} not null,
    primary key (tenant, id)
) {strict};
create index uploads_by_expiry on uploads (expires);

-- Blocks put but not yet named in a block list.
create table upload_blocks (
    tenant {text} not null,
    upload {text} not null,
    block {text} not null,
    file {text} not null,
    size {int} not null,
    primary key (tenant, upload, block)
) {strict};

create table discovery_tasks (
    tenant {text} not null references tenants (id),
    id {text} not null,
    stream {text} not null,
    upload {text} not null,
    filename {text} not null,
    source {text} not null,
    initiator {text} not null,
    created {int} not null,
    finished {int},
    -- 0 pending, 1 succeeded, 2 failed
    state {int} not null,
    message {text} not null,
    figures {text} not null,
    -- Who works on it: a random token of the attempt, the node, and until when to believe it.
    lease {text},
    lease_node {text},
    lease_until {int},
    attempts {int} not null,
    primary key (tenant, id)
) {strict};
create index discovery_tasks_by_time on discovery_tasks (tenant, created, id);
create index discovery_tasks_pending on discovery_tasks (created, id) where finished is null;

-- Where the lines of one log went: the busiest destinations, in order.
create table discovery_destinations (
    tenant {text} not null,
    task {text} not null,
    position {int} not null,
    destination {text} not null,
    app {int},
    transactions {int} not null,
    users {int} not null,
    client_ips {int} not null,
    uploaded {int} not null,
    downloaded {int} not null,
    total {int} not null,
    blocked {int} not null,
    primary key (tenant, task, position)
) {strict};

create table usage_rows (
    tenant {text} not null,
    stream {text} not null,
    day {int} not null,
    app {int} not null,
    user_name {text} not null,
    ip {text} not null,
    events {int} not null,
    blocked {int} not null,
    uploaded {int} not null,
    downloaded {int} not null,
    total {int} not null,
    first_seen {int} not null,
    last_seen {int} not null,
    primary key (tenant, stream, day, app, user_name, ip)
) {strict};
create index usage_rows_by_app on usage_rows (tenant, stream, app, day);

create table app_tags (
    tenant {text} not null references tenants (id),
    id {text} not null,
    name {text} not null,
    name_key {text} not null,
    built_in {int} not null,
    created {int} not null,
    primary key (tenant, id)
) {strict};
create unique index app_tags_by_name on app_tags (tenant, name_key);

create table app_tag_apps (
    tenant {text} not null,
    tag {text} not null,
    app {int} not null,
    created {int} not null,
    primary key (tenant, tag, app)
) {strict};
