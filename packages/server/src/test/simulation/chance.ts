import { seededRandom } from '../faults/seeded-random.ts';

/** Choices that a seed repeats. */
export class Chance {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  /** In [0, 1). */
  next(): number {
    return this.#random();
  }

  /** A whole number, both ends included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.#random() * (high - low + 1));
  }

  happens(probability: number): boolean {
    return this.#random() < probability;
  }

  pick<Item>(items: readonly [Item, ...Item[]]): Item {
    return items[Math.floor(this.#random() * items.length)] ?? items[0];
  }

  /** Some of them, in their order; each with this probability. */
  some<Item>(items: readonly Item[], probability: number): Item[] {
    return items.filter(() => this.happens(probability));
  }

  /** By weight. */
  weighed<Item>(items: readonly [readonly [weight: number, item: Item], ...(readonly [number, Item])[]]): Item {
    let left = this.#random() * items.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, item] of items) {
      left -= weight;
      if (left < 0) return item;
    }
    return items[0][1];
  }

  /** Chance for something else, so that one more choice there changes nothing here. */
  branch(): Chance {
    return new Chance(Math.floor(this.#random() * 2 ** 32));
  }
}
