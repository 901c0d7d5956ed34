-- Activities by what a list may ask for and no index had yet.
create index activities_by_failure_code on activities (tenant, failure, seq) where failure is not null;
create index activities_by_agent on activities (tenant, agent_key, seq) where agent_key is not null;
