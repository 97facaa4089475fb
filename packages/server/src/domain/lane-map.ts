import type { Lane } from './webhook.ts';

/** Something for each lane. A lane is looked up for every delivery: two short maps cost less than a key put together of both ids. */
export class LaneMap<Value> {
  readonly #workspaces = new Map<string, Map<string, Value>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get({ workspaceId, webhookId }: Lane): Value | undefined {
    return this.#workspaces.get(workspaceId)?.get(webhookId);
  }

  set({ workspaceId, webhookId }: Lane, value: Value): void {
    let ofWorkspace = this.#workspaces.get(workspaceId);
    if (ofWorkspace === undefined) {
      ofWorkspace = new Map();
      this.#workspaces.set(workspaceId, ofWorkspace);
    }
    if (!ofWorkspace.has(webhookId)) this.#size += 1;
    ofWorkspace.set(webhookId, value);
  }

  delete({ workspaceId, webhookId }: Lane): void {
    const ofWorkspace = this.#workspaces.get(workspaceId);
    if (ofWorkspace?.delete(webhookId) !== true) return;
    this.#size -= 1;
    if (ofWorkspace.size === 0) this.#workspaces.delete(workspaceId);
  }

  /** In no order that means anything. What is deleted meanwhile is left out. */
  *values(): IterableIterator<Value> {
    for (const ofWorkspace of this.#workspaces.values()) yield* ofWorkspace.values();
  }
}
