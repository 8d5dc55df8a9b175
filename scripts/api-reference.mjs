/**
 * Generates the API reference of the site in `docs/api/`, a page for each entry point, from the models
 * that `api-report.mjs` writes. It runs `api-report.mjs` if they are older than the declarations.
 */
import { spawnSync } from "node:child_process";
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { declarationOf, nameOf, textOf } from "./api/declaration.mjs";
import { firstSentence, parseDocstring } from "./api/docstring.mjs";
import { DOCUMENTED, ENTRY_POINTS, MODELS_FOLDER } from "./api/entry-points.mjs";

/** @typedef {import("./api/declaration.mjs").Item} Item */
/** @typedef {{ id: string, name: string, items: readonly Item[] }} EntryPoint */

const root = join(import.meta.dirname, "..");
const folder = join(root, "docs/api");

const HEADINGS = [
  ["Function", "Functions"],
  ["Class", "Classes"],
  ["Variable", "Objects and constants"],
  ["Namespace", "Namespaces"],
  ["Interface", "Interfaces"],
  ["TypeAlias", "Types"],
];

if (!areModelsFresh()) {
  // This script needs only the models, so it ignores whether the reports are up to date.
  spawnSync(process.execPath, [join(import.meta.dirname, "api-report.mjs")]);
}

/** If several entry points export an item, the page of the first describes it. */
const entryPoints = DOCUMENTED.map(readModel);
const inBrowsers = new Set(readModel("tideway.browser").items.map(nameOf));

/** The URLs of the names that a declaration refers to, by page and anchor. @type {Record<string, object>} */
const references = {};
const allNames = new Set(entryPoints.flatMap(({ items }) => items.map(nameOf)));

/** The entry point that describes an item, by the item's content. @type {Map<string, EntryPoint>} */
const owners = new Map();
for (const entryPoint of entryPoints) {
  for (const item of entryPoint.items) {
    if (!owners.has(contentOf(item))) owners.set(contentOf(item), entryPoint);
  }
}

const pages = mkdtempSync(join(tmpdir(), "tideway-api-"));
for (const entryPoint of entryPoints) writePage(entryPoint.id, pageOf(entryPoint));
writePage("index", indexPage());
formatCode();
writeFileSync(join(pages, "references.json"), JSON.stringify(references));
rmSync(folder, { recursive: true, force: true });
cpSync(pages, folder, { recursive: true });
rmSync(pages, { recursive: true });

function areModelsFresh() {
  try {
    const times = Object.keys(ENTRY_POINTS).map((name) => timeOf(modelPath(name)));
    const declarations = readdirSync(join(root, "dist"), { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".d.ts"))
      .map((path) => timeOf(join(root, "dist", path)));
    return Math.min(...times) > Math.max(...declarations);
  } catch {
    return false;
  }
}

/** @param {string} path */
function timeOf(path) {
  return statSync(path).mtimeMs;
}

/** @param {string} id */
function modelPath(id) {
  return join(root, MODELS_FOLDER, `${id}.api.json`);
}

/** @param {string} id @returns {EntryPoint} */
function readModel(id) {
  const model = JSON.parse(readFileSync(modelPath(id), "utf8"));
  return { id, name: id.replaceAll("-", "/"), items: model.members[0].members };
}

/** @param {Item} item */
function contentOf(item) {
  const members = item.members?.map((member) => [textOf(member), member.docComment]);
  return JSON.stringify([item.kind, nameOf(item), textOf(item), item.docComment, members]);
}

/** The URL of a name as seen from a page. @param {EntryPoint} page @returns {(name: string) => string | undefined} */
function urlsFrom(page) {
  return (name) => {
    const isNamed = (/** @type {Item} */ item) => nameOf(item) === name;
    const item = [page, ...entryPoints].flatMap(({ items }) => items).find(isNamed);
    return item && `/api/${owners.get(contentOf(item)).id}#${anchorOf(name)}`;
  };
}

/**
 * The anchor of a name, in lower case as all anchors are. If `route` exists, `Route` is `route-type`. @param
 * {string} name
 */
function anchorOf(name) {
  const anchor = name.toLowerCase().replaceAll(/\W/g, "");
  const uncapitalized = name.charAt(0).toLowerCase() + name.slice(1);
  return name !== uncapitalized && allNames.has(uncapitalized) ? `${anchor}-type` : anchor;
}

/** @param {EntryPoint} page @param {string} name @param {readonly Item[]} items */
function noteReferences(page, name, items) {
  const findUrl = urlsFrom(page);
  const tokens = items
    .flatMap((item) => [item, ...(item.members ?? [])])
    .flatMap((item) => item.excerptTokens);
  const urls = tokens
    .filter(
      ({ kind, text }) =>
        kind === "Reference" && textOf({ excerptTokens: [{ kind, text }] }) !== name,
    )
    .map((token) => textOf({ excerptTokens: [token] }))
    .map((text) => [text, findUrl(text)]);
  references[`${page.id}#${anchorOf(name)}`] = Object.fromEntries(urls.filter(([, url]) => url));
}

/** @param {string} id @param {string} text */
function writePage(id, text) {
  writeFileSync(join(pages, `${id}.md`), `---\neditLink: false\n---\n\n${text}`);
}

