import { describe, expect, it } from "vitest";
import { extractProse } from "../../scripts/prose/extract.ts";
import { splitSentences } from "../../scripts/prose/sentences.ts";

/**
 * The sentences of a file, with … for a code span. Checks that each character is where its offset
 * says.
 */
function sentencesOf(path: string, source: string): string[] {
  const sentences = (extractProse(path, source) ?? []).flatMap(splitSentences);
  for (const { text, offsets } of sentences) {
    for (const { index, 0: char } of text.matchAll(/[\p{L}\d]/gu)) {
      expect(source[offsets[index]]).toBe(char);
    }
  }
  return sentences.map(({ text }) => text.replaceAll("\uE000", "…"));
}

describe("the prose of Markdown", () => {
  const page = (...lines: string[]): string[] => sentencesOf("page.md", lines.join("\n"));

  it("has paragraphs over several lines, split into sentences", () => {
    expect(page("# A title", "", "First sentence", "goes here. Second one: e.g. this.")).toEqual([
      "A title",
      "First sentence goes here.",
      "Second one: e.g. this.",
    ]);
  });

  it("does not split at a number, a file name or an abbreviation", () => {
    expect(page("See RFC 6455 5.5.1. Node.js 20.19 runs main.ts, approx. 2 times.")).toEqual([
      "See RFC 6455 5.5.1.",
      "Node.js 20.19 runs main.ts, approx. 2 times.",
    ]);
  });

  it("has each list item, quote, note and table cell as a separate block", () => {
    expect(
      page(
        "- one item",
        "  over two lines",
        "1. another item",
        "",
        "> a quote",
        "",
        "[^note]: a note",
        "",
        "| head | other |",
        "| --- | ---: |",
        "| a `b | c` d | cell |",
      ),
    ).toEqual([
      "one item over two lines",
      "another item",
      "a quote",
      "a note",
      "head",
      "other",
      "a … d",
      "cell",
    ]);
  });

  it("leaves out code spans, addresses, tags and emphasis", () => {
    expect(
      page(
        "Use `serve()` and [the *guide*](guides/a.md#b) <br> at https://example.com/a now.",
        "",
        "[a]: b.md",
        '[b]: c.md "a title"',
        "",
      ),
    ).toEqual(["Use … and the guide at … now."]);
  });

  it("has the comments of code blocks, and not their code", () => {
    expect(
      page(
        "```ts",
        'const text = "no prose in a page"; // a comment',
        "```",
        "```sh",
        "npm test # runs the tests",
        "```",
        "```json",
        '{ "a": "no prose at all" }',
        "```",
      ),
    ).toEqual(["a comment", "runs the tests"]);
  });

  it("has the texts of the front matter", () => {
    expect(page("---", "layout: home", "  tagline: A server and client", "---", "Text.")).toEqual([
      "A server and client",
      "Text.",
    ]);
  });
});

describe("the prose of TypeScript", () => {
  const code = (...lines: string[]): string[] => sentencesOf("src/a.ts", lines.join("\n"));

  it("has docstrings with their tags and code blocks", () => {
    expect(
      code(
        "/**",
        " * Sends `data`. Returns",
        " * nothing; see {@link other}.",
        " *",
        " * @param data The message.",
        " * @throws UsageError `CODE` if closed",
        " * @example",
        " * ```ts",
        " * send(1); // sends a number",
        " * ```",
        " */",
        "export function send(data: number): void {}",
      ),
    ).toEqual([
      "Sends ….",
      "Returns nothing; see ….",
      "The message.",
      "UsageError … if closed",
      "sends a number",
    ]);
  });

  it("joins line comments that follow each other, and no others", () => {
    expect(
      code("// one comment", "  // over two lines", "", "// another", "f(); // a third"),
    ).toEqual(["one comment over two lines", "another", "a third"]);
  });

  it("leaves out comments for tools", () => {
    expect(
      code(
        "// oxlint-disable-next-line no-var",
        "/* v8 ignore next */",
        "// @ts-expect-error a reason",
        "f();",
      ),
    ).toEqual([]);
  });

  it("is not misled by text that looks like a comment", () => {
    expect(
      code('const url = "http://x"; const re = /\\/\\/ no comment/;', "f(`// no ${a /* yes */}`);"),
    ).toEqual(["yes"]);
  });

  it("has strings, templates and sums of at least three words", () => {
    expect(
      code(
        'throw new Error("the port is in use");',
        "throw new Error(`the port ${port} is in use`);",
        'throw new Error("the port " + port + " is already " +',
        '  "in use");',
        'const other = ["two words", "a/b c.d e:f"];',
      ),
    ).toEqual(["the port is in use", "the port … is in use", "the port … is already in use"]);
  });

  it("has no strings of a folder without messages", () => {
    expect(sentencesOf("test/a.ts", 'const text = "the port is in use";')).toEqual([]);
  });
});

it("the prose of a test has titles, even with each and skipIf, and no other strings", () => {
  const source = [
    'describe("a socket", () => {',
    '  it("closes", () => { expect("the text is not prose").toBe(1); });',
    '  it.each([1])("closes with %i", () => {});',
    "  it.skipIf(true)(`closes on ${platform}`, () => {});",
    '  itOverTcp("closes over TCP", async () => {});',
    "});",
  ];
  expect(sentencesOf("test/a.test.ts", source.join("\n"))).toEqual([
    "a socket",
    "closes",
    "closes with %i",
    "closes on …",
    "closes over TCP",
  ]);
});

it("the prose of HTML has text, attributes for people, and comments, even of scripts and styles", () => {
  const source = `<!doctype html><html><head><title>A page</title>
    <style>/* a style */ a { color: red }</style></head>
    <body><!-- a remark --><p>Text with <code>code</code> and <a href="x">a link</a>.</p>
    <button aria-label="Send the message">Send</button>
    <script>// a script
    </script></body></html>`;
  expect(sentencesOf("a.html", source)).toEqual([
    "A page",
    "a style",
    "a remark",
    "Text with … and a link .",
    "Send the message",
    "Send",
    "a script",
  ]);
});

it("the prose of CSS and YAML has the comments", () => {
  expect(sentencesOf("a.css", 'a { content: "/* no */" } /* A comment. */')).toEqual([
    "A comment.",
  ]);
  expect(sentencesOf("a.yml", "on: push # a comment\n# another\nrun: echo '#1'")).toEqual([
    "a comment another",
  ]);
});

it("the prose of other files is undefined", () => {
  expect(extractProse("package-lock.json", "{}")).toBeUndefined();
});
