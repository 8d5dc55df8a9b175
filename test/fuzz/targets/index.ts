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

/** All fuzz targets. `npm test` runs them for a moment, `npm run fuzz` as long as requested. */
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
