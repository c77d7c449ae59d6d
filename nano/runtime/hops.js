// How many fetches of apps a request has come through: what ends requests that go round in circles.
// Host half: nano/engine/events.py, which counts and refuses.
//
// The engine does not tell in whose name a promise job runs. So a fetch is known to belong to an event while the
// handler runs for the first time, while only one event is in flight, or when it sends on the event's own request;
// otherwise it counts as the first. Circles that escape this end at the app's max_concurrent_requests.

/** The header that carries the number; apps see it nowhere. */
export const HOPS = "nano-hops";

let running = -1;
let inFlight = 0;
/** The sum of the hops of what is in flight: those of the event, if there is one. */
let sum = 0;

/** @param {number} hops of an event that begins: its handler runs until `handlerReturned` */
export function eventBegins(hops) {
  running = hops;
  inFlight++;
  sum += hops;
}

export function handlerReturned() {
  running = -1;
}

/** @param {number} hops */
export function eventEnds(hops) {
  inFlight--;
  sum -= hops;
}

/** The hops of the event that runs, as far as that is known. */
export const currentHops = () => (running >= 0 ? running : inFlight === 1 ? sum : 0);
