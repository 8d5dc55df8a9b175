import type { Socket } from "tideway/server";

/** The error that the routes throw on purpose. Every other error is a violation. */
export class PlannedFault extends Error {}

/** Invalid values that code returns or throws. Some of them throw when they are read. */
const MISTAKES: ReadonlyArray<() => unknown> = [
  () => undefined,
  () => false,
  () => "yes",
  () => Symbol("no"),
  () => new Proxy({}, { get: fail, has: fail, ownKeys: fail, getPrototypeOf: fail }),
  () => Object.defineProperty(new PlannedFault("x"), "message", { get: fail }),
  () => ({ status: 200, headers: {} }),
];

function fail(): never {
  throw new PlannedFault("planned");
}

/** Routes with code that works, fails, settles late or never settles. */
export function makeRoutes() {
  let turn = 0;
  const next = <T>(list: readonly T[]): T => list[turn++ % list.length];
  return {
    "/page": () => new Response("page"),
    "/late": () =>
      new Promise<Response>((resolve) => setTimeout(() => resolve(new Response("late")), 20)),
    "/never": (request: Request) =>
      new Promise<Response>((resolve) => {
        request.signal.addEventListener("abort", () => resolve(new Response()));
      }),
    "/body": async (request: Request) => new Response(String((await request.text()).length)),
    "/unread": () => new Response("the body was not read"),
    "/endless": () =>
      new Response(
        new ReadableStream<Uint8Array>({
          pull: (controller) => controller.enqueue(new Uint8Array(65_536)),
        }),
      ),
    "/broken": () =>
      new Response(
        new ReadableStream({
          pull(controller) {
            controller.enqueue(new Uint8Array(10));
            controller.error(new PlannedFault("a body that fails"));
          },
        }),
      ),
    "/throws": () => {
      throw next(MISTAKES)();
    },
    "/returns": () => next(MISTAKES)() as Response,
    "ws:/echo": async (socket: Socket) => {
      for await (const message of socket) if (!socket.send(message)) await socket.drained;
    },
    "ws:/unread": () => {},
    "ws:/slow": {
      authorize: () => new Promise<object>((resolve) => setTimeout(() => resolve({}), 5)),
      handle: (socket: Socket) => void socket.listen(() => socket.close(4000)),
    },
    "ws:/pending": { authorize: () => new Promise<object>(() => {}), handle: () => {} },
    "ws:/refused": { authorize: () => new Response("no", { status: 403 }), handle: () => {} },
    "ws:/mistaken": { authorize: () => next(MISTAKES)() as object, handle: () => {} },
    "ws:/authorize-throws": {
      authorize: async (): Promise<object> => {
        throw next(MISTAKES)();
      },
      handle: () => {},
    },
    "ws:/origins-throw": { origins: fail, handle: () => {} },
    "ws:/handler-throws": () => {
      throw next(MISTAKES)();
    },
    "ws:/handler-rejects": async (socket: Socket) => {
      for await (const _ of socket) throw next(MISTAKES)();
    },
    "ws:/flood": async (socket: Socket) => {
      const message = new Uint8Array(100_000);
      while (socket.readyState === 1) if (!socket.send(message)) await socket.drained;
    },
    "ws:/typed": {
      schema: {
        "~standard": { version: 1 as const, vendor: "", validate: () => ({ issues: [] }) },
      },
      handle: (socket: { listen(onMessage: () => void): unknown }) => void socket.listen(() => {}),
    },
  };
}

const KEYS = Object.keys(makeRoutes());

/** The paths of the HTTP routes, and one without a route. */
export const PAGE_PATHS: readonly string[] = [
  ...KEYS.filter((key) => key.startsWith("/")),
  "/nowhere",
];

/** The paths of the `ws:` routes, and one without a route. */
export const SOCKET_PATHS: readonly string[] = [
  ...KEYS.filter((key) => key.startsWith("ws:")).map((key) => key.slice("ws:".length)),
  "/nowhere",
];
