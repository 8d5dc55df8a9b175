/** The verdict of a case without a right answer, such as which close code to send after an invalid close code. */
const INFORMATIONAL = "INFORMATIONAL";

/**
 * Sorts the cases of one agent in the `index.json` of an Autobahn report. A case passes if its messages and its
 * closing handshake are both "OK". `NON-STRICT` and `UNIMPLEMENTED` count as failures.
 */
export function checkReport(cases) {
  /** @type {{ id: string, behavior: string, behaviorClose: string }[]} */
  const failed = [];
  const result = { passed: 0, informational: 0, failed };
  for (const [id, { behavior, behaviorClose }] of Object.entries(cases)) {
    const verdicts = [behavior, behaviorClose].filter((verdict) => verdict !== INFORMATIONAL);
    if (verdicts.some((verdict) => verdict !== "OK")) {
      failed.push({ id, behavior, behaviorClose });
    } else if (behavior === INFORMATIONAL) {
      result.informational += 1;
    } else {
      result.passed += 1;
    }
  }
  return result;
}
