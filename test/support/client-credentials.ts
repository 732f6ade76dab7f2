import { withAuthorizer } from './authorizer.ts'
import { kafkaTool } from './kafka-tools/index.ts'

/** Users of PLAIN at the listener `brief`: p0 to p99, whose password is their name and `-secret`. */
export const PLAIN_USERS = Array.from({ length: 100 }, (_, i) => `p${i}`)

/** Settings of a secured broker whose ACLs count, and that knows those users. */
export const brokerOfClients: Readonly<Record<string, string>> = {
  ...withAuthorizer,
  'listener.name.brief.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required ${PLAIN_USERS.map((user) => `user_${user}="${user}-secret"`).join(' ')};`,
}

/** Settings of a gateway that asks Kafka as its clients. */
export function clientsBy(mechanism: string, brokers: string): Record<string, string> {
  return {
    KAFKA_BROKERS: brokers,
    KAFKA_SASL_MECHANISM: mechanism,
    SLUICE_KAFKA_CREDENTIALS: 'client',
    SLUICE_SECRET: 'of this gateway, and long enough',
  }
}

export function basic(user: string, password = `${user}-secret`): { authorization: string } {
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` }
}

export function bearer(token: string): { authorization: string } {
  return { authorization: `Bearer ${token}` }
}

/** Gives a user of SCRAM-SHA-256 a password, by Kafka's own tool; the empty one takes it away. */
export async function setPassword(
  bootstrap: string,
  user: string,
  password = `${user}-secret`,
): Promise<void> {
  const mechanism = 'SCRAM-SHA-256'
  const change =
    password === ''
      ? ['--delete-config', mechanism]
      : ['--add-config', `${mechanism}=[iterations=4096,password=${password}]`]
  const entity = ['--entity-type', 'users', '--entity-name', user]
  await kafkaTool('kafka-configs', ['--alter', ...entity, ...change], bootstrap)
}

/** Lets users read and write topics, and read groups, of one prefix, by Kafka's own tool. */
export async function allow(bootstrap: string, users: readonly string[], prefix: string): Promise<void> {
  const whom = users.flatMap((user) => ['--allow-principal', `User:${user}`])
  const prefixed = ['--resource-pattern-type', 'prefixed', '--topic', prefix, '--group', prefix]
  await kafkaTool('kafka-acls', ['--add', ...whom, '--operation', 'Read', ...prefixed], bootstrap)
  const topics = ['--resource-pattern-type', 'prefixed', '--topic', prefix]
  await kafkaTool('kafka-acls', ['--add', ...whom, '--operation', 'Write', ...topics], bootstrap)
}
