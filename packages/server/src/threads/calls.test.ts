import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { AppError, InvalidFieldsError } from '../errors.ts';
import { answerCalls, callsTo } from './calls.ts';

interface Echo {
  after(turns: number, value: unknown): Promise<unknown>;
  refuse(field: string): Promise<void>;
  break(): Promise<void>;
}

function connect(t: { after(done: () => void): void }): Echo {
  const { port1, port2 } = new MessageChannel();
  t.after(() => port1.close());
  answerCalls(port2, {
    async after(turns: number, value: unknown) {
      for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      return value;
    },
    async refuse(field: string) {
      throw new InvalidFieldsError([{ path: field, message: 'must be a list' }]);
    },
    async break() {
      throw new TypeError('no such thing');
    },
  });
  return callsTo<Echo>(port1, ['after', 'refuse', 'break']);
}

test('each caller is given its own answer, in whatever order they come', async (t) => {
  const echo = connect(t);
  const turns = Array.from({ length: 200 }, (_, i) => (i * 7) % 11);
  for (let round = 0; round < 3; round += 1) {
    const answers = await Promise.all(turns.map((count, i) => echo.after(count, { round, i })));
    assert.deepEqual(
      answers,
      turns.map((_, i) => ({ round, i })),
    );
  }
});

test('a caller that waits is not given the answer to a later one', async (t) => {
  const echo = connect(t);
  const slow = echo.after(50, 'slow');
  for (let i = 0; i < 20; i += 1) assert.equal(await echo.after(0, i), i);
  assert.equal(await slow, 'slow');
});

test('errors of the project keep their code and fields, others their message', async (t) => {
  const echo = connect(t);
  await assert.rejects(echo.refuse('events'), (error) => {
    assert.ok(error instanceof AppError);
    assert.deepEqual([error.code, error.fields], ['invalid_fields', [{ path: 'events', message: 'must be a list' }]]);
    return true;
  });
  await assert.rejects(echo.break(), /no such thing/);
  assert.equal(await echo.after(0, 'goes on'), 'goes on');
});
