import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { openTestApp, type TestApp } from './test-app.ts';

/** Every body that a stranger may send gets a 4xx problem that says where, and never a 500. */
describe('hostile input', () => {
  let test: TestApp;
  let webhook: string;
  before(async () => {
    test = await openTestApp();
    webhook = (await test.call('POST', '/v1/webhooks', { url: 'https://a.example/', events: ['*'] })).body.id;
  });
  after(() => test.close());
  afterEach(() => assert.deepEqual(test.unexpected, []));

  const routes = (): [method: string, url: string][] => [
    ['POST', '/v1/events'],
    ['POST', '/v1/events/batch'],
    ['POST', '/v1/webhooks'],
    ['PUT', `/v1/webhooks/${webhook}`],
    ['PATCH', `/v1/webhooks/${webhook}`],
    ['POST', `/v1/webhooks/${webhook}/test`],
    ['POST', '/v1/event-types'],
    ['PUT', '/v1/event-types/order.paid'],
  ];
  const assertProblem = ({ status, body }: { status: number; body: unknown }, what: string) => {
    assert.ok(status >= 400 && status < 500, `${what}: ${status} ${JSON.stringify(body)}`);
    const { code, detail, errors } = body as {
      code: string;
      detail: string;
      errors?: { path: string; message: string }[];
    };
    assert.equal(typeof code, 'string');
    assert.ok(detail.length > 10);
    if (status !== 422) return;
    assert.ok(errors !== undefined && errors.length > 0, `${what}: no path`);
    for (const { path, message } of errors) {
      assert.equal(typeof path, 'string');
      assert.ok(message.length > 3);
    }
  };

  describe('JSON that cannot be read is 400 in every route', () => {
    for (const text of [
      '{',
      '}',
      '{"event":',
      'nul',
      "{'event':1}",
      '{"a":1,}',
      '[1,]',
      '{"a":1}{"b":2}',
      '\u0000',
      '{"a":"\n"}',
      '{"a":01}',
      '{"a":NaN}',
      '{"a":Infinity}',
      '// x',
      ' ',
      '{"a":"\\x"}',
      '{"a":"\\u12"}',
    ]) {
      it(JSON.stringify(text), async () => {
        for (const [method, url] of routes()) {
          const answer = await test.call(method, url, text);
          assert.equal(answer.status, 400, `${method} ${url}`);
          assert.equal(answer.body.code, 'malformed_json');
        }
      });
    }

    it('bytes that are no UTF-8', async () => {
      for (const [method, url] of routes()) {
        const answer = await test.call(method, url, Buffer.from([0x22, 0xff, 0xfe, 0x22]));
        assert.equal(answer.status, 400);
        assert.equal(answer.body.code, 'malformed_json');
      }
    });
  });

  describe('JSON that JavaScript would alter is 422 with its path', () => {
    const inData = (data: string) => `{"event":"user.session.ended","data":{"user_id":"u","session_id":"s",${data}}}`;
    for (const [text, path] of [
      [inData('"n":9007199254740993'), 'data.n'],
      [inData('"n":[1,{"m":1e400}]'), 'data.n[1].m'],
      [inData('"n":1,"n":2'), 'data.n'],
      [inData('"n":"\\ud800"'), 'data.n'],
      [inData('"\\udc00":1'), 'data.\ufffd'],
      [`{"event":"a","event":"b","data":{}}`, 'event'],
      [inData(`"n":${'['.repeat(100)}${']'.repeat(100)}`), `data.n${'[0]'.repeat(62)}`],
    ] as const) {
      it(text.slice(0, 90), async () => {
        const { status, body } = await test.call('POST', '/v1/events', text);
        assert.equal(status, 422);
        assert.equal(body.code, 'invalid_fields');
        assert.equal(body.errors[0].path, path);
        for (const [method, url] of routes()) assertProblem(await test.call(method, url, text), `${method} ${url}`);
      });
    }

    it('nesting that would overflow a stack', async () => {
      for (const depth of [65, 5_000, 100_000]) {
        for (const [open, close] of [
          ['[', ']'],
          ['{"a":', '}'],
        ] as const) {
          const text = `${open.repeat(depth)}1${close.repeat(depth)}`;
          for (const [method, url] of routes()) {
            const answer = await test.call(method, url, text);
            // A batch whose only item is refused is an answer as well.
            const refused = answer.status === 202 ? { status: 422, body: answer.body.results[0] } : answer;
            assert.ok(refused.status >= 400 && refused.status < 500, `${method} ${url} ${depth}`);
            if (refused.status === 422) assert.ok(refused.body.errors.length > 0);
          }
        }
      }
    });
  });

  it('a body of 10 MB is 413 in every route', async () => {
    const body = Buffer.alloc(10_000_000, 'x');
    for (const [method, url] of routes()) {
      const answer = await test.call(method, url, body);
      assert.equal(answer.status, 413, `${method} ${url}`);
      assert.equal(answer.body.code, 'payload_too_large');
    }
  });

  it('keys that name built-in properties are ordinary data', async () => {
    const text =
      '{"event":"user.session.ended","data":{"user_id":"u","session_id":"s","__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}}';
    const { status, body } = await test.call('POST', '/v1/events', text);
    assert.equal(status, 202);
    assert.equal(({} as { polluted?: number }).polluted, undefined);
    const raw = (
      await test.app.inject({
        url: `/v1/events/${body.id}`,
        headers: { authorization: `Bearer test-key-0123456789abcdef` },
      })
    ).body;
    assert.match(raw, /"__proto__":\{"polluted":1\}/);
    for (const key of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '']) {
      for (const [method, url] of routes()) {
        if (url.endsWith('/batch')) continue;
        assertProblem(await test.call(method, url, `{${JSON.stringify(key)}:{"a":1}}`), `${key} in ${method} ${url}`);
      }
    }
  });

  it('values of any wrong kind are refused, whatever they are', async () => {
    const names = [
      'event',
      'data',
      'timestamp',
      'id',
      'events',
      'url',
      'secret',
      'headers',
      'metadata',
      'retry_policy',
      'timeout',
      'active',
      'name',
      'schema',
      'sample',
      'description',
      'webhook_config',
      'activate',
      'signature_scheme',
      'max_concurrency',
      'rate_limit',
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.constantFrom(...names), fc.jsonValue({ maxDepth: 3 }), { minKeys: 1 }),
        fc.nat({ max: 7 }),
        async (body, n) => {
          const [method, url] = routes()[n] ?? ['POST', '/v1/events'];
          const answer = await test.call(method, url, body);
          if (answer.status >= 400) assertProblem(answer, `${method} ${url} ${JSON.stringify(body)}`);
          assert.deepEqual(test.unexpected, []);
        },
      ),
      { numRuns: 300 },
    );
  });

  describe('queries', () => {
    const lists = () => [
      '/v1/events',
      '/v1/webhooks',
      '/v1/deliveries',
      '/v1/event-types',
      `/v1/webhooks/${webhook}/versions`,
    ];
    for (const [query, path] of [
      ['limit=0', 'limit'],
      ['limit=201', 'limit'],
      ['limit=-1', 'limit'],
      ['limit=1.5', 'limit'],
      ['limit=abc', 'limit'],
      ['limit=', 'limit'],
      ['limit=1&limit=2', 'limit'],
      ['limit=1e2', null],
      ['limit[]=1', 'limit[]'],
      ['limt=5', 'limt'],
      ['__proto__=1', '__proto__'],
      ['cursor=', 'cursor'],
      ['cursor=nonsense', 'cursor'],
      ['cursor=%00', 'cursor'],
      [`cursor=${Buffer.from("' OR 1=1").toString('base64url')}`, 'cursor'],
      [`cursor=${'a'.repeat(400)}`, 'cursor'],
      [`cursor=${Buffer.from('evt_123').toString('base64url')}`, 'cursor'],
      ['cursor=a&cursor=b', 'cursor'],
    ] as const) {
      it(`?${query.slice(0, 40)}`, async () => {
        for (const url of lists()) {
          const { status, body } = await test.call('GET', `${url}?${query}`);
          if (path === null) {
            assert.equal(status, 200);
            continue;
          }
          assert.equal(status, 422, url);
          assert.equal(body.errors[0].path, path, url);
        }
      });
    }

    for (const [query, path] of [
      ['state=done', 'state'],
      ['status=99', 'status'],
      ['status=600', 'status'],
      ['status=ok', 'status'],
      ['from=yesterday', 'from'],
      ['from=2026-01-01', 'from'],
      ['to=2026-02-31T25:00:00Z', 'to'],
      ['to=1', 'to'],
      ['evnt=a', 'evnt'],
    ] as const) {
      it(`/v1/deliveries?${query}`, async () => {
        const { status, body } = await test.call('GET', `/v1/deliveries?${query}`);
        assert.equal(status, 422);
        assert.equal(body.errors[0].path, path);
      });
    }

    it('finds nothing by values that nothing has', async () => {
      for (const query of ['webhook_id=x', "event_id=' OR 1=1 --", 'run_id=%00', 'event=%F0%9F%92%A1', 'webhook_id=']) {
        const { status, body } = await test.call('GET', `/v1/deliveries?${encodeURI(query).replaceAll('%25', '%')}`);
        assert.equal(status, 200, query);
        assert.deepEqual(body.data, []);
      }
    });

    it('are refused by name where a route takes none', async () => {
      for (const [method, url] of [
        ...routes(),
        ['GET', `/v1/webhooks/${webhook}`],
        ['DELETE', `/v1/webhooks/${webhook}`],
        ['POST', `/v1/webhooks/${webhook}/secret/reveal`],
        ['POST', '/v1/deliveries/del_1/retry'],
      ] as const) {
        const input = url.includes('event-types') ? { name: 'a.b', schema: {} } : {};
        const wellFormed = url.endsWith('order.paid') ? { schema: {} } : input;
        const { status, body } = await test.call(
          method,
          `${url}?dry_run=true`,
          method === 'GET' ? undefined : wellFormed,
        );
        assert.equal(status, 422, `${method} ${url}`);
        assert.ok(
          body.errors.some(({ path }: { path: string }) => path === 'dry_run'),
          JSON.stringify(body),
        );
      }
    });
  });

  it('paths that cannot be decoded, or are endless', async () => {
    for (const path of [
      '/v1/webhooks/%',
      '/v1/webhooks/%ff',
      '/v1/events/%E0%A4%A',
      `/v1/events/${'x'.repeat(5_000)}`,
      '//',
      '/v1//events',
      '/v1/events/..%2f..%2fhealthz',
    ]) {
      const answer = await test.call('GET', path);
      assertProblem(answer, path);
    }
  });

  it('headers of any size that a server lets in', async () => {
    for (const headers of [
      { authorization: `Bearer ${'x'.repeat(100_000)}` },
      { 'if-match': '"1",'.repeat(10_000) },
      { 'idempotency-key': 'x'.repeat(100_000) },
      { 'content-type': `application/json; ${'x'.repeat(100_000)}` },
      { 'content-length': '-5' },
    ]) {
      for (const [method, url] of routes()) {
        const answer = await test.call(method, url, '{"x":1}', { headers });
        assertProblem(answer, `${method} ${url} ${JSON.stringify(headers).slice(0, 60)}`);
      }
    }
  });
});
