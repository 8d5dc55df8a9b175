export * from "tideway/ws";
export { default } from "tideway/ws";
export type { AddressInfo } from "node:net";
