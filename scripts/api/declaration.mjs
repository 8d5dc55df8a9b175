/** Writes the declarations of the model as TypeScript. */

/**
 * @typedef {{ kind: string, text: string }} Token
 * @typedef {{
 *   kind: string, name: string, docComment: string, excerptTokens: Token[], members?: Item[],
 *   isStatic?: boolean, isOptional?: boolean, fileUrlPath?: string,
 * }} Item
 */

/** @param {Item} item */
export function declarationOf(item) {
  const head = withoutExport(textOf(item));
  if (item.kind === "Variable") return `const ${head};`.replace("const const", "const");
  if (item.kind !== "Class" && item.kind !== "Interface" && item.kind !== "Namespace") return head;
  const members = item.members.map((member) => `  ${withoutExport(textOf(member))}`);
  // A namespace has no text.
  const start = item.kind === "Namespace" ? `namespace ${item.name} ` : head;
  return `${start}{\n${members.join("\n")}\n}`;
}

/** @param {Item} item */
export function nameOf(item) {
  return withoutNumber(item.name);
}

/** @param {Item} item */
export function textOf(item) {
  return item.excerptTokens
    .map(({ kind, text }) => (kind === "Reference" ? withoutNumber(text) : text))
    .join("")
    .replaceAll(/\b(\w+?)_[2-9]\b/g, "$1");
}

/** @param {string} text */
function withoutExport(text) {
  return text.replace(/^export (declare )?/, "");
}

/** API Extractor adds a number to a name that is also the name of a global. @param {string} name */
function withoutNumber(name) {
  return name.replace(/_[2-9]$/, "");
}
