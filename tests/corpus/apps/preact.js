// https://preactjs.com/guide/v10/server-side-rendering/
import { h } from "preact";
import { useContext } from "preact/hooks";
import { createContext } from "preact";
import { renderToString, renderToStringAsync } from "preact-render-to-string";

const Theme = createContext("light");
const Item = ({ text }) => h("li", { class: useContext(Theme), title: 'a "quote"' }, text);
const List = ({ items }) => h("ul", { style: { color: "red" } }, items.map((text) => h(Item, { text, key: text })));

export default {
  async fetch(request) {
    const items = new URL(request.url).searchParams.getAll("item");
    const tree = h(Theme.Provider, { value: "dark" }, h(List, { items }));
    const html = renderToString(tree);
    return new Response(`<!DOCTYPE html>${html}\n${html === (await renderToStringAsync(tree))}`, { headers: { "content-type": "text/html" } });
  },
};
