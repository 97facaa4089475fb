import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { splitItems } from './split-items.ts';

describe('splitItems', () => {
  it('gives the text of every item, bare or under events', () => {
    const items = fc.array(fc.jsonValue({ maxDepth: 4 }), { maxLength: 6 });
    const space = fc.constantFrom(0, 1, '\t');
    const others = fc.dictionary(
      fc.string().filter((key) => key !== 'events' && key !== '__proto__'),
      fc.jsonValue(),
    );
    fc.assert(
      fc.property(items, space, others, fc.boolean(), (values, indent, beside, bare) => {
        const whole = bare ? values : { ...beside, events: values, after: [1, { events: 2 }] };
        const split = splitItems(JSON.stringify(whole, null, indent));
        assert.ok(split);
        assert.deepEqual(
          split.items.map((text) => JSON.parse(text)),
          JSON.parse(JSON.stringify(values)),
        );
        const frame = bare ? [] : { ...beside, events: [], after: [1, { events: 2 }] };
        assert.deepEqual(JSON.parse(split.frame), JSON.parse(JSON.stringify(frame)));
      }),
    );
  });

  it('finds the list under an escaped name and behind a byte order mark', () => {
    assert.deepEqual(splitItems('\uFEFF{"\\u0065vents":[1,"]"]}')?.items, ['1', '"]"']);
  });

  it('finds no list where there is none at the top', () => {
    for (const text of ['{}', '5', '"[1]"', '{"events":5}', '{"a":{"events":[1]}}', '{"events":{"events":[1]}}', '']) {
      assert.equal(splitItems(text), null, text);
    }
  });
});
