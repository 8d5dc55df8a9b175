import { CloseCode } from "../../errors/close-code.ts";
import type { PreparedMessage } from "../../protocol/prepared-message.ts";
import type { ServerSocket } from "../../server/socket/server-socket.ts";
import type { MessageListener, MessageSubscription } from "../../streams/message-subscription.ts";
import type { ErrorFields } from "../wire/frames.ts";
import {
  type ClientFrameOf,
  ServerSession,
  type ServerSessionHandler,
} from "../wire/server-session.ts";
import { Calls } from "./calls.ts";
import type { ChannelsEnvironment } from "./environment.ts";
import { Gate, type HandshakeContext } from "./gate.ts";
import type { ConnectionClosedError } from "../../errors/index.ts";
import { HistoryReads } from "./history.ts";
import { Presences } from "./presences.ts";
import { Publishes } from "./publishes.ts";
import { Rechecks } from "./rechecks.ts";
import type { RefusalReason } from "./refusals.ts";
import type { ChannelSession } from "./session-interface.ts";
import type { SessionRates } from "./session-rates.ts";
import { Streams } from "./streams.ts";
import { type Subscription, Subscriptions } from "./subscriptions.ts";
import { VolatileBacklog } from "./volatile-backlog.ts";
import { Watches } from "./watches.ts";

const REFUSAL_CODES = {
  unauthorized: CloseCode.Unauthorized,
  forbidden: CloseCode.Forbidden,
} as const;

/**
 * One connection of a channel client. Applications see it as a `ChannelSession`.
 *
 * There may be many thousands, so its parts are created when the client first uses them.
 */
