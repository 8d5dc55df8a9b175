export type Point = [x: number, y: number];

const SVG = "http://www.w3.org/2000/svg";

/** The picture: strokes, and above them the pointers of the other users. */
export class Board {
  readonly #svg: SVGSVGElement;

  constructor(svg: SVGSVGElement) {
    this.#svg = svg;
  }

  /** The point of the board below the pointer. */
  pointAt({ clientX, clientY }: MouseEvent): Point {
    const { x, y } = new DOMPoint(clientX, clientY).matrixTransform(
      this.#svg.getScreenCTM()!.inverse(),
    );
    return [clamp(x, 1_200), clamp(y, 900)];
  }

  /** Adds points to a stroke. The first points create it. */
  extend(stroke: string, author: string, points: readonly Point[]): void {
    const line =
      document.getElementById(stroke) ?? paint(document.createElementNS(SVG, "polyline"), author);
    line.id = stroke;
    if (!line.isConnected) this.#svg.querySelector("#strokes")!.append(line);
    line.setAttribute("points", `${line.getAttribute("points") ?? ""} ${points.join(" ")}`);
  }

  /** Removes all strokes, except for drafts: the user's own strokes that are not published yet. */
  clear(): void {
    for (const line of this.#svg.querySelectorAll("polyline:not([id^=draft])")) line.remove();
  }

  /** Shows the pointer of a user, or removes it if `point` is absent. */
  moveCursor(id: string, name: string, point?: Point): void {
    const cursor = this.#svg.querySelector<SVGGElement>(`#by-${id}`) ?? this.#addCursor(id, name);
    if (point === undefined) return cursor.remove();
    cursor.style.transform = `translate(${point[0]}px, ${point[1]}px)`;
  }

  #addCursor(id: string, name: string): SVGGElement {
    const cursor = paint(document.createElementNS(SVG, "g"), id);
    cursor.id = `by-${id}`;
    cursor.innerHTML = `<path d="M0 0v28l8-7h11z" /><text x="16" y="40"></text>`;
    cursor.lastElementChild!.textContent = name;
    this.#svg.append(cursor);
    return cursor;
  }
}

/** Gives an element the color of a user. */
export function paint<T extends HTMLElement | SVGElement>(element: T, id: string): T {
  element.style.setProperty("--hue", String(parseInt(id || "0", 16) % 360));
  return element;
}

const clamp = (value: number, max: number): number => Math.round(Math.min(Math.max(value, 0), max));
