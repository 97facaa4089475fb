import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ServerProcess, startServer } from '../start-server.ts';
import { makeThrowawayCertificate } from '../throwaway-certificate.ts';
import { waitUntil } from '../wait-until.ts';
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts';
import type { Finding } from './finding.ts';
import { type AttemptJson, type FaultHistory, judgeFault, waitSeconds } from './judge-fault.ts';
import { FAULTS, type MatrixFault, nextStepOf, PHASES, type Stage, TIMEOUT } from './matrix-rows.ts';
import { pass } from './proxy-faults.ts';
import { type RecordingReceiver, startRecordingReceiver } from './receiver.ts';
import { addWebhook } from './webhooks.ts';
import { withFolder } from './with-folder.ts';

const STEP_MS = 30_000;
const HEADING = [
  'fault',
  'when',
  'outcome',
  'DNS',
  'connect',
  'TLS',
  'first byte',
  'total',
  'next',
  'attempts that the receiver got',
];

/** One cell of the matrix: a webhook whose receiver is behind a proxy of its own. */
interface Cell {
  expected: MatrixFault;
  proxy: FaultProxy;
  webhookId: string;
  dueAt: string | null;
}

/** The fields of `GET /v1/deliveries` that are looked at. */
interface DeliveryJson {
  id: string;
  webhook_id: string;
  state: string;
  due_at: string | null;
  attempt_count: number;
}

/** Every fault at every stage of a delivery: what is recorded of it, what comes next, and what the receiver sees. */
export async function matrix(stages: readonly Stage[]): Promise<Finding> {
  const rows: Finding['table'][number][] = [];
  const breaches: string[] = [];
  for (const stage of stages) {
    const result = await runStage(stage);
    rows.push(...result.rows);
    breaches.push(...result.breaches);
  }
  const order = FAULTS.map(({ about }) => about);
  rows.sort((one, other) => order.indexOf(String(one[0])) - order.indexOf(String(other[0])));
  return { title: `faults between server and receiver, timeout ${TIMEOUT} s`, table: [HEADING, ...rows], breaches };
}

function runStage(stage: Stage): Promise<Pick<Finding, 'breaches'> & { rows: Finding['table'] }> {
  return withFolder(async (folder) => {
    const certificate = makeThrowawayCertificate(folder);
    const answer = (request: IncomingMessage, response: ServerResponse) => {
      const isTaken = Number(request.headers['x-broxi-attempt']) >= stage.attempt;
      // Each attempt needs a connection of its own to meet what was chosen for it.
      response.writeHead(isTaken ? 204 : 503, { connection: 'close' }).end();
      return isTaken;
    };
    const plain = await startRecordingReceiver({ era: () => 0, answer });
    const secure = await startRecordingReceiver({ era: () => 0, answer, certificate });
    const server = await startServer(folder, [], { NODE_EXTRA_CA_CERTS: certificate.certFile });
    const cells: Cell[] = [];
    try {
      for (const expected of FAULTS) {
        const receiver = expected.origin === undefined ? plain : secure;
        cells.push(await openCell(expected, { stage, server, receiver }));
      }
      const deliveries = await deliver(server, stage, cells);
      const requests = [...plain.requests, ...secure.requests];
      const breaches = [...plain.unverified, ...secure.unverified];
      const rows: Finding['table'][number][] = [];
      for (const { expected, proxy, webhookId, dueAt } of cells) {
        const delivery = deliveries.find(({ webhook_id }) => webhook_id === webhookId);
        if (delivery === undefined) throw new Error(`${expected.about}: its webhook was owed nothing`);
        const { body } = await server.call('GET', `/v1/deliveries/${delivery.id}`);
        const { body: webhook } = await server.call('GET', `/v1/webhooks/${webhookId}`);
        const [destination] = webhook['destinations'] as Pick<FaultHistory, 'circuit'>[];
        if (destination === undefined) throw new Error(`${expected.about}: its webhook leads nowhere`);
        const history: FaultHistory = {
          state: delivery.state,
          attempts: body['attempts'] as AttemptJson[],
          dueAt,
          circuit: destination.circuit,
          reached: proxy.reached,
          requests: requests.filter((request) => request.webhookId === webhookId),
          deliveryId: delivery.id,
        };
        const wrong = judgeFault(expected, stage, history);
        breaches.push(...wrong.map((breach) => `${expected.about}, ${stage.name}: ${breach}`));
        rows.push(describe(expected, stage, history));
      }
      return { rows, breaches };
    } finally {
      await server.kill();
      await Promise.all([plain, secure, ...cells.map(({ proxy }) => proxy)].map((each) => each.close()));
    }
  });
}

