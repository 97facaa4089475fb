/**
 * Migrations, applied in order inside one transaction each; the position is kept in `user_version`. Append only.
 *
 * `deliveries` has a row for every delivery, whatever its state. `queue` holds what is owed, in the order in which it is
 * due, and nothing else: a row of it is the promise to send, and a delivery is `pending` exactly as long as it has one. A
 * member that went into a batch is `batched` for good: the batch is a delivery of an event of its own, and has the row.
 * `seq` is the order of ingest. Lists of ids sort by time, because ids do.
 *
 * A job has a row in `job_lanes` for every lane that it is not through with, with its position there: the id of the last
 * delivery that it looked at, or the `seq` of the last event.
 *
 * What there are millions of refers to each other by number, not by id: keys of a few bytes instead of seventy make half the
 * log to sync. `workspace_numbers` and `lanes` give workspaces and webhooks theirs.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE workspaces (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    revision INTEGER NOT NULL DEFAULT 0
  ) WITHOUT ROWID;

  CREATE TABLE api_keys (
    workspace_id TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, id)
  ) WITHOUT ROWID;

  CREATE TABLE webhook_versions (
    workspace_id TEXT NOT NULL,
    webhook_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    config TEXT NOT NULL,
    sealed TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER,
    PRIMARY KEY (workspace_id, webhook_id, version)
  );

  CREATE TABLE destinations (
    workspace_id TEXT NOT NULL,
    webhook_id TEXT NOT NULL,
    url TEXT NOT NULL,
    scheme TEXT,
    scheme_learned_at INTEGER NOT NULL,
    not_before INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, webhook_id, url)
  ) WITHOUT ROWID;

  CREATE TABLE event_types (
    workspace_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    schema TEXT NOT NULL,
    sample TEXT,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, name)
  ) WITHOUT ROWID;

  CREATE TABLE audit_log (
    workspace_id TEXT NOT NULL,
    id TEXT NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT,
    PRIMARY KEY (workspace_id, id)
  ) WITHOUT ROWID;

  CREATE TABLE idempotency (
    workspace_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    body_hash TEXT NOT NULL,
    answer TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, scope, key)
  ) WITHOUT ROWID;
  CREATE INDEX idempotency_by_expiry ON idempotency (expires_at);

  CREATE TABLE workspace_numbers (
    number INTEGER PRIMARY KEY,
    workspace_id TEXT NOT NULL UNIQUE
  );

  CREATE TABLE lanes (
    number INTEGER PRIMARY KEY,
    workspace_id TEXT NOT NULL,
    webhook_id TEXT NOT NULL,
    UNIQUE (workspace_id, webhook_id)
  );

  CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    workspace INTEGER NOT NULL,
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    occurred_at INTEGER NOT NULL,
    accepted_at INTEGER NOT NULL,
    run_id TEXT,
    revision INTEGER NOT NULL,
    data TEXT NOT NULL
  );
  CREATE UNIQUE INDEX events_by_id ON events (workspace, id);
  CREATE INDEX events_by_run ON events (workspace, run_id) WHERE run_id IS NOT NULL;

  CREATE TABLE deliveries (
    seq INTEGER PRIMARY KEY,
    workspace INTEGER NOT NULL,
    id TEXT NOT NULL,
    lane INTEGER NOT NULL,
    event INTEGER NOT NULL,
    origin TEXT NOT NULL,
    state TEXT NOT NULL,
    class INTEGER NOT NULL,
    due_at INTEGER,
    attempts INTEGER NOT NULL,
    series_from INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    finished_at INTEGER,
    reason TEXT,
    last_status INTEGER
  );
  CREATE UNIQUE INDEX deliveries_by_id ON deliveries (workspace, id);
  CREATE INDEX deliveries_by_lane ON deliveries (lane, id);
  CREATE INDEX deliveries_by_event ON deliveries (event);
  CREATE INDEX deliveries_given_up ON deliveries (workspace, state, id) WHERE state IN ('failed', 'cancelled');

  CREATE TABLE queue (
    lane INTEGER NOT NULL,
    class INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    delivery INTEGER NOT NULL,
    PRIMARY KEY (lane, class, due_at, delivery)
  ) WITHOUT ROWID;

  CREATE TABLE attempts (
    delivery INTEGER NOT NULL,
    number INTEGER NOT NULL,
    id TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    url TEXT NOT NULL,
    webhook_version INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT,
    exchanges TEXT NOT NULL,
    PRIMARY KEY (delivery, number)
  ) WITHOUT ROWID;
  `,
  // `circuit` and `failing` are JSON, NULL where the circuit is closed and nothing has failed since the last success.
  `
  ALTER TABLE destinations ADD COLUMN circuit TEXT;
  ALTER TABLE destinations ADD COLUMN failing TEXT;

  CREATE TABLE webhook_holds (
    workspace_id TEXT NOT NULL,
    webhook_id TEXT NOT NULL,
    paused_at INTEGER,
    disabled_at INTEGER,
    disabled_reason TEXT,
    resumed_at INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, webhook_id)
  ) WITHOUT ROWID;
  `,
  `
  CREATE INDEX deliveries_given_up_of_lane ON deliveries (lane, state, id) WHERE state IN ('failed', 'cancelled');

  CREATE TABLE jobs (
    workspace_id TEXT NOT NULL,
    id TEXT NOT NULL,
    task TEXT NOT NULL,
    state TEXT NOT NULL,
    estimate TEXT NOT NULL,
    requeued INTEGER NOT NULL DEFAULT 0,
    skipped INTEGER NOT NULL DEFAULT 0,
    last_event INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    finished_at INTEGER,
    PRIMARY KEY (workspace_id, id)
  ) WITHOUT ROWID;
  CREATE INDEX jobs_unfinished ON jobs (created_at) WHERE finished_at IS NULL;

  CREATE TABLE job_lanes (
    workspace_id TEXT NOT NULL,
    job_id TEXT NOT NULL,
    lane INTEGER NOT NULL,
    position NOT NULL,
    PRIMARY KEY (workspace_id, job_id, lane)
  ) WITHOUT ROWID;
  `,
  `
  ALTER TABLE deliveries ADD COLUMN route INTEGER;
  ALTER TABLE attempts ADD COLUMN route INTEGER;
  `,
  // `thin` is NULL where the body is full.
  `
  ALTER TABLE deliveries ADD COLUMN thin INTEGER;

  CREATE TABLE read_tokens (
    workspace_id TEXT NOT NULL,
    webhook_id TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    sealed TEXT NOT NULL,
    PRIMARY KEY (workspace_id, webhook_id)
  ) WITHOUT ROWID;
  `,
  // `batch` is the `seq` of the delivery that a member has gone into; its state is `batched` from then on.
  `
  ALTER TABLE deliveries ADD COLUMN batch INTEGER;
  CREATE INDEX deliveries_of_batch ON deliveries (batch) WHERE batch IS NOT NULL;
  `,
  // `run` is set for what goes in order alone, so that all else has no entry in the index.
  `
  ALTER TABLE deliveries ADD COLUMN run TEXT;
  CREATE INDEX deliveries_in_order ON deliveries (lane, run, state, seq)
    WHERE run IS NOT NULL AND state IN ('pending', 'failed');
  `,
  `
  ALTER TABLE deliveries ADD COLUMN at_fallback INTEGER NOT NULL DEFAULT 0;
  `,
  // A row of it: all of this is in another database now, and no server starts here any more (see moved-mark.ts).
  `
  CREATE TABLE moved (
    place TEXT NOT NULL,
    at INTEGER NOT NULL
  );
  `,
];
