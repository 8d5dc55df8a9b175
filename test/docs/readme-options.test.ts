import { readFileSync } from "node:fs";
import { serve } from "tideway/server";
import { expect, it } from "vitest";

const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
const section = /## Defaults\n\n([^]*?)\n\n(\|[^]*?)\n\n/.exec(readme)!;

/** The names in code of a text; `httpServer.timeout` is a property and not an option. */
const namesIn = (text: string): string[] =>
  Array.from(text.matchAll(/`(\w+)`/g), ([, name]) => name);

const serverOnly = namesIn(/Options of\s+the server only: ([^.]*)\./.exec(section[1])![1]);
const inTable = section[2]
  .split("\n")
  .slice(2)
  .flatMap((row) => namesIn(row.split("|")[2]));

const invalid = Symbol("no option takes this");

it("the Defaults of the README name options", () => {
  expect(inTable).toContain("maxMessageBytes");
  expect(serverOnly).toContain("maxPendingRequests");
});

it.each([...new Set([...inTable, ...serverOnly])])("serve knows %s of the README", async (name) => {
  const starting = serve({ port: 0, routes: {}, [name]: invalid });
  // Refused for its value, and not because there is no such option.
  await expect(starting).rejects.toThrow(new RegExp(`${name}(?! is an option)`));
  await expect(starting).rejects.not.toThrow("there is no option");
});

it.each([...new Set([...inTable, ...serverOnly])])(
  "a route takes %s unless the README says that it is an option of the server",
  async (name) => {
    const route = { handle: () => {}, [name]: invalid };
    const starting = serve({ port: 0, routes: { "ws:/": route } });
    const refusal = `${name} is an option of the server`;
    if (serverOnly.includes(name)) await expect(starting).rejects.toThrow(refusal);
    else await expect(starting).rejects.not.toThrow(refusal);
  },
);
