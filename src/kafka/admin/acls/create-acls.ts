import { Problem } from '../../../problems/problem.ts'
import type { Cluster } from '../../cluster.ts'
import { Deadline } from '../../deadline.ts'
import { KafkaCode } from '../../errors.ts'
import { createAcls as createAclsApi, describeAcls } from '../../wire/acl-apis.ts'
import { changeCluster, passingCode } from '../controller-call.ts'
import { untilHeard } from '../settled.ts'
import { type AclFilter, fromWireAcl, keyOfAcl, type NewAcl, toWireAcl } from './acl.ts'
import { aclProblem, ruleBroken } from './acl-problems.ts'
import { findAcls } from './list-acls.ts'
import { TIMEOUT_MS } from '../timeouts.ts'

export interface CreatedAcl {
  readonly acl: NewAcl
  /** Whether it was there already, so that nothing changed. */
  readonly existed: boolean
  /** Why it was not made. */
  readonly problem: Problem | undefined
}

/**
 * Makes ACLs, and waits until the brokers have heard of them. Kafka makes those it accepts, whatever it says to the rest.
 * @param dryRun says what would become of each, and makes none
 * @throws Problem acls_disabled, kafka_authorization, kafka_unavailable, kafka_auth_failed
 */
export async function createAcls(
  cluster: Cluster,
  acls: readonly NewAcl[],
  dryRun: boolean,
): Promise<CreatedAcl[]> {
  const deadline = new Deadline(TIMEOUT_MS)
  const found = await findAcls(cluster, inCommon(acls), deadline)
  const there = new Set(found.map((acl) => keyOfAcl(fromWireAcl(acl))))
  const problems = dryRun ? acls.map(refusalAhead) : await create(cluster, acls, deadline)
  return acls.map((acl, i) => ({ acl, existed: there.has(keyOfAcl(acl)), problem: problems[i] }))
}

async function create(
  cluster: Cluster,
  acls: readonly NewAcl[],
  deadline: Deadline,
): Promise<(Problem | undefined)[]> {
  const creations = acls.map(toWireAcl)
  const { answer } = await changeCluster(cluster, deadline, async (connection) => {
    const { results } = await connection.call(createAclsApi, creations)
    return { results, errorCode: passingCode(results.map(({ errorCode }) => errorCode)) }
  })
  // Brokers hear of changes in their order, so that the last one says it of all.
  const last = creations.findLast((_, i) => answer.results[i]?.errorCode === KafkaCode.NONE)
  if (last !== undefined) {
    await untilHeard(cluster, async (connection) => {
      const heard = await connection.call(describeAcls, last)
      return heard.errorCode !== KafkaCode.NONE || heard.resources.length > 0
    })
  }
  return answer.results.map(({ errorCode, errorMessage }, i) =>
    errorCode === KafkaCode.NONE ? undefined : aclProblem(errorCode, errorMessage, acls[i]),
  )
}

/** What Kafka would say, as far as its rules are known here: it has no way to ask without making. */
function refusalAhead(acl: NewAcl): Problem | undefined {
  const detail = ruleBroken(acl)
  return detail === undefined ? undefined : new Problem('invalid_request', { detail })
}

/** The narrowest filter that fits all of them. */
function inCommon(acls: readonly NewAcl[]): AclFilter {
  const [first] = acls
  const shared = Object.entries(first ?? {}).filter(([part, value]) =>
    acls.every((acl) => acl[part as keyof NewAcl] === value),
  )
  return Object.fromEntries(shared)
}
