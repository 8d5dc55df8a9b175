/** An item that belongs to a topic. */
interface OfTopic {
  readonly entry: { readonly name: string };
}

/** Up to this number of items, a list takes less memory than a `Map`, and is as fast. */
const MAX_LISTED = 16;

/** Items by the names of their topics. Most connections have few of them. */
export class SmallMap<Item extends OfTopic> {
  #items: Item[] | Map<string, Item> = [];

  get size(): number {
    return Array.isArray(this.#items) ? this.#items.length : this.#items.size;
  }

  get(topic: string): Item | undefined {
    const items = this.#items;
    if (!Array.isArray(items)) return items.get(topic);
    return items.find(({ entry }) => entry.name === topic);
  }

  /** Adds an item of a topic that has none. */
  add(item: Item): void {
    const items = this.#items;
    if (!Array.isArray(items)) items.set(item.entry.name, item);
    else if (items.length < MAX_LISTED) items.push(item);
    else this.#items = new Map([...items, item].map((one) => [one.entry.name, one]));
  }

  /** Removes an item, if it is the item of its topic. */
  delete(item: Item): void {
    const items = this.#items;
    if (!Array.isArray(items)) {
      if (items.get(item.entry.name) === item) items.delete(item.entry.name);
      return;
    }
    const index = items.indexOf(item);
    if (index !== -1) items.splice(index, 1);
  }

  /** The items at the time of the call. */
  values(): Item[] {
    return [...this.#items.values()];
  }
}
