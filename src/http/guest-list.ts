// Guests are peers that speak only HTTP: nobody probes them over UDP, they are no members, and yet `/peers` lists them.
// This is what the HTTP face asks of the list; who keeps it, and how it travels between nodes, lives in `src/bootstrap`.

/** So that at least one url fits into a gossip message of 1,024 bytes, whatever it is. */
export const GUEST_URL_CHARS_MAX = 256;

export interface GuestList {
  /** @param url an origin such as `http://172.18.0.9:5000` */
  has(url: string): boolean;
  urls(): string[];
  /**
   * The IP at which the guest has lately answered a `GET /ping` of this node, undefined if it has not; one that was not
   * asked lately is asked now, for two seconds at most. Whoever registers an address may register somebody else's, and who
   * answers by a name may point it there afterwards: nobody posts anywhere else.
   */
  answersAt(url: string): Promise<string | undefined>;
  /** `full`: there is no room for another guest. */
  register(url: string): "new" | "known" | "full";
}
