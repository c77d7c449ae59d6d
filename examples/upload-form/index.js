// An HTML form with file upload: the files are looked at and forgotten.
// Bodies beyond max_body_mb of app.json are refused before this code hears of them.

import { describe } from "./describe.js";
import { html } from "./html.js";

const form = html`
  <form method="post" enctype="multipart/form-data">
    <p><label>Your name <input name="name" required></label>
    <p><label>Files <input name="files" type="file" multiple required></label>
    <p><button>Send</button>
  </form>`;

/** @param {string} title @param {any} content */
function page(title, content, status = 200) {
  const document = html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>${title}</title>
<h1>${title}</h1>
${content}
</html>
`;
  return new Response(`${document}`, { status, headers: { "content-type": "text/html; charset=utf-8" } });
}

/** @param {Request} request */
async function receive(request) {
  let data;
  try {
    data = await request.formData();
  } catch {
    return page("This is no form", form, 400);
  }
  // A form without a file chosen sends one that has neither name nor content; other clients may send text.
  const files = data.getAll("files").filter((file) => file instanceof File && file.name !== "");
  if (files.length === 0) return page("Choose a file", form, 422);

  const rows = await Promise.all(
    files.map(async (file) => html`<tr><td>${file.name}<td>${file.size}<td>${await describe(file)}\n`),
  );
  return page(
    `Thank you, ${data.get("name")}`,
    html`<table><tr><th>Name<th>Bytes<th>What it is\n${rows}</table>\n<p><a href="/">More files</a>`,
  );
}

export default {
  fetch(request) {
    if (request.method === "POST") return receive(request);
    if (request.method === "GET" || request.method === "HEAD") return page("Send files", form);
    return new Response("Method not allowed\n", { status: 405, headers: { allow: "GET, HEAD, POST" } });
  },
};
