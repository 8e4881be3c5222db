/**
 * The `n`-th leads from schema version n−1 to n. What is asked for stands in columns, the whole value beside it as
 * JSON in `body`.
 */
export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE checkpoint (
     rule TEXT NOT NULL, shard TEXT NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL,
     PRIMARY KEY (rule, shard)
   ) STRICT;

   -- Alerts that are not ok.
   CREATE TABLE alert (
     id TEXT NOT NULL PRIMARY KEY, rule TEXT NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL
   ) STRICT;
   CREATE INDEX alert_of_rule ON alert (rule);

   CREATE TABLE transition (
     id TEXT NOT NULL PRIMARY KEY, alert_id TEXT NOT NULL, at_ms INTEGER NOT NULL, body TEXT NOT NULL
   ) STRICT;
   CREATE INDEX transition_by_time ON transition (at_ms);
   CREATE INDEX transition_of_alert ON transition (alert_id, at_ms);

   -- Transitions no incident has absorbed yet.
   CREATE TABLE outbox (
     id TEXT NOT NULL PRIMARY KEY REFERENCES transition (id), due_ms INTEGER NOT NULL
   ) STRICT;
   CREATE INDEX outbox_due ON outbox (due_ms);

   CREATE TABLE incident (
     id TEXT NOT NULL PRIMARY KEY, version INTEGER NOT NULL,
     route TEXT NOT NULL, channel TEXT NOT NULL, group_key TEXT NOT NULL,
     opened_ms INTEGER NOT NULL, closed_ms INTEGER, due_ms INTEGER, body TEXT NOT NULL
   ) STRICT;
   -- One open incident of a group at most, whoever opens it.
   CREATE UNIQUE INDEX incident_open ON incident (route, channel, group_key) WHERE closed_ms IS NULL;
   CREATE INDEX incident_due ON incident (due_ms) WHERE closed_ms IS NULL AND due_ms IS NOT NULL;
   CREATE INDEX incident_by_opening ON incident (opened_ms);
   CREATE INDEX incident_by_closing ON incident (closed_ms) WHERE closed_ms IS NOT NULL;

   -- Alerts of open incidents.
   CREATE TABLE incident_alert (
     alert_id TEXT NOT NULL, incident_id TEXT NOT NULL REFERENCES incident (id), PRIMARY KEY (alert_id, incident_id)
   ) WITHOUT ROWID, STRICT;
   CREATE INDEX incident_alert_of_incident ON incident_alert (incident_id);

   CREATE TABLE delivery (
     id TEXT NOT NULL PRIMARY KEY, incident_id TEXT NOT NULL, at_ms INTEGER NOT NULL, body TEXT NOT NULL
   ) STRICT;
   CREATE INDEX delivery_by_time ON delivery (at_ms);
   CREATE INDEX delivery_of_incident ON delivery (incident_id, at_ms);

   CREATE TABLE target_status (
     cluster TEXT NOT NULL, node TEXT NOT NULL, check_name TEXT NOT NULL, round_ms INTEGER NOT NULL, body TEXT NOT NULL,
     PRIMARY KEY (cluster, node, check_name)
   ) STRICT;

   CREATE TABLE audit_head (
     writer TEXT NOT NULL PRIMARY KEY, sequence INTEGER NOT NULL, hash TEXT NOT NULL, at_ms INTEGER NOT NULL
   ) STRICT;

   CREATE TABLE counters (key TEXT NOT NULL PRIMARY KEY, body TEXT NOT NULL) STRICT`,
  `-- Silences added at run time; those of the configuration file are not here.
   CREATE TABLE silence (id TEXT NOT NULL PRIMARY KEY, until_ms INTEGER NOT NULL, body TEXT NOT NULL) STRICT;
   CREATE INDEX silence_by_end ON silence (until_ms)`,
  `-- Samples that came too late for the sample store; of one call, metric and time together.
   CREATE TABLE late_samples (
     shard TEXT NOT NULL, metric TEXT NOT NULL, time_ms INTEGER NOT NULL, id TEXT NOT NULL,
     kept_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, body TEXT NOT NULL,
     PRIMARY KEY (shard, metric, time_ms, id)
   ) WITHOUT ROWID, STRICT;
   CREATE INDEX late_samples_by_expiry ON late_samples (expires_ms)`,
  `-- When messages may go to a destination of channels.
   CREATE TABLE pace (destination TEXT NOT NULL PRIMARY KEY, changed_ms INTEGER NOT NULL, body TEXT NOT NULL) STRICT`,
  `-- Tokens of the history service; their secrets are kept nowhere.
   CREATE TABLE token (
     id TEXT NOT NULL PRIMARY KEY, created_ms INTEGER NOT NULL, ended_ms INTEGER, body TEXT NOT NULL
   ) STRICT`,
];
