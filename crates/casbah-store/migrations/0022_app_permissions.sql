-- Who gave consent for everybody, and who gave a role: object id of a person or application. Null for what was
-- given before this step, and for what Casbah gave itself.
alter table permission_grants add column granted_by {text};
alter table app_role_assignments add column granted_by {text};
