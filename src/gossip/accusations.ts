// Who stands accused, by whom, and what follows until it is refuted or dead. SWIM 4.2, Lifeguard IV-B.
//
//   a probe fails            -> suspect; the accused hears so at once, the next on the ring is probed as well
//   somebody's word          -> suspect, and if we are one of its neighbours we probe it ourselves
//   one more accuser         -> the time left shrinks (suspicion.ts)
//   a death heard in bulk    -> only suspect, and the accused is told what is said of it: a healed partition is
//                               full of such deaths
//   time runs out            -> dead
//
// A refutation is a higher claim like any other: `swim.ts` ends the suspicion with the belief it was about.

import type { Address } from "./address.ts";
import { type Claim, claimOf, DEAD, incarnationOf, isLive, isUnanswerable, SUSPECT, statusOf } from "./claim.ts";
import type { Config } from "./config.ts";
import type { Contacts } from "./contacts.ts";
import type { Gossip } from "./gossip.ts";
import type { Members } from "./members.ts";
import type { Outbox } from "./outbox.ts";
import type { Peer, Peers } from "./peers.ts";
import type { Prober } from "./prober.ts";
import { Suspicion } from "./suspicion.ts";
import { SUSPICION, type Timers } from "./timers.ts";
import { GOSSIP } from "./wire.ts";

/**
 * A death is put off by no more than this. Newcomers may never end (a process that falls as often as it is started again,
 * each time at another port), and then nobody would be found dead any more.
 */
const PUT_OFF_MS = 10_000;

/** Raises a belief, with all that follows from it. */
export type Raise = (now: number, peer: Peer, claim: Claim, accuser: Address) => void;

export class Accusations {
  /** Since the start. */
  suspected = 0;
  buried = 0;
  readonly #address: Address;
  readonly #suspicions: Map<Peer, Suspicion>;
  readonly #members: Members;
  readonly #peers: Peers;
  readonly #contacts: Contacts;
  readonly #outbox: Outbox;
  readonly #gossip: Gossip;
  readonly #prober: Prober;
  readonly #timers: Timers;
  readonly #config: Config;
  readonly #raise: Raise;

  constructor(
    address: Address,
    suspicions: Map<Peer, Suspicion>,
    members: Members,
    peers: Peers,
    contacts: Contacts,
    outbox: Outbox,
    gossip: Gossip,
    prober: Prober,
    timers: Timers,
    config: Config,
    raise: Raise,
  ) {
    this.#address = address;
    this.#suspicions = suspicions;
    this.#members = members;
    this.#peers = peers;
    this.#contacts = contacts;
    this.#outbox = outbox;
    this.#gossip = gossip;
    this.#prober = prober;
    this.#timers = timers;
    this.#config = config;
    this.#raise = raise;
  }

