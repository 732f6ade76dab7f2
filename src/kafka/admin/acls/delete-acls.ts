import type { Problem } from '../../../problems/problem.ts'
import type { Cluster } from '../../cluster.ts'
import { Deadline } from '../../deadline.ts'
import { KafkaCode } from '../../errors.ts'
import { deleteAcls as deleteAclsApi, describeAcls, type WireAcl } from '../../wire/acl-apis.ts'
import { changeCluster, passingCode } from '../controller-call.ts'
import { untilHeard } from '../settled.ts'
import { type Acl, type AclFilter, fromWireAcl, keyOfAcl, toWireFilter } from './acl.ts'
import { aclProblem } from './acl-problems.ts'
import { findAcls } from './list-acls.ts'
import { TIMEOUT_MS } from '../timeouts.ts'

export interface DeletedAcl {
  readonly acl: Acl
  /** Why it is still there. */
  readonly problem: Problem | undefined
}

type Matching = WireAcl & { readonly errorCode: number; readonly errorMessage: string | null }

/**
 * Removes every ACL that a filter fits, and waits until the brokers have heard of it.
 * @param dryRun says which they would be, and removes none
 * @returns them, sorted
 * @throws Problem acls_disabled, invalid_request, kafka_authorization, kafka_unavailable, kafka_auth_failed
 */
export async function deleteAcls(
  cluster: Cluster,
  filter: AclFilter,
  dryRun: boolean,
): Promise<DeletedAcl[]> {
  const deadline = new Deadline(TIMEOUT_MS)
  const before = await findAcls(cluster, filter, deadline)
  const kept = dryRun ? before.map(removed) : await remove(cluster, filter, before, deadline)
  const deleted = new Map(kept.map((matching) => [keyOfAcl(fromWireAcl(matching)), matching]))
  return [...deleted]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, matching]) => ({ acl: fromWireAcl(matching), problem: problemOf(matching) }))
}

async function remove(
  cluster: Cluster,
  filter: AclFilter,
  before: readonly WireAcl[],
  deadline: Deadline,
): Promise<Matching[]> {
  const { answer, repeated } = await changeCluster(cluster, deadline, async (connection) => {
    const { filterResults } = await connection.call(deleteAclsApi, [toWireFilter(filter)])
    const result = filterResults[0]!
    const codes = [result.errorCode, ...result.matchingAcls.map(({ errorCode }) => errorCode)]
    return { result, errorCode: passingCode(codes) }
  })
  const { errorCode, errorMessage, matchingAcls } = answer.result
  if (errorCode !== KafkaCode.NONE) throw aclProblem(errorCode, errorMessage)
  const last = matchingAcls.findLast((matching) => matching.errorCode === KafkaCode.NONE)
  if (last !== undefined) {
    await untilHeard(cluster, async (connection) => {
      const heard = await connection.call(describeAcls, last)
      return heard.errorCode !== KafkaCode.NONE || heard.resources.length === 0
    })
  }
  // What was there and is matched no more, the try whose answer was lost removed.
  return repeated ? [...before.map(removed), ...matchingAcls] : matchingAcls
}

function removed(acl: WireAcl): Matching {
  return { ...acl, errorCode: KafkaCode.NONE, errorMessage: null }
}

function problemOf({ errorCode, errorMessage }: Matching): Problem | undefined {
  return errorCode === KafkaCode.NONE ? undefined : aclProblem(errorCode, errorMessage)
}
