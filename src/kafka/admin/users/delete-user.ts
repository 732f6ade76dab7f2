import type { Cluster } from '../../cluster.ts'
import { Deadline } from '../../deadline.ts'
import { KafkaCode, problemFromKafkaCode } from '../../errors.ts'
import { alterUsers, describeUsers } from '../../wire/user-apis.ts'
import { changeCluster } from '../controller-call.ts'
import { untilHeard } from '../settled.ts'
import { findUser, noUser, toCredentials } from './list-users.ts'
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
  const deletions = mechanisms.map((mechanism) => ({ name, mechanism: numberOf(mechanism) }))
  const { answer, repeated } = await changeCluster(cluster, deadline, async (connection) => {
    const { results } = await connection.call(alterUsers, deletions, [])
    return results[0]!
  })
  const { errorCode, errorMessage } = answer
  if (errorCode === KafkaCode.RESOURCE_NOT_FOUND) {
    // The try whose answer was lost deleted what was there.
    const wasThere = mechanisms.every((mechanism) => known.includes(mechanism))
    if (!repeated || !wasThere) throw noUser(name)
  } else if (errorCode !== KafkaCode.NONE) {
    throw problemFromKafkaCode(errorCode, undefined, errorMessage)
  }
  await untilHeard(cluster, async (connection) => {
    const { results } = await connection.call(describeUsers, [{ name }])
    const left = toCredentials(results[0]?.credentialInfos ?? [])
    return left.every(({ mechanism }) => !mechanisms.includes(mechanism))
  })
}
