// node:string_decoder, from https://github.com/nodejs/string_decoder.
//
// Contract: https://nodejs.org/docs/latest-v22.x/api/string_decoder.html

import { StringDecoder } from "string_decoder/lib/string_decoder.js";

export { StringDecoder };
export default { StringDecoder };
