/** What a delivery was given when it was taken in, and keeps in whichever of the two tables its row is. */
export const LASTING = 'workspace_id, id, webhook_id, event_id, seq, origin, route, run, thin, created_at';

/** What its attempts came to so far; both tables have it, too. */
export const SO_FAR = 'attempts, reason, last_status';
