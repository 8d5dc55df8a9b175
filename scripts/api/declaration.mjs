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
  const head = textOf(item).replace(/^export (declare )?/, "");
  if (item.kind === "Variable") return `const ${head};`.replace("const const", "const");
  if (item.kind !== "Class" && item.kind !== "Interface") return head;
  const members = item.members.map((member) => `  ${textOf(member)}`);
  return `${head}{\n${members.join("\n")}\n}`;
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

/** API Extractor adds a number to a name that is also the name of a global. @param {string} name */
function withoutNumber(name) {
  return name.replace(/_[2-9]$/, "");
}
