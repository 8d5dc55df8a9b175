import { connect, PublicationsLostError } from "tideway/channels";
import type { contract } from "../contract.ts";
import { Board, paint, type Point } from "./board.ts";

const PUBLISH_INTERVAL_MS = 40;
const NAMES = ["Curlew", "Dunlin", "Gannet", "Heron", "Knot", "Otter", "Plover", "Seal", "Tern"];
const STATES = {
  connecting: "Connecting",
  open: "Connected",
  waiting: "Offline. Your strokes are sent when you are online again.",
  closed: "Disconnected. Reload the page.",
};

const byId = (id: string) => document.getElementById(id)!;
const say = (text: string): void => void (byId("status").textContent = text);
const sayError = (error: unknown): void => say((error as Error).message);
const svg = document.querySelector("svg")!;
const board = new Board(svg);

const stored = sessionStorage as { userKey?: string; userName?: string };
const key = (stored.userKey ??= crypto.randomUUID());
const name = (stored.userName ??= NAMES[Math.floor(Math.random() * NAMES.length)]);
const url = `${location.origin.replace("http", "ws")}/whiteboard/channels`;
const client = connect<typeof contract>(url, { auth: { key, name }, maxDelayMs: 2_000 });
const params = { board: new URL(location.href).searchParams.get("board") ?? "main" };
const topic = client.topic("boards/:board", params);
const cursors = client.topic("cursors/:board", params);

client.onStateChange.listen((state) => say(STATES[state]));

/** The id of this user, when the server has told it. */
let own = "";
topic.onMembersChange.listen(({ left }) => {
  for (const { id } of left) board.moveCursor(id, "");
  showPeople();
});
topic.enter().then(({ id }) => {
  own = id;
  showPeople();
}, sayError);
showMessages().catch(sayError);
showCursors().catch(sayError);

async function showMessages(): Promise<void> {
  try {
    for await (const { data } of topic.messages({ last: 5_000 })) {
      if (data.type === "clear") board.clear();
      else board.extend(`${data.author} ${data.stroke}`, data.author, data.points);
      if (data.type === "segment" && data.isLast) removeDraft(data.stroke);
    }
  } catch (error) {
    if (!(error instanceof PublicationsLostError)) throw error;
    // The server kept the strokes in memory, and has ended.
    board.clear();
    await showMessages();
  }
}

async function showCursors(): Promise<void> {
  for await (const { data } of cursors.messages()) {
    if (data.author !== own) board.moveCursor(data.author, data.name, data.at);
  }
}

function removeDraft(id: string): void {
  document.getElementById(`draft ${id}`)?.remove();
}

function showPeople(): void {
  const people = (topic.members ?? []).map(({ id, data }) => {
    const textContent = id === own ? `${data.name} (you)` : data.name;
    return paint(Object.assign(document.createElement("li"), { textContent }), id);
  });
  byId("people").replaceChildren(...people);
}

/** The stroke that the user draws, and its points that are not published yet. */
let stroke: { readonly id: string; points: Point[] } | undefined;
let publishedAtMs = 0;

svg.addEventListener("pointerdown", (event) => {
  if (!event.isPrimary || event.button !== 0) return;
  svg.setPointerCapture(event.pointerId);
  stroke = { id: crypto.randomUUID(), points: [] };
  // A line of two equal points is a dot.
  addPoints(board.pointAt(event), board.pointAt(event));
});
svg.addEventListener("pointermove", (event) => {
  const point = board.pointAt(event);
  if (stroke !== undefined) addPoints(point);
  if (performance.now() - publishedAtMs < PUBLISH_INTERVAL_MS) return;
  publishedAtMs = performance.now();
  showPointer(point);
  if (stroke !== undefined) publish(false);
});
svg.addEventListener("pointerleave", () => showPointer());
svg.addEventListener("lostpointercapture", () => {
  if (stroke !== undefined) publish(true);
  stroke = undefined;
});
byId("clear").addEventListener("click", () => {
  topic.publish({ type: "clear" }).catch(sayError);
});

function addPoints(...points: Point[]): void {
  stroke!.points.push(...points);
  board.extend(`draft ${stroke!.id}`, own, points);
}

function showPointer(at?: Point): void {
  if (client.state === "open") cursors.publish(at === undefined ? {} : { at }).catch(() => {});
}

function publish(isLast: boolean): void {
  const { id, points } = stroke!;
  stroke!.points = [];
  topic.publish({ type: "segment", stroke: id, points, isLast }).catch((error: unknown) => {
    removeDraft(id);
    sayError(error);
  });
}
