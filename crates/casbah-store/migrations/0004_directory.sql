-- The directory as Microsoft Graph shows it: more of each object, groups, owners, settings of a tenant.

-- What is looked at only with its object, as JSON.
alter table applications add column details {text} not null default '{}';
alter table service_principals add column details {text} not null default '{}';
alter table users add column details {text} not null default '{}';

-- When an object was put among the deleted items; such an object is seen nowhere else.
alter table applications add column deleted {int};
alter table service_principals add column deleted {int};
alter table users add column deleted {int};

-- What people are found by, in lower case: see search.rs. Filled for those that exist by migrations.rs.
alter table users add column display_key {text} not null default '';
alter table users add column mail_key {text} not null default '';
alter table users add column given_key {text} not null default '';
alter table users add column surname_key {text} not null default '';
alter table users add column nickname_key {text} not null default '';
alter table users add column guest {int} not null default 0;
create index users_by_display_name on users (tenant, display_key, id);
create index users_by_mail on users (tenant, mail_key, id);
create index users_by_nickname on users (tenant, nickname_key, id);

-- What applications are found by.
alter table applications add column display_key {text} not null default '';
alter table service_principals add column display_key {text} not null default '';
create index applications_by_display_name on applications (tenant, display_key, id);
create index service_principals_by_display_name on service_principals (tenant, display_key, id);

-- A deleted application or service principal does not keep the application id from being used again.
drop index applications_by_app_id;
create unique index applications_by_app_id on applications (tenant, app_id) where deleted is null;
drop index service_principals_by_app_id;
create unique index service_principals_by_app_id on service_principals (tenant, app_id) where deleted is null;
-- For the list of deleted items and the purge.
create index applications_deleted on applications (tenant, deleted) where deleted is not null;
create index service_principals_deleted on service_principals (tenant, deleted) where deleted is not null;
create index users_deleted on users (tenant, deleted) where deleted is not null;

-- The words of the names of people, groups, applications and service principals.
create table directory_words (
    tenant {text} not null references tenants (id),
    -- Application, ServicePrincipal, User or Group.
    kind {text} not null,
    object {text} not null,
    word {text} not null,
    primary key (tenant, kind, word, object)
) {strict};
create index directory_words_by_object on directory_words (tenant, kind, object);

-- ServicePrincipal, User or Group.
alter table app_role_assignments add column principal_kind {text} not null default 'ServicePrincipal';

create table groups_of_people (
    tenant {text} not null references tenants (id),
    id {text} not null,
    display_name {text} not null,
    display_key {text} not null,
    nickname_key {text} not null,
    details {text} not null,
    created {int} not null,
    deleted {int},
    primary key (tenant, id)
) {strict};
create index groups_by_display_name on groups_of_people (tenant, display_key, id);
create index groups_by_nickname on groups_of_people (tenant, nickname_key, id);

create table group_members (
    tenant {text} not null,
    group_id {text} not null,
    member {text} not null,
    -- ServicePrincipal, User or Group.
    member_kind {text} not null,
    primary key (tenant, group_id, member)
) {strict};
create index group_members_by_member on group_members (tenant, member);

create table owners (
    tenant {text} not null,
    -- Object id of the application, service principal or group.
    owned {text} not null,
    owner {text} not null,
    -- ServicePrincipal or User.
    owner_kind {text} not null,
    primary key (tenant, owned, owner)
) {strict};
create index owners_by_owner on owners (tenant, owner);

-- Lists of consents and assignments are read in pages by time.
create index permission_grants_by_time on permission_grants (tenant, created, id);
create index app_role_assignments_by_principal on app_role_assignments (tenant, principal, created, id);
drop index app_role_assignments_by_resource;
create index app_role_assignments_by_resource on app_role_assignments (tenant, resource, created, id);

create table tenant_settings (
    tenant {text} not null primary key references tenants (id),
    document {text} not null
) {strict};
