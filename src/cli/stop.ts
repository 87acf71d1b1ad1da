// When a process of ours should end: a signal, the end of the parent that started it, or its own wish. The first ask
// starts the farewell, whatever it is; a second signal does not wait for it.

import { constants } from "node:os";

/** One Ctrl-C may arrive twice: from the terminal, and handed on by npm. What comes this close together is one ask. */
const SAME_ASK_MS = 500;
const PARENT_LOOK_MS = 500;

export interface Stop {
  /** Resolves with why, at the first ask. */
  readonly asked: Promise<string>;
  ask(why: string): void;
  /** From now on who waits for `asked` ends the process. Before, nothing is open yet: an ask ends it at once, with 0. */
  handOver(): void;
}

export interface Ears {
  /** False: signals do what they do to any program. */
  readonly hearsSignals: boolean;
  /** True if the parent may be a shell of npm's, see `watchParent`. */
  readonly isBehindShell: boolean;
}

/** Listens from now on: SIGTERM, SIGINT, and the parent's end if there is a channel to it. */
export function listenForStop({ hearsSignals, isBehindShell }: Ears): Stop {
  let resolve: (why: string) => void = () => {};
  let isHandedOver = false;
  const asked = new Promise<string>((settle) => {
    resolve = settle;
  });
  const ask = (why: string) => {
    if (!isHandedOver) process.exit(0);
    resolve(why);
  };
  if (hearsSignals) hearSignals(ask);
  const orphaned = () => ask("the parent process is gone");
  // Undefined without a channel; false if the parent went while we were loading.
  if (process.connected === false) orphaned();
  else if (process.connected) process.once("disconnect", orphaned);
  if (isBehindShell) watchParent(orphaned);
  const handOver = () => {
    isHandedOver = true;
  };
  return { asked, ask, handOver };
}

function hearSignals(ask: (why: string) => void): void {
  let firstAtMs: number | undefined;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      firstAtMs ??= performance.now();
      if (performance.now() - firstAtMs > SAME_ASK_MS) process.exit(128 + constants.signals[signal]);
      ask(signal);
    });
  }
}

/**
 * Between npm and us stands a shell. Who ends npm by a signal ends the shell, which tells us nothing: we would go on
 * with nobody knowing of us. That the parent is another is how it shows.
 */
function watchParent(orphaned: () => void): void {
  const { ppid } = process;
  const timer = setInterval(() => {
    if (process.ppid === ppid) return;
    clearInterval(timer);
    orphaned();
  }, PARENT_LOOK_MS).unref();
}
