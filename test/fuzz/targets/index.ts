import type { FuzzTarget } from "../target.ts";
import { compressedFrames } from "./compressed-frames.ts";
import { extendedConnect } from "./extended-connect.ts";
import { extensions } from "./extensions.ts";
import { frames } from "./frames.ts";
import { httpHead } from "./http-head.ts";
import { inflating } from "./inflating.ts";
import { negotiating } from "./negotiating.ts";
import { openingRequest } from "./opening-request.ts";
import { openingResponse } from "./opening-response.ts";
import { origins } from "./origins.ts";
import { sending } from "./sending.ts";
import { urls } from "./urls.ts";

/** All that is fuzzed, by `npm test` for a moment and by `npm run fuzz` for as long as it is told to. */
export const targets: readonly FuzzTarget[] = [
  frames,
  sending,
  httpHead,
  extensions,
  openingRequest,
  openingResponse,
  extendedConnect,
  urls,
  origins,
  negotiating,
  inflating,
  compressedFrames,
];
