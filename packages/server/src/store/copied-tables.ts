/**
 * What `broxi-webhooks copy` brings from one database into the other: every table of which there are rows in both, with its
 * columns as the target has them. A column or a table that is added to a driver, and is missing here, fails
 * `copied-tables.test.ts`.
 *
 * `free text` is what a producer or a receiver wrote, which may hold a NUL; `flag` is 0, 1 or NULL in the source.
 */
export type CellKind = 'text' | 'free text' | 'number' | 'flag';

/** A value of a row, as the source has it. */
export type Cell = string | number | null;

/** Those whose columns are the same in both. Small, but for `idempotency`. */
export const ALIKE_TABLES = {
  workspaces: { id: 'text', name: 'text', revision: 'number' },
  api_keys: { workspace_id: 'text', id: 'text', name: 'text', hash: 'text', created_at: 'number' },
  webhook_versions: {
    workspace_id: 'text',
    webhook_id: 'text',
    version: 'number',
    revision: 'number',
    config: 'text',
    sealed: 'text',
    created_at: 'number',
    updated_at: 'number',
    deleted_at: 'number',
  },
  destinations: {
    workspace_id: 'text',
    webhook_id: 'text',
    url: 'text',
    scheme: 'text',
    scheme_learned_at: 'number',
    not_before: 'number',
    circuit: 'text',
    failing: 'text',
  },
  webhook_holds: {
    workspace_id: 'text',
    webhook_id: 'text',
    paused_at: 'number',
    disabled_at: 'number',
    disabled_reason: 'text',
    resumed_at: 'number',
  },
  read_tokens: { workspace_id: 'text', webhook_id: 'text', hash: 'text', sealed: 'text' },
  event_types: {
    workspace_id: 'text',
    name: 'text',
    description: 'text',
    schema: 'text',
    sample: 'text',
    updated_at: 'number',
  },
  audit_log: {
    workspace_id: 'text',
    id: 'text',
    at: 'number',
    actor: 'text',
    action: 'text',
    subject: 'text',
    detail: 'text',
  },
  idempotency: {
    workspace_id: 'text',
    scope: 'text',
    key: 'free text',
    body_hash: 'text',
    answer: 'text',
    expires_at: 'number',
  },
  jobs: {
    workspace_id: 'text',
    id: 'text',
    task: 'text',
    state: 'text',
    estimate: 'text',
    requeued: 'number',
    skipped: 'number',
    last_event: 'number',
    created_at: 'number',
    finished_at: 'number',
  },
} as const satisfies Record<string, Readonly<Record<string, CellKind>>>;

/** What a delivery has in either of the tables that its row may be in. */
const LASTING = {
  workspace_id: 'text',
  id: 'text',
  webhook_id: 'text',
  event_id: 'text',
  seq: 'number',
  origin: 'text',
  route: 'number',
  run: 'free text',
  at_fallback: 'flag',
  thin: 'flag',
  attempts: 'number',
  created_at: 'number',
  reason: 'free text',
  last_status: 'number',
} as const;

/** Those that the source keeps in another way. */
const OTHER_TABLES = {
  events: {
    workspace_id: 'text',
    id: 'text',
    seq: 'number',
    type: 'text',
    occurred_at: 'number',
    accepted_at: 'number',
    run_id: 'free text',
    revision: 'number',
    data: 'text',
  },
  /** What is owed. */
  queue: { ...LASTING, class: 'number', due_at: 'number', series_from: 'number' },
  /** What is over. */
  deliveries: { ...LASTING, state: 'text', finished_at: 'number', batch: 'text' },
  attempts: {
    workspace_id: 'text',
    delivery_id: 'text',
    number: 'number',
    id: 'text',
    started_at: 'number',
    duration_ms: 'number',
    url: 'text',
    route: 'number',
    webhook_version: 'number',
    outcome: 'text',
    reason: 'free text',
    exchanges: 'text',
  },
  job_lanes: { workspace_id: 'text', job_id: 'text', number: 'number', webhook_id: 'text', position: 'text' },
} as const satisfies Record<string, Readonly<Record<string, CellKind>>>;

export const COPIED_TABLES = { ...ALIKE_TABLES, ...OTHER_TABLES } as const;

export type CopiedTable = keyof typeof COPIED_TABLES;
export type AlikeTable = keyof typeof ALIKE_TABLES;

/** A row with at least the columns of a table. */
export type CopiedRow<Table extends CopiedTable> = {
  readonly [Column in keyof (typeof COPIED_TABLES)[Table]]: Cell;
};
