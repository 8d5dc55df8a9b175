/** The opening handshake of a client while it is under way, as `WebSocket` sees it. */
export interface ClientHandshake {
  /** The URL of the server, as the property `url` of the WebSocket returns it. */
  readonly url: string;
  /**
   * Aborts the handshake, because the application called `close` or `terminate`. The client then calls
   * `failHandshake` with this error, in a later turn of the event loop or from the events of its request.
   */
  abort(error: Error): void;
}
