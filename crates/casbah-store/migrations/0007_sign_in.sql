-- Second factors, recovery, and the throttles of sign-in.

-- Wrong tries are counted in a table of their own, for known and unknown names alike.
alter table users drop column failed_count;
alter table users drop column failed_until;

-- How often something was tried, and until when nothing more is looked at.
create table sign_in_attempts (
    tenant {text} not null,
    -- Object id of the user, an id made from a name that does not exist, or the id of a client.
    account {text} not null,
    -- What is tried from where: a familiar place counts for itself.
    place {text} not null,
    count {int} not null,
    until {int} not null,
    updated {int} not null,
    primary key (tenant, account, place)
) {strict};
create index sign_in_attempts_by_time on sign_in_attempts (updated);

-- Browsers and addresses from which a person has signed in before.
create table familiar_places (
    tenant {text} not null,
    user_id {text} not null,
    place {text} not null,
    last_used {int} not null,
    primary key (tenant, user_id, place)
) {strict};
create index familiar_places_by_time on familiar_places (last_used);

create table second_factors (
    tenant {text} not null,
    user_id {text} not null,
    id {text} not null,
    -- totp or passkey
    kind {text} not null,
    name {text} not null,
    created {int} not null,
    last_used {int},
    -- Of a time-based code: its key, sealed under the master key, and the last step that was used.
    sealed {blob},
    last_step {int} not null default 0,
    -- Of a passkey.
    credential {blob},
    public_key {blob},
    counter {int} not null default 0,
    primary key (tenant, user_id, id)
) {strict};
create unique index second_factors_by_credential on second_factors (tenant, credential);

create table recovery_codes (
    tenant {text} not null,
    user_id {text} not null,
    digest {blob} not null,
    used {int},
    primary key (tenant, user_id, digest)
) {strict};

-- Sign-ins whose password was right and which lack a step. Never sessions: other cookie, other table.
create table pending_sign_ins (
    tenant {text} not null,
    digest {blob} not null,
    user_id {text} not null,
    details {text} not null,
    created {int} not null,
    expires {int} not null,
    ended {int},
    primary key (tenant, digest)
) {strict};
create index pending_sign_ins_by_time on pending_sign_ins (expires);

-- Challenges of passkeys that were answered: each is good once.
create table used_challenges (
    tenant {text} not null,
    digest {blob} not null,
    expires {int} not null,
    primary key (tenant, digest)
) {strict};
create index used_challenges_by_time on used_challenges (expires);

-- How, where and for how long somebody signed in.
alter table browser_sessions add column amr {text} not null default '["pwd"]';
alter table browser_sessions add column kept {int} not null default 0;
alter table browser_sessions add column address {text};
alter table browser_sessions add column agent {text};
create index browser_sessions_by_user on browser_sessions (tenant, user_id);

-- What a new password ends: tokens that came from the old one and went to public clients.
alter table token_families add column password_based {int} not null default 1;
alter table token_families add column confidential {int} not null default 0;

-- What a person allowed.
create index permission_grants_by_principal on permission_grants (tenant, principal);
