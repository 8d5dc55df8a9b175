"use strict";

module.exports = function () {
  throw new Error("tideway-ws does not run in a browser; use the browser's own WebSocket");
};
