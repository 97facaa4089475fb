import type { DatabaseSync } from 'node:sqlite';
import { LaneMap } from '../../domain/lane-map.ts';
import type { Lane } from '../../domain/webhook.ts';
import { oneRow } from './database.ts';

/** The small numbers that rows carry for workspaces and lanes. Given when first needed, inside the caller's transaction. */
export class RowNumbers {
  readonly #workspaces = new Map<string, number>();
  #lanes = new LaneMap<number>();
  readonly #findWorkspace;
  readonly #addWorkspace;
  readonly #findLane;
  readonly #addLane;

  constructor(database: DatabaseSync) {
    this.#findWorkspace = database.prepare('SELECT number FROM workspace_numbers WHERE workspace_id = ?');
    this.#addWorkspace = database.prepare('INSERT INTO workspace_numbers (workspace_id) VALUES (?) RETURNING number');
    this.#findLane = database.prepare('SELECT number FROM lanes WHERE workspace_id = ? AND webhook_id = ?');
    this.#addLane = database.prepare('INSERT INTO lanes (workspace_id, webhook_id) VALUES (?, ?) RETURNING number');
  }

  ofWorkspace(id: string): number {
    const known = this.#workspaces.get(id);
    if (known !== undefined) return known;
    const { number } =
      oneRow<Numbered>(this.#findWorkspace, id) ?? oneRow<Numbered>(this.#addWorkspace, id) ?? missing();
    this.#workspaces.set(id, number);
    return number;
  }

  ofLane(lane: Lane): number {
    const known = this.findLane(lane);
    if (known !== null) return known;
    const { number } = oneRow<Numbered>(this.#addLane, lane.workspaceId, lane.webhookId) ?? missing();
    this.#lanes.set(lane, number);
    return number;
  }

  /** For reads, which write nothing. @returns null if nothing was ever owed in the lane */
  findLane(lane: Lane): number | null {
    const known = this.#lanes.get(lane);
    if (known !== undefined) return known;
    const row = oneRow<Numbered>(this.#findLane, lane.workspaceId, lane.webhookId);
    if (row === null) return null;
    this.#lanes.set(lane, row.number);
    return row.number;
  }

  /** A transaction was undone, and with it numbers that it gave. */
  forget(): void {
    this.#workspaces.clear();
    this.#lanes = new LaneMap();
  }
}

interface Numbered {
  number: number;
}

function missing(): never {
  throw new Error('a row that was inserted has a number');
}
