import { ReconnectingWebSocket } from "tideway";

const byId = (id) => document.getElementById(id);
const counts = { received: 0, missed: 0, repeated: 0, reconnects: 0 };
const rows = new Map();

const servers = await (await fetch("/servers")).json();
// Start with the server that this page comes from.
let next = Math.max(0, servers.indexOf(location.origin));
let server;

/** The position of the latest message. The next connection continues after it, at any server. */
let position = "";
let lastNumber;

const socket = new ReconnectingWebSocket(
  () => {
    server = servers[next++ % servers.length];
    return `${server.replace(/^http/, "ws")}/prices?since=${encodeURIComponent(position)}`;
  },
  { initialDelayMs: 500 },
);

socket.addEventListener("open", () => {
  byId("status").textContent = `Connected to ${server}`;
});
socket.addEventListener("reconnecting", () => {
  byId("status").textContent = `Lost ${server}. Connecting to the next server.`;
});
socket.addEventListener("reconnected", () => count("reconnects"));
socket.addEventListener("message", ({ data }) => {
  const message = JSON.parse(data);
  position = message.position ?? position;
  if (message.type === "publication") showPrice(JSON.parse(message.text));
});

function showPrice({ number, symbol, cents }) {
  count("received");
  if (lastNumber !== undefined && number <= lastNumber) count("repeated");
  if (lastNumber !== undefined && number > lastNumber + 1) count("missed", number - lastNumber - 1);
  lastNumber = number;

  const row = rows.get(symbol) ?? addRow(symbol);
  const change = row.cents === undefined ? 0 : cents - row.cents;
  row.cents = cents;
  row.price.textContent = format(cents);
  row.change.textContent = (change > 0 ? "+" : "") + format(change);
  row.change.dataset.direction = change < 0 ? "down" : change > 0 ? "up" : "same";
}

function addRow(symbol) {
  const body = byId("prices");
  // Rows are in alphabetical order.
  const at = [...rows.keys()].filter((other) => other < symbol).length;
  const element = body.insertRow(at);
  const name = document.createElement("th");
  name.scope = "row";
  name.textContent = symbol;
  element.append(name);
  const row = { price: element.insertCell(), change: element.insertCell() };
  for (const cell of Object.values(row)) cell.className = "number";
  rows.set(symbol, row);
  return row;
}

function count(name, by = 1) {
  counts[name] += by;
  byId(name).textContent = counts[name].toLocaleString("en");
}

function format(cents) {
  return (cents / 100).toFixed(2);
}
