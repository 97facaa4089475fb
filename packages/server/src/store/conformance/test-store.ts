import { describe } from 'node:test';
import type { StoreHarness } from './harness.ts';
import { testBackfill } from './test-backfill.ts';
import { testCancel } from './test-cancel.ts';
import { testCounters } from './test-counters.ts';
import { testDirectory } from './test-directory.ts';
import { testDurability } from './test-durability.ts';
import { testEventLog } from './test-event-log.ts';
import { testHistory } from './test-history.ts';
import { testHolds } from './test-holds.ts';
import { testIdempotency } from './test-idempotency.ts';
import { testIsolation } from './test-isolation.ts';
import { testJobs } from './test-jobs.ts';
import { testModel } from './test-model.ts';
import { testNews } from './test-news.ts';
import { testOutageRecovery } from './test-outage-recovery.ts';
import { testQueue } from './test-queue.ts';
import { testReadTokens } from './test-read-tokens.ts';
import { testRequeue } from './test-requeue.ts';
import { testRetention } from './test-retention.ts';
import { testRetryJobs } from './test-retry-jobs.ts';
import { testSecrets } from './test-secrets.ts';
import { testSettle } from './test-settle.ts';
import { testUnavailable } from './test-unavailable.ts';
import { testVersions } from './test-versions.ts';
import { testWakes } from './test-wakes.ts';
import { testWebhooks } from './test-webhooks.ts';

/** What it means to be a {@link Store}: every driver runs all of it. */
export function testStore(name: string, harness: StoreHarness): void {
  describe(`${name} store`, () => {
    testDirectory(harness);
    testWebhooks(harness);
    testVersions(harness);
    testReadTokens(harness);
    testHolds(harness);
    testEventLog(harness);
    testIdempotency(harness);
    testQueue(harness);
    testSettle(harness);
    testNews(harness);
    testCancel(harness);
    testRequeue(harness);
    testJobs(harness);
    testRetryJobs(harness);
    testOutageRecovery(harness);
    testBackfill(harness);
    testRetention(harness);
    testModel(harness);
    testHistory(harness);
    testWakes(harness);
    testCounters(harness);
    testIsolation(harness);
    testDurability(harness);
    testSecrets(harness);
    testUnavailable(harness);
  });
}
