-- Tenants, people, applications, consent, credentials, sign-ins, keys, audit.

create table tenants (
    id {text} not null primary key,
    number {int} not null unique,
    display_name {text} not null,
    created {int} not null
) {strict};

create table tenant_domains (
    domain {text} not null primary key,
    tenant {text} not null references tenants (id),
    position {int} not null
) {strict};
create index tenant_domains_by_tenant on tenant_domains (tenant, position);

create table users (
    tenant {text} not null references tenants (id),
    id {text} not null,
    user_principal_name {text} not null,
    name_key {text} not null,
    display_name {text} not null,
    given_name {text},
    surname {text},
    mail {text},
    enabled {int} not null,
    password_hash {text},
    created {int} not null,
    sessions_valid_from {int} not null,
    failed_count {int} not null default 0,
    failed_until {int} not null default 0,
    primary key (tenant, id)
) {strict};
create unique index users_by_name on users (tenant, name_key);

create table user_roles (
    tenant {text} not null,
    user_id {text} not null,
    role {text} not null,
    created {int} not null,
    primary key (tenant, user_id, role)
) {strict};

create table applications (
    tenant {text} not null references tenants (id),
    id {text} not null,
    app_id {text} not null,
    display_name {text} not null,
    public_client {int} not null,
    identifier_uris {text} not null,
    redirect_uris {text} not null,
    app_roles {text} not null,
    scopes {text} not null,
    required_access {text} not null,
    token_version {int} not null,
    created {int} not null,
    primary key (tenant, id)
) {strict};
create unique index applications_by_app_id on applications (tenant, app_id);

-- Finds a resource by URI (lower case), and keeps two applications from claiming one.
create table identifier_uris (
    tenant {text} not null,
    uri {text} not null,
    application {text} not null,
    primary key (tenant, uri)
) {strict};
create index identifier_uris_by_application on identifier_uris (tenant, application);

create table service_principals (
    tenant {text} not null references tenants (id),
    id {text} not null,
    app_id {text} not null,
    display_name {text} not null,
    enabled {int} not null,
    created {int} not null,
    primary key (tenant, id)
) {strict};
create unique index service_principals_by_app_id on service_principals (tenant, app_id);

create table application_secrets (
    tenant {text} not null,
    application {text} not null,
    key_id {text} not null,
    display_name {text} not null,
    hint {text} not null,
    digest {blob} not null,
    starts {int} not null,
    ends {int} not null,
    last_used {int},
    primary key (tenant, application, key_id)
) {strict};

create table app_role_assignments (
    tenant {text} not null,
    id {text} not null,
    principal {text} not null,
    resource {text} not null,
    app_role {text} not null,
    created {int} not null,
    primary key (tenant, id)
) {strict};
create index app_role_assignments_by_resource on app_role_assignments (tenant, resource);
create unique index app_role_assignments_once on app_role_assignments (tenant, principal, resource, app_role);

create table permission_grants (
    tenant {text} not null,
    id {text} not null,
    client {text} not null,
    resource {text} not null,
    -- Object id of the user, or '' for everybody (AllPrincipals).
    principal {text} not null,
    scopes {text} not null,
    created {int} not null,
    primary key (tenant, id)
) {strict};
create unique index permission_grants_once on permission_grants (tenant, client, resource, principal);

-- Signing keys serve all tenants of this installation.
create table signing_keys (
    id {text} not null primary key,
    sealed {blob} not null,
    certificate {blob} not null,
    created {int} not null,
    signs_from {int} not null,
    signs_until {int} not null,
    published_until {int} not null
) {strict};

create table authorization_codes (
    tenant {text} not null,
    digest {blob} not null,
    application {text} not null,
    user_id {text} not null,
    family {text} not null,
    redirect_uri {text} not null,
    -- Everything else the redemption needs: scopes, resource, nonce, challenge, ... as JSON.
    details {text} not null,
    expires {int} not null,
    redeemed {int},
    primary key (tenant, digest)
) {strict};

-- One row for each time somebody signed in to an application: all tokens that come from it.
create table token_families (
    tenant {text} not null,
    id {text} not null,
    application {text} not null,
    user_id {text} not null,
    created {int} not null,
    revoked {int},
    primary key (tenant, id)
) {strict};
create index token_families_by_user on token_families (tenant, user_id);

create table refresh_tokens (
    tenant {text} not null,
    digest {blob} not null,
    family {text} not null,
    details {text} not null,
    created {int} not null,
    expires {int} not null,
    replaced {int},
    primary key (tenant, digest)
) {strict};
create index refresh_tokens_by_family on refresh_tokens (tenant, family);

create table browser_sessions (
    tenant {text} not null,
    digest {blob} not null,
    id {text} not null,
    user_id {text} not null,
    created {int} not null,
    expires {int} not null,
    revoked {int},
    primary key (tenant, digest)
) {strict};

create table device_codes (
    tenant {text} not null,
    digest {blob} not null,
    user_code {text} not null,
    application {text} not null,
    details {text} not null,
    expires {int} not null,
    -- pending, approved, declined, redeemed
    state {text} not null,
    user_id {text},
    primary key (tenant, digest)
) {strict};
create unique index device_codes_by_user_code on device_codes (user_code);

create table api_tokens (
    tenant {text} not null,
    id {text} not null,
    name {text} not null,
    owner {text} not null,
    digest {blob} not null,
    created {int} not null,
    last_used {int},
    revoked {int},
    primary key (tenant, id)
) {strict};
create unique index api_tokens_by_digest on api_tokens (digest);

create table audit_records (
    tenant {text} not null,
    id {text} not null,
    at {int} not null,
    actor_kind {text} not null,
    actor {text} not null,
    action {text} not null,
    target_kind {text} not null,
    target {text} not null,
    details {text} not null,
    primary key (tenant, id)
) {strict};
create index audit_records_by_time on audit_records (tenant, at);
