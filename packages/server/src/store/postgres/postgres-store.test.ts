import { after, before } from 'node:test';
import { openOnPostgres } from '../../test/postgres/postgres-harness.ts';
import { ThrowawayPostgres } from '../../test/postgres/throwaway-postgres.ts';
import { testStore } from '../conformance/test-store.ts';

let postgres: ThrowawayPostgres;
before(async () => {
  postgres = await ThrowawayPostgres.start();
});
after(() => postgres.stop());

testStore('PostgreSQL', { open: (clock) => openOnPostgres(postgres, clock) });
