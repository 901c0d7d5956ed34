-- Who holds the roles of Cloud Apps, and within which limits.

create table administrators (
    tenant {text} not null references tenants (id),
    id {text} not null,
    user_id {text} not null,
    -- Short name of the role.
    role {text} not null,
    read_only {int} not null,
    -- Apps, groups or reports, as JSON.
    bounds {text} not null,
    created {int} not null,
    primary key (tenant, id)
) {strict};
create index administrators_by_user on administrators (tenant, user_id, created, id);

-- Alerts of the accounts of an app.
create index alert_entities_by_app on alert_entities (tenant, saas) where saas is not null;
