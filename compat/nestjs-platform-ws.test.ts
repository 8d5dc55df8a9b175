import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import type * as Common from "@nestjs/common";
import type { INestApplication } from "@nestjs/common";
import type * as Core from "@nestjs/core";
import type * as PlatformWs from "@nestjs/platform-ws";
import type * as WebSockets from "@nestjs/websockets";
import type * as Rxjs from "rxjs";
import { expect, it, onTestFinished, vi } from "vitest";
import type { WebSocket, WebSocketServer } from "ws";
import { closeOf, nextMessage, openClient } from "../test/support/clients.ts";
import { cuttable } from "./support/servers.ts";
import { describeWithOverride } from "./support/with-override.ts";

describeWithOverride("@nestjs/platform-ws", (load) => {
  load("reflect-metadata");
  const { Module } = load<typeof Common>("@nestjs/common");
  const { NestFactory } = load<typeof Core>("@nestjs/core");
  const { WsAdapter } = load<typeof PlatformWs>("@nestjs/platform-ws");
  const { SubscribeMessage, WebSocketGateway } = load<typeof WebSockets>("@nestjs/websockets");
  const { of } = load<typeof Rxjs>("rxjs");

  class Gateway {
    server!: WebSocketServer;
    disconnected = 0;

    afterInit(server: WebSocketServer): void {
      this.server = server;
    }

    handleConnection(client: WebSocket): void {
      client.send("welcome");
    }

    handleDisconnect(): void {
      this.disconnected += 1;
    }

    double(_client: WebSocket, value: number): unknown {
      return { event: "doubled", data: value * 2 };
    }

    count(_client: WebSocket, value: number): unknown {
      return of(...Array.from({ length: value }, (_, index) => ({ event: "count", data: index })));
    }
  }

  /** Applies the decorators of a gateway by calls, because these tests run without a compiler for the syntax. */
  function createModule(path: string): { module: new () => object; gateway: new () => Gateway } {
    class DecoratedGateway extends Gateway {}
    WebSocketGateway({ path })(DecoratedGateway);
    for (const name of ["double", "count"] as const) {
      const descriptor = Object.getOwnPropertyDescriptor(Gateway.prototype, name)!;
      SubscribeMessage(name)(DecoratedGateway.prototype, name, descriptor);
      Object.defineProperty(DecoratedGateway.prototype, name, descriptor);
    }
    class AppModule {
      readonly name = "app";
    }
    Module({ providers: [DecoratedGateway] })(AppModule);
    return { module: AppModule, gateway: DecoratedGateway };
  }

  async function listen(): Promise<{ gateway: Gateway; port: number; url: string }> {
    const { module, gateway } = createModule("/room");
    const app: INestApplication = await NestFactory.create(module, { logger: false });
    app.useWebSocketAdapter(new WsAdapter(app));
    onTestFinished(async () => await app.close());
    await app.listen(0, "127.0.0.1");
    const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
    return { gateway: app.get(gateway), port, url: `http://127.0.0.1:${port}` };
  }

  const doubled = (value: number): string => JSON.stringify({ event: "doubled", data: value });

  it("answers messages with values and with observables", async () => {
    const { url } = await listen();
    const client = await openClient(url, "/room");
    expect(await nextMessage(client)).toBe("welcome");
    client.send("not JSON");
    client.send(JSON.stringify({ event: "double", data: 21 }));
    client.send(Buffer.from(JSON.stringify({ event: "double", data: 4 })));
    client.send(JSON.stringify({ event: "count", data: 2 }));
    expect(await nextMessage(client)).toBe(doubled(42));
    expect(await nextMessage(client)).toBe(doubled(8));
    expect(await nextMessage(client)).toBe('{"event":"count","data":0}');
    expect(await nextMessage(client)).toBe('{"event":"count","data":1}');
  });

  it("drops connections to a path without a gateway", async () => {
    const { url } = await listen();
    await expect(openClient(url, "/other")).rejects.toThrow("socket hang up");
  });

  it("calls handleDisconnect for a broken connection, and serves the client again", async () => {
    const { gateway, port, url } = await listen();
    const proxy = await cuttable(port);
    const stays = await openClient(url, "/room");
    const breaks = await openClient(`http://127.0.0.1:${proxy.port}`, "/room");
    expect(gateway.server.clients.size).toBe(2);
    const broken = closeOf(breaks);
    proxy.cut();
    expect((await broken).code).toBe(1006);
    await vi.waitFor(() => expect(gateway.disconnected).toBe(1));
    expect(gateway.server.clients.size).toBe(1);
    const again = await openClient(`http://127.0.0.1:${proxy.port}`, "/room");
    for (const client of [stays, again]) {
      expect(await nextMessage(client)).toBe("welcome");
      client.send(JSON.stringify({ event: "double", data: 1 }));
      expect(await nextMessage(client)).toBe(doubled(2));
    }
  });

  it("terminates its clients when the application closes", async () => {
    const { module } = createModule("/room");
    const app = await NestFactory.create(module, { logger: false });
    app.useWebSocketAdapter(new WsAdapter(app));
    await app.listen(0, "127.0.0.1");
    const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
    const client = await openClient(`http://127.0.0.1:${port}`, "/room");
    const closed = once(client, "close");
    await app.close();
    expect((await closed)[0]).toBe(1006);
  });
});
