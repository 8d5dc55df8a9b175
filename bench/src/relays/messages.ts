/** The answer of a server once it has stored a message. */
export const STORED = "stored";
