/**
 * Converts docstrings to Markdown.
 *
 * @typedef {(name: string) => string | undefined} FindUrl The URL of an exported name
 * @typedef {{ summary: string, params: string[], returns: string[], throws: string[] }} Docstring
 */

/**
 * Parses a comment. `summary` is its text before the first tag, together with examples.
 *
 * @param {string} comment
 * @param {FindUrl} findUrl
 * @returns {Docstring}
 */
export function parseDocstring(comment, findUrl) {
  const text = comment
    .replace(/^\s*\/\*\*/, "")
    .replace(/\*\/\s*$/, "")
    .replaceAll(/^[ \t]*\* ?/gm, "")
    .trim();
  const [summary, ...tags] = text.split(/^@(?=\w)/m);
  const result = { summary: toMarkdown(summary, findUrl), params: [], returns: [], throws: [] };
  for (const tag of tags) {
    const [, name, body] = /^(\w+)\s*([^]*)$/.exec(tag);
    const markdown = toMarkdown(body, findUrl);
    if (name === "param") result.params.push(markdown.replace(/^([\w.]+)(?: -)?\s+/, "`$1`: "));
    else if (name === "returns") result.returns.push(markdown);
    else if (name === "throws") result.throws.push(markdown.replace(/^(\w+Error)\b/, codeOf));
    else if (name === "example") result.summary += `\n\n${markdown}`;
  }
  return result;

  /** @param {string} name */
  function codeOf(name) {
    return toMarkdown(`\`${name}\``, findUrl);
  }
}

/** @param {string} comment @param {FindUrl} findUrl */
export function firstSentence(comment, findUrl) {
  const { summary } = parseDocstring(comment, findUrl);
  const [paragraph] = summary.split("\n\n");
  const text = paragraph.replaceAll("\n", " ");
  return /^.*?[.:](?= [A-Z`[{]|$)/.exec(text)?.[0].replace(/:$/, ".") ?? text;
}

/**
 * Links names, and escapes what Markdown on a page of Vue would read as HTML.
 *
 * @param {string} text
 * @param {FindUrl} findUrl
 */
function toMarkdown(text, findUrl) {
  return text
    .trim()
    .split(/(^```[^]*?^```$)/m)
    .map((part) => (part.startsWith("```") ? part : convert(part)))
    .join("");

  /** @param {string} part */
  function convert(part) {
    return part
      .replaceAll(/\{@link ([\w.]+)(?:\s*\|\s*([^}]*))?\}/g, (_, name, label) =>
        linked(name, label ?? `\`${name}\``),
      )
      .split(/(\[?`[^`]+`)/)
      .map((piece) => {
        if (piece.startsWith("[")) return piece;
        if (!piece.startsWith("`")) return piece.replaceAll("<", "&lt;").replaceAll("{{", "{&#123;");
        const name = /^`(?:new )?(\w+)(?:\(.*\))?`$/.exec(piece)?.[1];
        return name === undefined ? piece : linked(name, piece);
      })
      .join("");
  }

  /** @param {string} name @param {string} label */
  function linked(name, label) {
    const url = findUrl(name);
    return url === undefined ? label : `[${label}](${url})`;
  }
}
