/**
 * Compares what each entry point exports with its committed report under `api/`, or with `--write`
 * brings the reports up to date. The reports are read in review: they show what users can see.
 * Also writes the models from which `api-reference.mjs` makes the API reference.
 */
import { join } from "node:path";
import { Extractor, ExtractorConfig, ExtractorLogLevel } from "@microsoft/api-extractor";
import { ENTRY_POINTS, MODELS_FOLDER } from "./api/entry-points.mjs";

/** Where a dependent finds the entry points: npm links the package into its own workspaces. */
const ENTRY_POINT_PATHS = Object.fromEntries(
  Object.entries(ENTRY_POINTS)
    .filter(([name]) => !name.endsWith(".browser"))
    .map(([name, path]) => [name.replaceAll("-", "/"), [`./node_modules/tideway/${path}`]]),
);

const root = join(import.meta.dirname, "..");
const isWriting = process.argv.includes("--write");

const stale = Object.keys(ENTRY_POINTS).filter((name) => !isReportUpToDate(name));
if (stale.length > 0) {
  console.error(`The API changed (${stale.join(", ")}): run "npm run api" and commit api/.`);
  process.exitCode = 1;
}

/** @param {string} name */
function isReportUpToDate(name) {
  const config = ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: join(root, "package.json"),
    packageJson: { name: "tideway", version: "0.0.0" },
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath: join(root, ENTRY_POINTS[name]),
      newlineKind: "lf",
      compiler: {
        overrideTsconfig: {
          compilerOptions: {
            target: "ES2022",
            module: "NodeNext",
            moduleResolution: "NodeNext",
            lib: ["ES2023", "ESNext.Disposable", "DOM", "DOM.Iterable", "DOM.AsyncIterable"],
            types: ["node"],
            strict: true,
            skipLibCheck: true,
            // As for a dependent: an import of one entry point from another is an import in its report.
            paths: ENTRY_POINT_PATHS,
          },
          files: [ENTRY_POINTS[name]],
        },
      },
      apiReport: {
        enabled: true,
        reportFolder: join(root, "api"),
        reportTempFolder: join(root, MODELS_FOLDER),
        reportFileName: `${name}.api.md`,
      },
      docModel: { enabled: true, apiJsonFilePath: join(root, MODELS_FOLDER, `${name}.api.json`) },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
        extractorMessageReporting: {
          default: { logLevel: ExtractorLogLevel.Warning, addToApiReportFile: true },
          // Nothing is beta or internal: every export of an entry point is public.
          "ae-missing-release-tag": { logLevel: ExtractorLogLevel.None },
          "ae-missing-getter": { logLevel: ExtractorLogLevel.None },
          // The report marks these at the declaration; a list with line numbers would change too often.
          "ae-undocumented": { logLevel: ExtractorLogLevel.None },
        },
        tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
      },
    },
  });
  const { apiReportChanged, errorCount } = Extractor.invoke(config, {
    localBuild: isWriting,
    messageCallback: (message) => {
      // The advice of API Extractor on how to update the report names the wrong command.
      if (message.messageId.startsWith("console-")) message.handled = true;
    },
  });
  return errorCount === 0 && (isWriting || !apiReportChanged);
}
