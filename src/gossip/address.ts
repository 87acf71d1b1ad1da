// Addresses as values that a Map can find: the advertised `ip:port` is a member's identity.
//   IPv4: a number, ip * 65536 + port (48 bits, exact in a double; nine bytes in a datagram)
//   IPv6: 18 characters of one byte each, ip then port (18 bytes in a datagram)
// Text is for people and configuration; nothing here resolves names.

import { mix32 } from "./random.ts";

export type Address = number | string;

const IPV6_BYTES = 18;

/** Reads `1.2.3.4:7979` or `[::1]:7979`; undefined if it is anything else or the port is 0. */
export function parseAddress(text: string): Address | undefined {
  const [, ipv6, ipv4, portText] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(portText);
  if (port < 1 || port > 65535) return undefined;
  if (ipv6 !== undefined) return ipv6.includes(":") ? addressOf(ipv6, port) : undefined;
  return ipv4 === undefined ? undefined : addressOf(ipv4, port);
}

/** An address from an IP without brackets and a port; undefined if the IP is no unicast IP. */
export function addressOf(ip: string, port: number): Address | undefined {
  const quads = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(ip);
  if (quads) {
    const [a = 256, b = 256, c = 256, d = 256] = quads.slice(1).map(Number);
    if (a > 255 || b > 255 || c > 255 || d > 255) return undefined;
    const address = (((a * 256 + b) * 256 + c) * 256 + d) * 65536 + port;
    return isAddress(address) ? address : undefined;
  }
  const groups = ipv6Groups(ip);
  if (!groups) return undefined;
  let key = "";
  for (const group of [...groups, port]) key += String.fromCharCode(group >>> 8, group & 255);
  return isAddress(key) ? key : undefined;
}

function ipv6Groups(ip: string): number[] | undefined {
  if (!ip.includes(":") || !/^[0-9a-fA-F:.]+$/.test(ip)) return undefined;
  // The URL parser knows every spelling of an IPv6 address and gives back one (WHATWG URL, "IPv6 serializer").
  if (!URL.canParse(`http://[${ip}]/`)) return undefined;
  const [head = "", tail] = new URL(`http://[${ip}]/`).hostname.slice(1, -1).split("::");
  const read = (part: string) => (part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16)));
  if (tail === undefined) return read(head);
  const left = read(head);
  const right = read(tail);
  return [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right];
}

/** True for a unicast address with a port; what a stranger calls an address must pass here. */
export function isAddress(value: unknown): value is Address {
  if (typeof value === "number") {
    if (!Number.isInteger(value) || value < 0x01000000_0001 || value >= 0xe0000000_0000) return false;
    return value % 65536 !== 0;
  }
  if (typeof value !== "string" || value.length !== IPV6_BYTES) return false;
  const unspecified = /^\0{16}/.test(value);
  return !unspecified && value.charCodeAt(0) !== 0xff && value.slice(16) !== "\0\0";
}

export function portOf(address: Address): number {
  return typeof address === "number" ? address % 65536 : address.charCodeAt(16) * 256 + address.charCodeAt(17);
}

export function ipOf(address: Address): string {
  if (typeof address === "number") {
    const ip = Math.floor(address / 65536);
    return `${Math.floor(ip / 16777216)}.${(ip >>> 16) & 255}.${(ip >>> 8) & 255}.${ip & 255}`;
  }
  const groups: string[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(((address.charCodeAt(i) << 8) | address.charCodeAt(i + 1)).toString(16));
  return new URL(`http://[${groups.join(":")}]/`).hostname.slice(1, -1);
}

export function formatAddress(address: Address): string {
  return typeof address === "number" ? `${ipOf(address)}:${portOf(address)}` : `[${ipOf(address)}]:${portOf(address)}`;
}

/** The place on the ring: a 32-bit hash, the same on every member. */
export function ringKeyOf(address: Address): number {
  if (typeof address === "number") return mix32(mix32(Math.floor(address / 65536)) ^ (address % 65536));
  let key = 0;
  for (let i = 0; i < IPV6_BYTES; i += 2) {
    key = mix32(key ^ ((address.charCodeAt(i) << 8) | address.charCodeAt(i + 1)) ^ (i << 24));
  }
  return key;
}
