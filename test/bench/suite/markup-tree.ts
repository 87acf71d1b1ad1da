// Reads HTML and SVG as strictly as XML is read, but for the elements that HTML leaves open: what a browser would mend is an
// error here. Enough to say of a page what is in it.

export interface Element {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: (Element | string)[];
}

const VOID = new Set(["meta", "br", "hr", "link", "img", "input"]);
const RAW = new Set(["style"]);
const ENTITIES: Record<string, string> = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'" };
const OPENING = /^<([a-z][a-zA-Z0-9]*)((?:\s+[a-zA-Z:-]+="[^"<]*")*)\s*(\/?)>/;

/** Throws an error that says where, for text that is not well-formed. */
export function parseMarkup(text: string): Element {
  const root: Element = { name: "#root", attributes: new Map(), children: [] };
  const open: Element[] = [root];
  let rest = text.replace(/^<!doctype html>\n/, "");
  const fault = (what: string) => new Error(`${what} at ${JSON.stringify(rest.slice(0, 80))}`);
  const top = () => open.at(-1) ?? root;
  while (rest !== "") {
    if (rest.startsWith("</")) {
      const [whole, name] = /^<\/([a-zA-Z0-9]+)>/.exec(rest) ?? [];
      if (whole === undefined || open.length < 2 || top().name !== name)
        throw fault(`expected the end of ${top().name}`);
      open.pop();
      rest = rest.slice(whole.length);
    } else if (rest.startsWith("<")) {
      const [whole, name = "", inside = "", isClosed] = OPENING.exec(rest) ?? [];
      if (whole === undefined) throw fault("expected a tag");
      const element = { name, attributes: attributesOf(inside), children: [] };
      top().children.push(element);
      rest = rest.slice(whole.length);
      if (isClosed || VOID.has(name)) continue;
      open.push(element);
      if (!RAW.has(name)) continue;
      const end = rest.indexOf(`</${name}>`);
      if (end < 0) throw fault(`expected the end of ${name}`);
      top().children.push(rest.slice(0, end));
      rest = rest.slice(end);
    } else {
      const end = rest.indexOf("<") < 0 ? rest.length : rest.indexOf("<");
      top().children.push(plain(rest.slice(0, end)));
      rest = rest.slice(end);
    }
  }
  if (open.length > 1) throw fault(`expected the end of ${top().name}`);
  return root;
}

function attributesOf(text: string): Map<string, string> {
  const attributes = new Map<string, string>();
  for (const [, name = "", value = ""] of text.matchAll(/([a-zA-Z:-]+)="([^"]*)"/g)) {
    if (attributes.has(name)) throw new Error(`${name} stands twice in ${text}`);
    attributes.set(name, plain(value));
  }
  return attributes;
}

function plain(text: string): string {
  return text.replace(/&[^;\s]{0,10};?|>/g, (entity) => {
    const letter = ENTITIES[entity];
    if (letter === undefined)
      throw new Error(`${JSON.stringify(entity)} is not escaped in ${JSON.stringify(text.slice(0, 80))}`);
    return letter;
  });
}

/** All elements of a name, in their order; of any name without one. */
export function all(element: Element, name?: string): Element[] {
  return element.children.flatMap((child) => {
    if (typeof child === "string") return [];
    return name === undefined || child.name === name ? [child, ...all(child, name)] : all(child, name);
  });
}

export const textOf = (element: Element): string =>
  element.children.map((child) => (typeof child === "string" ? child : textOf(child))).join("");

export function only(element: Element, name: string): Element {
  const [first, ...others] = all(element, name);
  if (first === undefined || others.length > 0)
    throw new Error(`expected one ${name}, got ${others.length + (first ? 1 : 0)}`);
  return first;
}
