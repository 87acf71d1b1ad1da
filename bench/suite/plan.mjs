// Which runs there are, and in which order. Pure.
//
// Peers take turns: what is compared runs within the same minute, and who begins changes with each repetition, so that a
// machine that drifts is fair to both. A whole round of everything comes before the second repetition of anything.

/** So often, or less often what lasts over a minute. */
export const REPETITIONS = 5;
export const REPETITIONS_LONG = 3;
export const SWEEP = [12, 25, 50, 100];
const LONG_MS = 60_000;

/**
 * @param given { drivers, peers, nodes, repetitions?, seed, wanted: [{ scenario, variant }] }
 * @param scenarios as in scenarios.mjs
 * @param driverOf (driver, peer) → its class, a sentence that says why it is not here, or undefined if there is no such thing
 * @returns {{ runs: object[], skipped: object[] }} of what is skipped `skipped` says why
 */
export function plan({ drivers, peers, nodes, repetitions, seed, wanted }, scenarios, driverOf) {
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
        round.push({ driver, nodes: count, scenario, variant, peers: able, times });
      }
    }
  }
  const runs = [];
  for (let repetition = 1; repetition <= Math.max(0, ...round.map(({ times }) => times)); repetition++) {
    for (const { peers: able, times, ...what } of round) {
      if (repetition > times) continue;
      const turn = (repetition - 1) % able.length;
      for (const peer of [...able.slice(turn), ...able.slice(0, turn)]) {
        runs.push({ peer, ...what, repetition, seed: seed + repetition - 1 });
      }
    }
  }
  return { runs, skipped };
}

/** As often for each of the peers, though it be long for one alone. */
export function repetitionsOf({ lastsMs }, peers) {
  const longest = typeof lastsMs === "number" ? lastsMs : Math.max(...peers.map((peer) => lastsMs[peer] ?? 0));
  return longest > LONG_MS ? REPETITIONS_LONG : REPETITIONS;
}

function whyNot(Driver, { needs }, what) {
  if (typeof Driver === "string") return Driver;
  const lacking = needs.filter((act) => !Driver.can.has(act));
  return lacking.length === 0 ? undefined : `${what}: it cannot ${lacking.join(", ")} here`;
}
