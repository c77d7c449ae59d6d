// Builds the site, and fails where Astro only warns.

import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const astro = fileURLToPath(new URL("node_modules/astro/astro.js", import.meta.url));
// What an earlier build has kept of a page that has changed since makes Astro warn of a duplicate.
rmSync(fileURLToPath(new URL("node_modules/.astro", import.meta.url)), { recursive: true, force: true });

const env = { ...process.env, ASTRO_TELEMETRY_DISABLED: "1" };
const child = spawn(process.execPath, [astro, "build"], { env, stdio: ["ignore", "pipe", "pipe"] });

let warned = false;
for (const [stream, out] of [
  [child.stdout, process.stdout],
  [child.stderr, process.stderr],
]) {
  stream.setEncoding("utf8");
  stream.on("data", (text) => {
    warned ||= text.includes("[WARN]");
    out.write(text);
  });
}
child.on("close", (code) => {
  if (code === 0 && warned) process.stderr.write("The site has warnings, see above.\n");
  process.exitCode = code || Number(warned);
});
