// What happens to a network, each written once for all drivers.
//
//   joined     the members are told at their start to join the first; otherwise they do not know each other
//   needs      the acts without which it cannot be played
//   lastsMs    about how long, start and settling aside: long ones are repeated less often. Who does not hear is waited for longer
//   variants   name → what is different
//   turn       of those that are played on one network the lower come first: each leaves it whole, but with more to forget.
//              Without a turn each variant has a network of its own: who was held dead by mistake comes back more slowly the
//              next time (flap damping), which one peer has and the other has not

const S = 1_000;
/** Serf's last pair of a mass join comes with a periodic exchange, after up to two minutes. */
const FORM_MS = 150 * S;
const DEATH_MS = 60 * S;
/** Of both peers' probes, at LAN defaults. */
const PERIOD_MS = S;
const LEAVE_MS = 30 * S;
/** The next message does not wait longer for the one before … */
const MESSAGE_MS = 3 * S;
/** … but all together for those who came away empty: Serf brings it to them with its next periodic exchange. */
const MESSAGES_MS = 60 * S;

const others = (stage, ...but) => stage.driver.running().filter((member) => !but.includes(member));

/** Who is let in may be called down at once: that is watched for equally long, however long the join took. */
const aftermath = (stage) => stage.pass(stage.pace.aftermathMs);

/** In virtual time all probes' periods would else stand at the same point, whatever the seed. */
const anyPhase = (stage) => stage.pass(stage.random.below(PERIOD_MS));

/** All at once: from when both were up until the one knows the other. */
async function cold(stage) {
  const { driver } = stage;
  stage.beginAtStart();
  stage.phase("converge");
  const members = driver.running();
  for (const about of members) {
    for (const observer of members) {
      stage.expect([observer], "up", about, Math.max(driver.upAt(observer), driver.upAt(about)));
    }
  }
  await stage.see(FORM_MS);
  await aftermath(stage);
}

/** All run and are told to join one of them. */
async function massJoin(stage) {
  await stage.pass(stage.pace.settleMs);
  await stage.begin({ know: false });
  stage.phase("join");
  const at = await stage.driver.joinAll();
  const members = stage.driver.running();
  for (const about of members) stage.expect(members, "up", about, at);
  await stage.see(FORM_MS);
  await aftermath(stage);
}

/** A newcomer: all should know it, and it all. */
function greet(stage, newcomer, residents, kind) {
  const at = stage.driver.upAt(newcomer);
  stage.enters(newcomer, at);
  stage.expect(residents, kind, newcomer, at);
  for (const about of residents) stage.expect([newcomer], "up", about, at);
}

async function oneJoin(stage) {
  await stage.settle();
  await stage.begin({ know: true });
  stage.phase("join");
  const residents = stage.driver.running();
  await stage.driver.addOne();
  greet(stage, stage.driver.size - 1, residents, "up");
  await stage.see(DEATH_MS);
  await aftermath(stage);
}

async function crash(stage) {
  await stage.settle();
  await stage.begin({ know: true });
  stage.phase("crash");
  const victim = stage.any();
  await anyPhase(stage);
  const at = await stage.driver.crash(victim);
  stage.goes(victim, at);
  stage.expect(others(stage), "down", victim, at);
  await stage.see(DEATH_MS);
}

async function leave(stage) {
  await stage.settle();
  await stage.begin({ know: true });
  stage.phase("leave");
  const leaver = stage.any();
  const at = await stage.driver.leave(leaver);
  stage.goes(leaver, at);
  stage.expect(others(stage, leaver), "gone", leaver, at);
  await stage.see(LEAVE_MS);
}

/**
 * Waits until all know all again. A death is excused until then, and for a grace, for it may have been on its way; one that
 * is told in the aftermath is false.
 */
async function recover(stage, at, excuses) {
  await stage.restore(at, FORM_MS);
  const until = Math.max(stage.driver.now(), at + stage.pace.graceMs);
  for (const excuse of excuses) excuse.until = until;
  await aftermath(stage);
  await stage.restore(at, FORM_MS);
}

async function pause(stage, ms) {
  await stage.settle();
  await stage.begin({ know: true });
  stage.phase("pause");
  const sleeper = stage.any();
  await anyPhase(stage);
  const from = await stage.driver.pause(sleeper);
  const excuse = stage.excuse({ member: sleeper, from, isPause: true });
  await stage.pass(ms);
  stage.phase("resume");
  await recover(stage, await stage.driver.resume(sleeper), [excuse]);
}

