/** DOM helpers for every part of the page. */

/** Returns the element with this id. @throws Error if the page has none of this kind. */
export function byId<Kind extends Element>(id: string, kind: new () => Kind): Kind {
  const element = document.getElementById(id);
  if (element instanceof kind) return element;
  throw new Error(`the page has no ${kind.name} with the id ${id}`);
}

/** Makes an element with plain text: markup in the text is shown as text. */
export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  className: string,
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  element.className = className;
  element.append(...children);
  return element;
}

/** The avatar of a user: the first character of the name, in a colour derived from the name. */
export function makeFace(name: string): HTMLElement {
  const [first] = new Intl.Segmenter().segment(name);
  const face = make("span", "face", (first?.segment ?? "?").toLocaleUpperCase());
  face.ariaHidden = "true";
  face.style.setProperty("--hue", String(hueOf(name)));
  return face;
}

/** A hue from 0 to 359 that is always the same for the same name. */
export function hueOf(name: string): number {
  let hash = 7;
  for (let index = 0; index < name.length; index++) {
    hash = (hash * 31 + name.charCodeAt(index)) >>> 0;
  }
  return (hash * 47) % 360;
}
