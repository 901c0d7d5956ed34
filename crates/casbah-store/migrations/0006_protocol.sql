-- Tokens taken back, proofs of possession, pushed requests, what a browser session was used for.

-- A family that was started on behalf of another one ends with it.
alter table token_families add column parent {text};
create index token_families_by_parent on token_families (tenant, parent);

-- Access tokens that were revoked one by one, until they would have ended anyway.
create table revoked_tokens (
    tenant {text} not null,
    id {text} not null,
    revoked {int} not null,
    expires {int} not null,
    primary key (tenant, id)
) {strict};

-- Proofs of possession that were shown, until they would be too old anyway.
create table used_proofs (
    tenant {text} not null,
    digest {blob} not null,
    expires {int} not null,
    primary key (tenant, digest)
) {strict};

-- Authorization requests that the application sent ahead.
create table pushed_requests (
    tenant {text} not null,
    digest {blob} not null,
    application {text} not null,
    -- The parameters, as a list of names and values.
    parameters {text} not null,
    expires {int} not null,
    -- Keyed hash of the browser in which it was opened, and when that was.
    browser {blob},
    opened {int},
    used {int},
    primary key (tenant, digest)
) {strict};

-- The applications that a browser session signed in to: they are told when it ends.
create table session_applications (
    tenant {text} not null,
    -- Id of the browser session.
    session {text} not null,
    application {text} not null,
    primary key (tenant, session, application)
) {strict};
