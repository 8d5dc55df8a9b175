/** The answer of a server to each message, once it is stored. */
export const STORED = "stored";
