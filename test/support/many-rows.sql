-- Data sources as a large application has them, without secrets: `fill.mine` of `fill.rows` in Acme (made by init), the
-- others in 90 organizations that have the same names, and 100 more in one named Small, whose admin is Acme's.
INSERT INTO organizations (name) SELECT 'Other ' || n FROM generate_series(1, 90) n;
INSERT INTO organizations (name) VALUES ('Small');
INSERT INTO users_to_organizations (user_id, organization_id, role)
  SELECT user_id, o.id, 'workspace_admin' FROM users_to_organizations, organizations o WHERE o.name = 'Small';
INSERT INTO data_sources (id, secret_id, name, type, env, organization_id, created_at, updated_at)
  SELECT s.id, s.id, 'Source ' || n, (ARRAY['postgres', 'mysql', 'snowflake'])[1 + n % 3],
    (ARRAY['dev', 'staging', 'production'])[1 + n % 3], o.id, now(),
    -- Some share their time, to the microsecond.
    now() - (n - n % 7) * interval '1001 microseconds'
  FROM organizations o, LATERAL (
    SELECT n, gen_random_uuid() AS id FROM generate_series(1, CASE o.name WHEN 'Small' THEN 100
      WHEN 'Acme' THEN current_setting('fill.mine')::int
      ELSE (current_setting('fill.rows')::int - current_setting('fill.mine')::int) / 90 END) n WHERE o.id IS NOT NULL) s;
INSERT INTO datasets (name, data_source_id, organization_id)
  SELECT 'Set of ' || name, id, organization_id FROM data_sources WHERE name LIKE 'Source %7';
ANALYZE;
