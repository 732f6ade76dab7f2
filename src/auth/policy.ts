import { isInternalGroup } from '../internal-groups.ts'
import { isInternalTopic } from '../internal-topics.ts'
import type { CallerLimits, LimitRule } from '../limits/caller-limits.ts'
import { anonymous, type Principal } from './principal.ts'

/** What can be done to a topic, a group or the cluster. */
export const operations = ['produce', 'consume', 'describe', 'create', 'alter', 'delete', 'admin'] as const
export type Operation = (typeof operations)[number]

/** What it is done to. */
export type Resource =
  | { readonly kind: 'topic'; readonly name: string }
  | { readonly kind: 'group'; readonly name: string }
  | { readonly kind: 'cluster' }

export const cluster: Resource = { kind: 'cluster' }
export const topic = (name: string): Resource => ({ kind: 'topic', name })
export const group = (name: string): Resource => ({ kind: 'group', name })

/** One rule: these may, or may not, do this to that. */
export interface Rule {
  readonly name: string
  readonly effect: 'allow' | 'deny'
  /** Principals (`key:billing`), all of one kind (`user:*`), roles (`role:ops`), all that have shown who they are (`*`). */
  readonly to: readonly string[]
  readonly operations: ReadonlySet<Operation>
  /** Names, and prefixes that end in `*`. */
  readonly topics: readonly string[]
  readonly groups: readonly string[]
  readonly cluster: boolean
}

export interface Decision {
  readonly allowed: boolean
  /** The rule that decided; undefined where none speaks of it, which is a refusal. */
  readonly rule: Rule | undefined
}

/** Decisions that are remembered for one principal; past it they are made anew. */
const MAX_REMEMBERED = 10_000

/**
 * Whoever may do one of these to something may see that it is there, as in Kafka (its `AclEntry`: READ, WRITE, DELETE and
 * ALTER imply DESCRIBE).
 */
const impliesDescribe: readonly Operation[] = ['produce', 'consume', 'alter', 'delete', 'admin']

/**
 * Who may do what: nothing that no rule allows, nothing that one denies. Pure, and the same for the same rules: an edited
 * file becomes another policy.
 */
export class Policy {
  readonly rules: readonly Rule[]
  /** Names of principals by role. */
  readonly #roles: ReadonlyMap<string, readonly string[]>
  readonly #limits: readonly LimitRule[]
  readonly #remembered = new Map<string, Map<string, Decision>>()

  constructor(
    rules: readonly Rule[],
    roles: ReadonlyMap<string, readonly string[]>,
    limits: readonly LimitRule[] = [],
  ) {
    this.rules = rules
    this.#roles = roles
    this.#limits = limits
  }

  /** The decision, and the rule behind it: the first that denies, else the first that allows. */
  decide(principal: Principal, operation: Operation, resource: Resource): Decision {
    const who = [principal.name, ...principal.roles, ...(principal.scopes ?? ['all'])].join('\n')
    let decisions = this.#remembered.get(who)
    if (decisions === undefined) {
      if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear()
      this.#remembered.set(who, (decisions = new Map()))
    }
    const what = `${operation} ${resource.kind} ${'name' in resource ? resource.name : ''}`
    let decision = decisions.get(what)
    if (decision === undefined) {
      if (decisions.size >= MAX_REMEMBERED) decisions.clear()
      decisions.set(what, (decision = this.#decide(principal, operation, resource)))
    }
    return decision
  }

  allows(principal: Principal, operation: Operation, resource: Resource): boolean {
    return this.decide(principal, operation, resource).allowed
  }

  #decide(principal: Principal, operation: Operation, resource: Resource): Decision {
    const enough = operation === 'describe' ? [operation, ...impliesDescribe] : [operation]
    const { scopes } = principal
    if (scopes !== undefined && !enough.some((o) => scopes.has(o))) return { allowed: false, rule: undefined }
    const names = this.#namesOf(principal)
    const about = this.rules.filter((rule) => speaksTo(rule, names) && speaksOf(rule, resource))
    const denied = about.find(({ effect, operations: of }) => effect === 'deny' && of.has(operation))
    if (denied !== undefined) return { allowed: false, rule: denied }
    const allowing = about.find(
      ({ effect, operations: of }) => effect === 'allow' && enough.some((o) => of.has(o)),
    )
    return { allowed: allowing !== undefined, rule: allowing }
  }

  /** Whether there is anything that one may do who has shown nothing. */
  get admitsAnonymous(): boolean {
    const names = this.#namesOf(anonymous)
    return this.rules.some((rule) => rule.effect === 'allow' && speaksTo(rule, names))
  }

  get hasLimits(): boolean {
    return this.#limits.length > 0
  }

  /** What a principal may take, where the policy says so: of each limit, the first rule that speaks to it counts. */
  limitsOf(principal: Principal): Partial<CallerLimits> {
    const names = this.#namesOf(principal)
    const speaking = this.#limits.filter((rule) => speaksTo(rule, names))
    return Object.assign(
      {},
      ...speaking.reverse().map(({ to: _, ...limits }) => limits),
    ) as Partial<CallerLimits>
  }

  /** All that a rule may call a principal by. */
  #namesOf(principal: Principal): ReadonlySet<string> {
    const { name, roles } = principal
    const names = new Set([name])
    if (principal !== anonymous)
      for (const all of ['*', `${name.slice(0, name.indexOf(':') + 1)}*`]) names.add(all)
    for (const role of roles) names.add(`role:${role}`)
    // Roles may be members of roles, whichever comes first in the file.
    for (let before = -1; before !== names.size;) {
      before = names.size
      for (const [role, members] of this.#roles)
        if (members.some((member) => names.has(member))) names.add(`role:${role}`)
    }
    return names
  }
}

function speaksTo({ to }: Pick<Rule, 'to'>, names: ReadonlySet<string>): boolean {
  return to.some((name) => names.has(name))
}

function speaksOf(rule: Rule, resource: Resource): boolean {
  switch (resource.kind) {
    case 'topic':
      // Kafka's own topics are nobody's, whatever `*` says.
      return !isInternalTopic(resource.name) && rule.topics.some((pattern) => matches(pattern, resource.name))
    case 'group':
      // The gateway's own remember transactions: they are nobody's, as Kafka's topics.
      return !isInternalGroup(resource.name) && rule.groups.some((pattern) => matches(pattern, resource.name))
    case 'cluster':
      return rule.cluster
  }
}

/** A name, or a prefix that ends in `*`. Nothing else is a pattern: rules stay readable, and no input can make them slow. */
function matches(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern
}
