import WebSocket = require("tideway/ws");

export = WebSocket;
