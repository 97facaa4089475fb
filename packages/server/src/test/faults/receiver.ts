import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { verify } from '@broxi/receiver';

/** One delivery, as its receiver knows it. */
export interface Reception {
  deliveryId: string;
  webhookId: string;
  eventId: string;
  /** `data.run_id`: what the producer called the event. */
  key: string;
  /** How often its request came and was answered with 2xx. */
  times: number;
  /** How many kills came before the first of them. */
  firstIn: number;
  /** When the first of them came, on the monotonic clock. */
  firstAt: number;
  /** A later request had other bytes than the first. */
  altered: boolean;
}

/** A request whose signature was right, whatever it was answered. */
export interface VerifiedRequest {
  webhookId: string;
  deliveryId: string;
  /** X-Broxi-Attempt. */
  attempt: number;
  /** Of its bytes. */
  digest: string;
}

export interface ReceiverOptions {
  /** How many kills there were so far. */
  era: () => number;
  /** Answers the verified request; false: it was refused on purpose. Default: 204 at once. */
  answer?: (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>;
  /** Speaks https with it, PEM. Default: http. */
  certificate?: { key: string; cert: string };
}

/** A receiver that checks every signature and forgets nothing. */
export interface RecordingReceiver {
  url: string;
  /** By delivery id. */
  received: ReadonlyMap<string, Reception>;
  /** In their order. */
  requests: readonly VerifiedRequest[];
  /** Why requests were not taken: a signature did not match, or the body was not the header's. */
  unverified: readonly string[];
  /** The secret of a webhook that leads here. Requests under its path are checked with it. */
  knowSecret(path: string, secret: string): void;
  close(): Promise<void>;
}

export async function startRecordingReceiver(options: ReceiverOptions): Promise<RecordingReceiver> {
  const { era, answer, certificate } = options;
  const received = new Map<string, Reception>();
  const digests = new Map<string, string>();
  const requests: VerifiedRequest[] = [];
  const unverified: string[] = [];
  const secrets = new Map<string, string>();

  const take = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await bytesOf(request);
    if (body === null) return;
    const secret = secrets.get(request.url ?? '') ?? '';
    const verification = await verify({ body, headers: request.headers, secret });
    if (!verification.ok) {
      unverified.push(verification.message);
      response.writeHead(500).end();
      return;
    }
    const payload = verification.payload as { webhook_id: string; delivery_id: string; data: { run_id: string } };
    const deliveryId = payload.delivery_id;
    if (request.headers['x-broxi-delivery-id'] !== deliveryId) unverified.push(`${deliveryId}: the header differs`);
    const digest = createHash('sha256').update(body).digest('base64');
    const firstDigest = digests.get(deliveryId) ?? digest;
    digests.set(deliveryId, firstDigest);
    requests.push({
      webhookId: payload.webhook_id,
      deliveryId,
      attempt: Number(request.headers['x-broxi-attempt']),
      digest,
    });
    const taken = answer === undefined ? answerAtOnce(response) : await answer(request, response);
    if (!taken) return;
    const known = received.get(deliveryId);
    received.set(deliveryId, {
      deliveryId,
      webhookId: payload.webhook_id,
      eventId: String(request.headers['x-broxi-event-id']),
      key: payload.data.run_id,
      times: (known?.times ?? 0) + 1,
      firstIn: known?.firstIn ?? era(),
      firstAt: known?.firstAt ?? performance.now(),
      altered: (known?.altered ?? false) || digest !== firstDigest,
    });
  };

  const onRequest = (request: IncomingMessage, response: ServerResponse) => {
    take(request, response).catch((error: unknown) => {
      unverified.push(String(error));
      response.destroy();
    });
  };
  const server = certificate === undefined ? createServer(onRequest) : createHttpsServer(certificate, onRequest);
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    url: `${certificate === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    requests,
    unverified,
    knowSecret: (path, secret) => void secrets.set(path, secret),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answerAtOnce(response: ServerResponse): true {
  response.writeHead(204).end();
  return true;
}

/** @returns null if the sender died meanwhile */
async function bytesOf(request: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of request) chunks.push(chunk as Buffer);
  } catch {
    return null;
  }
  return Buffer.concat(chunks);
}
