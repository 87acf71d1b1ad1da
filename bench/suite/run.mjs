// One run: a network is made, a scenario is played, a record is what is left. A run that fails is a record, too.

import { Stage } from "./stage.mjs";

/** So many members are on their way up at the same time where the start itself is not what is measured. */
const AT_ONCE = 4;

/**
 * @param run   of plan.mjs
 * @param on    { Driver, scenario, machine, preset, config, pace, progress }
 * @returns a record: a line of the results file
 */
export async function play(run, { Driver, scenario, machine, preset, config, pace, progress }) {
  const { nodes, seed, variant } = run;
  const startedAt = new Date().toISOString();
  const driver = new Driver({ nodes, seed, preset, config });
  const stage = new Stage(driver, { seed, pace, progress });
  driver.progress = (up) => progress.share(up / nodes);
  const settings = { preset, ...config, pace: stage.pace };
  let measured = NOTHING;
  let clockErrorMs = 0;
  let error;
  let leftBehind;
  try {
    progress.phase("start");
    const isCold = run.scenario === "cold";
    await driver.start({ joined: scenario.joined, ...(isCold ? {} : { atOnce: AT_ONCE }) });
    await scenario.play(stage, scenario.variants[variant]);
    measured = await stage.measured();
    clockErrorMs = driver.clockErrorMs;
  } catch (cause) {
    error = cause instanceof Error ? cause.message : String(cause);
  }
  try {
    await driver.stop();
  } catch (cause) {
    // What was measured stays measured.
    leftBehind = cause.message;
  }
  const { startUpMs } = driver;
  return {
    ...run,
    startedAt,
    machine,
    settings,
    startUpMs: startUpMs === null ? null : Math.round(startUpMs),
    clockErrorMs: Math.round(clockErrorMs * 1_000) / 1_000,
    ...measured,
    ...(Driver.lacks.length > 0 ? { lacks: Driver.lacks } : {}),
    ...(leftBehind === undefined ? {} : { leftBehind }),
    ...(error === undefined ? {} : { error }),
  };
}

const NOTHING = {
  facts: 0,
  missed: 0,
  times: [],
  figures: Object.fromEntries(
    [
      ...["firstMs", "p50Ms", "p90Ms", "p99Ms", "lastMs", "distinctViewsMax", "falseDeaths", "falseSuspicions"],
      ...["datagramsPerNodeAndSecond", "bytesPerNodeAndSecond", "framesPerNodeAndSecond"],
      ...["cpuMsPerNodeAndSecond", "rssMiB"],
    ].map((name) => [name, null]),
  ),
  views: [],
};
