import { Problem } from '../../../problems/problem.ts'
import type { Cluster } from '../../cluster.ts'
import { Deadline } from '../../deadline.ts'
import { KafkaCode, problemFromKafka, problemFromKafkaCode } from '../../errors.ts'
import { describeUsers, type WireCredential } from '../../wire/user-apis.ts'
import { type Credential, mechanismOf } from './scram.ts'
import { TIMEOUT_MS } from '../timeouts.ts'

export interface User {
  readonly user: string
  /** By mechanism; one for each that the user can log in with. */
  readonly credentials: readonly Credential[]
}

/**
 * The users that Kafka keeps SCRAM credentials of, sorted by name.
 * @throws Problem kafka_authorization, kafka_unavailable, kafka_auth_failed
 */
export async function listUsers(cluster: Cluster): Promise<User[]> {
  const users = await describe(cluster, [], new Deadline(TIMEOUT_MS))
  return users.sort((a, b) => (a.user < b.user ? -1 : 1))
}

/** @throws Problem user_not_found, and as listUsers() */
export async function describeUser(cluster: Cluster, name: string): Promise<User> {
  const user = await findUser(cluster, name, new Deadline(TIMEOUT_MS))
  if (user === undefined) throw noUser(name)
  return user
}

/** @throws as listUsers() */
export async function findUser(
  cluster: Cluster,
  name: string,
  deadline: Deadline,
): Promise<User | undefined> {
  const [user] = await describe(cluster, [{ name }], deadline)
  return user
}

export function noUser(name: string): Problem {
  return new Problem('user_not_found', { detail: `Kafka keeps no password of a user ${name}.` })
}

export function toCredentials(infos: readonly WireCredential[]): Credential[] {
  return infos
    .flatMap(({ mechanism: number, iterations }) => {
      const mechanism = mechanismOf(number)
      return mechanism === undefined ? [] : [{ mechanism, iterations }]
    })
    .sort((a, b) => (a.mechanism < b.mechanism ? -1 : 1))
}

async function describe(cluster: Cluster, users: { name: string }[], deadline: Deadline): Promise<User[]> {
  const call = cluster.callAny((connection) => connection.call(describeUsers, users))
  const { errorCode, errorMessage, results } = await deadline.within(call).catch((error: unknown) => {
    throw problemFromKafka(error)
  })
  if (errorCode !== KafkaCode.NONE) throw problemFromKafkaCode(errorCode, undefined, errorMessage)
  return results.flatMap((result) => {
    if (result.errorCode === KafkaCode.RESOURCE_NOT_FOUND) return []
    if (result.errorCode !== KafkaCode.NONE) {
      throw problemFromKafkaCode(result.errorCode, undefined, result.errorMessage)
    }
    return [{ user: result.user, credentials: toCredentials(result.credentialInfos) }]
  })
}
