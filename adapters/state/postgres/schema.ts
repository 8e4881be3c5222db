/**
 * The `n`-th leads from schema version n−1 to n. Never edit one that was released: append. Columns are what is queried, the
 * whole value is beside them as JSON in `body`: text, as JSON of PostgreSQL knows no NUL.
 */
export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE checkpoint (
     rule TEXT COLLATE "C" NOT NULL, shard TEXT COLLATE "C" NOT NULL, version BIGINT NOT NULL, body TEXT NOT NULL,
     PRIMARY KEY (rule, shard)
   );

   -- Alerts that are not ok, in the order in which they began.
   CREATE TABLE alert (
     id TEXT COLLATE "C" PRIMARY KEY, seq BIGINT GENERATED ALWAYS AS IDENTITY, rule TEXT COLLATE "C" NOT NULL,
     version BIGINT NOT NULL, body TEXT NOT NULL
   );
   CREATE INDEX alert_of_rule ON alert (rule, seq);

   CREATE TABLE transition (
     id TEXT COLLATE "C" PRIMARY KEY, seq BIGINT GENERATED ALWAYS AS IDENTITY, alert_id TEXT COLLATE "C" NOT NULL,
     at_ms BIGINT NOT NULL, body TEXT NOT NULL
   );
   CREATE INDEX transition_by_time ON transition (at_ms, seq);
   CREATE INDEX transition_of_alert ON transition (alert_id, at_ms);

   -- Transitions that no incident has absorbed yet.
   CREATE TABLE outbox (
     id TEXT COLLATE "C" PRIMARY KEY REFERENCES transition (id), due_ms BIGINT NOT NULL
   );
   CREATE INDEX outbox_due ON outbox (due_ms);

   CREATE TABLE incident (
     id TEXT COLLATE "C" PRIMARY KEY, version BIGINT NOT NULL,
     route TEXT COLLATE "C" NOT NULL, channel TEXT COLLATE "C" NOT NULL, group_key TEXT COLLATE "C" NOT NULL,
     opened_ms BIGINT NOT NULL, closed_ms BIGINT, due_ms BIGINT, body TEXT NOT NULL
   );
   -- A group has one open incident at most, whoever opens it. An index takes no long texts, so it has their digest.
   CREATE UNIQUE INDEX incident_open ON incident (route, channel, md5(group_key)) WHERE closed_ms IS NULL;
   CREATE INDEX incident_due ON incident (due_ms) WHERE closed_ms IS NULL AND due_ms IS NOT NULL;
   CREATE INDEX incident_by_opening ON incident (opened_ms);
   CREATE INDEX incident_by_closing ON incident (closed_ms) WHERE closed_ms IS NOT NULL;

   -- Alerts of open incidents.
   CREATE TABLE incident_alert (
     alert_id TEXT COLLATE "C" NOT NULL, incident_id TEXT COLLATE "C" NOT NULL REFERENCES incident (id) ON DELETE CASCADE,
     PRIMARY KEY (alert_id, incident_id)
   );
   CREATE INDEX incident_alert_of_incident ON incident_alert (incident_id);

   CREATE TABLE delivery (
     id TEXT COLLATE "C" PRIMARY KEY, seq BIGINT GENERATED ALWAYS AS IDENTITY, incident_id TEXT COLLATE "C" NOT NULL,
     at_ms BIGINT NOT NULL, body TEXT NOT NULL
   );
   CREATE INDEX delivery_by_time ON delivery (at_ms);
   CREATE INDEX delivery_of_incident ON delivery (incident_id, at_ms);

   CREATE TABLE target_status (
     cluster TEXT COLLATE "C" NOT NULL, node TEXT COLLATE "C" NOT NULL, check_name TEXT COLLATE "C" NOT NULL,
     round_ms BIGINT NOT NULL, body TEXT NOT NULL,
     PRIMARY KEY (cluster, node, check_name)
   );

   CREATE TABLE audit_head (
     writer TEXT COLLATE "C" PRIMARY KEY, sequence BIGINT NOT NULL, hash TEXT NOT NULL, at_ms BIGINT NOT NULL
   );

   CREATE TABLE counters (key TEXT COLLATE "C" PRIMARY KEY, body TEXT NOT NULL);

   -- Silences added at run time; those of the configuration file are not here.
   CREATE TABLE silence (id TEXT COLLATE "C" PRIMARY KEY, until_ms BIGINT NOT NULL, body TEXT NOT NULL);
   CREATE INDEX silence_by_end ON silence (until_ms);

   -- Samples that came too late for the sample store; of one call, metric and time together.
   CREATE TABLE late_samples (
     shard TEXT COLLATE "C" NOT NULL, metric TEXT COLLATE "C" NOT NULL, time_ms BIGINT NOT NULL,
     id TEXT COLLATE "C" NOT NULL, seq BIGINT GENERATED ALWAYS AS IDENTITY, kept_ms BIGINT NOT NULL,
     expires_ms BIGINT NOT NULL, body TEXT NOT NULL,
     PRIMARY KEY (shard, metric, time_ms, id)
   );
   CREATE INDEX late_samples_by_expiry ON late_samples (expires_ms);

   -- When messages may go to a destination of channels.
   CREATE TABLE pace (destination TEXT COLLATE "C" PRIMARY KEY, changed_ms BIGINT NOT NULL, body TEXT NOT NULL)`,
  `-- Tokens of the history service; their secrets are kept nowhere.
   CREATE TABLE token (
     id TEXT COLLATE "C" PRIMARY KEY, created_ms BIGINT NOT NULL, ended_ms BIGINT, body TEXT NOT NULL
   )`,
];

/** The version of the schema, and the process that leads: made before anything else, so that no migration changes them. */
export const FOUNDATION = `CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS leader (
    is_only BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (is_only), term BIGINT NOT NULL, name TEXT NOT NULL,
    since_ms BIGINT NOT NULL
  )`;