/** In two halves, and together again: from the healing until those who had given each other up are known again. */
async function partition(stage) {
  await stage.settle();
  await stage.begin({ know: true });
  stage.phase("cut");
  const members = stage.driver.running();
  const [a, b] = [members.slice(0, members.length >> 1), members.slice(members.length >> 1)];
  // A cut through many takes its time, and begins to hold before it is whole.
  const from = stage.driver.now();
  await stage.driver.cut(a, b);
  const beyond = (here, there) => there.map((member) => stage.excuse({ member, from, observers: new Set(here) }));
  const excuses = [...beyond(a, b), ...beyond(b, a)];
  const { cutMs, cutSpreadMs } = stage.pace;
  stage.drawn.cutForMs = Math.round(cutMs + cutSpreadMs * stage.spread(members.length));
  await stage.pass(stage.drawn.cutForMs);
  stage.phase("heal");
  await stage.look();
  await recover(stage, await stage.driver.heal(), excuses);
}

/** Messages from members drawn at random, one after another. */
async function messages(stage) {
  for (let i = 0; i < stage.pace.messages; i++) {
    const from = stage.any();
    const text = stage.driver.nextText();
    const at = await stage.driver.say(from, text);
    stage.expect(others(stage, from), "message", from, at, text);
    await stage.driver.pass(stage.pace.quietMs);
    await stage.see(MESSAGE_MS);
  }
  await stage.see(MESSAGES_MS);
}

async function broadcast(stage) {
  await stage.settle();
  await stage.begin({ know: true });
  stage.phase("broadcast");
  await messages(stage);
}

async function loss(stage, share) {
  await stage.settle();
  await stage.begin({ know: true });
  stage.phase("loss");
  const until = (await stage.driver.loss(share)) + stage.pace.lossMs;
  await stage.driver.pass(stage.pace.settleMs);
  await messages(stage);
  await stage.pass(until - stage.driver.now());
  await stage.driver.loss(0);
}

/** Who let them all in is gone; a message goes round all the same. */
async function noBootstrap(stage) {
  await stage.settle();
  await stage.begin({ know: true });
  stage.phase("message");
  stage.goes(0, await stage.driver.stopBootstrap());
  await messages(stage);
}

/** One after another says goodbye, ends and comes back, whether the one before is back or not. */
async function churn(stage) {
  await stage.settle();
  await stage.begin({ know: true });
  stage.phase("churn");
  const { driver, pace } = stage;
  const left = driver.running();
  let away = 0;
  let failure;
  const restart = async (member) => {
    away++;
    const excuse = stage.goes(member, driver.now());
    try {
      await driver.restart(member);
      excuse.until = driver.upAt(member);
      greet(stage, member, others(stage, member), "back");
    } catch (error) {
      failure = error;
    } finally {
      away--;
    }
  };
  for (let i = 0; i < pace.restarts && left.length > 1; i++) {
    const member = stage.any(left);
    left.splice(left.indexOf(member), 1);
    void restart(member);
    await stage.pass(pace.restartEveryMs);
  }
  const areBack = await stage.until(
    () => away === 0,
    DEATH_MS,
    () => 100,
  );
  if (failure) throw failure;
  if (!areBack) throw new Error(`${away} did not come back within ${(DEATH_MS * pace.patience) / 1_000} s`);
  await stage.see(DEATH_MS);
}

async function idle(stage) {
  await stage.settle();
  await stage.begin({ know: true });
  stage.phase("idle");
  await stage.pass(stage.pace.idleMs);
}

const only = (value) => ({ "": value });

export const scenarios = {
  cold: { joined: true, turn: 0, needs: [], lastsMs: { hearsay: 20 * S, serf: 30 * S }, variants: only(), play: cold },
  "mass-join": {
    joined: false,
    needs: ["joinAll"],
    lastsMs: { hearsay: 20 * S, serf: 45 * S },
    variants: only(),
    play: massJoin,
  },
  "one-join": { joined: true, turn: 3, needs: ["addOne"], lastsMs: 30 * S, variants: only(), play: oneJoin },
  crash: { joined: true, turn: 5, needs: ["crash"], lastsMs: 30 * S, variants: only(), play: crash },
  leave: { joined: true, turn: 4, needs: ["leave"], lastsMs: 10 * S, variants: only(), play: leave },
  pause: {
    joined: true,
    needs: ["pause", "resume"],
    lastsMs: 60 * S,
    variants: { "3s": 3 * S, "10s": 10 * S, "30s": 30 * S },
    play: pause,
  },
  partition: { joined: true, needs: ["cut", "heal"], lastsMs: 135 * S, variants: only(), play: partition },
  loss: {
    joined: true,
    turn: 6,
    needs: ["loss", "say"],
    lastsMs: 45 * S,
    variants: { "5%": 0.05, "30%": 0.3 },
    play: loss,
  },
  "no-bootstrap": {
    joined: true,
    turn: 8,
    needs: ["stopBootstrap", "say"],
    lastsMs: 20 * S,
    variants: only(),
    play: noBootstrap,
  },
  broadcast: { joined: true, turn: 2, needs: ["say"], lastsMs: 20 * S, variants: only(), play: broadcast },
  churn: { joined: true, turn: 7, needs: ["restart"], lastsMs: 45 * S, variants: only(), play: churn },
  idle: { joined: true, turn: 1, needs: [], lastsMs: 30 * S, variants: only(), play: idle },
};
