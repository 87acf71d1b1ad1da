// Which runs there are, and in which order. Pure.
//
// Peers take turns: what is compared runs within the same minute, and who begins changes with each repetition, so that a
// machine that drifts is fair to both. A whole round of everything comes before the second repetition of anything.

/** So often, or less often what lasts over a minute. */
export const REPETITIONS = 5;
export const REPETITIONS_LONG = 3;
export const SWEEP = [12, 25, 50, 100];
const LONG_MS = 60_000;
const MINUTE_MS = 60_000;

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
export function repetitionsOf(scenario, peers) {
  const longest = Math.max(...peers.map((peer) => lastsMsOf(scenario, peer)));
  return longest > LONG_MS ? REPETITIONS_LONG : REPETITIONS;
}

const lastsMsOf = ({ lastsMs }, peer) => (typeof lastsMs === "number" ? lastsMs : (lastsMs[peer] ?? 0));

/** How many runs, and about how long they take at the most, in words: what is virtual takes next to nothing. */
export function lengthOf(runs, scenarios) {
  const real = runs.filter(({ driver }) => driver !== "sim");
  const totalMs = real.reduce((sum, { scenario, peer }) => sum + lastsMsOf(scenarios[scenario], peer), 0);
  const minutes = Math.ceil(totalMs / MINUTE_MS);
  const hours = Math.floor(minutes / 60);
  const time = hours > 0 ? `${hours} h ${minutes % 60} min` : `${minutes} min`;
  const count = `${runs.length} ${runs.length === 1 ? "run" : "runs"}`;
  if (real.length === 0) return `${count}, all in virtual time`;
  const which = real.length < runs.length ? `, of which ${real.length} in real time` : "";
  return `${count}${which}: about ${time} at the most, and before each its network starts and settles`;
}

function whyNot(Driver, { needs }, what) {
  if (typeof Driver === "string") return Driver;
  const lacking = needs.filter((act) => !Driver.can.has(act));
  return lacking.length === 0 ? undefined : `${what}: it cannot ${lacking.join(", ")} here`;
}
