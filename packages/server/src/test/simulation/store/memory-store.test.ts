import { describe } from 'node:test';
import { testBatches } from '../../../store/conformance/test-batches.ts';
import { testCancel } from '../../../store/conformance/test-cancel.ts';
import { testCounters } from '../../../store/conformance/test-counters.ts';
import { testDirectory } from '../../../store/conformance/test-directory.ts';
import { testDurability } from '../../../store/conformance/test-durability.ts';
import { testEventLog } from '../../../store/conformance/test-event-log.ts';
import { testHistory } from '../../../store/conformance/test-history.ts';
import { testHolds } from '../../../store/conformance/test-holds.ts';
import { testIdempotency } from '../../../store/conformance/test-idempotency.ts';
import { testIsolation } from '../../../store/conformance/test-isolation.ts';
import { testModel } from '../../../store/conformance/test-model.ts';
import { testQueue } from '../../../store/conformance/test-queue.ts';
import { testRequeue } from '../../../store/conformance/test-requeue.ts';
import { testRunOrder } from '../../../store/conformance/test-run-order.ts';
import { testSecrets } from '../../../store/conformance/test-secrets.ts';
import { testSettle } from '../../../store/conformance/test-settle.ts';
import { testUnavailable } from '../../../store/conformance/test-unavailable.ts';
import { testVersions } from '../../../store/conformance/test-versions.ts';
import { testWakes } from '../../../store/conformance/test-wakes.ts';
import { testWebhooks } from '../../../store/conformance/test-webhooks.ts';
import { openMemoryHarness } from './memory-harness.ts';

const harness = { open: openMemoryHarness, withoutJobs: true };

/** All of the suite but what the engine does not see: jobs, backfill, retention, and operational events. */
describe('simulated store', () => {
  testDirectory(harness);
  testWebhooks(harness);
  testVersions(harness);
  testHolds(harness);
  testEventLog(harness);
  testIdempotency(harness);
  testQueue(harness);
  testRunOrder(harness);
  testSettle(harness);
  testBatches(harness);
  testCancel(harness);
  testRequeue(harness);
  testModel(harness);
  testHistory(harness);
  testWakes(harness);
  testCounters(harness);
  testUnavailable(harness);
  testSecrets(harness);
  testIsolation(harness);
  testDurability(harness);
});