/** The comment at the head of the source of an entry point. @param {EntryPoint} entryPoint */
function introductionOf({ id, name }) {
  const source = ENTRY_POINTS[id].replace("dist/", "src/").replace(".d.ts", ".ts");
  const comment = /^\/\*\*[^]*?\*\//.exec(readFileSync(join(root, source), "utf8"))?.[0] ?? "";
  const { summary } = parseDocstring(comment, () => undefined);
  const text = summary.replace(`\`${name}\`: `, "");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function indexPage() {
  const sections = entryPoints.map((entryPoint) => {
    const [paragraph] = introductionOf(entryPoint).split("\n\n");
    const items = ownItems(entryPoint).filter(({ kind }) => /Function|Class|Variable/.test(kind));
    const names = Array.from(new Set(items.map(nameOf)), (name) => {
      return `[\`${name}\`](/api/${entryPoint.id}#${anchorOf(name)})`;
    });
    const heading = `## [\`${entryPoint.name}\`](/api/${entryPoint.id})`;
    return [heading, paragraph, names.join(" · ")].filter(Boolean).join("\n\n");
  });
  return `# API reference\n\n${sections.join("\n\n")}\n`;
}

/** @param {EntryPoint} entryPoint */
function ownItems(entryPoint) {
  return entryPoint.items.filter((item) => owners.get(contentOf(item)) === entryPoint);
}

/** @param {EntryPoint} entryPoint */
function pageOf(entryPoint) {
  const findUrl = urlsFrom(entryPoint);
  const own = ownItems(entryPoint);
  const others = entryPoint.items.filter((item) => !own.includes(item));
  const parts = [`# ${entryPoint.name}`, introductionOf(entryPoint)];
  const described = new Set();
  const sections = HEADINGS.flatMap(([kind, heading]) => {
    // A type and a value of the same name are described together, where the value is.
    const items = own.filter((item) => item.kind === kind && !described.has(nameOf(item)));
    const names = Array.from(new Set(items.map(nameOf)));
    for (const name of names) described.add(name);
    return names.length === 0 ? [] : [{ heading, names }];
  });
  for (const { heading, names } of sections) {
    const lines = names.map((name) => {
      const [item] = named(own, name);
      return `- [\`${name}\`](#${anchorOf(name)})${nodeOnly(entryPoint, name)}${summaryOf(item)}`;
    });
    parts.push(`**${heading}**`, lines.join("\n"));
  }
  if (others.length > 0) {
    const links = new Set(others.map(nameOf));
    const linked = Array.from(links, (name) => `[\`${name}\`](${findUrl(name)})`);
    parts.push("**Also exported**", linked.join(" · "));
  }
  /** How many members of this page have an anchor so far. @type {Map<string, number>} */
  const memberCounts = new Map();
  for (const { heading, names } of sections) {
    parts.push(`## ${heading}`);
    for (const name of names) parts.push(...sectionOf(name));
  }
  return `${parts.filter(Boolean).join("\n\n")}\n`;

  /** @param {Item} item */
  function summaryOf(item) {
    const sentence = firstSentence(item.docComment, findUrl);
    return sentence === "" ? "" : `: ${sentence}`;
  }

  /** @param {string} name */
  function sectionOf(name) {
    const items = named(own, name);
    noteReferences(entryPoint, name, items);
    return [
      `### ${name}${nodeOnly(entryPoint, name)} {#${anchorOf(name)}}`,
      codeBlock(`${entryPoint.id}#${anchorOf(name)}`, items.map(declarationOf).join("\n\n")),
      ...items.flatMap((item) => textOfComment(item.docComment)),
      ...items
        .flatMap(({ members = [] }) => members)
        .flatMap((member) => memberSection(name, member)),
    ];
  }

  /** @param {string} owner @param {Item} member */
  function memberSection(owner, member) {
    const body = textOfComment(member.docComment);
    if (body.length === 0) return [];
    const label = labelOf(owner, member);
    const anchor = `${anchorOf(owner)}-${anchorOf(label)}`;
    const count = (memberCounts.get(anchor) ?? 0) + 1;
    memberCounts.set(anchor, count);
    // The overloads of a method have the same label.
    return [`#### \`${label}\` {#${count === 1 ? anchor : `${anchor}-${count}`}}`, ...body];
  }

  /** @param {string} comment */
  function textOfComment(comment) {
    const { summary, params, returns, throws } = parseDocstring(comment, findUrl);
    return [
      summary,
      list("Parameters", params),
      list("Returns", returns),
      list("Throws", throws),
    ].filter(Boolean);
  }
}

/** @param {readonly Item[]} items @param {string} name */
function named(items, name) {
  return items.filter((item) => nameOf(item) === name);
}

/** @param {EntryPoint} entryPoint @param {string} name */
function nodeOnly({ id }, name) {
  return id === "tideway" && !inBrowsers.has(name) ? " (Node.js only)" : "";
}

/** @param {string} owner @param {Item} member */
function labelOf(owner, member) {
  switch (member.kind) {
    case "Constructor":
    case "ConstructSignature":
      return `new ${owner}()`;
    case "Method":
    case "MethodSignature":
      return `${member.name}()`;
    default:
      return member.name;
  }
}

/** @param {string} heading @param {string[]} lines */
function list(heading, lines) {
  if (lines.length === 0) return "";
  if (lines.length === 1 && heading === "Returns") return `**Returns** ${lines[0]}`;
  return `**${heading}**\n\n${lines.map((line) => `- ${line.replaceAll("\n", "\n  ")}`).join("\n")}`;
}

/** @param {string} place @param {string} code */
function codeBlock(place, code) {
  return `\`\`\`ts api:${place}\n${code}\n\`\`\``;
}

/** Breaks long declarations: the formatter also formats code in Markdown. It skips ignored folders. */
function formatCode() {
  writeFileSync(join(pages, ".oxfmtrc.json"), '{ "printWidth": 80 }');
  const manifest = createRequire(import.meta.url).resolve("oxfmt/package.json");
  const formatter = join(dirname(manifest), "bin/oxfmt");
  const { status, stderr } = spawnSync(process.execPath, [formatter, "."], {
    cwd: pages,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`oxfmt: ${stderr}`);
  rmSync(join(pages, ".oxfmtrc.json"));
}
