import type { Cluster, TopicInfo } from '../kafka/cluster.ts'
import { TopicList } from '../kafka/topic-list.ts'
import { isInternalTopic } from '../internal-topics.ts'
import { Problem } from '../problems/problem.ts'
import { lookUpTopics } from './positions.ts'

/** Most topics that one subscription with a pattern may reach: a cursor has to hold them all. */
export const MAX_SELECTED_TOPICS = 250

/** Whether a text stands for every topic with a prefix: `logs-*`, or `*` for all. */
export function isPattern(text: string): boolean {
  return text.endsWith('*')
}

/** The topics that names and patterns stand for, now and as topics come and go. */
export class TopicSelection {
  readonly #cluster: Cluster
  readonly #names: ReadonlySet<string>
  readonly #prefixes: readonly string[]
  readonly #isVisible: (topic: string) => boolean
  #unwatch: () => void = () => {}

  /** `isVisible` says which topics a pattern may stand for. */
  constructor(
    cluster: Cluster,
    texts: readonly string[],
    isVisible: (topic: string) => boolean = () => true,
  ) {
    this.#cluster = cluster
    this.#isVisible = isVisible
    this.#names = new Set(texts.filter((text) => !isPattern(text)))
    this.#prefixes = texts.filter(isPattern).map((text) => text.slice(0, -1))
  }

  get names(): readonly string[] {
    return [...this.#names]
  }

  /** Whether more topics may come, and some may go. */
  get isOpen(): boolean {
    return this.#prefixes.length > 0
  }

  /** Whether a topic is one that is named, and not only matched. */
  isNamed(topic: string): boolean {
    return this.#names.has(topic)
  }

  /**
   * The topics there are.
   * @throws Problem topic_not_found where one that is named is not; invalid_subscription for too many; as Cluster.topic
   */
  async find(): Promise<readonly TopicInfo[]> {
    const named = lookUpTopics(this.#cluster, this.names)
    if (!this.isOpen) return named
    const [, all] = await Promise.all([named, TopicList.of(this.#cluster).look()])
    return this.#select(all)
  }

  /** Calls back with the topics there are whenever all were looked at, or with why they can't be read, until stop(). */
  watch(seen: (topics: readonly TopicInfo[]) => void, failed: (problem: Problem) => void): void {
    if (!this.isOpen) return
    this.#unwatch = TopicList.of(this.#cluster).watch((all) => {
      let topics: readonly TopicInfo[]
      try {
        topics = this.#select(all)
      } catch (error) {
        failed(error as Problem)
        return
      }
      seen(topics)
    })
  }

  stop(): void {
    this.#unwatch()
  }

  /** @throws Problem invalid_subscription */
  #select(all: readonly TopicInfo[]): TopicInfo[] {
    const selected = all.filter(({ name, internal }) => {
      if (this.#names.has(name)) return true
      if (internal || isInternalTopic(name)) return false
      return this.#prefixes.some((prefix) => name.startsWith(prefix)) && this.#isVisible(name)
    })
    if (selected.length > MAX_SELECTED_TOPICS) {
      const reason = `${selected.length} topics match, and at most ${MAX_SELECTED_TOPICS} may`
      throw new Problem('invalid_subscription', {
        detail: `topics: ${reason}.`,
        errors: [{ parameter: 'topics', reason }],
      })
    }
    return selected
  }
}
