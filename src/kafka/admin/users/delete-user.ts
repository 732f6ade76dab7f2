import type { Cluster } from '../../cluster.ts'
import { Deadline } from '../../deadline.ts'
import { KafkaCode, problemFromKafkaCode } from '../../errors.ts'
import { alterUsers, describeUsers } from '../../wire/user-apis.ts'
import { changeCluster } from '../controller-call.ts'
import { untilHeard } from '../settled.ts'
import { findUser, noUser, toCredentials, type User } from './list-users.ts'
import { numberOf, type ScramMechanism } from './scram.ts'
import { TIMEOUT_MS } from '../timeouts.ts'

/**
 * Deletes a user's credential of one mechanism, or of all, and waits until the brokers have heard of it. Who is logged in
 * stays so until Kafka asks again (`connections.max.reauth.ms`).
 * @throws Problem user_not_found, kafka_authorization, kafka_unavailable, kafka_auth_failed
 */
export async function deleteUser(
  cluster: Cluster,
  name: string,
  mechanism: ScramMechanism | undefined,
): Promise<void> {
  const deadline = new Deadline(TIMEOUT_MS)
  const user = await findUser(cluster, name, deadline)
  const known = user?.credentials.map((credential) => credential.mechanism) ?? []
  const mechanisms = mechanism === undefined ? known : [mechanism]
  if (mechanisms.length === 0) throw noUser(name)
  // One after the other: Kafka refuses a request that changes a user twice.
  for (const mechanism of mechanisms) {
    const deletion = { name, mechanism: numberOf(mechanism) }
    const { answer, repeated } = await changeCluster(cluster, deadline, async (connection) => {
      const { results } = await connection.call(alterUsers, [deletion], [])
      return results[0]!
    })
    const { errorCode, errorMessage } = answer
    if (errorCode === KafkaCode.RESOURCE_NOT_FOUND) {
      // The try whose answer was lost deleted what was there.
      if (!repeated || !known.includes(mechanism)) throw noUser(name)
    } else if (errorCode !== KafkaCode.NONE) {
      throw problemFromKafkaCode(errorCode, undefined, errorMessage)
    }
  }
  await untilHeard(cluster, async (connection) => {
    const { results } = await connection.call(describeUsers, [{ name }])
    const left = toCredentials(results[0]?.credentialInfos ?? [])
    return left.every(({ mechanism }) => !mechanisms.includes(mechanism))
  })
}

/**
 * What deleteUser() would delete.
 * @throws as deleteUser()
 */
export async function findDoomed(
  cluster: Cluster,
  name: string,
  mechanism: ScramMechanism | undefined,
): Promise<User> {
  const user = await findUser(cluster, name, new Deadline(TIMEOUT_MS))
  const credentials = (user?.credentials ?? []).filter((c) => c.mechanism === (mechanism ?? c.mechanism))
  if (user === undefined || credentials.length === 0) throw noUser(name)
  return { ...user, credentials }
}
