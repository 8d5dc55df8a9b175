import { readFileSync } from "node:fs";
import { WebSocket } from "tideway";
import { serve } from "tideway/server";
import { describe, expect, it } from "vitest";

const page = readFileSync(new URL("../../docs/options.md", import.meta.url), "utf8");

/** The options in the tables of a section: their names, and the text of the second column. */
function optionsIn(heading: string): ReadonlyMap<string, string> {
  const [, section] = new RegExp(`^## ${heading}\n(.*?)(?=^## |$(?![^]))`, "ms").exec(page)!;
  const rows = section.split("\n").filter((line) => line.startsWith("| `"));
  return new Map(
    rows.flatMap((row) => {
      const [, names, second] = row.split("|");
      return Array.from(
        names.matchAll(/`([\w.]+)`/g),
        ([, name]) => [name, second.trim()] as const,
      );
    }),
  );
}

const SECTIONS = ["Sizes", "Counts", "Time", "Access", "Performance", "Listening and reports"];
const options = new Map(SECTIONS.flatMap((heading) => [...optionsIn(heading)]));

/** The properties of interfaces in a report of the public API. */
function propertiesOf(report: string, ...interfaces: string[]): string[] {
  const text = readFileSync(new URL(`../../api/${report}.api.md`, import.meta.url), "utf8");
  return interfaces.flatMap((name) => {
    const [, body] = new RegExp(`^export interface ${name}\\b.*?\\{\n(.*?)^\\}`, "ms").exec(text)!;
    return Array.from(body.matchAll(/^ {4}(?:readonly )?(\w+)\??:/gm), ([, property]) => property);
  });
}

/** The first part of a name such as `heartbeat.idleMs`. */
const nameOf = (option: string): string => option.split(".")[0];

/** A value that no option accepts. */
const invalid = Symbol("no option takes this");

describe("docs/options.md", () => {
  it("has every option of serve and of routes", () => {
    const documented = new Set([...options.keys()].map(nameOf));
    const properties = propertiesOf(
      "tideway-server",
      "ServeOptions",
      "AttachOptions",
      "ApplicationOptions",
      "RoutesOption",
      "ConnectionLimits",
      "SocketOptions",
      "SocketRoute",
    );
    expect(properties.length).toBeGreaterThan(25);
    expect(properties.filter((name) => !documented.has(name))).toEqual([]);
  });

  const ofServer = [...options].filter(([, setOn]) => setOn.includes("server"));
  const ofRoutes = [...options].filter(([, setOn]) => setOn.includes("route"));

  it.each(ofServer)("has %s, which serve accepts", async (option) => {
    const name = nameOf(option);
    const starting = serve({ port: 0, routes: {}, [name]: invalid });
    // It throws because of the value, not because the option is unknown.
    await expect(starting).rejects.toThrow(new RegExp(`${name}(?! is an option)`));
    await expect(starting).rejects.not.toThrow("there is no option");
  });

  it.each(ofRoutes)("has %s, which a route accepts", async (option) => {
    const route = { handle: () => {}, [nameOf(option)]: invalid };
    const starting = serve({ port: 0, routes: { "ws:/": route } });
    await expect(starting).rejects.toMatchObject({
      code: expect.stringMatching(/^INVALID_(OPTION|ROUTE|ORIGIN)$/) as string,
    });
    await expect(starting).rejects.not.toThrow(/there is no option|is an option of the server/);
  });

  it.each([...options].filter(([, setOn]) => setOn === "server"))(
    "has %s for the server only, and a route refuses it",
    async (option) => {
      const route = { handle: () => {}, [nameOf(option)]: invalid };
      await expect(serve({ port: 0, routes: { "ws:/": route } })).rejects.toThrow(
        /there is no option|is an option of the server/,
      );
    },
  );

  it.each([...options].filter(([, setOn]) => setOn === "route"))(
    "has %s for routes only, and serve refuses it",
    async (option) => {
      const starting = serve({ port: 0, routes: {}, [nameOf(option)]: invalid });
      await expect(starting).rejects.toThrow("there is no option");
    },
  );
});

describe("docs/options.md, for stop and for clients,", () => {
  it("has every option of stop", () => {
    const names = propertiesOf("tideway-server", "StopOptions").filter((name) => name !== "drain");
    const ofDrain = propertiesOf("tideway-server", "DrainOptions").map((name) => `drain.${name}`);
    expect([...optionsIn("Stopping").keys()]).toEqual(expect.arrayContaining(names));
    expect([...optionsIn("Stopping").keys()]).toEqual(expect.arrayContaining(ofDrain));
  });

  it("has every option of clients", () => {
    const names = propertiesOf("tideway", "WebSocketOptions", "ReconnectingWebSocketOptions");
    expect(names.length).toBeGreaterThan(15);
    expect([...optionsIn("Clients").keys()]).toEqual(expect.arrayContaining(names));
  });

  it("has only options of clients that exist", () => {
    const known = propertiesOf("tideway", "WebSocketOptions", "ReconnectingWebSocketOptions");
    expect([...optionsIn("Clients").keys()].filter((name) => !known.includes(name))).toEqual([]);
    expect(() => new WebSocket("ws://localhost:1", { noSuchOption: 1 } as object)).toThrow(
      "there is no option",
    );
  });
});

describe("docs/options.md, for channels,", () => {
  const documented = new Set(
    Array.from(optionsIn("Channels").keys(), (name) => name.replace(/^limits\./, "")),
  );

  it("has every option of channels and of connect, and every limit", () => {
    const names = [
      ...propertiesOf("tideway-channels-server", "ChannelsOptions", "ChannelLimits"),
      ...propertiesOf("tideway-channels", "ConnectOptions"),
    ];
    expect(names.length).toBeGreaterThan(25);
    expect(names.filter((name) => !documented.has(name))).toEqual([]);
    expect([...documented].filter((name) => !names.includes(name))).toEqual([]);
  });
});

it("no line of docs/options.md is wider than 160 columns", () => {
  expect(page.split("\n").filter((line) => line.length > 160)).toEqual([]);
});
