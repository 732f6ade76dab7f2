import { checks } from '../../src/doctor/checks.ts'

/** docs/doctor.md: every check of `sluice doctor`, in the order in which it tells of them. */
export function doctorPage(): string {
  const groups = Map.groupBy(Object.entries(checks), ([, { group }]) => group)
  const tables = [...groups].map(([group, rows]) =>
    [
      `### ${group}`,
      '',
      '| check | what it looks at |',
      '| --- | --- |',
      ...rows.map(([name, { looksAt }]) => `| \`${name}\` | ${looksAt} |`),
    ].join('\n'),
  )
  return `<!-- Generated from src/doctor/checks.ts by \`npm run generate\`. -->

# sluice doctor

\`\`\`sh
KAFKA_BROKERS=kafka-1:9092,kafka-2:9092 sluice doctor
\`\`\`

looks at what a gateway would meet that is started with the same environment, and says what to do about what is not as it
should be: the exact setting or command. Run it before the first start, after a change, and when something is wrong; as the
user, on the machine and in the container that the gateway runs as, on and in: it reads the same files and goes the same way.

It goes to Kafka itself, by the same addresses, certificates and login as the gateway. It asks, and writes nothing: no record,
no topic, no file, no span. All checks are made side by side and together take less than 15 seconds, whatever does not answer. No
password, key or token is shown.

- \`ok\`: as it should be.
- \`warning\`: the gateway works, and promises less than it could. What one broker can't promise is a warning.
- \`PROBLEM\`: the gateway won't start, or can't do what it is configured for.
- \`-\`: not looked at, and why: Kafka may not let the gateway see it, or an earlier check stands in the way.

The exit code is 1 where there is a problem, else 0; with \`--strict\`, 6 where there are warnings alone. \`--except CHECK\` leaves a
check out, such as \`may-administer\` for a gateway that is not to administer. \`--quiet\` prints what is wrong alone, \`--json\`
all of it as \`{status, problems, warnings, findings: [{check, group, subject, status, seen, fix}]}\`, whose \`status\` is \`skipped\`
where there is a \`-\` here.

## What our promises need of Kafka

A record that was answered \`written\` with \`acks=all\` outlives the loss of a broker where its topic has three replicas,
\`min.insync.replicas\` is 2 and \`unclean.leader.election.enable\` is false: then two brokers have it before it is answered, one may
be away while topics are still written to, and no replica without it comes to lead. Offsets and transactions are records of
Kafka's own topics, of which the same is true.

## The checks

${tables.join('\n\n')}

Kafka tells the clock of its active controller alone, and of transactional ids only whether they may be looked for: what the
other brokers' clocks are, and whether a transaction may be written, shows when it is.
`
}
