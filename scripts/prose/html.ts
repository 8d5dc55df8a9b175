import { type DefaultTreeAdapterMap, parse, parseFragment } from "parse5";
import { type CodeBlock, type Markdown } from "./markdown.ts";
import { mask, maskCode, type Passage } from "./passage.ts";

type Node = DefaultTreeAdapterMap["node"];

/** The attributes with a value for people. */
const FOR_PEOPLE = new Set([
  "alt",
  "aria-description",
  "aria-label",
  "content",
  "placeholder",
  "title",
]);

/** The elements that are part of a sentence, not a separate block. */
const INLINE = new Set(["a", "abbr", "b", "br", "em", "i", "kbd", "small", "span", "strong"]);

/** The prose of a page: its text, comments and the attributes for people. Its scripts and styles are code. */
export function parseHtml(source: string): Markdown {
  const options = { sourceCodeLocationInfo: true };
  const isPage = /<!doctype|<html/i.test(source);
  const page = new Page(source);
  page.visit(isPage ? parse(source, options) : parseFragment(source, options), false);
  return page;
}

class Page implements Markdown {
  readonly prose: Passage[] = [];
  readonly code: CodeBlock[] = [];
  readonly #source: string;

  constructor(source: string) {
    this.#source = source;
  }

  /** Collects the prose below `node`; only that of attributes if `isCollected`. */
  visit(node: Node, isCollected: boolean): void {
    const location = node.sourceCodeLocation;
    if (node.nodeName === "#comment" && location) {
      this.#add(location.startOffset + 4, location.endOffset - 3);
    } else if (node.nodeName === "#text" && location) {
      if (!isCollected) this.#add(location.startOffset, location.endOffset);
    } else if (node.nodeName === "script" || node.nodeName === "style") {
      this.#addCode(node);
    } else if ("childNodes" in node) {
      this.#addAttributes(node);
      const isSentence = !isCollected && this.#addSentence(node);
      for (const child of node.childNodes) this.visit(child, isCollected || isSentence);
    }
  }

  #addAttributes(node: Node): void {
    if (!("attrs" in node)) return;
    for (const { name, value } of node.attrs) {
      const place = node.sourceCodeLocation?.attrs?.[name];
      if (place && FOR_PEOPLE.has(name) && value.includes(" ")) {
        this.#add(place.startOffset + name.length + 2, place.endOffset - 1);
      }
    }
  }

  #addCode(node: Node): void {
    const [text] = "childNodes" in node ? node.childNodes : [];
    const location = text?.sourceCodeLocation;
    if (!location) return;
    this.code.push({
      language: node.nodeName === "style" ? "css" : "js",
      start: location.startOffset,
      text: this.#source.slice(location.startOffset, location.endOffset),
    });
  }

  /** Adds the text of an element as one passage if it has only text and inline elements. */
  #addSentence({ childNodes }: DefaultTreeAdapterMap["parentNode"]): boolean {
    const start = childNodes[0]?.sourceCodeLocation?.startOffset;
    const end = childNodes.at(-1)?.sourceCodeLocation?.endOffset;
    if (start === undefined || end === undefined || !childNodes.every(isInline)) return false;
    this.#add(start, end);
    return true;
  }

  #add(start: number, end: number): void {
    const text = this.#source
      .slice(start, end)
      .replaceAll(/<code[\s\S]*?<\/code>/g, maskCode)
      .replaceAll(/<[^>]*>|&[#\w]+;/g, (markup) => mask(markup));
    if (/\p{L}/u.test(text)) this.prose.push({ start, text });
  }
}

function isInline(node: Node): boolean {
  if (node.nodeName === "#text" || node.nodeName === "code") return true;
  return INLINE.has(node.nodeName) && "childNodes" in node && node.childNodes.every(isInline);
}
