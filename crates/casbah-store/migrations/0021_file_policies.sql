-- Policies on files.

-- Files that policies have not looked at since they came in or changed. They are noted in the transaction that
-- stores them, and forgotten in the one that raises the alerts: nothing is missed and nothing is found twice.
create table arrived_files (
    tenant {text} not null,
    file {text} not null,
    primary key (tenant, file)
) {strict};

-- Policies that have to look through all files, from which moment on, and behind which file they go on.
create table file_policy_rounds (
    tenant {text} not null,
    policy {text} not null,
    due {int} not null,
    after {text} not null,
    primary key (tenant, policy)
) {strict};
create index file_policy_rounds_by_due on file_policy_rounds (due, tenant);

-- Which files match which policy now.
create table file_matches (
    tenant {text} not null,
    policy {text} not null,
    file {text} not null,
    primary key (tenant, policy, file)
) {strict};
create index file_matches_by_file on file_matches (tenant, file);
