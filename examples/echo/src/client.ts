import { ArgumentError, CLIENT_HELP, readClientArguments } from "./arguments.ts";
import { type ConnectionEnd, runFuzzingServer, SuiteError } from "./fuzzing-run.ts";
import { printable } from "./printable.ts";

try {
  const settings = readClientArguments(process.argv.slice(2));
  if (settings === "help") console.log(CLIENT_HELP);
  else {
    const { url, ...options } = settings;
    await runFuzzingServer(url, { ...options, onCase: report });
  }
} catch (error) {
  if (!(error instanceof ArgumentError || error instanceof SuiteError)) throw error;
  console.error(printable(error.message));
  process.exitCode = 1;
}

function report(
  caseNumber: number,
  caseCount: number,
  { code, reason, error }: ConnectionEnd,
): void {
  const details = [code, reason, error?.message].filter(Boolean).join(" ");
  console.log(printable(`case ${caseNumber} of ${caseCount}: ${details}`));
}
