// HTML as text that cannot carry a stranger's markup: what is put into an html`…` template is escaped, unless another such
// template made it.

import { escaped } from "./drawing.mjs";

class Markup {
  constructor(text) {
    this.text = text;
  }

  toString() {
    return this.text;
  }
}

const asMarkup = (value) => {
  if (value instanceof Markup) return value.text;
  if (Array.isArray(value)) return value.map(asMarkup).join("");
  return value === undefined || value === null || value === false ? "" : escaped(value);
};

export const html = (texts, ...values) =>
  new Markup(texts.reduce((page, text, i) => page + asMarkup(values[i - 1]) + text));

/** Of a picture that escapes by itself. */
export const drawn = (svg) => new Markup(svg);
