import { Problem } from '../../../problems/problem.ts'
import type { Cluster } from '../../cluster.ts'
import { Deadline } from '../../deadline.ts'
import { KafkaCode, problemFromKafkaCode } from '../../errors.ts'
import { alterUsers, describeUsers } from '../../wire/user-apis.ts'
import { changeCluster } from '../controller-call.ts'
import { untilHeard } from '../settled.ts'
import { findUser, toCredentials, type User } from './list-users.ts'
import { type Credential, numberOf, saltPassword } from './scram.ts'
import { TIMEOUT_MS } from '../timeouts.ts'

/**
 * Sets the password that a user logs in with by one mechanism; those of others stay. Waits until the brokers have heard of
 * a credential that is new; of a password that was changed nobody but its user can tell.
 * @returns the user as it is now, and whether there was one before
 * @throws Problem invalid_request, kafka_authorization, kafka_unavailable, kafka_auth_failed
 */
export async function setPassword(
  cluster: Cluster,
  name: string,
  credential: Credential,
  password: string,
): Promise<{ user: User; existed: boolean }> {
  const deadline = new Deadline(TIMEOUT_MS)
  const before = await findUser(cluster, name, deadline)
  const { mechanism, iterations } = credential
  const salted = await saltPassword(password, credential)
  // Repeated with the same salt, it is the same credential.
  const upsertion = { name, mechanism: numberOf(mechanism), iterations, ...salted }
  const { answer } = await changeCluster(cluster, deadline, async (connection) => {
    const { results } = await connection.call(alterUsers, [], [upsertion])
    return results[0]!
  })
  const { errorCode, errorMessage } = answer
  if (errorCode === KafkaCode.UNACCEPTABLE_CREDENTIAL) {
    const detail = 'Kafka does not accept this credential: another Kafka than 4 may want other iterations.'
    throw new Problem('invalid_request', { detail, cause: errorMessage })
  }
  if (errorCode !== KafkaCode.NONE) throw problemFromKafkaCode(errorCode, undefined, errorMessage)
  const others = (before?.credentials ?? []).filter((other) => other.mechanism !== mechanism)
  const credentials = [...others, credential].sort((a, b) => (a.mechanism < b.mechanism ? -1 : 1))
  const wanted = JSON.stringify(credentials)
  await untilHeard(cluster, async (connection) => {
    const { results } = await connection.call(describeUsers, [{ name }])
    return JSON.stringify(toCredentials(results[0]?.credentialInfos ?? [])) === wanted
  })
  return { user: { user: name, credentials }, existed: before !== undefined }
}
