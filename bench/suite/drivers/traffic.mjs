// What processes on the loopback send, counted and troubled by the kernel, whatever program they run. Each process has a
// group of its own, and nftables sees the group of whoever sends:
//
//   output   group → mark; a packet and its bytes (IP header included) are counted for the mark
//   input    the mark says who sent it, address and port say whom it is for: dropped if they are apart, or by chance
//
// Dropped on arrival: who sends learns nothing of it, as on a real network. Needs to be root. The table is named after
// this process and goes with it; one that a killed process left behind goes with the next that looks.

import { execFileSync, spawnSync } from "node:child_process";
import { atEnd } from "../../wards.mjs";

const TABLE = "hearsay_bench_";
/** Groups from here up; nobody else's are that high. Each process that measures has a range of its own. */
const GIDS_FROM = 0x1000_0000;
const GIDS_EACH = 4_096;
const RANGES = 65_536;
/** A share is told in steps of one in so many. */
const SHARES = 10_000;

function nft(input, ...args) {
  return execFileSync("nft", args, { input, encoding: "utf8", stdio: ["pipe", "pipe", "pipe"] });
}

/** From a group on, so many; TCP from `ignored` does not count. */
function rules(table, from, count, ignored) {
  const marks = Array.from({ length: count }, (_, i) => `${from + i} : ${from + i}`).join(", ");
  const range = `${from}-${from + count - 1}`;
  return `table ip ${table} {
    map marks { type gid : mark; elements = { ${marks} }; }
    set sent { type mark; size ${count}; flags dynamic; counter; }
    chain output { type filter hook output priority mangle; policy accept;
      ${ignored ? `tcp sport ${ignored} return` : ""}
      oifname "lo" meta l4proto { tcp, udp } meta mark set meta skgid map @marks
      meta mark ${range} update @sent { meta mark }
    }
    chain input { type filter hook input priority filter; policy accept;
      meta mark ${range} jump trouble
    }
    chain trouble { }
  }`;
}

let reason;
/** Why it cannot be used; an empty text if it can. */
export function whyNoTraffic() {
  reason ??= lookForReason();
  return reason;
}

function lookForReason() {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "only root may count and cut with nftables";
  const { status, error } = spawnSync("nft", ["--check", "-f", "-"], { input: rules(`${TABLE}check`, GIDS_FROM, 2) });
  if (error) return "nftables is not installed";
  return status === 0 ? "" : "this kernel's nftables cannot tell processes apart by their group";
}

export class Traffic {
  #table = `${TABLE}${process.pid}`;
  #from = GIDS_FROM + (process.pid % RANGES) * GIDS_EACH;
  #takeBack;

  /** @param ignored TCP port whose traffic is the measurement's own */
  constructor(ignored) {
    sweep();
    nft(rules(this.#table, this.#from, GIDS_EACH, ignored), "-f", "-");
    this.#takeBack = atEnd(() => this.close());
  }

  /** The group that a member's process is to run as. */
  gid(member) {
    return this.#from + member;
  }

  /** @returns {Map<number, { datagrams: number, bytes: number }>} member → packets it has sent */
  counts() {
    const { nftables } = JSON.parse(nft("", "-j", "list", "set", "ip", this.#table, "sent"));
    const elements = nftables.find(({ set }) => set)?.set.elem ?? [];
    return new Map(
      elements.map(({ elem: { val, counter } }) => [
        val - this.#from,
        { datagrams: counter.packets, bytes: counter.bytes },
      ]),
    );
  }

  /** Groups of `{ member, ip, port }`: what one sends to another's address and port is dropped, both ways. */
  cut(groupA, groupB) {
    const rule = (from, to) => {
      const marks = from.map(({ member }) => this.gid(member)).join(", ");
      const places = to.map(({ ip, port }) => `${ip} . ${port}`).join(", ");
      return `add rule ip ${this.#table} trouble meta mark { ${marks} } ip daddr . th dport { ${places} } drop\n`;
    };
    nft(rule(groupA, groupB) + rule(groupB, groupA), "-f", "-");
  }

  /** @param share of all packets that is dropped, whoever sends them */
  lose(share) {
    const which = share < 1 ? `numgen random mod ${SHARES} < ${Math.round(share * SHARES)}` : "";
    nft(`add rule ip ${this.#table} trouble ${which} drop\n`, "-f", "-");
  }

  calm() {
    nft("", "flush", "chain", "ip", this.#table, "trouble");
  }

  close() {
    this.#takeBack?.();
    spawnSync("nft", ["delete", "table", "ip", this.#table]);
  }
}

/** Removes the tables of processes that are gone, and of this one. */
function sweep() {
  for (const [, table, pid] of nft("", "list", "tables").matchAll(new RegExp(`ip (${TABLE}(\\d+))`, "g"))) {
    if (Number(pid) === process.pid || !isRunning(Number(pid))) spawnSync("nft", ["delete", "table", "ip", table]);
  }
}

function isRunning(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === "EPERM";
  }
}
