// Puts each table into a box that scrolls, and that the keyboard reaches: the page itself never becomes wider than its
// window, and a table stays a table to those who hear it.

/** The text of a node and all below it. */
const text = (node) => node.value ?? (node.children ?? []).map(text).join("");

/** All elements of that name below a node. */
const all = (node, name) => (node.children ?? []).flatMap((child) => [...(child.tagName === name ? [child] : []), ...all(child, name)]);

function wrap(parent) {
  parent.children = parent.children.map((child) => {
    if (child.tagName !== "table") {
      if (child.children) wrap(child);
      return child;
    }
    const label = `Table: ${all(child, "th").map(text).join(", ")}`;
    const properties = { className: ["wide"], role: "group", ariaLabel: label, tabIndex: 0 };
    return { type: "element", tagName: "div", properties, children: [child] };
  });
}

/** A plugin for rehype. */
export const wideTables = () => wrap;
