import type { QuotaEntry, QuotaName } from './quota-names.ts'

/** Kafka keeps the first two as 64-bit and the last as 32-bit integers. */
const whole: Partial<Record<QuotaName, number>> = {
  producerByteRate: Number.MAX_SAFE_INTEGER,
  consumerByteRate: Number.MAX_SAFE_INTEGER,
  connectionCreationRate: 0x7fffffff,
}

/** Which of Kafka's rules an entry that it refused breaks (its `ClientQuotaControlManager`); undefined where none is known. */
export function ruleBroken({ entity, quotas }: QuotaEntry): string | undefined {
  const isIp = entity.ip !== undefined
  if (isIp && (entity.user !== undefined || entity.clientId !== undefined)) {
    return 'ip goes with neither user nor clientId.'
  }
  for (const [name, value] of Object.entries(quotas) as [QuotaName, number | null | undefined][]) {
    if (value === undefined) continue
    if (isIp !== (name === 'connectionCreationRate')) {
      return 'An ip has connectionCreationRate alone, and nothing else has it.'
    }
    const most = whole[name]
    if (value !== null && most !== undefined && (!Number.isInteger(value) || value > most)) {
      return `${name} is a whole number of at most ${most}.`
    }
  }
  return isIp && entity.ip !== null
    ? 'ip is neither an address nor a name that Kafka finds one for.'
    : undefined
}
