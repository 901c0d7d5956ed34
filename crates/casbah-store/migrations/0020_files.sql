-- Files of apps, as they were last told.

create table files (
    tenant {text} not null,
    id {text} not null,
    service {int} not null,
    instance {int} not null,
    -- Id inside the app, and in lower case.
    file {text} not null,
    file_key {text} not null,
    name {text} not null,
    name_l {text} not null,
    extension {text} not null,
    mime {text},
    kind {int} not null,
    access {int} not null,
    -- 0 exists, 1 trashed, 2 deleted
    state {int} not null,
    quarantined {int} not null,
    size {int} not null,
    created {int},
    modified {int},
    -- The same, and 0 where it is not known: what lists are sorted by.
    modified_order {int} not null,
    snapshot {int} not null,
    owner {text},
    owner_key {text},
    owner_address_key {text},
    facts {text} not null,
    primary key (tenant, id)
) {strict};
create unique index files_by_key on files (tenant, service, instance, file_key);
create index files_by_modified on files (tenant, modified_order, id);
create index files_by_service on files (tenant, service, modified_order, id);
create index files_by_access on files (tenant, access, modified_order, id);
create index files_by_extension on files (tenant, extension, modified_order, id);
create index files_by_owner on files (tenant, owner_key, modified_order) where owner_key is not null;
create index files_by_owner_address on files (tenant, owner_address_key, modified_order)
    where owner_address_key is not null;

-- What a file has several of: 1 collaborator by id, 2 by address, 3 domain with access, 4 group with access,
-- 5 label, 6 what a look into it found, 7 folder that it is in, 8 policy that it matches.
create table file_terms (
    tenant {text} not null,
    kind {int} not null,
    term {text} not null,
    file {text} not null,
    primary key (tenant, kind, term, file)
) {strict};
create index file_terms_by_file on file_terms (tenant, file);
