-- Certificates, federated credentials and what else an application proves itself with.

-- The address from which a credential was last used, beside the time.
alter table application_secrets add column last_address {text};

create table application_certificates (
    tenant {text} not null,
    application {text} not null,
    key_id {text} not null,
    display_name {text} not null,
    custom_key_identifier {blob} not null,
    -- DER, and its SHA-1 and SHA-256.
    certificate {blob} not null,
    thumbprint {blob} not null,
    thumbprint_sha256 {blob} not null,
    starts {int} not null,
    ends {int} not null,
    last_used {int},
    last_address {text},
    primary key (tenant, application, key_id)
) {strict};
create unique index application_certificates_once
    on application_certificates (tenant, application, thumbprint_sha256);

create table federated_credentials (
    tenant {text} not null,
    application {text} not null,
    id {text} not null,
    name {text} not null,
    issuer {text} not null,
    subject {text} not null,
    audience {text} not null,
    description {text},
    created {int} not null,
    last_used {int},
    last_address {text},
    primary key (tenant, application, id)
) {strict};
create unique index federated_credentials_by_name on federated_credentials (tenant, application, name);
create unique index federated_credentials_once on federated_credentials (tenant, application, issuer, subject);

-- Client assertions that were accepted and must not be again, until they end.
create table used_assertions (
    tenant {text} not null,
    application {text} not null,
    -- SHA-256 of the jti.
    digest {blob} not null,
    expires {int} not null,
    primary key (tenant, application, digest)
) {strict};
create index used_assertions_by_end on used_assertions (expires);
