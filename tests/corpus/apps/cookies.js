// https://github.com/jshttp/cookie, https://github.com/ljharb/qs, https://github.com/npm/node-semver
import * as cookie from "cookie";
import qs from "qs";
import semver from "semver";

export default {
  fetch(request) {
    const parse = cookie.parseCookie ?? cookie.parse;
    const { search } = new URL(request.url);
    const query = qs.parse(search, { ignoreQueryPrefix: true });
    return Response.json({
      cookies: { ...parse(request.headers.get("cookie") ?? "") },
      query,
      again: qs.stringify(query, { encode: false, arrayFormat: "brackets" }),
      satisfies: semver.satisfies("1.2.3", "1.x || >=2.5.0 || 5.0.0 - 7.2.3"),
      sorted: semver.rsort(["1.2.3", "1.10.0", "1.2.3-beta.1"]),
    });
  },
};
