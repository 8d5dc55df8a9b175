/** A plain answer where there is nothing else to give. */
export interface Refusal {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly message: string;
}

/** For those who come while the server stops, which takes at most `timeoutMs`. */
export function goingAway(timeoutMs: number): Refusal {
  return {
    status: 503,
    headers: { "Retry-After": String(Math.ceil(timeoutMs / 1000)) },
    message: "The server is going away.",
  };
}
