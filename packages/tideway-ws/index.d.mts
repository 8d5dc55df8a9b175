export * from "tideway/ws";
export { default } from "tideway/ws";
