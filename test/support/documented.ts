/** For runs without anything that Node does not document, as where a check finds it to be otherwise. */
import { undocumented } from "../../src/node/internals/undocumented.ts";

undocumented.isUsed = false;
