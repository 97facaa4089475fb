import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type CopySource, type CopyTarget, copyHistory, copyLeft } from './copy-store.ts';

it('copies nothing that is not on the disk of the source yet', async () => {
  const steps: string[] = [];
  let read = 0;
  let onDisk = 0;
  const page = (what: string, after: number) => {
    read += 1;
    steps.push(`read ${what}`);
    return { rows: [], attempts: [], through: after + 1, isLast: after === 1 };
  };
  const source: CopySource = {
    readEvents: (after) => page('events', after),
    readDeliveries: ({ after }) => page('deliveries', after),
    readKeys: (after) => page('keys', after),
    readTable: () => [],
    readJobLanes: () => [],
    async onDisk() {
      const before = read;
      await new Promise((resolve) => setImmediate(resolve));
      onDisk = before;
    },
    extent: () => ({ events: 9, deliveries: 9 }),
    countWaiting: () => 0,
  };
  let pages = 0;
  const write = (what: string) => async () => {
    pages += 1;
    steps.push(`write ${what}`);
    assert.ok(onDisk >= pages, steps.join(', '));
  };
  const left = [[1, 2], [3]];
  const target: CopyTarget = {
    progress: { eventsThrough: 0, deliveriesThrough: 0, keysThrough: 0 },
    addEvents: write('events'),
    addFinal: write('deliveries'),
    addKeys: write('keys'),
    addLeft: write('left'),
    readLeft: async () => left.shift() ?? [],
    countLeft: async () => 3,
    finish: async () => {},
  };
  await copyHistory({ source, target });
  await copyLeft({ source, target });
  assert.equal(pages, 8, steps.join(', '));
});
