// https://github.com/dcodeIO/bcrypt.js, with node:crypto beside it.
import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { Buffer } from "node:buffer";
import process from "node:process";
import bcrypt from "bcryptjs";

export default {
  async fetch() {
    const hash = await bcrypt.hash("B4c0/\\/", 4);
    const [salt, other] = [randomBytes(16), randomBytes(16)];
    return Response.json({
      env: [process.env.GREETING, typeof globalThis.process],
      // A vector of jBCrypt.
      known: await bcrypt.compare("", "$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s."),
      matches: await bcrypt.compare("B4c0/\\/", hash),
      wrong: await bcrypt.compare("not_bacon", hash),
      rounds: bcrypt.getRounds(hash),
      sha: createHash("sha256").update("hello").digest("hex"),
      hmac: createHmac("sha1", "key").update("The quick brown fox jumps over the lazy dog").digest("base64url"),
      equal: [timingSafeEqual(salt, Buffer.from(salt)), timingSafeEqual(salt, other)],
    });
  },
};
