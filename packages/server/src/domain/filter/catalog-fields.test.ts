import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

test('the catalog is loaded when a filter first asks for it, and not before', () => {
  const script = `
    import { registerHooks } from 'node:module';
    let isLoaded = false;
    registerHooks({
      load(url, context, next) {
        isLoaded ||= url.includes('typebox');
        return next(url, context);
      },
    });
    const { createWants } = await import('../wants-event.ts');
    const before = isLoaded;
    createWants({ events: ['*'], filters: { output_contains: 'a' }, conditions: null, routes: null });
    console.log(before, isLoaded);`;
  const options = ['--conditions=source', '--input-type=module-typescript', '--eval', script];
  const said = execFileSync(process.execPath, options, { cwd: import.meta.dirname, encoding: 'utf8' });
  assert.equal(said.trim(), 'false true');
});
