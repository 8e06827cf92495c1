// The page's elements by id, and small makers of new ones.
export const byId = (id) => document.getElementById(id);

export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

// One sentence for screen readers; the newest counts.
export function say(text) {
  byId("status").textContent = text;
}
