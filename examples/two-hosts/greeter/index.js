// One folder, served twice: the Host header decides which app answers, and the app's env decides what it says.
// The two share this file and nothing else, since each runs in an isolate of its own.

/** The words of this host, each with its place for a name. */
function greeting(env, name) {
  return env.GREETING.replace("{name}", name || env.STRANGER);
}

export default {
  fetch(request, env) {
    const { pathname } = new URL(request.url);
    const text = greeting(env, decodeURIComponent(pathname.slice(1)));
    return new Response(`${text}\n`, { headers: { "content-language": env.LANGUAGE } });
  },
};
