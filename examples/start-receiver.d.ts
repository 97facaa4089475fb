export declare const receiverNames: readonly ['express-basic', 'flask-basic', 'secure', 'with-package'];
export type ReceiverName = (typeof receiverNames)[number];
/** One event that a receiver accepted and handled. */
export interface Received {
    event: string;
    deliveryId: string;
}
export interface RunningReceiver {
    /** Where to post, with the path. */
    url: string;
    /**
     * Resolves with everything received so far, oldest first, once that is at least `count`.
     * Rejects when the process ends before, or after `timeoutMs` (default 10,000).
     */
    received(count: number, options?: {
        timeoutMs?: number;
    }): Promise<readonly Received[]>;
    /** Ends the process and resolves when it is gone. May be called again. */
    stop(): Promise<void>;
}
/** The program and arguments that run an example. */
export declare function commandOf(name: ReceiverName): Promise<[command: string, ...args: string[]]>;
/**
 * Runs an example as a process of its own, on a free port of 127.0.0.1.
 * @throws Error with what the process wrote to stderr when it ends before it listens, or does not listen within 30 s.
 */
export declare function startReceiver(name: ReceiverName, settings: {
    secret: string;
}): Promise<RunningReceiver>;
