const byId = (id) => document.getElementById(id);
const [login, room, status] = ["login", "room", "status"].map(byId);

/** The server closes with this code when the user logs out in any window. */
const LOGGED_OUT = 4001;

let socket;

const { user } = await (await fetch("/user")).json();
if (user === undefined) showLogin();
else showRoom(user);

login.addEventListener("submit", (event) => {
  event.preventDefault();
  void logIn();
});

byId("logout").addEventListener("click", () => void post("/logout"));

async function logIn() {
  const response = await post("/login", { name: byId("name").value });
  const answer = await response.json();
  if (response.ok) showRoom(answer.user);
  else status.textContent = answer.error;
}

byId("say").addEventListener("submit", (event) => {
  event.preventDefault();
  if (socket?.readyState !== WebSocket.OPEN) return;
  socket.send(byId("text").value);
  byId("text").value = "";
});

function showLogin() {
  room.hidden = true;
  login.hidden = false;
  byId("name").focus();
}

function showRoom(name) {
  login.hidden = true;
  room.hidden = false;
  byId("user").textContent = name;
  byId("messages").replaceChildren();
  connect();
}

// The browser sends the session's cookie with the handshake.
function connect() {
  status.textContent = "Connecting";
  socket = new WebSocket(new URL("/room", location.href.replace(/^http/, "ws")));
  socket.onopen = () => {
    status.textContent = "Connected";
    byId("text").focus();
  };
  socket.onmessage = ({ data }) => show(JSON.parse(data));
  socket.onclose = ({ code }) => {
    if (code === LOGGED_OUT) {
      status.textContent = "You are logged out.";
      showLogin();
    } else {
      status.textContent = "The connection is closed. Reload the page to connect again.";
    }
  };
}

function show(message) {
  if (message.type === "users") {
    byId("users").textContent = `Here now: ${message.users.join(", ")}`;
    return;
  }
  const author = document.createElement("strong");
  author.textContent = message.user;
  const item = document.createElement("li");
  item.append(author, " ", message.text);
  byId("messages").append(item);
  item.scrollIntoView({ block: "nearest" });
}

function post(path, body = {}) {
  return fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
}
