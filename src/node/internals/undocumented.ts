/** Enables fast paths that use undocumented Node APIs. Tests disable it to cover the fallbacks. */
export const undocumented: { isUsed: boolean } = { isUsed: true };
