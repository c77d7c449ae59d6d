// node:stream/promises.
//
// Contract: https://nodejs.org/docs/latest-v22.x/api/stream.html#streams-promises-api

import { promises } from "node:stream";

export const { finished, pipeline } = promises;
export default promises;
