import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createApplication } from "./application.ts";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

// The secret is random by default, so all users must log in again after a restart.
const secret = process.env["SESSION_SECRET"] ?? randomBytes(32).toString("hex");
const { http, stop } = createApplication(secret);
http.listen(Number(process.env["PORT"] ?? 8080));
await once(http, "listening");

const onSignal = (): void => {
  // A second signal ends the process at once.
  for (const signal of SIGNALS) process.off(signal, onSignal);
  void stop();
};
for (const signal of SIGNALS) process.on(signal, onSignal);
console.log(`The Express app is at http://localhost:${(http.address() as AddressInfo).port}/`);
