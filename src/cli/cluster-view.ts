// What a local cluster looks like from outside: how many are up, how many agree, who is believed to be what. Pure: the
// nodes' own answers in, figures and news out.

import type { Status } from "../gossip/api.ts";

/** What one node answered to `GET /members`. */
export interface Answer {
  readonly digest: string;
  /** How many members it takes for live, itself included. */
  readonly live: number;
  /** What it believes of others (and itself), by url; of several members that had a url, the live one. */
  readonly statuses: ReadonlyMap<string, Status>;
}

/** What is known of one node of the cluster. */
export interface Report {
  readonly name: string;
  /** Undefined until it serves and was asked. */
  readonly url: string | undefined;
  /** How its process ended; undefined while it runs. */
  readonly end: string | undefined;
  /** Undefined if it did not answer when last asked. */
  readonly answer: Answer | undefined;
}

/** `agrees`: it believes what most of the others do. `silent`: its process runs and does not answer. */
export type Condition = "waiting" | "agrees" | "differs" | "silent" | "down";

export interface Agreement {
  readonly total: number;
  readonly up: number;
  readonly agree: number;
  /** Live members in the view that most nodes share, and its digest; empty while nobody answers. */
  readonly members: number;
  readonly digest: string;
  /** Everybody who is up agrees, and counts exactly those who are up. */
  readonly isWhole: boolean;
  readonly conditions: readonly Condition[];
}

export function agreementOf(reports: readonly Report[]): Agreement {
  const groups = new Map<string, number>();
  let [best, agree] = ["", 0];
  for (const { answer } of reports) {
    if (!answer) continue;
    const view = viewOf(answer);
    const size = (groups.get(view) ?? 0) + 1;
    groups.set(view, size);
    if (size > agree) [best, agree] = [view, size];
  }
  const up = reports.filter((report) => report.answer).length;
  const [digest = "", members = "0"] = best.split(" ");
  const conditions = reports.map((report) => conditionOf(report, best));
  const isWhole = up > 0 && agree === up && Number(members) === up;
  return { total: reports.length, up, agree, members: Number(members), digest, isWhole, conditions };
}

function viewOf(answer: Answer): string {
  return `${answer.digest} ${answer.live}`;
}

function conditionOf({ url, end, answer }: Report, best: string): Condition {
  if (answer) return viewOf(answer) === best ? "agrees" : "differs";
  if (end !== undefined) return "down";
  return url === undefined ? "waiting" : "silent";
}

/** One thing that happened. News of the same `key` replaces what was said before. */
export interface News {
  readonly key: string;
  readonly text: string;
  /** Nothing more will be said under this key. */
  readonly isFinal: boolean;
}

/** Compares each look with the one before. */
export class Chronicle {
  readonly #conditions = new Map<string, string>();
  readonly #opinions = new Map<string, string>();
  readonly #holders = new Map<string, Set<string>>();
  #look = 0;

  /** @returns what is new since the last call */
  compare(reports: readonly Report[]): News[] {
    this.#look++;
    const news: News[] = [];
    for (const report of reports) {
      this.#compareCondition(report, news);
      this.#compareOpinions(report, reports, news);
    }
    return news;
  }

  #compareCondition({ name, url, end, answer }: Report, news: News[]): void {
    const before = this.#conditions.get(name) ?? "waiting";
    const now = answer ? "up" : end !== undefined ? `ended: ${end}` : url === undefined ? "waiting" : "silent";
    if (now === before) return;
    this.#conditions.set(name, now);
    const text = before === "waiting" || now !== "up" ? `${name} ${sentence[now] ?? now}` : `${name} answers again`;
    news.push({ key: `${name} ${this.#look}`, text, isFinal: true });
  }

  #compareOpinions({ name, url }: Report, reports: readonly Report[], news: News[]): void {
    if (url === undefined) return;
    const others = reports.filter((other) => other.name !== name && other.answer);
    for (const status of ["suspect", "dead", "left"] as const) {
      const key = `${name} ${status}`;
      const seen = this.#observers(key, url, status, others);
      const isFinal = seen === others.length;
      const opinion =
        seen === 0
          ? ""
          : `${name} is ${spoken[status]} (seen by ${isFinal ? "all " : ""}${seen}${isFinal ? "" : ` of ${others.length}`})`;
      if (opinion === (this.#opinions.get(key) ?? "")) continue;
      this.#opinions.set(key, opinion);
      if (opinion !== "") news.push({ key, text: opinion, isFinal });
    }
  }

  /** How many hold this of a node. Who has forgotten it by now, as they do one by one, has not changed its mind. */
  #observers(key: string, url: string, status: string, others: readonly Report[]): number {
    const holders = this.#holders.get(key) ?? new Set<string>();
    this.#holders.set(key, holders);
    for (const { name, answer } of others) {
      const held = answer?.statuses.get(url);
      if (held === status) holders.add(name);
      else if (held !== undefined) holders.delete(name);
    }
    return others.filter(({ name }) => holders.has(name)).length;
  }
}

const sentence: Readonly<Record<string, string>> = { up: "is up", silent: "does not answer" };
const spoken = { suspect: "suspected", dead: "down", left: "gone" } as const;
