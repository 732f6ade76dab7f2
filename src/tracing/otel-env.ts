import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  type BatchSpanProcessorOptions,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace'

/** What OTEL_TRACES_SAMPLER and its argument name; parentbased_always_on, as OpenTelemetry has it, where it is nothing known. */
export function samplerOf({
  OTEL_TRACES_SAMPLER: name = '',
  OTEL_TRACES_SAMPLER_ARG: arg,
}: Environment): Sampler {
  const root = rootSampler(name.replace(/^parentbased_/, ''), arg)
  return name === '' || name.startsWith('parentbased_') ? new ParentBasedSampler({ root }) : root
}

function rootSampler(name: string, arg: string | undefined): Sampler {
  if (name === 'always_off') return new AlwaysOffSampler()
  if (name !== 'traceidratio') return new AlwaysOnSampler()
  const ratio = Number(arg)
  return new TraceIdRatioBasedSampler(arg !== undefined && ratio >= 0 && ratio <= 1 ? ratio : 1)
}

/** The OTEL_BSP_ variables; the SDK's own defaults for the others. */
export function batchOptions(env: Environment): Omit<BatchSpanProcessorOptions, 'exporter'> {
  const options = {
    scheduledDelayMillis: positive(env.OTEL_BSP_SCHEDULE_DELAY),
    exportTimeoutMillis: positive(env.OTEL_BSP_EXPORT_TIMEOUT),
    maxQueueSize: positive(env.OTEL_BSP_MAX_QUEUE_SIZE),
    maxExportBatchSize: positive(env.OTEL_BSP_MAX_EXPORT_BATCH_SIZE),
  }
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}

export type Environment = Readonly<Record<string, string | undefined>>

function positive(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) && Number(text) > 0 ? Number(text) : undefined
}
