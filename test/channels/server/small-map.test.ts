import * as fc from "fast-check";
import { expect, it } from "vitest";
import { SmallMap } from "../../../src/channels/server/small-map.ts";

interface Item {
  readonly entry: { readonly name: string };
}

it("is like a Map, with few and with many items", () => {
  const operation = fc.record({
    isAdd: fc.boolean(),
    name: fc.integer({ min: 0, max: 40 }).map(String),
  });
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 120 }), (operations) => {
      const map = new SmallMap<Item>();
      const model = new Map<string, Item>();
      for (const { isAdd, name } of operations) {
        const known = model.get(name);
        if (isAdd && known === undefined) {
          const item = { entry: { name } };
          map.add(item);
          model.set(name, item);
        } else if (!isAdd && known !== undefined) {
          map.delete(known);
          model.delete(name);
        } else map.delete({ entry: { name } });
        expect(map.get(name)).toBe(model.get(name));
        expect(map.size).toBe(model.size);
      }
      expect(map.values()).toEqual([...model.values()]);
    }),
  );
});
