import { expect, it, vi } from "vitest";
import { uncaughtErrorsOf } from "./uncaught-errors.ts";

it("uncaughtErrorsOf returns exceptions and unhandled rejections in their order", async () => {
  const errors = await uncaughtErrorsOf(() => {
    queueMicrotask(() => {
      throw new Error("exception");
    });
    void Promise.reject(new Error("rejection"));
  });
  expect(errors).toEqual([new Error("exception"), new Error("rejection")]);
});

it("uncaughtErrorsOf returns the errors of an asynchronous body, even with fake timers", async () => {
  vi.useFakeTimers();
  try {
    const errors = await uncaughtErrorsOf(async () => {
      await Promise.resolve();
      void Promise.reject(new Error("rejection"));
    });
    expect(errors).toEqual([new Error("rejection")]);
  } finally {
    vi.useRealTimers();
  }
});

it("uncaughtErrorsOf ignores a rejection that is handled within the turn", async () => {
  const errors = await uncaughtErrorsOf(async () => {
    const promise = Promise.reject(new Error("rejection"));
    await Promise.resolve();
    await expect(promise).rejects.toThrow("rejection");
  });
  expect(errors).toEqual([]);
});

it("uncaughtErrorsOf restores the earlier listeners, even when the body throws", async () => {
  const listeners = () => [
    process.listeners("uncaughtException"),
    process.listeners("unhandledRejection"),
  ];
  const before = listeners();
  await expect(uncaughtErrorsOf(() => Promise.reject(new Error("body")))).rejects.toThrow("body");
  expect(listeners()).toEqual(before);
});
