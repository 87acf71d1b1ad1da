// Names into IPs, as the system would, but never for long. The nameserver is a real UDP socket on a free port.

import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createLookup, LookupError, lookupHost } from "../../src/http/lookup.ts";

const A = 1;
let directory: string;
const closing: (() => unknown)[] = [];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "hearsay-lookup-"));
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  await rm(directory, { recursive: true, force: true });
});

interface Town {
  readonly hosts?: string;
  readonly resolv?: string;
  /** What the nameserver knows, IPv4 only; undefined: it hears and says nothing. */
  readonly book?: Record<string, string[]> | undefined;
  /** It answers questions for IPv6 too. @default true */
  readonly knowsIpv6?: boolean;
  readonly timeoutMs?: number;
}

/** A lookup in a place with these files and this nameserver, and what the nameserver was asked for. */
async function placed({ hosts = "", resolv = "", book, knowsIpv6 = true, timeoutMs = 2_000 }: Town) {
  const hostsPath = join(directory, "hosts");
  const resolvPath = join(directory, "resolv.conf");
  await writeFile(hostsPath, hosts);
  await writeFile(resolvPath, resolv);
  const asked: string[] = [];
  const socket = createSocket("udp4");
  socket.on("message", (question, from) => {
    const { name, type, end } = readQuestion(question);
    if (type === A) asked.push(name);
    if (!book || (type !== A && !knowsIpv6)) return;
    socket.send(answerTo(question, end, book[name] === undefined, type === A ? (book[name] ?? []) : []), from.port);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  closing.push(() => socket.close());
  const servers = [`127.0.0.1:${socket.address().port}`];
  return { lookup: createLookup({ hostsPath, resolvPath, servers, timeoutMs }), asked };
}

/** RFC 1035, section 4.1.2. */
function readQuestion(bytes: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = bytes[at] ?? 0; length > 0; length = bytes[at] ?? 0) {
    labels.push(bytes.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join("."), type: bytes.readUInt16BE(at + 1), end: at + 5 };
}

function answerTo(question: Buffer, end: number, isUnknown: boolean, ips: readonly string[]): Buffer {
  const head = Buffer.from(question.subarray(0, 12));
  head.writeUInt16BE(0x8180 | (isUnknown ? 3 : 0), 2);
  head.writeUInt16BE(ips.length, 6);
  head.writeUInt32BE(0, 8);
  // A pointer to the question's name, A, IN, no time to live, four bytes.
  const records = ips.map((ip) => [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, ...ip.split(".").map(Number)]);
  return Buffer.concat([head, question.subarray(12, end), Buffer.from(records.flat())]);
}

async function failure(promise: Promise<unknown>): Promise<LookupError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof LookupError)) throw new Error(`expected a LookupError, got ${String(error)}`);
  return error;
}

test("an IP stands for itself, and nobody is asked", async () => {
  const { lookup, asked } = await placed({});
  expect([await lookup("172.18.0.3"), await lookup("fd00::3")]).toEqual([["172.18.0.3"], ["fd00::3"]]);
  expect(asked).toEqual([]);
});

test("the hosts file comes first: every line of the name, whatever its case, comments aside", async () => {
  const hosts = "::1 localhost\n127.0.0.1\tlocalhost me # not.me\n# 9.9.9.9 me\n10.0.0.7 Me alias\nnonsense me\n";
  const { lookup, asked } = await placed({ hosts });
  expect(await lookup("localhost")).toEqual(["127.0.0.1", "::1"]);
  expect(await lookup("ME.")).toEqual(["127.0.0.1", "10.0.0.7"]);
  expect(asked).toEqual([]);
});

test("a name of one label, such as a container's, is asked of the nameserver: all its addresses", async () => {
  const { lookup, asked } = await placed({ book: { bootstrap: ["172.18.0.2", "172.18.0.3"] } });
  expect(await lookup("bootstrap")).toEqual(["172.18.0.2", "172.18.0.3"]);
  expect(asked).toEqual(["bootstrap"]);
});

test("the search list completes short names, and `ndots` says which are short", async () => {
  const book = { "boot.svc.cluster.local": ["10.0.0.2"], "boot.svc": ["10.0.0.3"] };
  const resolv = "nameserver 10.0.0.10\nsearch ns.svc.cluster.local svc.cluster.local cluster.local\n";
  const plain = await placed({ book, resolv });
  expect(await plain.lookup("boot")).toEqual(["10.0.0.2"]);
  expect(plain.asked).toEqual(["boot.ns.svc.cluster.local", "boot.svc.cluster.local"]);
  expect(await plain.lookup("boot.svc")).toEqual(["10.0.0.3"]);
  const five = await placed({ book, resolv: `${resolv}options edns0 ndots:5\n` });
  expect(await five.lookup("boot.svc")).toEqual(["10.0.0.2"]);
  expect((await failure(five.lookup("boot.svc.other."))).code).toBe("ENOTFOUND");
  expect(five.asked.at(-1)).toBe("boot.svc.other");
});

test("a nameserver that is silent about IPv6 does not hold up the IPv4 addresses", async () => {
  const { lookup } = await placed({ book: { node1: ["172.18.0.3"] }, knowsIpv6: false, timeoutMs: 60_000 });
  const startedMs = performance.now();
  expect(await lookup("node1")).toEqual(["172.18.0.3"]);
  // To be silent to the end of both tries takes 1.8 s.
  expect(performance.now() - startedMs).toBeLessThan(1_500);
});

test("a name that nobody knows is named", async () => {
  const { lookup } = await placed({ book: {} });
  expect(await failure(lookup("nope.invalid"))).toMatchObject({
    code: "ENOTFOUND",
    message: "nope.invalid does not resolve: ENOTFOUND",
  });
});

test("a nameserver that never answers is given its time and no more; so is the whole search list", async () => {
  const { lookup } = await placed({ resolv: "search a b c", timeoutMs: 300 });
  const startedMs = performance.now();
  expect(await failure(lookup("boot"))).toMatchObject({
    code: "ETIMEOUT",
    message: "boot did not resolve: no nameserver answered in time",
  });
  expect(performance.now() - startedMs).toBeLessThan(1_500);
});

test("a signal ends the lookup with its reason", async () => {
  const { lookup, asked } = await placed({ timeoutMs: 60_000 });
  const ending = new AbortController();
  const end = lookup("boot", ending.signal).catch((reason: unknown) => reason);
  while (asked.length === 0) await new Promise((resolve) => setImmediate(resolve));
  ending.abort("we are leaving");
  expect(await end).toBe("we are leaving");
  await expect(lookup("boot", AbortSignal.abort("too late"))).rejects.toBe("too late");
});

test("localhost is known where no file says so, and on this machine", async () => {
  const { lookup, asked } = await placed({ book: {} });
  expect(await lookup("localhost")).toEqual(["127.0.0.1", "::1"]);
  expect(asked).toEqual([]);
  expect(await lookupHost("localhost")).toContain("127.0.0.1");
});
