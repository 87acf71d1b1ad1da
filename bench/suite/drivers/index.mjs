// Which driver there is for which peer. A driver's file is loaded when it is asked for: one engine more or less on the
// machine concerns nobody else.

import { existsSync } from "node:fs";

const FILES = {
  docker: { hearsay: ["./docker.mjs", "DockerDriver"], serf: ["./docker.mjs", "DockerSerfDriver"] },
  process: { hearsay: ["./process.mjs", "ProcessDriver"], serf: ["./serf.mjs", "SerfDriver"] },
  udp: { hearsay: ["./udp.mjs", "UdpDriver"] },
  sim: { hearsay: ["./sim.mjs", "SimDriver"] },
};

export const DRIVERS = Object.keys(FILES);
export const PEERS = ["hearsay", "serf"];

/** @returns the class, a sentence that says why it cannot be used here, or undefined if there is no such thing */
export async function driverOf(driver, peer) {
  const [file, name] = FILES[driver][peer] ?? [];
  if (file === undefined) return undefined;
  const url = new URL(file, import.meta.url);
  if (!existsSync(url)) return `The driver ${driver} is not here`;
  const { [name]: Driver } = await import(url.href);
  return Driver === undefined ? undefined : ((await Driver.available()) ?? Driver);
}
