/** An item that belongs to a topic. */
interface OfTopic {
  readonly entry: { readonly name: string };
}

/** Up to this number of items, a list takes less memory than a `Map`, and is as fast. */
const MAX_LISTED = 16;

/** Items by the names of their topics. Most connections have few of them. */
export class SmallMap<Item extends OfTopic> {
  /** A list is replaced, because `push` would reserve room for many more items. */
  #items: readonly Item[] | Map<string, Item> = [];

  get size(): number {
    return this.#items instanceof Map ? this.#items.size : this.#items.length;
  }

  get(topic: string): Item | undefined {
    const items = this.#items;
    if (items instanceof Map) return items.get(topic);
    return items.find(({ entry }) => entry.name === topic);
  }

  /** Adds an item of a topic that has none. */
  add(item: Item): void {
    const items = this.#items;
    if (items instanceof Map) items.set(item.entry.name, item);
    else if (items.length < MAX_LISTED) this.#items = items.concat([item]);
    else this.#items = new Map([...items, item].map((one) => [one.entry.name, one]));
  }

  /** Removes an item, if it is the item of its topic. */
  delete(item: Item): void {
    const items = this.#items;
    if (items instanceof Map) {
      if (items.get(item.entry.name) === item) items.delete(item.entry.name);
      return;
    }
    const index = items.indexOf(item);
    if (index !== -1) this.#items = items.toSpliced(index, 1);
  }

  /** The items at the time of the call. */
  values(): readonly Item[] {
    return this.#items instanceof Map ? [...this.#items.values()] : this.#items;
  }
}
