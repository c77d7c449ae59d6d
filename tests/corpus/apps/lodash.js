// https://lodash.com/docs
import { chunk, cloneDeep, debounce, groupBy, isEqual, kebabCase, merge, orderBy, template, throttle, uniqWith, zipObjectDeep } from "lodash-es";

export default {
  async fetch() {
    let calls = 0;
    const debounced = debounce(() => ++calls, 5);
    debounced();
    debounced();
    await scheduler.wait(20);
    const original = { a: [new Date(0), /x/g, new Map([[1, { deep: true }]])] };
    const copy = cloneDeep(original);
    let refused = "compiled";
    try {
      template("<%= a %>");
    } catch (error) {
      refused = error.name;
    }
    return Response.json({
      chunk: chunk(["a", "b", "c", "d"], 3),
      group: groupBy([6.1, 4.2, 6.3], Math.floor),
      order: orderBy([{ n: "b", v: 1 }, { n: "a", v: 1 }, { n: "c", v: 2 }], ["v", "n"], ["desc", "asc"]).map(({ n }) => n),
      merge: merge({ a: [{ b: 2 }, { d: 4 }] }, { a: [{ c: 3 }, { e: 5 }] }),
      kebab: kebabCase("fooBar Baz"),
      uniq: uniqWith([{ x: 1 }, { x: 2 }, { x: 1 }], isEqual),
      zip: zipObjectDeep(["a.b[0].c", "a.b[1].d"], [1, 2]),
      clone: [isEqual(original, copy), original.a[2] === copy.a[2]],
      debounced: calls,
      throttled: throttle(() => "now", 10)(),
      refused,
    });
  },
};
