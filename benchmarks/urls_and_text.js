// What URLs, text encoding and base64 cost; the same file runs here and on Node.js:
//
//     nano run benchmarks/urls_and_text.js
//     node benchmarks/urls_and_text.js
//
// Each figure is the best of five rounds.

const ascii = "0123456789".repeat(100000);
const mixed = "äöü日本語😀 abc".repeat(30000);
const encoder = new TextEncoder();
const decoder = new TextDecoder();
let sink = 0;

/** Microseconds for one call. */
function cost(calls, run) {
  let best = Infinity;
  for (let round = 0; round < 5; round++) {
    const start = Date.now();
    for (let i = 0; i < calls; i++) sink += run(i).length;
    best = Math.min(best, Date.now() - start);
  }
  return (best * 1000) / calls;
}

function latency(name, calls, run) {
  console.log(`${name.padEnd(34)} ${cost(calls, run).toFixed(2).padStart(8)} us`);
}

function throughput(name, bytes, run) {
  console.log(`${name.padEnd(34)} ${(bytes / cost(50, run)).toFixed(0).padStart(8)} MB/s`);
}

latency("new URL(absolute)", 100000, (i) => new URL(`http://example.com/path?x=${i & 7}`).href);
latency("new URL(relative, base)", 100000, (i) => new URL(`/a/b?x=${i & 7}`, "http://example.com/path").href);
latency("new URL().searchParams.get", 100000, (i) => new URL(`http://example.com/?x=${i & 7}&y=2`).searchParams.get("y"));
latency("new URLSearchParams(record)", 100000, () => new URLSearchParams({ a: "1 2", b: "x&y" }).toString());
for (const [name, text] of [["ASCII", ascii], ["mixed", mixed]]) {
  const bytes = encoder.encode(text);
  throughput(`TextEncoder.encode, ${name}`, bytes.length, () => encoder.encode(text));
  throughput(`TextDecoder.decode, ${name}`, bytes.length, () => decoder.decode(bytes));
}
const base64 = btoa(ascii);
throughput("btoa", ascii.length, () => btoa(ascii));
throughput("atob", base64.length, () => atob(base64));
if (sink === 0) throw new Error("nothing was measured");
