import type { Cluster } from '../../cluster.ts'
import { Deadline } from '../../deadline.ts'
import { KafkaCode, problemFromKafka } from '../../errors.ts'
import { describeAcls, type WireAcl } from '../../wire/acl-apis.ts'
import { type Acl, type AclFilter, aclsOf, fromWireAcl, keyOfAcl, toWireFilter } from './acl.ts'
import { aclProblem } from './acl-problems.ts'
import { TIMEOUT_MS } from '../timeouts.ts'

/**
 * The ACLs that a filter fits, sorted.
 * @throws Problem acls_disabled, kafka_authorization, kafka_unavailable, kafka_auth_failed
 */
export async function listAcls(cluster: Cluster, filter: AclFilter): Promise<Acl[]> {
  const acls = await findAcls(cluster, filter, new Deadline(TIMEOUT_MS))
  return acls.map(fromWireAcl).sort((a, b) => (keyOfAcl(a) < keyOfAcl(b) ? -1 : 1))
}

/** @throws as listAcls() */
export async function findAcls(cluster: Cluster, filter: AclFilter, deadline: Deadline): Promise<WireAcl[]> {
  const call = cluster.callAny((connection) => connection.call(describeAcls, toWireFilter(filter)))
  const answer = await deadline.within(call).catch((error: unknown) => {
    throw problemFromKafka(error)
  })
  if (answer.errorCode !== KafkaCode.NONE) throw aclProblem(answer.errorCode, answer.errorMessage)
  return aclsOf(answer)
}
