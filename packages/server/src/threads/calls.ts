import { AppError, type ErrorCode, type FieldError } from '../errors.ts';

/**
 * Calls from one thread to another. Calls made in one turn of the event loop travel in one message, and so do answers that
 * come together: a message costs more than what it carries. Arguments and results are copied; of errors, `AppError`s keep their meaning.
 */
type Call = [id: number, method: string, parameters: unknown[]];
type Answer = [id: number, result: unknown, failure: CarriedError | null];

interface CarriedError {
  code: ErrorCode | null;
  message: string;
  fields: readonly FieldError[];
}

interface Caller {
  resolve: (result: unknown) => void;
  reject: (error: Error) => void;
}

type Methods = Record<string, (...parameters: never[]) => Promise<unknown>>;

/** A `MessagePort`, or the main thread's `Worker`. */
interface Port {
  postMessage(message: unknown): void;
  on(name: 'message', listener: (message: unknown) => void): unknown;
}

/** Answers the calls that come over a port with the methods of `target`. */
export function answerCalls(port: Port, target: Methods): void {
  // Before anything else that the thread has to do: others wait for them.
  const answer = gather<Answer>((answers) => port.postMessage(answers), queueMicrotask);
  port.on('message', (calls) => {
    for (const call of calls as Call[]) void run(call);
  });

  async function run([id, method, parameters]: Call): Promise<void> {
    let result: unknown;
    try {
      const called = target[method];
      if (called === undefined) throw new Error(`there is no method ${method} on this thread`);
      result = await called(...(parameters as never[]));
    } catch (error) {
      answer([id, undefined, carry(error)]);
      return;
    }
    answer([id, result, null]);
  }
}

/** The methods of another thread, as if they were here. @param methods their names */
export function callsTo<Target extends object>(port: Port, methods: readonly (keyof Target & string)[]): Target {
  // By id, which is free again after the answer: a map that is filled and emptied all the time leaves tables behind that are old.
  const waiting: (Caller | null)[] = [];
  const freeIds: number[] = [];
  const send = gather<Call>((calls) => port.postMessage(calls), setImmediate);
  port.on('message', (answers) => {
    for (const [id, result, failure] of answers as Answer[]) {
      const caller = waiting[id];
      waiting[id] = null;
      freeIds.push(id);
      if (failure === null) caller?.resolve(result);
      else caller?.reject(unpack(failure));
    }
  });
  const call = (method: string, parameters: unknown[]) =>
    new Promise<unknown>((resolve, reject) => {
      const id = freeIds.pop() ?? waiting.length;
      waiting[id] = { resolve, reject };
      send([id, method, parameters]);
    });
  return Object.fromEntries(
    methods.map((method) => [method, (...parameters: unknown[]) => call(method, parameters)]),
  ) as Target;
}

/** A message of so many leaves at once, so that the other thread begins while this one is still busy. */
const MOST_PER_MESSAGE = 16;

/** Collects what comes until `later` runs what it is given, or there is enough for a message. */
function gather<Item>(send: (items: Item[]) => void, later: (flush: () => void) => void): (item: Item) => void {
  let items: Item[] = [];
  const flush = () => {
    if (items.length === 0) return;
    const gathered = items;
    items = [];
    send(gathered);
  };
  return (item) => {
    items.push(item);
    if (items.length === MOST_PER_MESSAGE) flush();
    else if (items.length === 1) later(flush);
  };
}

function carry(error: unknown): CarriedError {
  if (error instanceof AppError) return { code: error.code, message: error.message, fields: error.fields };
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: null, message, fields: [] };
}

function unpack({ code, message, fields }: CarriedError): Error {
  return code === null ? new Error(message) : new AppError(code, message, { fields });
}
