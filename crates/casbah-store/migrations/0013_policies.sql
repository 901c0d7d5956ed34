-- Policies that tenants make themselves, and what they change about the built-in ones.

-- What it looks for, as JSON in the words of its type; null is what its template says.
alter table policies add column rule {text} not null default 'null';
-- Risk category of its alerts; none is that of its type.
alter table policies add column story {int};
-- Alerts that it raises a day, at the most; none is no limit.
alter table policies add column daily_limit {int};
-- The webhook that is told of its alerts.
alter table policies add column flow {text};

create index alerts_by_policy on alerts (tenant, policy, raised);
