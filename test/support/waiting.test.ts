import { expect, it, vi } from "vitest";

it("a wait may take longer than a second, because a busy machine may need it", async () => {
  let isTrue = false;
  setTimeout(() => (isTrue = true), 1200);
  await vi.waitUntil(() => isTrue);
  setTimeout(() => (isTrue = false), 1200);
  await vi.waitFor(() => expect(isTrue).toBe(false));
});