  /** Neither the target of a probe nor a helper answered for it. */
  accuse(now: number, peer: Peer): void {
    const claim = this.#members.claim(peer);
    if (!isLive(claim) || isUnanswerable(claimOf(incarnationOf(claim), SUSPECT))) return;
    this.#put(now, peer, this.#address);
    // All count accusers, but only the neighbours are told of each further one. So their counts are full first, and the first
    // whose count is full tells all that the accused is dead.
    for (const confirmer of this.#contacts.confirmers(peer, this.#config.confirmersEachSide)) {
      if (confirmer === this.#members.self) continue;
      this.#outbox.open(GOSSIP, this.#peers.address(confirmer), 0, 0, now);
      this.#outbox.accusation(peer);
      this.#outbox.post();
    }
    // Straight to the accused as well: nobody can answer for itself sooner.
    this.#gossip.post(GOSSIP, this.#peers.address(peer), 0, 0, now);
    // Who stand behind it may have fallen with it: several for each, so that many are found soon.
    for (const next of this.#contacts.nextUnsuspected()) this.#prober.probe(now, next);
  }

  /** A live member is accused, for the first time or by one more. */
  #put(now: number, peer: Peer, accuser: Address): void {
    const claim = this.#members.claim(peer);
    if (statusOf(claim) === SUSPECT) this.corroborate(now, peer, accuser);
    else this.#raise(now, peer, claimOf(incarnationOf(claim), SUSPECT), accuser);
  }

  /** A suspicion is believed: its clock starts. */
  begin(now: number, peer: Peer, claim: Claim, accuser: Address): void {
    const { suspicionMult, suspicionMaxMult, suspicionConfirmations, probeIntervalMs } = this.#config;
    const { live } = this.#members;
    const minMs = suspicionMult * probeIntervalMs;
    const maxMs = minMs * suspicionMaxMult * Math.log10(Math.max(10, live));
    // Two cannot vouch: the accused and this node are not among the independent accusers.
    const wanted = Math.min(live - 2, suspicionConfirmations);
    const suspicion = new Suspicion(claim, accuser, now, minMs, maxMs, wanted);
    this.#suspicions.set(peer, suspicion);
    this.#timers.set(SUSPICION, peer, suspicion.expiresAt);
    this.suspected++;
    if (accuser === this.#address) return;
    if (this.#contacts.confirmers(peer, this.#config.confirmersEachSide).includes(this.#members.self))
      this.#prober.probe(now, peer);
  }

  /** Something else is believed of a peer now. */
  end(peer: Peer): void {
    if (this.#suspicions.delete(peer)) this.#timers.cancel(SUSPICION, peer);
  }

  /** One more accuser. */
  corroborate(now: number, peer: Peer, accuser: Address): void {
    const suspicion = this.#suspicions.get(peer);
    if (!suspicion?.confirm(accuser)) return;
    this.#timers.set(SUSPICION, peer, Math.max(now, suspicion.expiresAt));
  }

  /** The time of a suspicion ran out. */
  bury(now: number, peer: Peer): void {
    const suspicion = this.#suspicions.get(peer);
    if (!suspicion) return;
    if (now - suspicion.expiresAt < PUT_OFF_MS && !this.#contacts.mayBury(peer, now)) {
      this.#timers.set(SUSPICION, peer, now + this.#config.suspicionMult * this.#config.probeIntervalMs);
      return;
    }
    this.buried++;
    this.#raise(now, peer, claimOf(incarnationOf(suspicion.claim), DEAD), this.#address);
  }

  /**
   * A death heard in a reconciliation. True if it was news of somebody we hold alive: then it is suspected, and told
   * what is said of it.
   */
  hearDeath(now: number, address: Address, claim: Claim, teller: Address): boolean {
    const peer = this.#peers.find(address);
    if (peer === undefined || !isLive(this.#members.claim(peer)) || claim <= this.#members.claim(peer)) return false;
    // Whom we hold dead may be deaf, and tell of everybody's death; after a partition the accused must hear of it all the same.
    const accuser = this.admissible(address, teller);
    if (accuser !== undefined || this.#config.heedDead) this.#put(now, peer, teller);
    this.#outbox.open(GOSSIP, address, 0, 0, now);
    this.#outbox.bareClaim(address, claimOf(incarnationOf(claim), SUSPECT));
    this.#outbox.post();
    return true;
  }

  /**
   * Any live member may accuse, neighbour of the accused or not, but nobody itself: invented accusers would cut a suspicion
   * short.
   */
  admissible(accused: Address, accuser: Address | undefined): Address | undefined {
    const peer = accuser === undefined || accuser === accused ? undefined : this.#peers.find(accuser);
    return peer !== undefined && isLive(this.#members.claim(peer)) ? accuser : undefined;
  }

  /** We heard nobody for a while: what we suspect of others begins anew. */
  renew(now: number): void {
    for (const [peer, suspicion] of this.#suspicions) {
      suspicion.startedAt = now;
      this.#timers.set(SUSPICION, peer, suspicion.expiresAt);
    }
  }

  /** Our own process stood still: nobody could refute meanwhile. */
  postpone(byMs: number): void {
    for (const [peer, suspicion] of this.#suspicions) {
      suspicion.postpone(byMs);
      this.#timers.set(SUSPICION, peer, suspicion.expiresAt);
    }
  }
}
