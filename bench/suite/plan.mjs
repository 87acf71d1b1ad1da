// Which runs there are, in which order, and which of them share a network. Pure.
//
// Peers take turns, network by network, and who begins changes with each repetition, so that a machine that drifts is fair to
// both. A whole round of everything comes before the second repetition of anything.
//
// To start a hundred containers takes longer than most of what is played on them, so a repetition's scenarios are played on
// one network, one after another: first those that leave it as it was, last those that wear it. Each repetition has a network
// of its own, and so has a scenario that has no turn among the others (scenarios.mjs). Apart, each run has one.

/** So often, or less often what lasts over a minute. */
export const REPETITIONS = 5;
export const REPETITIONS_LONG = 3;
export const SWEEP = [12, 25, 50, 100];
const LONG_MS = 60_000;
const MINUTE_MS = 60_000;

/**
 * @param given { drivers, peers, nodes, repetitions?, first?, seed, wanted: [{ scenario, variant }], apart? }; `first`: the
 *   number of the first repetition, for lines that are added to others
 * @param scenarios as in scenarios.mjs
 * @param driverOf (driver, peer) → its class, a sentence that says why it is not here, or undefined if there is no such thing
 * @returns {{ runs: object[], skipped: object[] }} runs with the same `network` stand side by side; of what is skipped
 *   `skipped` says why
 */
export function plan(given, scenarios, driverOf) {
  const { round, skipped } = roundOf(given, scenarios, driverOf);
  const runs = [];
  let network = 0;
  const { first = 1 } = given;
  for (let nth = 0; nth < Math.max(0, ...round.map(({ times }) => times)); nth++) {
    const repetition = first + nth;
    const due = round.filter(({ times }) => nth < times);
    for (const sharing of given.apart ? due.map((one) => [one]) : sharings(due, scenarios)) {
      const { peers: able } = sharing[0];
      const turn = (repetition - 1) % able.length;
      for (const peer of [...able.slice(turn), ...able.slice(0, turn)]) {
        network++;
        for (const { driver, nodes, scenario, variant } of sharing) {
          const seed = given.seed + repetition - 1;
          runs.push({ peer, driver, nodes, scenario, variant, repetition, seed, network });
        }
      }
    }
  }
  return { runs, skipped };
}

/** What is played in a round, each with those who are able to. */
function roundOf({ drivers, peers, nodes, repetitions, wanted }, scenarios, driverOf) {
  const skipped = [];
  const round = [];
  for (const driver of drivers) {
    for (const count of nodes) {
      for (const { scenario, variant } of wanted) {
        const able = peers.filter((peer) => {
          const Driver = driverOf(driver, peer);
          if (Driver === undefined) return false;
          const why = whyNot(Driver, scenarios[scenario], `${scenario} is not played with ${peer} (${driver})`);
          if (why !== undefined) skipped.push({ peer, driver, nodes: count, scenario, variant, skipped: why });
          return why === undefined;
        });
        if (able.length === 0) continue;
        const times = repetitions ?? repetitionsOf(scenarios[scenario], able);
        const isVirtual = able.some((peer) => driverOf(driver, peer).isVirtual);
        round.push({ driver, nodes: count, scenario, variant, peers: able, times, isVirtual });
      }
    }
  }
  return { round, skipped };
}

/** Those that can be played on one network, in the order that spares it. What is virtual starts for nothing, and stays apart. */
function sharings(due, scenarios) {
  const sharings = new Map();
  for (const [i, one] of due.entries()) {
    const { driver, nodes, scenario, peers, isVirtual } = one;
    const isShared = !isVirtual && scenarios[scenario].turn !== undefined;
    const key = JSON.stringify([driver, nodes, peers, isShared || i]);
    sharings.set(key, [...(sharings.get(key) ?? []), one]);
  }
  const turnOf = ({ scenario }) => scenarios[scenario].turn;
  return [...sharings.values()].map((sharing) => sharing.toSorted((a, b) => turnOf(a) - turnOf(b)));
}

/** As often for each of the peers, though it be long for one alone. */
export function repetitionsOf(scenario, peers) {
  const longest = Math.max(...peers.map((peer) => lastsMsOf(scenario, peer)));
  return longest > LONG_MS ? REPETITIONS_LONG : REPETITIONS;
}

const lastsMsOf = ({ lastsMs }, peer) => (typeof lastsMs === "number" ? lastsMs : (lastsMs[peer] ?? 0));

/** How many runs, and about how long they take, in words: what is virtual takes next to nothing. */
export function lengthOf(runs, scenarios) {
  const real = runs.filter(({ driver }) => driver !== "sim");
  const totalMs = real.reduce((sum, { scenario, peer }) => sum + lastsMsOf(scenarios[scenario], peer), 0);
  const minutes = Math.ceil(totalMs / MINUTE_MS);
  const hours = Math.floor(minutes / 60);
  const time = hours > 0 ? `${hours} h ${minutes % 60} min` : `${minutes} min`;
  const count = `${runs.length} ${runs.length === 1 ? "run" : "runs"}`;
  if (real.length === 0) return `${count}, all in virtual time`;
  const which = real.length < runs.length ? `, of which ${real.length} in real time` : "";
  const networks = new Set(real.map(({ network }) => network)).size;
  const starts = networks === 1 ? "a network starts" : `${networks} networks start`;
  return `${count}${which}: about ${time}, and ${starts} besides`;
}

function whyNot(Driver, { needs }, what) {
  if (typeof Driver === "string") return Driver;
  const lacking = needs.filter((act) => !Driver.can.has(act));
  return lacking.length === 0 ? undefined : `${what}: it cannot ${lacking.join(", ")} here`;
}
