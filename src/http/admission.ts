// Who may administer this node: whoever holds the token, and where there is none only a program on this machine.
//
// A proxy on this machine brings everybody's requests over the loopback: who has one sets a token, and then nobody comes in
// without it. A browser on this machine is on the loopback too, and does what any page tells it. So without a token we want to
// see that no page of another site is behind the request: `Origin` and `Sec-Fetch-Site`, which pages cannot forge, and a
// `Host` that is an address, because a name could be one that another site points at us (DNS rebinding).
// Forwarding headers are never looked at: anybody can write them.

import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";

export function mayAdminister(req: IncomingMessage, adminToken: string | undefined): boolean {
  if (adminToken) return hasToken(req, adminToken);
  return isLoopback(req.socket.remoteAddress) && !mayBeAnotherSite(req);
}

function hasToken(req: IncomingMessage, adminToken: string): boolean {
  const [, shown] = /^Bearer +(\S+) *$/i.exec(req.headers.authorization ?? "") ?? [];
  if (shown === undefined) return false;
  // Digests have one length, so the comparison takes one time, however much of the token is right.
  return timingSafeEqual(sha256(shown), sha256(adminToken));
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function isLoopback(address: string | undefined): boolean {
  return address !== undefined && (address === "::1" || /^(?:::ffff:)?127\./i.test(address));
}

function mayBeAnotherSite(req: IncomingMessage): boolean {
  const { host = "", origin, "sec-fetch-site": site } = req.headers;
  if (!/^(?:localhost|\d+\.\d+\.\d+\.\d+|\[[0-9a-f:.]+\])(?::\d+)?$/i.test(host)) return true;
  if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`) return true;
  return site !== undefined && site !== "same-origin" && site !== "none";
}
