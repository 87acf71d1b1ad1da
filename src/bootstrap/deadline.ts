// Bounded waiting: a sleep that an abort ends, and a deadline around work. Over the global timers, so that tests can turn
// the clock; `AbortSignal.timeout` does not let them. Nothing here stays behind on a signal that lives long.

import { setMaxListeners } from "node:events";

/** Resolves after `ms`, or at once when the signal aborts: a loop looks at the signal next anyway. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}

/** Runs `work` with a signal of its own that aborts when `signal` does, and on which `listeners` may wait at once. */
export async function fannedOut<T>(
  listeners: number,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const fan = new AbortController();
  // Node takes more than ten listeners for a leak.
  setMaxListeners(listeners, fan.signal);
  const onAbort = () => fan.abort(signal?.reason);
  signal?.addEventListener("abort", onAbort);
  try {
    return await work(fan.signal);
  } finally {
    signal?.removeEventListener("abort", onAbort);
  }
}

/**
 * Runs `work` with a signal that aborts when `signal` does or after `ms`, and does not wait for work that ignores it.
 * @throws Error `late` after `ms`; the signal's reason; what `work` throws
 */
export async function withDeadline<T>(
  ms: number,
  late: string,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const end = new AbortController();
  const onAbort = () => end.abort(signal?.reason);
  signal?.addEventListener("abort", onAbort);
  const timer = setTimeout(() => end.abort(new Error(late)), ms);
  try {
    return await new Promise<T>((resolve, reject) => {
      end.signal.addEventListener("abort", () => reject(end.signal.reason));
      work(end.signal).then(resolve, reject);
    });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}
