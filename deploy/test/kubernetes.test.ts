import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SETTINGS, variableName } from '../../packages/server/src/config.ts';
import { healthRoutes } from '../../packages/server/src/http/routes/operations.ts';
import { readText, readYaml } from './deploy-files.ts';
import { readDockerfile } from './read-dockerfile.ts';
import { STOP_LIMIT_S } from './stop-limit.ts';

interface Probe {
  httpGet: { path: string; port: string };
  periodSeconds: number;
  failureThreshold: number;
}

interface Container {
  image: string;
  args: string[];
  ports: { name: string; containerPort: number }[];
  env: { name: string; valueFrom: { secretKeyRef: { name: string; key: string } } }[];
  startupProbe: Probe;
  readinessProbe: Probe;
  livenessProbe: Probe;
  lifecycle?: { preStop: { sleep: { seconds: number } } };
  resources: { requests: Record<string, string>; limits: Record<string, string> };
  securityContext: Record<string, unknown>;
  volumeMounts: { name: string; mountPath: string }[];
}

interface PodSpec {
  enableServiceLinks: boolean;
  automountServiceAccountToken: boolean;
  terminationGracePeriodSeconds: number;
  topologySpreadConstraints: { labelSelector: { matchLabels: object } }[];
  securityContext: { runAsNonRoot: boolean; runAsUser: number; seccompProfile: { type: string } };
  containers: [Container];
  volumes: { name: string; emptyDir: object }[];
}

interface Deployment {
  kind: 'Deployment';
  metadata: { name: string };
  spec: {
    replicas: number;
    selector: { matchLabels: object };
    template: { metadata: { labels: object }; spec: PodSpec };
  };
}

type Selecting =
  | { kind: 'Service'; metadata: { name: string }; spec: { selector: object; ports: { targetPort: string }[] } }
  | {
      kind: 'PodDisruptionBudget';
      metadata: { name: string };
      spec: { selector: { matchLabels: object }; maxUnavailable: number };
    };

const PATHS = ['deploy/kubernetes/broxi-webhooks.yaml', 'deploy/kubernetes/split-roles.yaml'];
const files = PATHS.map((path) => {
  const objects = readYaml(path) as (Deployment | Selecting)[];
  const deployments = objects.filter((one): one is Deployment => one.kind === 'Deployment');
  return { path, deployments, selecting: objects.filter((one): one is Selecting => one.kind !== 'Deployment') };
});
const deployments = files.flatMap((file) => file.deployments);
const roleOf = ({ spec }: Deployment) => spec.template.spec.containers[0].args[2] ?? 'all';

test('every kind of server there is, two of each', () => {
  assert.deepEqual(deployments.map(roleOf), ['all', 'api', 'deliver']);
  for (const { spec } of deployments) assert.equal(spec.replicas, 2);
});

test('what selects pods selects those of its file', () => {
  for (const { path, deployments, selecting } of files) {
    for (const { metadata, spec } of deployments) {
      const { labels } = spec.template.metadata;
      assert.deepEqual(spec.selector.matchLabels, labels);
      assert.deepEqual(spec.template.spec.topologySpreadConstraints[0]?.labelSelector.matchLabels, labels);
      const budget = selecting.find((one) => one.kind === 'PodDisruptionBudget' && one.metadata.name === metadata.name);
      assert.deepEqual(budget?.spec.selector, { matchLabels: labels }, path);
    }
    const services = selecting.filter((one) => one.kind === 'Service');
    const taking = deployments.filter((one) => roleOf(one) !== 'deliver');
    assert.deepEqual(
      services.map(({ spec }) => spec.selector),
      taking.map(({ spec }) => spec.template.metadata.labels),
    );
    for (const { spec } of services) assert.equal(spec.ports[0]?.targetPort, 'http');
  }
});

test('probes ask paths that answer without a key, on the port that is listened on', () => {
  const paths = new Set<string>();
  healthRoutes({ get: (path: string) => paths.add(path) } as never, {} as never);
  for (const { spec } of deployments) {
    const [container] = spec.template.spec.containers;
    const { startupProbe, readinessProbe, livenessProbe, ports } = container;
    assert.deepEqual(ports, [{ name: 'http', containerPort: SETTINGS.port.initial('serve') }]);
    assert.equal(readinessProbe.httpGet.path, '/readyz');
    for (const { httpGet } of [startupProbe, livenessProbe]) assert.equal(httpGet.path, '/healthz');
    for (const { httpGet } of [startupProbe, readinessProbe, livenessProbe]) {
      assert.ok(paths.has(httpGet.path));
      assert.equal(httpGet.port, 'http');
    }
    assert.ok(startupProbe.periodSeconds * startupProbe.failureThreshold >= 300, 'a migration has its time');
  }
});

test('a pod is not killed while it stops, and gets no requests any more before it does', () => {
  for (const deployment of deployments) {
    const { terminationGracePeriodSeconds, containers } = deployment.spec.template.spec;
    const [{ lifecycle, readinessProbe }] = containers;
    const waiting = lifecycle?.preStop.sleep.seconds ?? 0;
    assert.ok(terminationGracePeriodSeconds > waiting + STOP_LIMIT_S);
    if (roleOf(deployment) === 'deliver') continue;
    assert.ok(waiting > readinessProbe.periodSeconds * readinessProbe.failureThreshold);
  }
});

test('no rights beyond what it needs', () => {
  const user = readDockerfile(readText('deploy/Dockerfile'))
    .stages.at(-1)
    ?.instructions.find(({ name }) => name === 'USER');
  for (const { spec } of deployments) {
    const pod = spec.template.spec;
    const { runAsUser, runAsNonRoot, seccompProfile } = pod.securityContext;
    assert.ok(user?.text.startsWith(`${runAsUser}:`), 'the user that owns /data in the image');
    assert.deepEqual([runAsNonRoot, seccompProfile.type], [true, 'RuntimeDefault']);
    assert.deepEqual(pod.containers[0].securityContext, {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    assert.deepEqual([pod.automountServiceAccountToken, pod.enableServiceLinks], [false, false]);
    assert.deepEqual(pod.volumes, [{ name: 'tmp', emptyDir: {} }]);
    assert.deepEqual(pod.containers[0].volumeMounts, [{ name: 'tmp', mountPath: '/tmp' }]);
    assert.ok(pod.containers[0].resources.limits['memory'] && pod.containers[0].resources.requests['cpu']);
  }
});

test('secrets come from the secret that the first lines make, and nothing else is set', () => {
  const made = [...readText(PATHS[0] ?? '').matchAll(/--from-literal=([\w-]+)=/g)].map(([, key]) => key);
  const wanted = ['database_url', 'encryption_key', 'api_key'];
  for (const { spec } of deployments) {
    const { env } = spec.template.spec.containers[0];
    assert.deepEqual(
      env.map(({ name }) => name),
      wanted.map(variableName),
    );
    assert.deepEqual(
      env.map(({ valueFrom }) => valueFrom.secretKeyRef.key),
      made,
    );
    for (const { valueFrom } of env) assert.equal(valueFrom.secretKeyRef.name, 'broxi-webhooks');
  }
});

test('the kinds of servers differ in their roles alone', () => {
  const [all, api, deliver] = deployments.map(({ spec }) => {
    const { terminationGracePeriodSeconds, topologySpreadConstraints, containers, ...pod } = spec.template.spec;
    const [{ args, lifecycle, ...container }] = containers;
    return { pod, container };
  });
  assert.deepEqual(api, all);
  assert.deepEqual(deliver, all);
});
