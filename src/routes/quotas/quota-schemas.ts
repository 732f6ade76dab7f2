import { z } from 'zod'
import { ItemError } from '../results.ts'

/** Characters; Kafka has no bound of its own. */
const MAX_NAME_LENGTH = 1_024

export const EntityName = z.string().min(1).max(MAX_NAME_LENGTH)
const name = EntityName.nullable().optional()

export const QuotaEntity = z
  .strictObject({
    user: name.describe('A user, as `User:NAME` names it in ACLs, without the `User:`.'),
    clientId: name.describe("A client's `client.id`."),
    ip: name.describe('An address that clients connect from, alone.'),
  })
  .meta({
    id: 'QuotaEntity',
    description:
      'Whom quotas are for; null is the default, for everyone who has none of their own. A user and a client id together ' +
      'are that client of that user.',
    example: { user: 'alice', clientId: null },
  })

const isPositive = 'expected a number above 0, or null to remove the quota'
const value = z.number(isPositive).positive(isPositive)
const rates = {
  producerByteRate: 'Bytes per second that each broker takes from it.',
  consumerByteRate: 'Bytes per second that each broker gives it.',
  requestPercentage: "Percent of one thread's time that each broker spends on its requests.",
  controllerMutationRate: 'Partitions per second that it may make or delete.',
  connectionCreationRate: 'Connections per second that each broker takes from the address.',
}
type Rate = keyof typeof rates

function quotas<S extends z.ZodType>(schema: S): Record<Rate, z.ZodOptional<S>> {
  const members = Object.entries(rates).map(([rate, text]) => [rate, schema.optional().describe(text)])
  return Object.fromEntries(members) as Record<Rate, z.ZodOptional<S>>
}

/** What an entity has, as it is. */
export const QuotaEntry = z
  .strictObject({ entity: QuotaEntity, quotas: z.strictObject(quotas(z.number())) })
  .meta({
    id: 'QuotaEntry',
    example: { entity: { user: 'alice' }, quotas: { producerByteRate: 1_048_576, requestPercentage: 50 } },
  })

/** What is to become of an entity's quotas. */
export const QuotaChange = z
  .strictObject({
    entity: QuotaEntity.refine((entity) => Object.values(entity).some((name) => name !== undefined), {
      error: 'expected user, clientId or ip',
    }),
    quotas: z
      .strictObject(quotas(value.nullable()))
      .refine((quotas) => Object.values(quotas).some((value) => value !== undefined), {
        error: 'expected at least one quota',
      })
      .describe('Those to set, and with null those to remove; the others stay as they are.'),
  })
  .meta({
    id: 'QuotaChange',
    example: { entity: { user: 'alice' }, quotas: { producerByteRate: 1_048_576, consumerByteRate: null } },
  })

export const QuotaResults = z
  .strictObject({
    results: z.array(
      z.strictObject({
        entity: QuotaEntity,
        quotas: z.strictObject(quotas(z.number().nullable())).describe('As they were sent.'),
        error: ItemError,
      }),
    ),
    validateOnly: z.boolean().describe('Whether nothing was changed, because that was asked for.'),
  })
  .meta({
    id: 'QuotaResults',
    example: {
      results: [
        { entity: { user: 'alice' }, quotas: { producerByteRate: 1_048_576, consumerByteRate: null } },
      ],
      validateOnly: false,
    },
  })
