/** What a server answers to each message once it is stored. */
export const STORED = "stored";
