import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import type { WebSocket } from 'ws'
import type { z } from 'zod'
import { topic as topicResource } from '../auth/policy.ts'
import type { Principal } from '../auth/principal.ts'
import { resourceText } from '../audit/resource.ts'
import type { Clients, Deps } from '../deps.ts'
import { Problem } from '../problems/problem.ts'
import { frameMembers } from '../records/frame-members.ts'
import { jsonString } from '../records/json-walk.ts'
import { checkMessage } from './check-message.ts'
import { CLOSE_BAD_CLIENT, CLOSE_DRAINING } from './close-codes.ts'
import { WsConnection } from './connection.ts'
import { GroupSubscription } from './group-subscription.ts'
import { Identity } from './identity.ts'
import { isPattern } from '../streams/topic-selection.ts'
import {
  AckMessage,
  AuthenticateMessage,
  type ClientMessage,
  CreditMessage,
  PauseMessage,
  ResumeMessage,
  SeekMessage,
  SubscribeMessage,
} from './messages.ts'
import { ReadPace } from '../limits/read-pace.ts'
import { Pace } from './pace.ts'
import { type Place, type Places, wantsPlace } from './places.ts'
import { PlainSubscription } from './plain-subscription.ts'
import { SocketProducer } from './producer.ts'
import type { TraceSpan } from '../tracing/tracing.ts'
import type { Subscription } from './subscription.ts'
import { parseStartPosition, type StartPosition } from '../records/start-position.ts'
import { completeSubscription, type SubscriptionOptions } from './subscription-options.ts'

/** Mistakes that a client may make on one socket before it is shown out: a loop that errs would never stop. */
export const MAX_MISTAKES = 10
/** What an error frame repeats of a type that doesn't exist, in bytes of JSON. */
const MAX_TYPE_LENGTH = 66
const QUOTE = 0x22
/** Longest that a client may take to have heard that the gateway stops, ms: what it sends until then is answered. */
const HEAR_MS = 1_000
/** Most commands that wait for a subscription to be there. */
const MAX_EARLY = 32

/** What is said of a subscription. */
type Command = Exclude<ClientMessage, { type: 'produce' | 'subscribe' | 'authenticate' }>

/** What is known of a socket before it is one. */
export interface Handshake {
  readonly requestId: string
  readonly incoming: IncomingMessage
  /** Whether a message is to say who it is. */
  readonly byMessage: boolean
  readonly span?: TraceSpan | undefined
}

/** One client: reads its frames, holds its one subscription, and ends both together. */
export class Session {
  /** What serves the client: of its own where Kafka is asked in its name, once it is known who it is. */
  #deps: Deps
  /** Lets go of its connections to Kafka. */
  #release: () => void = () => {}
  /** In whose name Kafka is asked. */
  #servedAs: Principal | undefined
  readonly #connection: WsConnection
  readonly #producer: SocketProducer
  readonly #places: Places
  readonly #identity: Identity
  readonly #pace: Pace
  /** What is subscribed to. */
  #reads: { readonly topics: readonly string[]; readonly group: string | undefined } | undefined
  /** Of the handshake. */
  readonly #span: TraceSpan | undefined
  #hasSubscribed = false
  #subscribedTo: string | undefined
  #subscription: Subscription | undefined
  /** Said after `subscribe`, while the place that it wants in its group is looked up. */
  readonly #early: Command[] = []
  #mistakes = 0
  /** It is being found out who an `authenticate` message is from; what was sent behind it is heard as that one. */
  #isAuthenticating = false
  readonly #behind: Buffer[] = []
  /** Ending by our own doing: what fails from now on fails for that reason. */
  #draining = false
  readonly #ended = Promise.withResolvers<void>()

