// Which driver there is for which peer. A driver's file is loaded when it is asked for: one engine more or less on the
// machine concerns nobody else.

const FILES = {
  docker: { hearsay: ["./docker.mjs", "DockerDriver"], serf: ["./docker.mjs", "DockerSerfDriver"] },
  "docker-routed": {
    hearsay: ["./docker.mjs", "DockerRoutedDriver"],
    serf: ["./docker.mjs", "DockerRoutedSerfDriver"],
  },
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
  const { [name]: Driver } = await import(new URL(file, import.meta.url).href);
  return (await Driver.available()) ?? Driver;
}
