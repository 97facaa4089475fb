import assert from 'node:assert/strict';
import { test } from 'node:test';
import { laneKey } from './webhook.ts';

test('lanes of one key are the same lane', () => {
  const lane = { workspaceId: 'ws_1', webhookId: 'wh_1' };
  assert.equal(laneKey(lane), laneKey({ ...lane }));
  const others = [
    { ...lane, webhookId: 'wh_2' },
    { ...lane, workspaceId: 'ws_2' },
  ];
  assert.equal(new Set([lane, ...others].map(laneKey)).size, 3);
});