  /** `socket` is what the WebSocket runs on. */
  constructor(
    deps: Deps,
    places: Places,
    ws: WebSocket,
    socket: Duplex,
    { requestId, incoming, byMessage, span }: Handshake,
  ) {
    this.#span = span
    this.#deps = deps
    this.#places = places
    const { admission } = deps
    const reads = new ReadPace(admission, () =>
      admission.limiter.of(this.#identity.caller.principal, incoming),
    )
    this.#connection = new WsConnection(ws, socket, deps.config.limits, deps.log, requestId, {
      message: (data) => this.#message(data),
      pong: (ticket) => this.#subscription?.pong(ticket),
      closed: () => void this.#end(),
      sentRecords: (bytes) => reads.sent(bytes),
      recordsWaitMs: () => reads.opensIn(),
    })
    this.#identity = new Identity(deps.guard, incoming, byMessage, {
      known: ({ principal }) => this.#serveAs(principal, deps.clients),
      still: () => this.#requireReads(),
      expiring: (expiresAt) => this.#connection.send({ type: 'expiring', expiresAt }),
      failed: (problem) => this.fail(problem),
    })
    this.#pace = new Pace(admission, incoming, this.#connection)
    this.#producer = new SocketProducer(() => this.#deps, this.#connection, this.#identity, span)
  }

  /**
   * Has Kafka asked in a client's own name, where it is. What is open at Kafka for the socket stays that of the
   * credentials it began with.
   * @throws Problem invalid_credentials for others than those; unauthenticated, too_many_kafka_clients
   */
  #serveAs(principal: Principal, clients: Clients | undefined): void {
    if (clients === undefined || this.#servedAs === principal) return
    if (this.#servedAs !== undefined) {
      throw new Problem('invalid_credentials', {
        detail:
          'This socket is logged in at Kafka with those it began with: open another with these, and resume.',
      })
    }
    const { deps, release } = clients.serve(principal)
    this.#servedAs = principal
    this.#deps = deps
    this.#release = release
  }

  /** Settles when it is known who this is. */
  get known(): Promise<void> {
    return this.#identity.known
  }

  /** Settles when the socket is gone and its group has been left, or its place in it is kept. */
  get ended(): Promise<void> {
    return this.#ended.promise
  }

  /** How the socket ended, and what its client sent. To be asked once it has ended. */
  get summary(): { readonly code: number; readonly isOurs: boolean; readonly produced: number } {
    return { ...this.#connection.closing, produced: this.#producer.records }
  }

  /** What its client subscribed to, in words; undefined where to nothing. */
  get subscribedTo(): string | undefined {
    return this.#subscribedTo
  }

  /** @throws Problem already_subscribed */
  subscribe(options: SubscriptionOptions): void {
    if (this.#hasSubscribed) throw new Problem('already_subscribed')
    this.#hasSubscribed = true
    this.#subscribedTo = resourceOf(options)
    void this.#run(options)
  }

  async #run(options: SubscriptionOptions): Promise<void> {
    try {
      await this.#identity.known
      const { caller } = this.#identity
      const place = wantsPlace(options) ? await this.#places.find(options, caller) : undefined
      this.#reads = place ?? options
      this.#requireReads()
      // Gone, or sent away, meanwhile: nothing has been joined.
      if (this.#connection.signal.aborted || this.#draining) return
      const subscription = this.#make(options, place)
      this.#subscription = subscription
      for (const message of this.#early.splice(0)) {
        try {
          command(subscription, message)
        } catch (error) {
          this.#refuse(error, message.type)
        }
      }
      await subscription.start()
      await subscription.run()
    } catch (error) {
      this.fail(error)
    }
  }

  /** @throws Problem unauthenticated, forbidden where what is subscribed to may not be read */
  #requireReads(): void {
    if (this.#reads === undefined) return
    const { caller } = this.#identity
    const { topics, group } = this.#reads
    caller.requireTopics(
      'consume',
      topics.filter((text) => !isPattern(text)),
    )
    if (group !== undefined) caller.requireGroup('consume', group)
  }

  readonly #isVisible = (name: string): boolean =>
    this.#identity.caller.allows('consume', topicResource(name))

  #make(options: SubscriptionOptions, place: Place | undefined): Subscription {
    const { group, topics } = place ?? options
    const own = { ...options, group, topics, isVisible: this.#isVisible }
    if (group === undefined) return new PlainSubscription(this.#deps, this.#connection, own, this.#span)
    const watch = (still: () => void, refused: () => void) =>
      this.#identity.caller.watch(() => {
        this.#requireReads()
        still()
      }, refused)
    const seat = place && { place, places: this.#places, watch }
    return new GroupSubscription(this.#deps, this.#connection, own, { group, seat, span: this.#span })
  }

  /** Ends the socket for an error that nothing on it survives. */
  fail(error: unknown): void {
    if (this.#connection.signal.aborted || this.#draining) return
    const problem = error instanceof Problem ? error : new Problem('internal_error', { cause: error })
    const fields = { code: problem.code, cause: problem.cause }
    if (problem.status >= 500) this.#connection.log.warn(fields, problem.message)
    else this.#connection.log.debug(fields, problem.message)
    this.#connection.fail(problem)
  }

  #message(data: Buffer): void {
    if (this.#isAuthenticating) {
      this.#behind.push(data)
      return
    }
    this.#pace.came(data.length, this.#identity.caller.principal)
    let type: string | undefined
    try {
      const members = frameMembers(data)
      const span = members.get('type')
      if (span !== undefined && data[span.start] === QUOTE && span.end - span.start <= MAX_TYPE_LENGTH) {
        type = jsonString(data, span.start, span.end)
      }
      if (type === 'produce') return this.#producer.take(data, members)
      const message = parseMessage(data, type)
      if (message.type === 'authenticate') this.#authenticate(message.token)
      else if (message.type === 'subscribe')
        this.subscribe(completeSubscription(message, this.#deps.config.group))
      else if (this.#subscription !== undefined) command(this.#subscription, message)
      else this.#wait(message)
    } catch (error) {
      this.#refuse(error, type)
    }
  }

  #authenticate(token: string): void {
    this.#isAuthenticating = true
    // What has been read already, and is heard although the socket ends, is all that can come behind it.
    this.#connection.hold(this, true)
    void this.#identity
      .authenticate(token)
      .then(
        ({ principal: { name, expiresAt } }) =>
          this.#connection.send({ type: 'authenticated', principal: name, expiresAt: expiresAt ?? null }),
        (error: unknown) => this.#refuse(error, 'authenticate'),
      )
      .then(() => this.#hearBehind())
  }

  #hearBehind(): void {
    this.#isAuthenticating = false
    while (this.#behind.length > 0 && !this.#isAuthenticating) this.#message(this.#behind.shift()!)
    if (!this.#isAuthenticating) this.#connection.hold(this, false)
  }

  /** Has a command wait for the subscription that was asked for before it. @throws Problem not_subscribed */
  #wait(message: Command): void {
    if (!this.#hasSubscribed || this.#early.length >= MAX_EARLY) throw new Problem('not_subscribed')
    this.#early.push(message)
  }

  #refuse(error: unknown, type: string | undefined): void {
    if (!(error instanceof Problem)) return this.fail(error)
    this.#connection.sendError(error, type)
    // A command may cross the revocation of its partition on the way, a produce meet a busy gateway: nobody's mistake.
    if (error.row.retryable || error.code === 'unknown_delivery' || error.code === 'not_assigned') return
    if (++this.#mistakes >= MAX_MISTAKES) this.#connection.close(CLOSE_BAD_CLIENT, 'too many mistakes')
  }

  /**
   * Tells the client to go elsewhere, commits what it has, answers what it sent before it could know, and closes. What has
   * no answer then was not written.
   */
  async drain(deadlineMs: number): Promise<void> {
    this.#connection.send({ type: 'draining', deadlineMs })
    this.#draining = true
    const stopped = Promise.all([
      this.#subscription?.stop('draining', deadlineMs / 4).catch(() => {}),
      this.#connection.exchanged(Math.min(HEAR_MS, deadlineMs / 4)).then(() => this.#producer.idle()),
    ])
    // Where Kafka hangs, the client is told in time all the same.
    await Promise.race([stopped, pause(deadlineMs * 0.75, undefined, { ref: false })])
    this.#producer.giveUp()
    this.#connection.close(CLOSE_DRAINING, 'shutting down')
    await this.ended
  }

  /** Cuts the connection. */
  terminate(): void {
    this.#connection.terminate()
  }

  async #end(): Promise<void> {
    this.#identity.stop()
    this.#pace.stop()
    try {
      await this.#subscription?.stop(this.#connection.dropped ? 'dropped' : 'closed')
    } catch (error) {
      this.#connection.log.warn({ error }, 'could not leave cleanly')
    } finally {
      this.#ended.resolve()
      // What was taken is written though the socket ends.
      void this.#producer.idle().then(this.#release)
    }
  }
}

/** What the audit log says of a subscription. */
function resourceOf({ group, topics }: SubscriptionOptions): string {
  const names = topics.map((name) => `topic:${name}`)
  return resourceText(group === undefined ? names : [`group:${group}`, ...names])
}

/** What a client may say of its subscription. @throws Problem as the message's own method */
function command(subscription: Subscription, message: Command): void {
  const { feed } = subscription
  switch (message.type) {
    case 'ack':
      return subscription.ack(message.offsets)
    case 'pause':
      return feed.pause(message.partitions)
    case 'resume':
      return feed.resume(message.partitions)
    case 'credit':
      return feed.credit(message.records, message.bytes)
    case 'seek':
      return feed.seek({
        topic: message.topic,
        partition: message.partition,
        to: targetOf(message),
      })
  }
}

function targetOf({ offset, timestamp, from }: z.output<typeof SeekMessage>): StartPosition {
  if (offset !== undefined) return { kind: 'offset', offset }
  if (timestamp !== undefined) return { kind: 'time', timestamp }
  return parseStartPosition(from!)!
}

/** @throws Problem unknown_type, invalid_request */
function parseMessage(data: Buffer, type: unknown): Exclude<ClientMessage, { type: 'produce' }> {
  const schema = schemas.get(type)
  if (schema === undefined) {
    throw new Problem('unknown_type', { detail: 'The member `type` names no message a client may send.' })
  }
  return checkMessage(schema, JSON.parse(data.toString('utf8')))
}

const commands = [
  SubscribeMessage,
  AuthenticateMessage,
  AckMessage,
  PauseMessage,
  ResumeMessage,
  SeekMessage,
  CreditMessage,
] as const

const schemas: ReadonlyMap<unknown, (typeof commands)[number]> = new Map(
  commands.map((schema) => [schema.shape.type.value, schema]),
)
