import type { z } from 'zod'
import { settings } from '../../src/config/settings.ts'

/** docs/config.md: every environment variable, in the order of the settings. */
export function configPage(): string {
  const rows = Object.entries<z.ZodType>(settings)
  const isOfKafka = (name: string) => name.startsWith('KAFKA_')
  const table = (isShown: (name: string) => boolean) =>
    [
      '| variable | default | what it is |',
      '| --- | --- | --- |',
      ...rows
        .filter(([name]) => isShown(name))
        .map(
          ([name, schema]) => `| \`${name}\` | ${defaultOf(schema)} | ${cell(schema.description ?? '')} |`,
        ),
    ].join('\n')
  return `<!-- Generated from src/config/settings.ts by \`npm run generate\`. -->

# Configuration

Everything is set by environment variables, read once at the start. A value that is not understood stops the start with
exit code 78 and a line for each variable that is wrong. An unknown \`SLUICE_\` variable is an error, since a misspelt
setting that is silently ignored is a trap; an unknown \`KAFKA_\` variable is only logged. An empty value counts as not set.

## The gateway

${table((name) => !isOfKafka(name))}

## The connection to Kafka

${table(isOfKafka)}

### TLS

\`KAFKA_TLS=true\` encrypts the connection and checks each broker's certificate and host name against the system's
authorities, or against those in \`KAFKA_TLS_CA_FILE\`. \`KAFKA_TLS_CERT_FILE\` and \`KAFKA_TLS_KEY_FILE\` together are the
gateway's own certificate, where the brokers ask for one (mTLS).

### SASL

| \`KAFKA_SASL_MECHANISM\` | needs |
| --- | --- |
| \`PLAIN\` | \`KAFKA_SASL_USERNAME\`, \`KAFKA_SASL_PASSWORD\`; over TLS only, since it sends the password as it is |
| \`SCRAM-SHA-256\`, \`SCRAM-SHA-512\` | \`KAFKA_SASL_USERNAME\`, \`KAFKA_SASL_PASSWORD\` |
| \`OAUTHBEARER\` | \`KAFKA_SASL_OAUTH_TOKEN_URL\`, \`_CLIENT_ID\` and \`_CLIENT_SECRET\`; or a \`KAFKA_SASL_TOKEN\` |
| \`AWS_MSK_IAM\` | \`KAFKA_SASL_AWS_REGION\`, and AWS credentials where the AWS SDK looks for them |

A managed Kafka usually wants both: \`KAFKA_TLS=true\` and a mechanism. Secrets may be in files instead (\`..._FILE\`); these
and the TLS files are read anew for each connection, so they may be replaced at any time.
[How to connect to a secured Kafka](kafka-security.md) has an example of each.

## Traces

OpenTelemetry's own variables, as its specification has them; [operations.md](operations.md#traces) says what is traced.
Without one of the endpoints there are no traces, and nothing of OpenTelemetry is loaded.

| variable | what it is |
| --- | --- |
| \`OTEL_EXPORTER_OTLP_ENDPOINT\` | Where the collector is, such as \`http://collector:4318\`. |
| \`OTEL_EXPORTER_OTLP_TRACES_ENDPOINT\` | The same for traces alone, with its path. |
| \`OTEL_EXPORTER_OTLP_HEADERS\`, \`_TIMEOUT\`, \`_COMPRESSION\`, \`_CERTIFICATE\`, \`_CLIENT_KEY\`, \`_CLIENT_CERTIFICATE\` | How to send to it. Spans go as OTLP over HTTP, in JSON. |
| \`OTEL_SERVICE_NAME\`, \`OTEL_RESOURCE_ATTRIBUTES\` | What the spans are of; the service is \`sluice\` by default. |
| \`OTEL_TRACES_SAMPLER\`, \`OTEL_TRACES_SAMPLER_ARG\` | Which traces begun here are recorded: \`always_on\`, \`always_off\`, \`traceidratio\`, each also as \`parentbased_\`; \`parentbased_always_on\` by default. |
| \`OTEL_BSP_SCHEDULE_DELAY\`, \`OTEL_BSP_EXPORT_TIMEOUT\`, \`OTEL_BSP_MAX_QUEUE_SIZE\`, \`OTEL_BSP_MAX_EXPORT_BATCH_SIZE\` | How spans are batched; past the queue they are dropped. |
| \`OTEL_SDK_DISABLED=true\`, \`OTEL_TRACES_EXPORTER=none\` | No traces after all. |
`
}

/** The default of a setting as its variable's text would be, empty where it has none. */
export function defaultOf(schema: z.ZodType): string {
  const { def } = schema as unknown as { def: { type: string; defaultValue?: unknown } }
  return def.type === 'default' || def.type === 'prefault' ? `\`${String(def.defaultValue)}\`` : ''
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}
