import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { ThrowawayPostgres } from '../../test/postgres/throwaway-postgres.ts';
import { bigintArray, textArray } from './array-parameter.ts';
import { openPool, Reads } from './database.ts';
import { withNul, withoutNul } from './nul-free-text.ts';

let postgres: ThrowawayPostgres;
let reads: Reads;
before(async () => {
  postgres = await ThrowawayPostgres.start();
  reads = new Reads(openPool(postgres.url(), 1));
});
after(async () => {
  await reads.close();
  await postgres.stop();
});

/** Without NUL, which no text of PostgreSQL holds. */
const text = fc.string({ unit: 'grapheme', maxLength: 30 }).map((value) => value.replaceAll('\0', ''));

test('PostgreSQL reads the texts that were written, nulls among them', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.option(text)), async (values) => {
      const rows = await reads.query<{ value: string | null }>('SELECT unnest($1::text[]) AS value', [
        textArray(values),
      ]);
      assert.deepEqual(
        rows.map(({ value }) => value),
        values,
      );
    }),
    { numRuns: 50 },
  );
});

test('PostgreSQL reads the numbers that were written, nulls among them', async () => {
  const number = fc.option(fc.maxSafeInteger());
  await fc.assert(
    fc.asyncProperty(fc.array(number), async (values) => {
      const rows = await reads.query<{ value: number | null }>('SELECT unnest($1::bigint[]) AS value', [
        bigintArray(values),
      ]);
      assert.deepEqual(
        rows.map(({ value }) => value),
        values,
      );
    }),
    { numRuns: 50 },
  );
});

test('text with a NUL is kept without one, and comes back', () => {
  const anything = fc.string({ unit: fc.constantFrom('\0', '\\', '0', 'a', '"') });
  fc.assert(
    fc.property(anything, anything, (one, other) => {
      const stored = withoutNul(one);
      assert.ok(!stored.includes('\0'));
      assert.equal(withNul(stored), one);
      assert.equal(stored === withoutNul(other), one === other);
    }),
  );
});
