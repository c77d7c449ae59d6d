// https://github.com/blitz-js/superjson, https://github.com/NaturalIntelligence/fast-xml-parser, https://www.papaparse.com/
import { XMLBuilder, XMLParser } from "fast-xml-parser";
import Papa from "papaparse";
import superjson from "superjson";

const routes = {
  "/superjson": () => {
    const value = { date: new Date(0), set: new Set([1, 2]), map: new Map([["k", 1n]]), nothing: undefined, pattern: /a+/gi };
    const text = superjson.stringify(value);
    const back = superjson.parse(text);
    return [JSON.parse(text).json, [back.date.getTime(), back.set.has(2), String(back.map.get("k")), "nothing" in back, back.pattern.flags]];
  },
  "/xml": async (request) => {
    const parser = new XMLParser({ ignoreAttributes: false });
    const parsed = parser.parse(await request.text());
    return [parsed, new XMLBuilder({ ignoreAttributes: false }).build({ root: { "@_id": "1", item: ["a", "b"] } })];
  },
  "/csv": async (request) => {
    const { data, errors } = Papa.parse(await request.text(), { header: true, dynamicTyping: true, skipEmptyLines: true });
    return [data, errors.length, Papa.unparse([{ a: 1, b: 'x,"y"' }])];
  },
};

export default {
  async fetch(request) {
    return Response.json(await routes[new URL(request.url).pathname](request));
  },
};
