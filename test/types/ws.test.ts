import type { ClientRequestArgs } from "node:http";
import type * as tideway from "tideway/ws";
import { expectTypeOf, it } from "vitest";
import type * as ws from "ws";

it("passes the classes of tideway/ws where the types of @types/ws are expected", () => {
  expectTypeOf<typeof tideway.WebSocket>().toExtend<typeof ws.WebSocket>();
  expectTypeOf<tideway.WebSocket>().toExtend<ws.WebSocket>();
  expectTypeOf<tideway.WebSocketServer>().toExtend<ws.WebSocketServer>();
});

it("accepts options and data of the types of @types/ws", () => {
  expectTypeOf<ws.ClientOptions>().toExtend<tideway.ClientOptions>();
  expectTypeOf<ws.ServerOptions["perMessageDeflate"]>().toExtend<
    tideway.ServerOptions["perMessageDeflate"]
  >();
  expectTypeOf<Parameters<ws.WebSocket["send"]>[0]>().toExtend<tideway.SendableData>();
  expectTypeOf<[string | URL, string[], ws.ClientOptions | ClientRequestArgs]>().toExtend<
    ConstructorParameters<typeof tideway.WebSocket>
  >();
});
