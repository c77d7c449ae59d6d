// https://immerjs.github.io/immer/ and https://rxjs.dev/
import { enableMapSet, enablePatches, produce, produceWithPatches } from "immer";
import { Subject, bufferCount, firstValueFrom, from, interval, map, mergeMap, of, reduce, scan, take, toArray } from "rxjs";
import { delay } from "rxjs/operators";

enablePatches();
enableMapSet();

const routes = {
  "/immer": () => {
    const base = { todos: [{ text: "a", done: false }, { text: "b", done: false }], tags: new Set(["x"]) };
    const next = produce(base, (draft) => {
      draft.todos[1].done = true;
      draft.tags.add("y");
    });
    const [, patches] = produceWithPatches({ n: 1 }, (draft) => {
      draft.n += 1;
    });
    return [next.todos[0] === base.todos[0], base.todos[1].done, [...next.tags], Object.isFrozen(next), patches];
  },
  "/rxjs": async () => {
    const subject = new Subject();
    const seen = [];
    subject.pipe(scan((sum, value) => sum + value, 0)).subscribe((sum) => seen.push(sum));
    for (const value of [1, 2, 3]) subject.next(value);
    return [
      seen,
      await firstValueFrom(from([1, 2, 3, 4, 5]).pipe(bufferCount(2), toArray())),
      await firstValueFrom(interval(1).pipe(take(3), map((n) => n * n), toArray())),
      await firstValueFrom(of(3, 1, 2).pipe(mergeMap((n) => of(n).pipe(delay(n * 5))), reduce((all, n) => [...all, n], []))),
    ];
  },
};

export default {
  async fetch(request) {
    return Response.json(await routes[new URL(request.url).pathname](request));
  },
};
