/** The columns of a `DueRow`, of `queue q`, `deliveries d` and `events e`. */
export const DUE_COLUMNS = `
  q.delivery AS seq, q.class, q.due_at, d.id, d.created_at, d.origin, d.attempts, d.series_from, d.route, d.run,
  d.at_fallback, d.thin,
  e.id AS event_id, e.type, e.occurred_at, e.data`;
