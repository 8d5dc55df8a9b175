import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { Engine } from "../support/engine.ts";
import { describeWithEngine } from "../support/with-engine.ts";
import { ChatServer } from "./chat-server.ts";
import { expectUsers, PlainClient } from "./plain-client.ts";

for (const name of ["redis", "nats"] as const) {
  describeWithEngine(name, `the chat with --broker ${name}://`, (path) => {
    let engine: Engine;
    let servers: ChatServer[];
    const clients: PlainClient[] = [];

    beforeAll(async () => {
      engine = await (name === "redis" ? Engine.redis(path) : Engine.nats(path));
    });

    afterAll(() => engine[Symbol.asyncDispose]());

    beforeEach(async () => {
      const broker = `${name}://127.0.0.1:${engine.port}`;
      servers = await Promise.all([ChatServer.start(broker), ChatServer.start(broker)]);
    });

    afterEach(async () => {
      for (const { socket } of clients.splice(0)) socket.terminate();
      await Promise.all(servers.map((server) => server.kill()));
    });

    async function join(url: string, who: string): Promise<PlainClient & { readonly id: number }> {
      const client = await PlainClient.join(url, who);
      clients.push(client);
      return client;
    }

    it("is one chat on two servers for clients of the plain protocol", async () => {
      const [ana, bo] = [await join(servers[0].url, "Ana"), await join(servers[1].url, "Ana")];
      expect(await bo.next("rejectusername")).toMatchObject({ id: bo.id, name: "Ana1" });
      for (const client of [ana, bo]) await expectUsers(client, "Ana", "Ana1");
      ana.say("Hello");
      bo.say("Hello Ana");
      for (const client of [ana, bo]) {
        const said = [await client.next("message"), await client.next("message")];
        said.sort((one, other) => String(one["name"]).localeCompare(String(other["name"])));
        expect(said).toMatchObject([
          { id: ana.id, name: "Ana", text: "Hello" },
          { id: bo.id, name: "Ana1", text: "Hello Ana" },
        ]);
      }
      expect(await servers[1].stop()).toBe(0);
      await expectUsers(ana, "Ana");
    });

    it("keeps its sockets while the broker is unavailable, and later delivers the messages or reports their loss", async () => {
      const room = "?room=away";
      const ana = await join(`${servers[0].url}${room}`, "Ana");
      const bo = await join(`${servers[1].url}${room}`, "Bo");
      ana.say("before");
      for (const client of [ana, bo]) await client.next("message");
      await engine.kill();
      ana.say("meanwhile");
      await engine.start();
      ana.say("after");
      if (name === "redis") {
        // A restarted Redis may have forgotten publications, so all clients get a notice.
        for (const client of [ana, bo]) await client.next("lost");
      } else {
        for (const client of [ana, bo]) {
          for (const text of ["meanwhile", "after"]) {
            expect(await client.next("message")).toMatchObject({ text });
          }
        }
      }
      const cy = await join(`${servers[0].url}${room}`, "Cy");
      for (const text of ["before", "meanwhile", "after"]) {
        expect(await cy.next("message")).toMatchObject({ text });
      }
    });

    it("remembers the messages of a crashed server and forgets its users", async () => {
      const room = "?room=crash";
      const ana = await join(`${servers[0].url}${room}`, "Ana");
      const bo = await join(`${servers[1].url}${room}`, "Bo");
      bo.say("before", { messageId: "m1" });
      const { position } = await ana.next("message");
      bo.say("last words", { messageId: "m2" });
      const last = await bo.next("message").then(() => bo.next("message"));
      await servers[1].kill();

      const back = await join(`${servers[0].url}${room}&since=${String(position)}`, "Bo");
      // A name without a session is free once its server is known to be dead.
      expect(await back.next("rejectusername")).toMatchObject({ name: "Bo1" });
      expect(await back.next("message")).toEqual(last);
      back.say("last words", { messageId: "m2" });
      back.say("and on", { messageId: "m3" });
      expect(await back.next("message")).toMatchObject({ text: "and on" });
      await expectUsers(ana, "Ana", "Bo1");
    });
  });
}
