import { describe, expect, it } from "vitest";
import {
  explainListenError,
  readSettings,
  SettingsError,
} from "../../examples/chat/src/settings.ts";

describe("readSettings", () => {
  it("listens on port 8080 of all addresses by default", () => {
    expect(readSettings({})).toEqual({ port: 8080 });
    expect(readSettings({ PORT: "", HOST: "" })).toEqual({ port: 8080 });
    expect(readSettings({ PORT: "0", HOST: "::1" })).toEqual({ port: 0, host: "::1" });
    expect(readSettings({ PORT: "65535" })).toEqual({ port: 65_535 });
  });

  it.each(["65536", "-1", "80.5", "http", "0x50", "8080 ", "1e3", "Infinity"])(
    "refuses the port %j and quotes it",
    (PORT) => {
      expect(() => readSettings({ PORT })).toThrow(SettingsError);
      expect(() => readSettings({ PORT })).toThrow(JSON.stringify(PORT));
    },
  );
});

describe("readSettings, with arguments,", () => {
  it("has no broker by default", () => {
    expect(readSettings({}, [])).toEqual({ port: 8080 });
    for (const args of [["--broker", "redis://x"], ["--broker=redis://x"]]) {
      expect(readSettings({}, args)).toEqual({ port: 8080, broker: "redis://x" });
    }
  });

  it.each([[["--borker", "x"]], [["x"]], [["--broker"]]])("refuses %j with the reason", (args) => {
    expect(() => readSettings({}, args)).toThrow(SettingsError);
    expect(() => readSettings({}, args)).toThrow("--broker redis://host:port");
  });
});

describe("explainListenError", () => {
  const listenError = (code: string) => Object.assign(new Error(code), { code, syscall: "listen" });

  it("explains that a port is in use, even when the error is the cause of another", () => {
    const wrapped = new Error("no", { cause: listenError("EADDRINUSE") });
    for (const error of [listenError("EADDRINUSE"), wrapped]) {
      expect(explainListenError(error, { port: 8080 })).toBe(
        "Port 8080 is in use. Stop the process that uses it, or choose another: PORT=8081 npm start",
      );
    }
  });

  it("returns undefined for other errors", () => {
    expect(explainListenError(new Error("no"), { port: 1 })).toBeUndefined();
    expect(explainListenError(undefined, { port: 1 })).toBeUndefined();
  });
});
