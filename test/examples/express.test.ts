import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { type Application, createApplication } from "../../examples/express/src/application.ts";
import type { RoomMessage } from "../../examples/express/src/room.ts";

let app: Application;
let origin: string;

beforeEach(async () => {
  app = createApplication("secret");
  app.http.listen(0, "127.0.0.1");
  await once(app.http, "listening");
  origin = `http://127.0.0.1:${(app.http.address() as AddressInfo).port}`;
});

afterEach(() => app.stop());

function post(path: string, body: unknown, cookie = ""): Promise<Response> {
  return fetch(origin + path, {
    method: "POST",
    headers: { "Content-Type": "application/json", Cookie: cookie },
    body: JSON.stringify(body),
  });
}

/** Logs in. Returns the cookie of the session. */
async function logIn(name: string): Promise<string> {
  const response = await post("/login", { name });
  expect(response.status).toBe(200);
  return response.headers.get("set-cookie")!.split(";")[0];
}

class RoomClient {
  readonly socket: WebSocket;
  readonly #messages: RoomMessage[] = [];

  constructor(headers: Record<string, string>) {
    this.socket = new WebSocket(`${origin.replace("http", "ws")}/room`, { headers });
    this.socket.on("error", () => {});
    this.socket.on("message", (data: Buffer) =>
      this.#messages.push(JSON.parse(data.toString()) as RoomMessage),
    );
  }

  async next(): Promise<RoomMessage> {
    while (this.#messages.length === 0) await once(this.socket, "message");
    return this.#messages.shift()!;
  }

  /** The status of the response that refuses the handshake. */
  async refusal(): Promise<number> {
    const [, response] = (await once(this.socket, "unexpected-response")) as [
      unknown,
      { statusCode: number },
    ];
    return response.statusCode;
  }
}

describe("the Express example", () => {
  it("serves its page and the name of the user", async () => {
    expect(await (await fetch(`${origin}/`)).text()).toContain("<h1>A room behind a login</h1>");
    expect(await (await fetch(`${origin}/user`)).json()).toEqual({});
    const cookie = await logIn(" Ana ");
    const user = await fetch(`${origin}/user`, { headers: { Cookie: cookie } });
    expect(await user.json()).toEqual({ user: "Ana" });
  });

  it.each([{}, { name: " " }, { name: 5 }, { name: "x".repeat(31) }])(
    "answers 400 to the login %j",
    async (body) => {
      expect((await post("/login", body)).status).toBe(400);
    },
  );

  it("answers 401 to a WebSocket without a session, and 403 to a WebSocket of another site", async () => {
    expect(await new RoomClient({}).refusal()).toBe(401);
    const forged = { Cookie: "connect.sid=s%3Aforged.signature" };
    expect(await new RoomClient(forged).refusal()).toBe(401);
    const foreign = { Cookie: await logIn("Ana"), Origin: "https://other.example" };
    expect(await new RoomClient(foreign).refusal()).toBe(403);
  });

  it("sends messages of users to all users", async () => {
    const ana = new RoomClient({ Cookie: await logIn("Ana") });
    expect(await ana.next()).toEqual({ type: "users", users: ["Ana"] });
    const bo = new RoomClient({ Cookie: await logIn("Bo") });
    for (const client of [ana, bo]) {
      expect(await client.next()).toEqual({ type: "users", users: ["Ana", "Bo"] });
    }
    bo.socket.send("hello");
    for (const client of [ana, bo]) {
      expect(await client.next()).toEqual({ type: "message", user: "Bo", text: "hello" });
    }
    bo.socket.close();
    expect(await ana.next()).toEqual({ type: "users", users: ["Ana"] });
  });

  it("closes all sockets of a session with 4001 at logout, and refuses its cookie afterwards", async () => {
    const cookie = await logIn("Ana");
    const clients = [new RoomClient({ Cookie: cookie }), new RoomClient({ Cookie: cookie })];
    const other = new RoomClient({ Cookie: await logIn("Bo") });
    for (const client of [...clients, other]) await client.next();
    const closed = clients.map(({ socket }) => once(socket, "close"));
    expect((await post("/logout", {}, cookie)).status).toBe(204);
    for (const [code] of await Promise.all(closed)) expect(code).toBe(4001);
    expect(other.socket.readyState).toBe(WebSocket.OPEN);
    expect(await new RoomClient({ Cookie: cookie }).refusal()).toBe(401);
  });
});
