-- IP address ranges and the tags that they bear.

create table ip_ranges (
    tenant {text} not null references tenants (id),
    id {text} not null,
    name {text} not null,
    name_key {text} not null,
    category {int} not null,
    -- The subnets as they were given, as JSON.
    subnets {text} not null,
    organization {text},
    -- JSON.
    location {text},
    -- Ids of the tags in their order, as JSON; and their names, to sort by.
    tags {text} not null,
    tags_key {text} not null,
    modified {int} not null,
    primary key (tenant, id)
) {strict};
create unique index ip_ranges_by_name on ip_ranges (tenant, name_key);
create index ip_ranges_by_category on ip_ranges (tenant, category, name_key);

-- Which range an address is in. No two rows of a tenant overlap, so the one with the greatest `lowest`
-- that is not above an address is the only one that can hold it. Addresses are written with all 32 digits.
create table ip_range_subnets (
    tenant {text} not null,
    lowest {text} not null,
    ip_range {text} not null,
    highest {text} not null,
    original {text} not null,
    primary key (tenant, lowest, ip_range)
) {strict};
create index ip_range_subnets_by_range on ip_range_subnets (tenant, ip_range);

-- A tenant's own tags; the built-in ones are part of the program.
create table ip_tags (
    tenant {text} not null references tenants (id),
    id {text} not null,
    name {text} not null,
    name_key {text} not null,
    created {int} not null,
    primary key (tenant, id)
) {strict};
create unique index ip_tags_by_name on ip_tags (tenant, name_key);

create table ip_range_tags (
    tenant {text} not null,
    ip_range {text} not null,
    tag {text} not null,
    primary key (tenant, ip_range, tag)
) {strict};
create index ip_range_tags_by_tag on ip_range_tags (tenant, tag, ip_range);
