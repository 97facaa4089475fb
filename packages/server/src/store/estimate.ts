import type { JobEstimate } from '../domain/job.ts';
import type { Candidate, Candidates } from './candidates.ts';

/** Rows that one estimate may look at, and those among them that it looks at in one go. */
const MOST_EXAMINED = 50_000;
const CHUNK = 1_000;

/** Counts what is owed among candidates; whoever else reads on this thread has a turn between two chunks. */
export async function estimate(
  candidates: Candidates<Candidate[] | Promise<Candidate[]>> | null,
): Promise<JobEstimate> {
  const found: JobEstimate = { count: 0, isMinimum: false, oldestAt: null, newestAt: null };
  if (candidates === null) return found;
  let position = candidates.start;
  for (let examined = 0; examined < MOST_EXAMINED; examined += CHUNK) {
    const page = await candidates.oldestFirst(position, CHUNK);
    const owed = page.filter(isOwed);
    found.count += owed.length;
    found.oldestAt ??= owed[0]?.at ?? null;
    found.newestAt = owed.at(-1)?.at ?? found.newestAt;
    const last = page.at(-1);
    if (last === undefined || page.length < CHUNK) return found;
    position = last.position;
    await new Promise((resolve) => setImmediate(resolve));
  }
  const newest = (await candidates.newestFirst(candidates.end, CHUNK)).find(isOwed);
  return { ...found, isMinimum: true, newestAt: newest?.at ?? null };
}

function isOwed({ verdict }: Candidate): boolean {
  return verdict === 'owed';
}
