// How this house writes an address of the web down, so that equal places are equal strings.

const URL_CHARS_MAX = 512;

/** `http(s)://host[:port]`, or undefined if the text is no http(s) URL. */
export function originOf(text: string): string | undefined {
  return httpUrl(text)?.origin;
}

/**
 * An http(s) URL to which `/message` can be appended: no trailing slash, nobody's password, no query.
 * Undefined if the text is not one.
 */
export function baseUrlOf(text: string): string | undefined {
  const url = httpUrl(text);
  if (!url) return undefined;
  const { username, password, search, hash } = url;
  return username + password + search + hash === "" ? url.origin + url.pathname.replace(/\/+$/, "") : undefined;
}

/** Where a peer takes messages; undefined if its url is not one (a peer may say anything of itself). */
export function mailboxOf(baseUrl: string): string | undefined {
  const base = baseUrlOf(baseUrl);
  return base === undefined ? undefined : `${base}/message`;
}

function httpUrl(text: string): URL | undefined {
  if (text.length > URL_CHARS_MAX || !/^https?:\/\//i.test(text)) return undefined;
  return URL.canParse(text) ? new URL(text) : undefined;
}
