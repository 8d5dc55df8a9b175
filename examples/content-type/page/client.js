// The browser's own WebSocket and nothing else: any client can talk to a Tideway server.

const form = document.querySelector("#ask");
const input = document.querySelector("#extension");
const button = document.querySelector("#send");
const status = document.querySelector("#status");
const answers = document.querySelector("#answers");

// The server answers in the order of the questions, so each answer belongs to the oldest question.
const asked = [];

const url = new URL("/contentType", location.href);
url.protocol = url.protocol.replace("http", "ws");
const socket = new WebSocket(url);

socket.onopen = () => {
  status.textContent = "Connected";
  button.disabled = false;
  for (const extension of ["html", "css", "js", "png", "svg", "mp4", "woff2"]) ask(extension);
};

socket.onmessage = ({ data }) => {
  const question = document.createElement("code");
  question.textContent = asked.shift();
  const answer = document.createElement("code");
  answer.textContent = data;
  const item = document.createElement("li");
  item.append(question, " is ", answer);
  answers.prepend(item);
};

socket.onclose = () => {
  status.textContent = "The connection is closed. Reload the page to connect again.";
  button.disabled = true;
};

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const extension = input.value.trim();
  if (extension !== "" && socket.readyState === WebSocket.OPEN) ask(extension);
  input.select();
});

function ask(extension) {
  asked.push(extension);
  socket.send(extension);
}
