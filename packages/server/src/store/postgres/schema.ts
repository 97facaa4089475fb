/**
 * Migrations, applied in order inside one transaction each; the position is kept in `broxi.schema_version`. Append only.
 *
 * `queue` holds what is owed, and nothing else: a delivery is `pending` exactly as long as it has a row there. It stays
 * small, so it is not partitioned. `deliveries` holds those that are over, `events` and `attempts` what happened: history.
 * A settle that ends a delivery moves its row; a manual retry moves it back, with the `seq` that it was given when it was
 * taken in. Lists read both.
 *
 * A member that went into a batch is `batched` for good, and over; the batch is a delivery of an event of its own. `run` is
 * set for what goes in order alone, so that all else has no entry in the indexes of it.
 *
 * Every key and index begins with the workspace. The ids of history carry their time, by which the last migration partitions
 * these tables: see days.ts. Nothing refers to them by a foreign key.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE broxi.workspaces (
    id text COLLATE "C" PRIMARY KEY,
    name text NOT NULL,
    revision bigint NOT NULL DEFAULT 0
  );

  CREATE TABLE broxi.api_keys (
    workspace_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    name text NOT NULL,
    hash text COLLATE "C" NOT NULL UNIQUE,
    created_at bigint NOT NULL,
    PRIMARY KEY (workspace_id, id)
  );

  CREATE TABLE broxi.webhook_versions (
    workspace_id text COLLATE "C" NOT NULL,
    webhook_id text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    revision bigint NOT NULL,
    config text NOT NULL,
    sealed text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    deleted_at bigint,
    PRIMARY KEY (workspace_id, webhook_id, version)
  );

  CREATE TABLE broxi.destinations (
    workspace_id text COLLATE "C" NOT NULL,
    webhook_id text COLLATE "C" NOT NULL,
    url text COLLATE "C" NOT NULL,
    scheme text,
    scheme_learned_at bigint NOT NULL,
    not_before bigint NOT NULL,
    circuit text,
    failing text,
    PRIMARY KEY (workspace_id, webhook_id, url)
  );

  CREATE TABLE broxi.webhook_holds (
    workspace_id text COLLATE "C" NOT NULL,
    webhook_id text COLLATE "C" NOT NULL,
    paused_at bigint,
    disabled_at bigint,
    disabled_reason text,
    resumed_at bigint NOT NULL,
    PRIMARY KEY (workspace_id, webhook_id)
  );

  CREATE TABLE broxi.read_tokens (
    workspace_id text COLLATE "C" NOT NULL,
    webhook_id text COLLATE "C" NOT NULL,
    hash text COLLATE "C" NOT NULL UNIQUE,
    sealed text NOT NULL,
    PRIMARY KEY (workspace_id, webhook_id)
  );

  CREATE TABLE broxi.event_types (
    workspace_id text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    description text NOT NULL,
    schema text NOT NULL,
    sample text,
    updated_at bigint NOT NULL,
    PRIMARY KEY (workspace_id, name)
  );

  CREATE TABLE broxi.audit_log (
    workspace_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    at bigint NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    detail text,
    PRIMARY KEY (workspace_id, id)
  );

  CREATE TABLE broxi.idempotency (
    workspace_id text COLLATE "C" NOT NULL,
    scope text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    body_hash text NOT NULL,
    answer text NOT NULL,
    expires_at bigint NOT NULL,
    PRIMARY KEY (workspace_id, scope, key)
  );
  CREATE INDEX idempotency_by_expiry ON broxi.idempotency (expires_at);

  CREATE TABLE broxi.events (
    workspace_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    type text NOT NULL,
    occurred_at bigint NOT NULL,
    accepted_at bigint NOT NULL,
    run_id text COLLATE "C",
    revision bigint NOT NULL,
    data text NOT NULL,
    PRIMARY KEY (workspace_id, id)
  );
  CREATE INDEX events_by_age ON broxi.events (workspace_id, accepted_at, seq);
  CREATE INDEX events_by_run ON broxi.events (workspace_id, run_id, id) WHERE run_id IS NOT NULL;
  -- For retention, which goes through all workspaces.
  CREATE INDEX events_by_seq ON broxi.events (seq);

  CREATE SEQUENCE broxi.delivery_seq;

  CREATE TABLE broxi.queue (
    workspace_id text COLLATE "C" NOT NULL,
    webhook_id text COLLATE "C" NOT NULL,
    class smallint NOT NULL,
    due_at bigint NOT NULL,
    seq bigint NOT NULL DEFAULT nextval('broxi.delivery_seq'),
    id text COLLATE "C" NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    origin text NOT NULL,
    route bigint,
    run text COLLATE "C",
    at_fallback boolean NOT NULL DEFAULT false,
    thin boolean NOT NULL DEFAULT false,
    attempts integer NOT NULL DEFAULT 0,
    series_from integer NOT NULL DEFAULT 0,
    created_at bigint NOT NULL,
    reason text,
    last_status integer,
    PRIMARY KEY (workspace_id, webhook_id, class, due_at, seq)
  ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000);
  CREATE UNIQUE INDEX queue_by_id ON broxi.queue (workspace_id, id);
  CREATE INDEX queue_by_event ON broxi.queue (workspace_id, event_id);
  CREATE INDEX queue_in_order ON broxi.queue (workspace_id, webhook_id, run, seq) WHERE run IS NOT NULL;

  CREATE TABLE broxi.deliveries (
    workspace_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    webhook_id text COLLATE "C" NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    seq bigint NOT NULL DEFAULT nextval('broxi.delivery_seq'),
    origin text NOT NULL,
    route bigint,
    run text COLLATE "C",
    at_fallback boolean NOT NULL,
    thin boolean NOT NULL DEFAULT false,
    state text NOT NULL,
    attempts integer NOT NULL,
    created_at bigint NOT NULL,
    -- NULL for a member of a batch, which ends with that.
    finished_at bigint,
    -- The id of the batch that a member has gone into.
    batch text COLLATE "C",
    reason text,
    last_status integer,
    PRIMARY KEY (workspace_id, id),
    CHECK ((state = 'batched') = (batch IS NOT NULL) AND (state = 'batched') = (finished_at IS NULL))
  );
  CREATE INDEX deliveries_of_webhook ON broxi.deliveries (workspace_id, webhook_id, id);
  CREATE INDEX deliveries_by_event ON broxi.deliveries (workspace_id, event_id);
  CREATE INDEX deliveries_given_up ON broxi.deliveries (workspace_id, state, id) WHERE state IN ('failed', 'cancelled');
  CREATE INDEX deliveries_given_up_of_webhook ON broxi.deliveries (workspace_id, state, webhook_id, id)
    WHERE state IN ('failed', 'cancelled');
  CREATE INDEX deliveries_of_batch ON broxi.deliveries (workspace_id, batch, id) WHERE batch IS NOT NULL;
  CREATE INDEX deliveries_blocking ON broxi.deliveries (workspace_id, webhook_id, run, seq)
    WHERE run IS NOT NULL AND state = 'failed';

  CREATE TABLE broxi.attempts (
    workspace_id text COLLATE "C" NOT NULL,
    delivery_id text COLLATE "C" NOT NULL,
    number integer NOT NULL,
    id text NOT NULL,
    started_at bigint NOT NULL,
    duration_ms bigint NOT NULL,
    url text NOT NULL,
    route bigint,
    webhook_version bigint NOT NULL,
    outcome text NOT NULL,
    reason text,
    exchanges text NOT NULL,
    PRIMARY KEY (workspace_id, delivery_id, number)
  );

  CREATE TABLE broxi.jobs (
    workspace_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    task text NOT NULL,
    state text NOT NULL,
    estimate text NOT NULL,
    requeued bigint NOT NULL DEFAULT 0,
    skipped bigint NOT NULL DEFAULT 0,
    last_event bigint NOT NULL,
    created_at bigint NOT NULL,
    finished_at bigint,
    PRIMARY KEY (workspace_id, id)
  );
  CREATE INDEX jobs_unfinished ON broxi.jobs (created_at, id) WHERE finished_at IS NULL;

  -- A lane that a job is not through with; \`position\` is JSON: the id of a delivery, or the place of an event.
  CREATE TABLE broxi.job_lanes (
    workspace_id text COLLATE "C" NOT NULL,
    job_id text COLLATE "C" NOT NULL,
    number bigint NOT NULL,
    webhook_id text COLLATE "C" NOT NULL,
    position text NOT NULL,
    PRIMARY KEY (workspace_id, job_id, number)
  );
  `,
  // Who shares the work: see membership.ts. News for owners on other nodes: see wake-rows.ts.
  `
  CREATE TABLE broxi.nodes (
    id text COLLATE "C" PRIMARY KEY,
    expires_at timestamptz NOT NULL
  ) WITH (fillfactor = 50);

  CREATE TABLE broxi.shards (
    number smallint PRIMARY KEY,
    node_id text COLLATE "C"
  ) WITH (fillfactor = 50);
  INSERT INTO broxi.shards (number) SELECT generate_series(0, 63);

  CREATE TABLE broxi.wakes (
    shard smallint NOT NULL,
    workspace_id text COLLATE "C" NOT NULL,
    webhook_id text COLLATE "C" NOT NULL,
    due_at bigint,
    seq bigint,
    recovered boolean NOT NULL,
    gathering_due_at bigint,
    gathering_seq bigint,
    changed boolean NOT NULL,
    -- JSON, of texts.
    put_back text NOT NULL,
    freed text NOT NULL
  ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
  CREATE INDEX wakes_by_shard ON broxi.wakes (shard);
  `,
  // History by day: see days.ts. What is there goes aside as it is, and so does what a server writes that knows of no days.
  `
  CREATE TABLE broxi.days (
    first text COLLATE "C" PRIMARY KEY,
    until text COLLATE "C" NOT NULL,
    is_closed boolean NOT NULL DEFAULT false,
    quiet_from xid8
  );
  CREATE VIEW broxi.open_days AS SELECT min(first) AS first, max(until) AS until FROM broxi.days WHERE NOT is_closed;

  CREATE SEQUENCE broxi.event_seq;
  SELECT setval('broxi.event_seq', max(seq)) FROM broxi.events;
  ALTER TABLE broxi.events ALTER COLUMN seq DROP IDENTITY;
  ALTER TABLE broxi.events ALTER COLUMN seq SET DEFAULT nextval('broxi.event_seq');
  ${['events', 'deliveries', 'attempts'].map((table) => partitioned(table)).join('')}
  `,
  // What `broxi-webhooks copy` has brought over so far: see copy-target.ts.
  `
  CREATE TABLE broxi.copies (
    -- The id of a workspace of the database that is copied.
    source text COLLATE "C" PRIMARY KEY,
    events_through bigint NOT NULL DEFAULT 0,
    deliveries_through bigint NOT NULL DEFAULT 0,
    keys_through bigint NOT NULL DEFAULT 0,
    finished_at bigint
  );

  -- Deliveries up to \`deliveries_through\` that are not here yet, because more may become of them.
  CREATE TABLE broxi.copy_left (seq bigint PRIMARY KEY);
  `,
  // The latest transaction of each process that writes: see write-connection.ts.
  `
  CREATE TABLE broxi.writers (
    id text COLLATE "C" PRIMARY KEY,
    latest bigint NOT NULL,
    begun_at timestamptz NOT NULL DEFAULT now()
  ) WITH (fillfactor = 50);
  `,
];

/** Makes a table, as it is, the part of a new one that is kept aside; the other part is by days, with the same indexes. */
function partitioned(table: string): string {
  const [aside, byDay] = [`${table}_aside`, `${table}_by_day`];
  return `
  ALTER TABLE broxi.${table} ADD COLUMN aside boolean NOT NULL DEFAULT true;
  ALTER TABLE broxi.${table} RENAME TO ${aside};
  CREATE TABLE broxi.${table} (LIKE broxi.${aside} INCLUDING DEFAULTS) PARTITION BY LIST (aside);
  ALTER TABLE broxi.${table} ATTACH PARTITION broxi.${aside} FOR VALUES IN (true);
  CREATE TABLE broxi.${byDay} (LIKE broxi.${aside} INCLUDING ALL) PARTITION BY RANGE (${table === 'attempts' ? 'delivery_id' : 'id'});
  ALTER TABLE broxi.${table} ATTACH PARTITION broxi.${byDay} FOR VALUES IN (false);`;
}
