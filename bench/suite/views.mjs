// What each member believes of who is there, replayed from what it noticed: nobody had to be asked while it happened.
//
// A view is the set of members that are held to live, the suspected included. It is kept as a sum of random numbers, one a
// member, so that two are compared in one step.

const HASH_FACTOR = 0x9e37_79b1;

const hash = (member) => {
  let mixed = Math.imul(member + 1, HASH_FACTOR);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x85eb_ca77);
  return (mixed ^ (mixed >>> 13)) >>> 0;
};

export class Views {
  /** observer → { live: Set, sum } */
  #views = new Map();
  /** sum → how many observers have such a view */
  #sums = new Map();

  /** A member that is there from now on, and whom it knows. */
  enter(observer, live) {
    this.exit(observer);
    const set = new Set([...live, observer]);
    const view = { live: set, sum: [...set].reduce((sum, member) => (sum + hash(member)) >>> 0, 0) };
    this.#views.set(observer, view);
    this.#count(view.sum, 1);
  }

  /** It is gone: what it believed does not count. */
  exit(observer) {
    const view = this.#views.get(observer);
    if (!view) return;
    this.#views.delete(observer);
    this.#count(view.sum, -1);
  }

  /** @param {import("./drivers/driver.mjs").Fact} fact */
  apply({ observer, type, about }) {
    const view = this.#views.get(observer);
    if (!view || about === observer) return;
    const isGone = type === "down" || type === "left";
    if (!isGone && type !== "up" && type !== "updated") return;
    if (view.live.has(about) !== isGone) return;
    this.#count(view.sum, -1);
    if (isGone) view.live.delete(about);
    else view.live.add(about);
    view.sum = (view.sum + (isGone ? -hash(about) : hash(about))) >>> 0;
    this.#count(view.sum, 1);
  }

  /** How many different views there are. */
  get distinct() {
    return this.#sums.size;
  }

  /** Pairs of members that are there, of whom the first does not know the second. */
  get missing() {
    const members = [...this.#views.keys()];
    return [...this.#views].flatMap(([observer, { live }]) =>
      members.filter((about) => !live.has(about)).map((about) => ({ observer, about })),
    );
  }

  #count(sum, change) {
    const count = (this.#sums.get(sum) ?? 0) + change;
    if (count > 0) this.#sums.set(sum, count);
    else this.#sums.delete(sum);
  }
}

/**
 * @param entries { at, observer, live } where a member comes, without `live` where it goes
 * @param step called after each change with its time and the views
 */
export function replay(entries, facts, step = () => {}) {
  const views = new Views();
  // At the same time, who comes is there before anything is noticed of it.
  const steps = [...entries, ...facts].sort((a, b) => a.at - b.at || Number("type" in a) - Number("type" in b));
  for (const each of steps) {
    if ("type" in each) views.apply(each);
    else if (each.live) views.enter(each.observer, each.live);
    else views.exit(each.observer);
    step(each.at, views);
  }
  return views;
}

/** Do all know all, and nobody else? Of what drivers say of their members' views. */
export const isWhole = (views) =>
  views.every(({ live, digest }) => live === views.length && digest === views[0].digest);