export class ChannelConnection
  implements ServerSessionHandler, MessageListener, ChannelSession<unknown>
{
  readonly environment: ChannelsEnvironment;
  readonly session: ServerSession;
  readonly #socket: ServerSocket;
  readonly #input: MessageSubscription;
  /** The state that `authorize` returned. */
  state: unknown;
  /** Identifies the session of the client in ids of the broker, without its secret. */
  identity = "";
  /** Counts the connections of the session. */
  connectionNumber = 0;
  #rates: SessionRates | undefined;
  /** Authorizes the client. Undefined once that is final. */
  #gate: Gate | undefined;
  /** Whether there is more output than there should be, or the session has closed. Then no more requests are read. */
  #isFull = false;
  /** Whether this server has closed the connection because the client may not return. */
  #isForbidden = false;
  #subscriptions: Subscriptions | undefined;
  #publishes: Publishes | undefined;
  #calls: Calls | undefined;
  #streams: Streams | undefined;
  #history: HistoryReads | undefined;
  #watches: Watches | undefined;
  #presences: Presences | undefined;
  #rechecks: Rechecks | undefined;
  #volatileBacklog: VolatileBacklog | undefined;

  constructor(environment: ChannelsEnvironment, socket: ServerSocket, context: HandshakeContext) {
    this.environment = environment;
    this.#socket = socket;
    this.session = new ServerSession(this, environment.limits);
    this.#gate = new Gate(this, socket, context);
    this.#input = socket.consume(this);
  }

  /** A message of the client. */
  onMessage(message: string | Uint8Array): void {
    this.session.receive(message);
  }

  /** Required by `MessageListener`. The server never cancels its subscription to the messages. */
  onCancel(): void {}

  /** The connection has ended. */
  onEnd(): void {
    this.#endSession();
    this.environment.connections.delete(this);
    if (this.#rates !== undefined) this.environment.rates!.release(this.identity);
    if (this.#presences !== undefined) this.#endPresences(this.#presences);
  }

  /** The id of the session, for applications. */
  get id(): string {
    return this.identity;
  }

  /** The limits on the rates of the session. Undefined if there are none. */
  get rates(): SessionRates | undefined {
    this.#rates ??= this.environment.rates?.acquire(this.identity);
    return this.#rates;
  }

  /** The volatile messages that wait for the client. */
  get volatileBacklog(): VolatileBacklog {
    this.#volatileBacklog ??= new VolatileBacklog(this.environment.limits.maxVolatileBytes);
    return this.#volatileBacklog;
  }

  get isFull(): boolean {
    return this.#isFull;
  }

  get bufferedAmount(): number {
    return this.#socket.bufferedAmount;
  }

  /** Sends a message. Returns false if the sender should wait. */
  send(message: string | Uint8Array | PreparedMessage): boolean {
    const hasRoom = this.#socket.send(message);
    if (!hasRoom && !this.#isFull) this.#waitForRoom();
    return hasRoom;
  }

  /** Closes the connection with a close code, or because the client is not authorized any more. */
  close(code: number | RefusalReason, reason: string = ""): void {
    if (typeof code === "number") {
      this.#socket.close(code, reason);
      this.#endSession();
      return;
    }
    if (code === "forbidden") this.#isForbidden = true;
    this.session.close(REFUSAL_CODES[code], reason === "" ? code : reason);
  }

  /** Tells the client that it is authorized, the limits, and when it must send fresh credentials. */
  welcome(expiresInMs?: number): void {
    const { maxMessageBytes } = this.#socket;
    this.session.welcome({
      ...this.environment.welcome,
      ...(maxMessageBytes < Infinity && { maxMessageBytes }),
      ...(expiresInMs !== undefined && { expiresInMs }),
    });
  }

  /** Ends a subscription, because the client cannot receive a publication. */
  revoke(subscription: Subscription, error: ErrorFields): void {
    this.#subscriptions?.revoke(subscription, error);
  }

  /** Resolves when the subscribe of a topic is answered; undefined if no answer is pending. */
  whenSubscribed(topic: string): Promise<void> | undefined {
    return this.#subscriptions?.whenAnswered(topic);
  }

  /** The client is authorized for as long as the connection lasts. */
  removeGate(): void {
    this.#gate = undefined;
  }

  /** Runs the subscribe rules of everything that is open again. */
  async recheck(): Promise<void> {
    const rechecks = (this.#rechecks ??= new Rechecks(this));
    await Promise.all([
      ...(this.#subscriptions?.recheck(rechecks) ?? []),
      ...(this.#watches?.recheck(rechecks) ?? []),
    ]);
  }

  onHello(frame: ClientFrameOf<"hello">): void {
    this.#gate?.onHello(frame);
  }

  onAuth(frame: ClientFrameOf<"auth">): void {
    if (this.#gate === undefined) this.welcome();
    else this.#gate.onAuth(frame);
  }

  onSubscribe(frame: ClientFrameOf<"subscribe">): void {
    (this.#subscriptions ??= new Subscriptions(this)).subscribe(frame);
  }

  onUnsubscribe({ topic }: ClientFrameOf<"unsubscribe">): void {
    this.#subscriptions?.unsubscribe(topic);
  }

  onCredit(frame: ClientFrameOf<"credit">): void {
    if ("stream" in frame) this.#streams?.addCredit(frame.stream, frame.bytes);
    else this.#subscriptions?.addCredit(frame.topic, frame.bytes);
  }

  onPublish(frame: ClientFrameOf<"publish">): void {
    (this.#publishes ??= new Publishes(this)).publish(frame);
  }

  onSeen({ id }: ClientFrameOf<"seen">): void {
    this.#publishes?.onSeen(id);
  }

  onWatch(frame: ClientFrameOf<"watch">): void {
    (this.#watches ??= new Watches(this)).watch(frame);
  }

  onUnwatch({ topic }: ClientFrameOf<"unwatch">): void {
    this.#watches?.unwatch(topic);
  }

  onEnter(frame: ClientFrameOf<"enter">): void {
    (this.#presences ??= new Presences(this)).enter(frame);
  }

  onLeave(frame: ClientFrameOf<"leave">): void {
    (this.#presences ??= new Presences(this)).leave(frame);
  }

  onHistory(frame: ClientFrameOf<"history">): void {
    (this.#history ??= new HistoryReads(this)).read(frame);
  }

  onCall(frame: ClientFrameOf<"call">): void {
    (this.#calls ??= new Calls(this)).call(frame);
  }

  onStream(frame: ClientFrameOf<"stream">): void {
    (this.#streams ??= new Streams(this)).stream(frame);
  }

  onCancelRequest({ id }: ClientFrameOf<"cancel">): void {
    this.#calls?.cancel(id);
    this.#streams?.cancel(id);
    this.#history?.cancel(id);
  }

  /**
   * Ends everything that the client has open, apart from its presence. Called when the session closes, because the
   * connection may take until `closeTimeoutMs` to end. Until then nothing can be sent.
   */
  #endSession(): void {
    this.session.end();
    this.#isFull = true;
    this.#gate?.end();
    this.#subscriptions?.endAll();
    this.#publishes?.endAll();
    this.#history?.endAll();
    this.#calls?.endAll();
    this.#streams?.endAll();
    this.#watches?.endAll();
    // The session ignores the messages that wait. The end of the connection is delivered after them.
    this.#input.resume();
  }

  /** Holds back requests until there is room, because each of them has an answer. */
  #waitForRoom(): void {
    this.#isFull = true;
    this.#input.pause();
    this.#socket.drained.then(
      () => this.#onRoom(),
      () => this.#endSession(),
    );
  }

  #onRoom(): void {
    if (this.session.isClosed) return;
    this.#isFull = false;
    this.#subscriptions?.wake();
    this.#watches?.wake();
    this.#streams?.wake();
    if (!this.#isFull) this.#input.resume();
  }

  /** Members of a client that has closed the connection, or may not return, leave. Others may return. */
  #endPresences(presences: Presences): void {
    // Also rejects for a connection that was closed normally.
    this.#socket.drained.catch((error: unknown) => {
      const { closedBy, closeCode } = error as ConnectionClosedError;
      const isNormal =
        closedBy === "peer" &&
        (closeCode === CloseCode.Normal || closeCode === CloseCode.GoingAway);
      presences.endAll(isNormal || this.#isForbidden);
    });
  }
}
