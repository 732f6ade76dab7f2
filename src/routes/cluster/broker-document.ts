import { z } from 'zod'
import { NodeId } from './node-id.ts'

export const exampleBroker = {
  broker: 1,
  host: 'kafka-1.example.com',
  port: 9092,
  rack: 'eu-west-1a',
  fenced: false,
  controller: true,
  answering: true,
  kafkaVersion: '4.3',
  partitions: 214,
  leaders: 72,
  underReplicated: 0,
}

export const Broker = z
  .strictObject({
    broker: NodeId,
    host: z.string().describe('Where clients reach it, as it says itself.'),
    port: z.int(),
    rack: z.string().nullable().describe('`broker.rack`: replicas are spread over them.'),
    controller: z.boolean().describe('Whether it is the active controller as well.'),
    fenced: z
      .boolean()
      .describe(
        'Registered and out of service: stopped, starting, or cut off. Kafka before 4.0 does not tell of such brokers.',
      ),
    answering: z.boolean().describe('Whether it answered the gateway just now.'),
    kafkaVersion: z
      .string()
      .nullable()
      .describe(
        'The newest release whose features it has; null where it does not answer or that is not known here.',
      ),
    partitions: z.int().nonnegative().describe('Replicas on it, those of internal topics as well.'),
    leaders: z.int().nonnegative().describe('Of these, those it leads.'),
    underReplicated: z.int().nonnegative().describe('Of these, those that are not in sync.'),
  })
  .meta({ id: 'Broker', example: exampleBroker })
