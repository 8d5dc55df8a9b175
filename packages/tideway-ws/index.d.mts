import WebSocket from "./index.cjs";

export * from "tideway/ws";
// With the namespace of types, as in `WebSocket.RawData`.
export { WebSocket, WebSocket as default };
export type AddressInfo = WebSocket.AddressInfo;
export type CertMeta = WebSocket.CertMeta;
export type FinishRequestCallback = WebSocket.FinishRequestCallback;
