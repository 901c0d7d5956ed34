-- Other OpenID providers through which people sign in, and who they are there.

create table identity_providers (
    tenant {text} not null,
    id {text} not null,
    display_name {text} not null,
    -- Exactly as its tokens say: one provider for each issuer.
    issuer {text} not null,
    client_id {text} not null,
    enabled {int} not null,
    -- The client secret, sealed under the master key.
    sealed_secret {blob},
    created {int} not null,
    details {text} not null,
    primary key (tenant, id)
) {strict};
create unique index identity_providers_by_issuer on identity_providers (tenant, issuer);

-- Somebody at a provider, and who that is here.
create table user_identities (
    tenant {text} not null,
    provider {text} not null,
    subject {text} not null,
    user_id {text} not null,
    created {int} not null,
    primary key (tenant, provider, subject)
) {strict};
create unique index user_identities_by_user on user_identities (tenant, user_id, provider);

-- Sign-ins that were sent to a provider: each comes back once, to the browser that it was sent from.
create table upstream_sign_ins (
    tenant {text} not null,
    -- Keyed hash of the `state`.
    digest {blob} not null,
    provider {text} not null,
    -- Digest of the browser's cookie.
    browser {text} not null,
    details {text} not null,
    created {int} not null,
    expires {int} not null,
    used {int},
    primary key (tenant, digest)
) {strict};
create index upstream_sign_ins_by_time on upstream_sign_ins (expires);

-- What ends with a provider.
alter table browser_sessions add column provider {text};
create index browser_sessions_by_provider on browser_sessions (tenant, provider) where provider is not null;
alter table token_families add column provider {text};
create index token_families_by_provider on token_families (tenant, provider) where provider is not null;
