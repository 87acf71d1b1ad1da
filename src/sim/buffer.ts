// A socket's receive buffer, while nobody reads it: so many bytes as the kernel counts them, then whatever comes is lost.
//
// node.ts asks for 1 MiB; Linux grants twice net.core.rmem_max at most, 425,984 bytes by default, and charges each
// datagram for the memory it occupies. The charges are those seen with a stopped process behind a socket of 212,992
// bytes, which held 256 datagrams of 60 and 120 bytes, 166 of 300 and 600, 92 of 1,000 and 1,400.

export const BUFFER_BYTES = 425_984;

export class ReceiveBuffer {
  readonly #bytesMax: number;
  #datagrams: Uint8Array[] = [];
  #chargedBytes = 0;

  constructor(bytesMax = BUFFER_BYTES) {
    this.#bytesMax = bytesMax;
  }

  get size(): number {
    return this.#datagrams.length;
  }

  /** False if there is no room: the datagram is lost. */
  add(bytes: Uint8Array): boolean {
    const charge = chargeOf(bytes.length);
    if (this.#chargedBytes + charge > this.#bytesMax) return false;
    this.#chargedBytes += charge;
    this.#datagrams.push(bytes);
    return true;
  }

  /** Takes all, oldest first. */
  take(): readonly Uint8Array[] {
    const datagrams = this.#datagrams;
    this.#datagrams = [];
    this.#chargedBytes = 0;
    return datagrams;
  }
}

function chargeOf(length: number): number {
  if (length <= 128) return 832;
  return length <= 640 ? 1_280 : 2_304;
}
