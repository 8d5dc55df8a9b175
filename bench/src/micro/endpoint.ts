import { Endpoint, type EndpointEvents } from "../../../dist/protocol/endpoint.js";
import { OutputBuffer } from "../../../dist/protocol/output-buffer.js";
import { nodeProtocolEnvironment } from "../../../dist/node/environment/protocol-environment.js";

const SLAB_BYTES = 1024 * 1024;

/** Creates a server endpoint with its output, which the caller can discard. */
export function serverEndpoint(): { readonly endpoint: Endpoint; readonly output: OutputBuffer } {
  const output = new OutputBuffer({ take: () => new Uint8Array(SLAB_BYTES), give() {} });
  return {
    endpoint: new Endpoint({ role: "server" }, nodeProtocolEnvironment, output, EVENTS),
    output,
  };
}

const EVENTS: EndpointEvents = {
  onText() {},
  onBinary() {},
  onPing() {},
  onPong() {},
  onFinish(record) {
    throw new Error(`the endpoint ended with ${record.code}`);
  },
};
