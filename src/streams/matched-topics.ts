import type { Cluster, TopicInfo } from '../kafka/cluster.ts'
import { Problem } from '../problems/problem.ts'
import { findMatched, findStarts, type StartOptions, type TopicStart } from './find-start.ts'
import type { TopicSelection } from './topic-selection.ts'

export interface MatchedTopicsHandlers {
  /** What is read now. */
  starts(): readonly TopicStart[]
  /** To be read from here on. @throws Problem where it can't be */
  came(starts: readonly TopicStart[]): void
  went(topic: TopicInfo): void
  /** Reading can't go on. */
  failed(problem: Problem): void
}

interface MatchedTopicsLog {
  debug(fields: object, message: string): void
}

/** Follows the topics of a selection for a reader without a group, as they come and go. */
export class MatchedTopics {
  readonly #cluster: Cluster
  readonly #selection: TopicSelection
  readonly #options: StartOptions
  readonly #handlers: MatchedTopicsHandlers
  readonly #log: MatchedTopicsLog
  /** Ids of topics that are gone, though a broker may still name them. */
  #gone: ReadonlySet<string> = new Set()
  /** The next look waits until the last was taken up. */
  #isBusy = false
  #stopped = false

  constructor(
    cluster: Cluster,
    selection: TopicSelection,
    options: StartOptions,
    handlers: MatchedTopicsHandlers,
    log: MatchedTopicsLog,
  ) {
    this.#cluster = cluster
    this.#selection = selection
    this.#options = options
    this.#handlers = handlers
    this.#log = log
  }

  /**
   * Where to start in what there is now.
   * @throws as TopicSelection.find and findStarts
   */
  async find(): Promise<TopicStart[]> {
    if (!this.#selection.isOpen) return findStarts(this.#cluster, this.#selection.names, this.#options)
    const topics = await this.#selection.find()
    return findMatched(this.#cluster, topics, this.#options, this.#isNamed)
  }

  readonly #isNamed = (name: string): boolean => this.#selection.isNamed(name)

  watch(): void {
    this.#selection.watch(
      (topics) => void this.#follow(topics),
      (problem) => this.#handlers.failed(problem),
    )
  }

  stop(): void {
    this.#stopped = true
    this.#selection.stop()
  }

  /** A topic is no longer read that its reader has found gone; false where it was named, and must not go. */
  leave({ name, id }: TopicInfo): boolean {
    if (this.#isNamed(name)) return false
    this.#gone = new Set([...this.#gone, id])
    return true
  }

  async #follow(topics: readonly TopicInfo[]): Promise<void> {
    if (this.#isBusy || this.#stopped) return
    this.#isBusy = true
    try {
      await this.#takeUp(topics)
    } catch (error) {
      this.#log.debug({ error }, 'could not take up topics that match')
      const isPassing = error instanceof Problem && error.row.retryable
      const problem = error instanceof Problem ? error : new Problem('internal_error', { cause: error })
      if (!isPassing) this.#handlers.failed(problem)
    } finally {
      this.#isBusy = false
    }
  }

  async #takeUp(topics: readonly TopicInfo[]): Promise<void> {
    const { starts, came, went } = this.#handlers
    const ids = new Map(topics.map(({ name, id }) => [name, id]))
    this.#gone = new Set(topics.flatMap(({ id }) => (this.#gone.has(id) ? [id] : [])))
    for (const { topic } of starts()) if (ids.get(topic.name) !== topic.id && this.leave(topic)) went(topic)
    const known = new Set(starts().map(({ topic }) => topic.name))
    const others = topics.filter(({ name, id }) => !known.has(name) && !this.#gone.has(id))
    if (others.length === 0) return
    // All that is in them is new.
    const from = { kind: 'earliest' } as const
    const { isolation } = this.#options
    const found = await findMatched(this.#cluster, others, { from, isolation }, this.#isNamed)
    if (!this.#stopped && found.length > 0) came(found)
  }
}
