import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { StoreHarness } from './harness.ts';
import { sampleChange, sampleConfig } from './samples.ts';
import { Scene } from './scene.ts';

/** What must not lie readable on a disk or in a backup. */
export function testSecrets(harness: StoreHarness): void {
  describe('secrets', () => {
    const scene = new Scene(harness);

    it('are never stored in clear, in any version', async (t) => {
      const { dump } = scene.opened;
      if (dump === undefined) return t.skip('this harness cannot read what is stored');
      const lane = await scene.lane();
      const put = (version: number) => {
        const headers = { Authorization: `Bearer header-value-${version}`, 'X-Own': `own-value-${version}` };
        const route = { when: { event: 'workflow.failed' }, url: 'https://route.example/' };
        const routes = [{ ...route, headers: { 'X-Key': `route-value-${version}` } }];
        const config = sampleConfig({ headers, routes, description: `described ${version}` });
        const secret = `top secret text ${version}`;
        const readToken = { token: `read token ${version}`, hash: `hash of token ${version}` };
        return scene.store.putWebhook(
          sampleChange(lane, { config, secret, readToken, expectedVersion: version === 1 ? null : version - 1 }),
        );
      };
      for (const version of [1, 2, 3]) await put(version);
      const stored = await dump();
      for (const version of [1, 2, 3]) {
        assert.ok(
          stored.includes(`described ${version}`),
          'what is no secret is found, so this looks at the right bytes',
        );
        for (const secret of [
          `top secret text ${version}`,
          `header-value-${version}`,
          `own-value-${version}`,
          `route-value-${version}`,
          `read token ${version}`,
        ]) {
          for (const encoding of ['utf8', 'hex', 'base64', 'utf16le'] as const) {
            const encoded = Buffer.from(secret).toString(encoding === 'utf16le' ? 'utf8' : encoding);
            const bytes = Buffer.from(encoded.replace(/=+$/, ''), encoding === 'utf16le' ? 'utf16le' : 'utf8');
            assert.ok(!stored.includes(bytes), `${secret} as ${encoding}`);
          }
        }
      }
      const [latest] = await scene.read((reads) => reads.listWebhookVersions(lane));
      assert.equal(await scene.read((reads) => reads.revealReadToken(lane)), 'read token 3');
      assert.equal(latest?.secret, 'top secret text 3');
      assert.equal(latest?.config.headers['Authorization'], 'Bearer header-value-3');
      assert.deepEqual(latest?.config.routes?.[0]?.headers, { 'X-Key': 'route-value-3' });
    });
  });
}
