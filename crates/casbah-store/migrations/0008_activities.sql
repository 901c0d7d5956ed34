-- The audit trail as activities, beside what other apps will report. The large table.

create table activities (
    tenant {text} not null,
    -- Milliseconds since 1970 times 2^21, and noise: one number that is unique and in the order of time,
    -- so that every list by time is one walk through an index.
    seq {int} not null,
    id {text} not null,
    created {int} not null,
    source {int} not null,
    service {int} not null,
    instance {int} not null,
    action {text} not null,
    category {text} not null,
    action_type {text} not null,
    actor_kind {text} not null,
    actor {text},
    user_name {text},
    -- The name in lower case, and its domain.
    user_key {text},
    user_domain {text},
    client {text},
    address {text},
    ip_category {int} not null,
    country {text},
    organization {text},
    device_type {text},
    -- In lower case.
    agent_key {text},
    admin {int} not null,
    failure {int},
    -- Its words in lower case, for the filter `text`.
    search {text} not null,
    -- JSON.
    facts {text} not null,
    primary key (tenant, seq)
) {strict};
create unique index activities_by_id on activities (tenant, id);
create index activities_by_created on activities (tenant, created, seq);
create index activities_by_source on activities (tenant, source, seq);
create index activities_by_service on activities (tenant, service, seq);
create index activities_by_instance on activities (tenant, instance, seq) where instance <> 0;
create index activities_by_category on activities (tenant, category, seq);
create index activities_by_action_type on activities (tenant, action_type, seq);
create index activities_by_actor on activities (tenant, actor, seq) where actor is not null;
create index activities_by_user on activities (tenant, user_key, seq) where user_key is not null;
create index activities_by_domain on activities (tenant, user_domain, seq) where user_domain is not null;
create index activities_by_client on activities (tenant, client, seq) where client is not null;
create index activities_by_address on activities (tenant, address, seq) where address is not null;
create index activities_by_ip_category on activities (tenant, ip_category, seq) where ip_category <> 0;
create index activities_by_country on activities (tenant, country, seq) where country is not null;
create index activities_by_organization on activities (tenant, organization, seq) where organization is not null;
create index activities_by_device on activities (tenant, device_type, seq) where device_type is not null;
create index activities_by_admin on activities (tenant, admin, seq);
create index activities_by_failure on activities (tenant, seq) where failure is not null;

-- What an activity has several of: kind 1 is an object that it was done to, 2 a tag of its address.
create table activity_terms (
    tenant {text} not null,
    kind {int} not null,
    term {text} not null,
    seq {int} not null,
    primary key (tenant, kind, term, seq)
) {strict};
create index activity_terms_by_activity on activity_terms (tenant, seq);

-- What somebody said of an activity; the last word counts.
create table activity_feedback (
    tenant {text} not null,
    activity {text} not null,
    at {int} not null,
    by_whom {text} not null,
    feedback {text} not null,
    primary key (tenant, activity)
) {strict};

insert into activities (tenant, seq, id, created, source, service, instance, action, category, action_type,
    actor_kind, actor, ip_category, admin, failure, search, facts)
select tenant, at * 2097152 + row_number() over (partition by tenant, at order by id), id, at, 2, 20595, 0, action,
    case when action in ('sign in', 'sign in to application') then 'EVENT_CATEGORY_LOGIN'
         when action = 'failed sign-in' then 'EVENT_CATEGORY_FAILED_LOGIN'
         when action = 'sign out' then 'EVENT_CATEGORY_LOGOUT'
         else 'EVENT_CATEGORY_' || upper(replace(action, ' ', '_')) end,
    case when action in ('sign in', 'sign in to application') then 'EVENT_AAD_LOGIN'
         when action = 'failed sign-in' then 'EVENT_AAD_LOGIN_FAILED'
         else 'EVENT_CASBAH_' || upper(replace(action, ' ', '_')) end,
    actor_kind, case when actor = '' then null else actor end, 0,
    case when action in ('sign in', 'sign in to application', 'failed sign-in', 'sign out') then 0 else 1 end,
    case when action <> 'failed sign-in' then null when details like '%50057%' then 50057 else 50126 end,
    lower(action),
    '{"serviceName":"Casbah","objects":[' || case when target = '' then ''
        else '{"kind":"' || target_kind || '","id":"' || target || '","name":""}' end
        || '],"details":' || details || '}'
from audit_records;
insert into activity_terms (tenant, kind, term, seq)
select r.tenant, 1, lower(r.target), a.seq from audit_records r
join activities a on a.tenant = r.tenant and a.id = r.id where r.target <> '';
drop table audit_records;