async function openCell(
  expected: MatrixFault,
  { stage, server, receiver }: { stage: Stage; server: ServerProcess; receiver: RecordingReceiver },
): Promise<Cell> {
  const proxy = await startFaultProxy({
    receiverPort: Number(new URL(receiver.url).port),
    faultOf: (connection) => (connection === stage.attempt - 1 ? expected.fault : pass),
  });
  const webhookId = await addWebhook(server, {
    receiver: { ...receiver, url: `${expected.origin ?? 'http://127.0.0.1'}:${proxy.port}` },
    path: `/${proxy.port}`,
    timeout: TIMEOUT,
    ...stage.webhook,
  });
  return { expected, proxy, webhookId, dueAt: null };
}

/** Sends an event, or several, to all cells. @returns their deliveries, once no more is expected of any */
async function deliver(server: ServerProcess, stage: Stage, cells: readonly Cell[]): Promise<DeliveryJson[]> {
  const event = 'workflow.started';
  for (let i = 0; i < (stage.events ?? 1); i += 1) {
    const data = { workflow_id: 'faults', run_id: stage.name };
    const { status, body } = await server.call('POST', '/v1/events', { event, data });
    if (status !== 202) throw new Error(`the event was answered ${status}: ${JSON.stringify(body)}`);
  }
  let deliveries: DeliveryJson[] = [];
  const areOver = async () => {
    const query = `event=${stage.deliveredAs ?? event}&limit=${cells.length}`;
    const list = await server.call('GET', `/v1/deliveries?${query}`);
    deliveries = list.body['data'] as DeliveryJson[];
    return deliveries.length === cells.length && (await Promise.all(deliveries.map(isOver))).every(Boolean);
  };
  const isOver = async ({ webhook_id, state, attempt_count, due_at }: DeliveryJson) => {
    const cell = cells.find(({ webhookId }) => webhookId === webhook_id);
    if (cell === undefined) throw new Error(`webhook ${webhook_id} is in no cell`);
    if (attempt_count === stage.attempt) {
      cell.dueAt ??= due_at;
      if (cell.expected.fault === 'refused') await cell.proxy.accept();
    }
    if (state === 'delivered' || state === 'failed') return true;
    return state === 'held' && attempt_count === stage.attempt && nextStepOf(cell.expected, stage).state === 'held';
  };
  await waitUntil(`the end of ${cells.length} deliveries`, areOver, STEP_MS);
  return deliveries;
}

function describe({ about }: MatrixFault, stage: Stage, history: FaultHistory): string[] {
  const attempt = history.attempts[stage.attempt - 1];
  const exchange = attempt?.exchanges[0];
  if (attempt === undefined || exchange === undefined) return [about, stage.name, 'not attempted'];
  const { timing, failure } = exchange;
  const ms = (seconds: number | null) => (seconds === null ? '–' : `${Math.round(seconds * 1000)} ms`);
  const wait = waitSeconds(attempt, history.dueAt);
  return [
    about,
    stage.name,
    failure === null ? attempt.outcome : `${attempt.outcome}, ${failure.kind}`,
    ...PHASES.map((phase) => ms(timing[phase])),
    ms(timing.total),
    describeNext(stage, history, wait),
    history.requests.map(({ attempt: number }) => number).join(', ') || 'none',
  ];
}

function describeNext(stage: Stage, { state, circuit }: FaultHistory, wait: number | null): string {
  const next = wait === null ? state : `again after ${wait.toFixed(1)} s`;
  if (stage.isProbe !== true) return next;
  return circuit.state === 'open' ? `held, ${next}` : `${next}, the circuit closes`;
}
