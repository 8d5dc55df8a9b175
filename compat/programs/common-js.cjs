"use strict";

// Runs packages that require `ws`, in a project where an npm override replaces it.
const assert = require("node:assert/strict");
const EventEmitter = require("node:events");
const WebSocket = require("ws");
const fastify = require("fastify");
const express = require("express");
const addWebSockets = require("express-ws");
const { Server } = require("socket.io");
const { io } = require("socket.io-client");
const { Module } = require("@nestjs/common");
const { NestFactory } = require("@nestjs/core");
const { WsAdapter } = require("@nestjs/platform-ws");
const { SubscribeMessage, WebSocketGateway } = require("@nestjs/websockets");

async function main() {
  hasTheExportsOfWs();
  await runFastify();
  await runExpressWs();
  await runNest();
  await runSocketIo();
  console.log("passed");
}

function hasTheExportsOfWs() {
  assert.equal(WebSocket, require("tideway/ws"));
  assert.equal(WebSocket.WebSocket, WebSocket);
  assert.equal(WebSocket.Server, WebSocket.WebSocketServer);
  const { createWebSocketStream, Receiver, Sender } = WebSocket;
  for (const value of [createWebSocketStream, Receiver, Sender, WebSocket.Server]) {
    assert.equal(typeof value, "function");
  }
}

async function runFastify() {
  const app = fastify();
  await app.register(require("@fastify/websocket"));
  app.register(async (routes) => {
    routes.get("/echo", { websocket: true }, (socket) => {
      socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
    });
  });
  await app.listen({ port: 0, host: "127.0.0.1" });
  const { port } = app.server.address();
  await echoesUntilCut(`ws://127.0.0.1:${port}/echo`, app.websocketServer);
  await echoesUntilCut(`ws://127.0.0.1:${port}/echo`, app.websocketServer);
  await app.close();
}

async function runExpressWs() {
  const { app, ...instance } = addWebSockets(express());
  app.ws("/echo", (socket) => {
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  const http = app.listen(0, "127.0.0.1");
  await EventEmitter.once(http, "listening");
  const url = `ws://127.0.0.1:${http.address().port}/echo`;
  await echoesUntilCut(url, instance.getWss());
  await echoesUntilCut(url, instance.getWss());
  http.close();
  await EventEmitter.once(http, "close");
}

class Gateway {
  afterInit(server) {
    this.server = server;
  }

  double(_client, value) {
    return { event: "doubled", data: value * 2 };
  }
}

class AppModule {
  name = "app";
}

// Apply the decorators by calls, because this file is not compiled.
WebSocketGateway({ path: "/" })(Gateway);
SubscribeMessage("double")(
  Gateway.prototype,
  "double",
  Object.getOwnPropertyDescriptor(Gateway.prototype, "double"),
);
Module({ providers: [Gateway] })(AppModule);

async function runNest() {
  const app = await NestFactory.create(AppModule, { logger: false });
  app.useWebSocketAdapter(new WsAdapter(app));
  await app.listen(0, "127.0.0.1");
  const url = `ws://127.0.0.1:${app.getHttpServer().address().port}`;
  const { server } = app.get(Gateway);
  for (let count = 0; count < 2; count += 1) {
    const client = new WebSocket(url);
    await EventEmitter.once(client, "open");
    client.send(JSON.stringify({ event: "double", data: 21 }));
    const [data] = await EventEmitter.once(client, "message");
    assert.equal(data.toString(), '{"event":"doubled","data":42}');
    await cut(client, server);
  }
  await app.close();
}

/** Echoes text and binary data. Then breaks the connection on the server. */
async function echoesUntilCut(url, server) {
  const client = new WebSocket(url);
  await EventEmitter.once(client, "open");
  for (const [sent, isBinary] of [
    ["ahoy", false],
    [Buffer.alloc(70_000, 1), true],
  ]) {
    client.send(sent);
    const [received, receivedBinary] = await EventEmitter.once(client, "message");
    assert.deepEqual(received, Buffer.from(sent));
    assert.equal(receivedBinary, isBinary);
  }
  await cut(client, server);
}

/** Breaks the connection of a client on the server. */
async function cut(client, server) {
  const [onServer] = server.clients;
  const closed = Promise.all([
    EventEmitter.once(client, "close"),
    EventEmitter.once(onServer, "close"),
  ]);
  onServer._socket.destroy();
  for (const [code, reason] of await closed) {
    assert.equal(code, 1006);
    assert.deepEqual(reason, Buffer.alloc(0));
  }
  assert.equal(server.clients.size, 0);
}

async function runSocketIo() {
  const server = new Server();
  server.on("connection", (socket) => {
    socket.on("double", (value, answer) => answer(value * 2));
  });
  server.listen(0, { host: "127.0.0.1" });
  const { port } = server.httpServer.address();
  const client = io(`http://127.0.0.1:${port}`, {
    transports: ["websocket"],
    reconnectionDelay: 1,
  });
  assert.equal(await client.emitWithAck("double", 21), 42);
  const disconnected = new Promise((resolve) => client.once("disconnect", resolve));
  for (const { conn } of server.sockets.sockets.values()) {
    assert.ok(conn.transport.socket instanceof WebSocket);
    conn.transport.socket.terminate();
  }
  assert.equal(await disconnected, "transport close");
  // The client connects again, and then sends the event.
  assert.equal(await client.emitWithAck("double", 4), 8);
  client.disconnect();
  await server.close();
}

void main();
