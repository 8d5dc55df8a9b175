"use strict";

// `.WebSocket` is the class itself in Node.js. In a bundle, where `require` of an ES module returns its
// namespace, it is the class too.
module.exports = require("tideway/ws").WebSocket;
