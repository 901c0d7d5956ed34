-- Filters of a list that a person keeps under a name.

create table saved_queries (
    tenant {text} not null,
    id {text} not null,
    user_id {text} not null,
    -- The end of the list's path in the API, such as `alerts`.
    list {text} not null,
    name {text} not null,
    name_key {text} not null,
    -- Filters as the API takes them.
    filters {text} not null,
    created {int} not null,
    primary key (tenant, id)
) {strict};

create unique index saved_queries_by_name on saved_queries (tenant, user_id, list, name_key);
