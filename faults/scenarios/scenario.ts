import type { Verdict } from '../checker/check.ts'
import type { Deadlines } from '../checker/deadlines.ts'
import type { Kind } from '../checker/findings.ts'
import type { Holder } from '../stage/access.ts'
import type { Stage, StageOptions } from '../stage/stage.ts'
import type { Crew, Load } from '../workers/crew.ts'
import type { Kind as ClientKind } from '../workers/kinds.ts'

/** What a scenario does its work with. */
export interface Scene extends Stage {
  /** What names of the run's groups and topics begin with. */
  readonly run: string
  readonly topics: readonly string[]
  readonly crew: Crew
  readonly random: () => number
  /** How long there is for all of it, ms; scenarios of one fault take what it takes. */
  readonly ms: number
  /**
   * Breaks something, and waits until all is well again; the history says when that was. `isGateway` where a gateway is stopped
   * or stands still, since nobody can answer in time there.
   */
  fault(name: string, breaking: () => Promise<unknown>, options?: { isGateway?: true }): Promise<void>
  /** A line about how far it is. */
  say(text: string): void
  /** Says that something is not as it must be. */
  broken(sentence: string): void
  pause(ms: number): Promise<void>
}

/** One way in which things go wrong, and what must hold all the same. */
export interface Scenario {
  readonly name: string
  /** A sentence: what happens, and what must hold beside what always must. */
  readonly title: string
  /** Of none but by name: it goes on for half an hour. */
  readonly isLong?: true
  /** Of the short selection, which CI runs. */
  readonly isShort?: true
  readonly load?: Load
  /** How long it goes on where nothing is said, s. */
  readonly seconds?: number
  /** What its brokers and gateways have that those of others have not: it has a stage of its own then. */
  readonly stage?: Partial<Omit<StageOptions, 'folder' | 'random'>>
  readonly topicConfigs?: Readonly<Record<string, string>>
  readonly deadlines?: Deadlines
  /** Why it can't be played here; undefined where it can. */
  missing?(): string | undefined
  /** What the checker must find, as proof that it finds it: the scenario fails where one is not found. */
  readonly expected?: readonly Kind[]
  /** Kinds of findings that say nothing here, by what the scenario does. */
  readonly ignored?: readonly Kind[]
  /** Whose keys clients show, where gateways ask for them. */
  readonly holder?: Holder
  /** Clients who show others, and may read none of the run's topics. */
  readonly strangers?: Readonly<Partial<Record<ClientKind, Holder>>>
  /** Stands between the clients and the balancer. */
  front?(balancerUrl: string, random: () => number): Promise<{ readonly url: string; close(): Promise<void> }>
  /** What it says beside what the checker does: a sentence for each promise of its own that is broken. */
  judge?(verdict: Verdict): readonly string[]
  /** Goes on as long as faults do; clients write and read meanwhile. */
  play(scene: Scene): Promise<void>
}
