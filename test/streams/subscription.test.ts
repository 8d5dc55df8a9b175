import { expect, it } from "vitest";
import { subscribe } from "../../src/streams/subscription.ts";
import { collectGarbage } from "../support/collect-garbage.ts";

it("a subscription does not keep an event that has been delivered", async () => {
  let emit!: (event: object) => void;
  let latest: WeakRef<object> | undefined;
  const subscription = subscribe<object>(
    (onEvent) => {
      emit = onEvent;
      return () => {};
    },
    (event) => {
      latest = new WeakRef(event);
    },
  );
  emit({});
  // A WeakRef keeps its target until the current task has ended.
  await new Promise((resolve) => setImmediate(resolve));
  collectGarbage();
  expect(latest!.deref()).toBeUndefined();
  subscription.cancel();
});
