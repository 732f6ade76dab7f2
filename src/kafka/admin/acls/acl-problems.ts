import { Problem } from '../../../problems/problem.ts'
import { KafkaCode, kafkaErrorName, problemFromKafkaCode } from '../../errors.ts'
import type { Acl } from './acl.ts'
import { CLUSTER_NAME } from './acl-names.ts'

/** What a caller is told where Kafka refuses an ACL, or all of them. */
export function aclProblem(code: number, brokerText: string | null, acl?: Acl): Problem {
  const cause = brokerText ?? kafkaErrorName(code)
  if (code === KafkaCode.SECURITY_DISABLED) return new Problem('acls_disabled', { cause })
  if (code === KafkaCode.INVALID_REQUEST) {
    const detail = (acl && ruleBroken(acl)) ?? 'Kafka has no ACL of this kind.'
    return new Problem('invalid_request', { detail, cause })
  }
  return problemFromKafkaCode(code, undefined, cause)
}

/** A rule of Kafka's for what can be made that the shape of an ACL doesn't show; undefined where it keeps them. */
export function ruleBroken({ resourceType, resourceName }: Acl): string | undefined {
  if (resourceType === 'cluster' && resourceName !== CLUSTER_NAME) {
    return `The one resource of type cluster is ${CLUSTER_NAME}.`
  }
  return undefined
}
