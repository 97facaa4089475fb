import type { Socket } from 'node:net';
import type { Passage } from './fault-proxy.ts';

/* What a network can do to a connection. Over TLS the same faults meet the handshake, which is what is sent first. */

/** None. */
export function pass({ sender, connectReceiver, reached }: Passage): void {
  const receiver = connectReceiver();
  sender.pipe(receiver).pipe(sender);
  receiver.once('data', reached);
}

/** Latency: whatever is sent arrives so much later, in both directions. */
export function delayBy(ms: number) {
  return ({ sender, connectReceiver, reached }: Passage): void => {
    const receiver = connectReceiver();
    forwardLate(sender, receiver, ms);
    forwardLate(receiver, sender, ms);
    receiver.once('data', reached);
  };
}

/** The first bytes of the sender are kept back; the rest passes as it comes. */
export function holdFirstFor(ms: number) {
  return ({ sender, connectReceiver, reached }: Passage): void => {
    sender.once('readable', () => {
      setTimeout(() => {
        reached();
        const receiver = connectReceiver();
        sender.pipe(receiver).pipe(sender);
      }, ms);
    });
  };
}

/** The request comes, goes nowhere, and the connection is reset. */
export function resetBeforeForwarding({ sender, reached }: Passage): void {
  sender.once('data', () => {
    reached();
    sender.resetAndDestroy();
  });
}

/** The receiver has the request and answers it; the sender sees a reset. */
export function resetAfterForwarding({ sender, connectReceiver, reached }: Passage): void {
  const receiver = connectReceiver();
  sender.pipe(receiver).once('data', () => {
    reached();
    sender.resetAndDestroy();
    receiver.destroy();
  });
}

/** The receiver has the request and answers it; the sender sees the end of a connection that still takes what it sends. */
export function halfCloseAfterForwarding({ sender, connectReceiver, reached }: Passage): void {
  const receiver = connectReceiver();
  sender.pipe(receiver).once('data', () => {
    reached();
    sender.end();
    receiver.resume();
  });
}

/** The receiver has the request and answers it; nothing of that comes back. */
export function swallowAnswer({ sender, connectReceiver, reached }: Passage): void {
  sender.pipe(connectReceiver()).on('data', reached);
}

/** The answer comes byte by byte. */
export function dripAnswer(everyMs: number) {
  return ({ sender, connectReceiver, reached }: Passage): void => {
    const waiting: Buffer[] = [];
    sender.pipe(connectReceiver()).on('data', (chunk: Buffer) => void waiting.push(chunk));
    const timer = setInterval(() => {
      const [chunk] = waiting;
      if (chunk === undefined) return;
      reached();
      sender.write(chunk.subarray(0, 1));
      if (chunk.length > 1) waiting[0] = chunk.subarray(1);
      else waiting.shift();
    }, everyMs);
    sender.on('close', () => clearInterval(timer));
  };
}

/** A black hole: takes everything, forwards nothing, never answers. */
export function swallowEverything({ sender, reached }: Passage): void {
  sender.on('data', reached);
}

/** Something else is there than was expected. */
export function answerGarbage({ sender, reached }: Passage): void {
  sender.once('data', () => {
    reached();
    sender.write('SSH-2.0-OpenSSH_9.9\r\n');
  });
}

function forwardLate(from: Socket, to: Socket, ms: number): void {
  from.on('data', (chunk) => void setTimeout(() => to.write(chunk), ms));
  from.on('end', () => void setTimeout(() => to.end(), ms));
}
