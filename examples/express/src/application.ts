import { createServer, type Server } from "node:http";
import { fileURLToPath } from "node:url";
import express from "express";
import session from "express-session";
import { attach, type AuthorizeContext, type Socket, withMiddleware } from "tideway/server";
import { Room } from "./room.ts";

declare module "express-session" {
  interface SessionData {
    user: string;
  }
}

const PAGE = fileURLToPath(new URL("../page/", import.meta.url));
const MAX_NAME_CHARS = 30;
const MAX_MESSAGE_BYTES = 1_024;

export interface Application {
  readonly http: Server;
  /** Closes the WebSockets, then stops the HTTP server. */
  readonly stop: () => Promise<void>;
}

/** An Express app with a login, and a WebSocket that only users with a session can open. */
export function createApplication(secret: string): Application {
  // Express and the WebSocket share this function, and so the store and the secret.
  const sessions = session({
    secret,
    resave: false,
    saveUninitialized: false,
    cookie: { sameSite: "lax" },
  });
  const room = new Room();
  const app = express();
  app.disable("x-powered-by");
  app.use(express.static(PAGE), express.json(), sessions);

  app.get("/user", ({ session: { user } }, response) => void response.json({ user }));

  app.post("/login", (request, response, next) => {
    const user = readName(request.body);
    if (user === undefined) {
      response.status(400).json({ error: `A name has 1 to ${MAX_NAME_CHARS} characters.` });
      return;
    }
    // A new session id, so that an id that was known before the login is useless.
    request.session.regenerate((error) => {
      if (error) return next(error);
      request.session.user = user;
      response.json({ user });
    });
  });

  app.post("/logout", (request, response, next) => {
    const { id } = request.session;
    request.session.destroy((error) => {
      if (error) return next(error);
      // The session was checked when the socket opened. It does not end with the session.
      room.closeSession(id);
      response.status(204).end();
    });
  });

  const http = createServer(app);
  const attachment = attach(http, {
    routes: {
      "ws:/room": {
        maxMessageBytes: MAX_MESSAGE_BYTES,
        authorize: (request: Request, context: AuthorizeContext<object>) =>
          withMiddleware(sessions, request, context, ({ session: { id, user } }) => {
            if (user === undefined) return new Response("Log in first.", { status: 401 });
            return { user, sessionId: id };
          }),
        handle: async (socket: Socket, { state }) => {
          room.enter(socket, state);
          try {
            for await (const text of socket) room.say(state.user, String(text));
          } finally {
            room.leave(socket);
          }
        },
      },
    },
  });

  const stop = async (): Promise<void> => {
    await attachment.stop({ drain: {} });
    await new Promise((resolve) => http.close(resolve));
  };
  return { http, stop };
}

function readName(body: unknown): string | undefined {
  const name = (body as { name?: unknown } | undefined)?.name;
  if (typeof name !== "string") return undefined;
  const trimmed = name.trim();
  return trimmed === "" || trimmed.length > MAX_NAME_CHARS ? undefined : trimmed;
}
