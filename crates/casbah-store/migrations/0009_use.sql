-- What applications use of what they were granted, and which credentials are about to end.

create table permission_use (
    tenant {text} not null,
    -- Application ids of the client and of the resource.
    client {text} not null,
    resource {text} not null,
    permission {text} not null,
    -- 1 on behalf of a person, 0 as itself.
    delegated {int} not null,
    -- To the hour.
    first_used {int} not null,
    last_used {int} not null,
    primary key (tenant, client, resource, permission, delegated)
) {strict};

-- Which alert was raised for a credential so many days before its end.
create table credential_warnings (
    tenant {text} not null,
    application {text} not null,
    key_id {text} not null,
    step {int} not null,
    alert {text} not null,
    at {int} not null,
    primary key (tenant, application, key_id, step)
) {strict};
