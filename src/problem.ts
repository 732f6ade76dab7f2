/** One kind of error: what HTTP and WebSocket say of it, and what its docs page tells the reader to do. */
export interface ProblemRow {
  readonly status: number
  /** WebSocket close code where this error ends a socket: 4000-4499 don't reconnect, 4500-4999 reconnect and resume. */
  readonly close?: number
  readonly retryable: boolean
  readonly title: string
  readonly fix: string
}

/**
 * Every error a client can see, HTTP and WebSocket alike. A code, once released, keeps its meaning for ever.
 * docs/problems.md, the problem pages and the enum in openapi.yaml are generated from this table, in this order.
 */
export const problems = {
  // The request itself
  malformed_json: {
    status: 400,
    retryable: false,
    title: 'The body is not valid JSON',
    fix: 'Send one complete JSON document (RFC 8259) in UTF-8, without lone surrogates and nested at most 500 levels deep.',
  },
  bad_request: {
    status: 400,
    retryable: false,
    title: 'The HTTP request could not be understood',
    fix: 'Check the request line, the percent-encoding of the URL and the header lines; an HTTP library gets these right by itself.',
  },
  invalid_request: {
    status: 422,
    retryable: false,
    title: 'The request does not have the expected shape',
    fix: 'Each entry of `errors` points at a member and says what was expected of it. Members that are not documented are errors too.',
  },
  invalid_parameter: {
    status: 422,
    retryable: false,
    title: 'A query parameter is not acceptable',
    fix: 'Each entry of `errors` names the parameter and what it accepts. Values past a limit are refused, never clamped.',
  },
  empty_batch: {
    status: 422,
    retryable: false,
    title: 'The batch holds no records',
    fix: 'Send at least one record in `records`.',
  },
  empty_transaction: {
    status: 422,
    retryable: false,
    title: 'The transaction would change nothing',
    fix: 'Give it at least one record in `records`, or an offset in `offsets`.',
  },
  too_many_records: {
    status: 422,
    retryable: false,
    title: 'The batch holds more records than one request may',
    fix: 'Split the batch; `limit` says how many records one request may hold (SLUICE_MAX_BATCH_RECORDS).',
  },
  invalid_encoding: {
    status: 422,
    retryable: false,
    title: 'A base64 value is not valid base64',
    fix: 'Use the standard alphabet with padding (RFC 4648, section 4), and no unused bits set in the last character.',
  },
  invalid_headers: {
    status: 422,
    retryable: false,
    title: 'The record headers are not acceptable',
    fix: 'Give `headers` as an object of text values, or as a list of {name, value, encoding?}; a value may be null.',
  },
  invalid_event: {
    status: 422,
    retryable: false,
    title: 'Not a valid CloudEvent',
    fix: 'Each entry of `errors` names an attribute, by its pointer in the JSON or by its header, and says what CloudEvents 1.0 asks of it.',
  },
  invalid_topic_name: {
    status: 422,
    close: 4422,
    retryable: false,
    title: 'Not a topic name Kafka allows',
    fix: 'Use 1 to 249 characters of A-Z, a-z, 0-9, dot, underscore and hyphen; not "." or "..".',
  },
  invalid_partition: {
    status: 422,
    retryable: false,
    title: 'Not a partition number',
    fix: 'A partition is an integer from 0 to the partition count less one.',
  },
  invalid_offset: {
    status: 422,
    retryable: false,
    title: 'Not an offset',
    fix: 'An offset is a JSON integer from 0 to 9007199254740991, written in plain digits.',
  },
  offset_out_of_range: {
    status: 422,
    retryable: false,
    title: 'The offset lies past the end of a partition',
    fix: '`bounds` says where each partition starts and ends. An offset is of every partition unless one is named; a time, or `latest`, means another place in each.',
  },
  invalid_topic_config: {
    status: 422,
    retryable: false,
    title: 'Kafka refused the topic configuration',
    fix: 'Check the partition count, the replication factor (at most the number of brokers) and each config name and value.',
  },
  invalid_config: {
    status: 422,
    retryable: false,
    title: 'Kafka refused the configuration',
    fix: 'Each entry of `errors` points at a config and says what is wrong with it. Nothing was changed.',
  },
  read_only_config: {
    status: 422,
    retryable: false,
    title: 'The config cannot be changed while the broker runs',
    fix: "Set it in the broker's server.properties and restart the broker, or per broker where the detail says so. Nothing was changed.",
  },
  invalid_assignment: {
    status: 422,
    retryable: false,
    title: 'The replicas cannot be placed so',
    fix: 'Each entry of `errors` points at what is wrong: give each partition different brokers that GET /v1/brokers shows in service. Nothing was changed.',
  },
  precondition_failed: {
    status: 412,
    retryable: false,
    title: 'It has changed since the ETag in If-Match was given',
    fix: 'Get it again, look at what somebody else changed, and send your change with the new ETag. Nothing was changed.',
  },
  policy_violation: {
    status: 422,
    retryable: false,
    title: 'A policy of the Kafka cluster forbids this',
    fix: 'The cluster runs a create or alter policy; ask its operators what it allows.',
  },
  record_rejected: {
    status: 422,
    retryable: false,
    title: 'Kafka refused the record',
    fix: "A compacted topic needs a key; a timestamp must lie within the topic's message.timestamp.*.max.ms.",
  },
  invalid_cursor: {
    status: 400,
    close: 4422,
    retryable: false,
    title: 'The cursor was not issued by this API',
    fix: 'Send back a cursor exactly as an answer gave it, for the same topic; or start again with `from=`.',
  },
  not_acceptable: {
    status: 406,
    retryable: false,
    title: 'None of the media types in Accept can be served',
    fix: 'Ask for application/json, or leave Accept out.',
  },
  unsupported_media_type: {
    status: 415,
    retryable: false,
    title: "The body's Content-Type is not one this route takes",
    fix: 'Send application/json in UTF-8; the produce route takes any other type as the bytes of one record.',
  },
  unsupported_content_encoding: {
    status: 415,
    retryable: false,
    title: 'Compressed request bodies are not accepted',
    fix: 'Send the body without Content-Encoding.',
  },
  body_too_large: {
    status: 413,
    retryable: false,
    title: 'The body is larger than a request may be',
    fix: 'Split it into several requests; `limit` says how many bytes one may hold (SLUICE_MAX_BODY_BYTES).',
  },
  line_too_long: {
    status: 413,
    retryable: false,
    title: 'The line is longer than a record may be',
    fix: 'Check that every record ends with a line feed; SLUICE_MAX_BODY_BYTES says how many bytes one line may hold.',
  },
  headers_too_large: {
    status: 431,
    retryable: false,
    title: 'The request headers are too large',
    fix: 'Keep the request line and all headers together below 16 KiB.',
  },
  request_timeout: {
    status: 408,
    retryable: true,
    title: 'The request did not arrive in time',
    fix: 'Send the headers within 10 seconds and the body within 30; a stream of records may take its time as long as it moves (SLUICE_STREAM_IDLE_MS).',
  },
  // What it names
  no_such_route: {
    status: 404,
    retryable: false,
    title: 'No such route',
    fix: 'The routes are listed at /docs and in /openapi.yaml. Paths have no trailing slash.',
  },
  method_not_allowed: {
    status: 405,
    retryable: false,
    title: 'The route does not take this method',
    fix: 'The Allow header lists the methods it takes.',
  },
  topic_not_found: {
    status: 404,
    close: 4404,
    retryable: false,
    title: 'No such topic',
    fix: 'Create it with POST /v1/topics; a topic is never created by producing to it or reading from it.',
  },
  partition_not_found: {
    status: 404,
    retryable: false,
    title: 'No such partition',
    fix: 'GET /v1/topics/{topic} lists the partitions the topic has.',
  },
  broker_not_found: {
    status: 404,
    retryable: false,
    title: 'No such broker',
    fix: 'GET /v1/brokers lists those the cluster has.',
  },
  no_reassignment: {
    status: 404,
    retryable: false,
    title: 'No reassignment is in progress there',
    fix: 'GET /v1/reassignments lists those in progress. One that has come to its end cannot be cancelled: reassign the partition back.',
  },
  record_not_found: {
    status: 404,
    retryable: false,
    title: 'No record at this offset',
    fix: 'It may lie past the end, before the start (retention), or have been compacted away; GET /v1/topics/{topic} shows the bounds.',
  },
  transaction_not_found: {
    status: 404,
    retryable: false,
    title: 'No such transaction',
    fix: 'Ask for a `transaction` exactly as an answer gave it. Kafka forgets one after a week (transactional.id.expiration.ms).',
  },
  transactional_id_not_found: {
    status: 404,
    retryable: false,
    title: 'No such transactional id',
    fix: 'GET /v1/transactional-ids lists those that Kafka knows. It forgets one that nobody uses for a week (transactional.id.expiration.ms).',
  },
  no_open_transaction: {
    status: 404,
    retryable: false,
    title: 'The producer has no transaction open in this partition',
    fix: 'GET /v1/topics/{topic}/partitions/{partition}/producers lists the producers, with the transactionStartOffset of those that have; one that has ended needs no abort.',
  },
  user_not_found: {
    status: 404,
    retryable: false,
    title: 'No such SCRAM user',
    fix: 'GET /v1/users lists the users that Kafka keeps a password for, and by which mechanisms. Those of other mechanisms, or of certificates, are not among them.',
  },
  group_not_found: {
    status: 404,
    retryable: false,
    title: 'No such group',
    fix: 'GET /v1/groups lists the groups there are. Kafka forgets a group without members when its offsets have expired (offsets.retention.minutes, a week by default).',
  },
  member_not_found: {
    status: 404,
    retryable: false,
    title: 'The group has no such member',
    fix: 'GET /v1/groups/{group} lists its members; a member that rejoins may get another id.',
  },
  offset_not_committed: {
    status: 404,
    retryable: false,
    title: 'The group has not committed an offset there',
    fix: 'GET /v1/groups/{group}/offsets lists what the group has committed.',
  },
  topic_exists: {
    status: 409,
    retryable: false,
    title: 'The topic exists already',
    fix: 'Use it as it is, or choose another name. Nothing was changed.',
  },
  reassignment_in_progress: {
    status: 409,
    retryable: false,
    title: 'The partition is being reassigned already',
    fix: 'Wait until GET /v1/reassignments no longer shows it, or cancel it with DELETE /v1/reassignments.',
  },
  leader_unavailable: {
    status: 409,
    retryable: true,
    title: 'The broker that would be the leader is not there to take it',
    fix: 'A preferred leader must be in service and in sync; GET /v1/topics/{topic} shows replicas and ISR. Try again when it has caught up.',
  },
  transaction_superseded: {
    status: 409,
    retryable: true,
    title: 'A later request with the same id took the transaction over',
    fix: 'Send the same request again: it does what is to be done, or finds it done.',
  },
  transaction_conflict: {
    status: 409,
    retryable: false,
    title: 'The id was used for another transaction',
    fix: 'A request that is repeated says the same again: records, offsets and their order. For something else choose another `id`.',
  },
  position_lost: {
    status: 409,
    close: 4409,
    retryable: false,
    title: 'The position no longer exists',
    fix: 'Its records were removed by retention, or the topic was deleted and made again. Start again with `from=`; `bounds` shows what there is.',
  },
  topic_only_compacted: {
    status: 409,
    retryable: false,
    title: 'Records of a topic that is only compacted are not deleted by offset',
    fix: 'Produce a null value to each key that is to go; or have Kafka delete old records, too: PATCH the topic with {"append": {"cleanup.policy": ["delete"]}}. Nothing was deleted.',
  },
  topic_deletion_disabled: {
    status: 403,
    retryable: false,
    title: 'The Kafka cluster does not allow topics to be deleted',
    fix: 'Its brokers run with delete.topic.enable=false; ask its operators.',
  },
  transaction_not_hanging: {
    status: 409,
    retryable: false,
    title: 'The transaction does not hang: its coordinator knows it',
    fix: 'Abort it by its transactional id, DELETE /v1/transactional-ids/{transactionalId}, or leave it to Kafka, which aborts it after its timeout. Nothing was changed.',
  },
  acls_disabled: {
    status: 409,
    retryable: false,
    title: 'The Kafka cluster has no ACLs',
    fix: 'Its brokers run without an authorizer, so everyone may do everything; ask its operators to set authorizer.class.name.',
  },
  internal_topic: {
    status: 403,
    close: 4403,
    retryable: false,
    title: 'Internal topics are not served',
    fix: 'Topics such as __consumer_offsets belong to Kafka itself, _sluice_secrets to the gateway; use the group routes to see what groups have committed.',
  },
  // Exactly-once produce
  invalid_producer: {
    status: 400,
    retryable: false,
    title: 'The producer was not opened by this API',
    fix: 'Send `producer` exactly as POST /v1/topics/{topic}/producers gave it, for the same topic. Gateways of one Kafka share the secret that signs it, or have the same SLUICE_SECRET.',
  },
  invalid_sequence: {
    status: 422,
    retryable: false,
    title: 'Not a sequence number',
    fix: 'A sequence number is an integer from 0 to 2147483647, written in plain digits; the last record of a PUT has one too. When they are used up, open another producer.',
  },
  sequence_gap: {
    status: 409,
    retryable: false,
    title: 'Records before these have not been written',
    fix: 'Send the records from `nextSequence` on, in order. Nothing of this request was written.',
  },
  sequence_conflict: {
    status: 409,
    retryable: false,
    title: 'Other records were written under this sequence number',
    fix: 'A PUT that is repeated must carry the same records, and as many. New records go under the nextSequence of the last answer.',
  },
  sequence_expired: {
    status: 409,
    retryable: false,
    title: 'The sequence number is too far back to be known again',
    fix: "Kafka knows a producer's last five PUTs again, and the end of the log was looked through. Later ones have been written since, so these records were written or others in their place; read the topic where that matters.",
  },
  producer_expired: {
    status: 409,
    retryable: false,
    title: 'Kafka no longer knows the producer',
    fix: 'Open another producer. Whether the records of this request were written before cannot be told any more; read the topic where that matters.',
  },
  // WebSocket
  upgrade_required: {
    status: 426,
    retryable: false,
    title: 'This route speaks WebSocket',
    fix: 'Connect with a WebSocket client (RFC 6455, version 13) to ws://…/v1/ws.',
  },
  unsupported_subprotocol: {
    status: 400,
    retryable: false,
    title: 'None of the offered WebSocket subprotocols is served',
    fix: 'Offer sluice.v1, or none.',
  },
  unauthenticated: {
    status: 401,
    close: 4401,
    retryable: false,
    title: 'This needs credentials',
    fix: 'Send `Authorization: Bearer KEY` with an API key or a token of the identity provider; a WebSocket of a browser takes a ticket. docs/security.md has every way.',
  },
  invalid_credentials: {
    status: 401,
    close: 4401,
    retryable: false,
    title: 'The credentials are not accepted',
    fix: 'Use a key or token that is current. A key is shown once, when it is made; a lost one is replaced with `sluice keys rotate`.',
  },
  credentials_expired: {
    status: 401,
    close: 4401,
    retryable: false,
    title: 'The credentials of this stream no longer count',
    fix: 'They have expired or were taken away. Connect with new ones, and resume from the last cursor, or the last commit of the group.',
  },
  forbidden: {
    status: 403,
    close: 4403,
    retryable: false,
    title: 'The policy of the gateway does not allow this',
    fix: 'Have its operators add a rule; `sluice policy test` shows which rule decides. Whether the topic or group is there is not said.',
  },
  credential_in_url: {
    status: 400,
    retryable: false,
    title: 'A key or token is in the URL',
    fix: 'URLs end up in logs and histories: send it in the Authorization header, or ask for a ticket (POST /v1/tickets). Replace the key that was in the URL.',
  },
  too_many_failed_logins: {
    status: 429,
    retryable: true,
    title: 'Too many wrong credentials came from this address',
    fix: 'Wait the seconds of Retry-After, and send the right ones: those are served all the while.',
  },
  auth_unavailable: {
    status: 503,
    close: 4500,
    retryable: true,
    title: 'The identity provider can not be asked for its keys',
    fix: 'Retry after the seconds of Retry-After. Tokens signed with keys that are known here go on to be accepted.',
  },
  origin_not_allowed: {
    status: 403,
    retryable: false,
    title: 'Web pages of this origin may not use the gateway',
    fix: 'List the origin in SLUICE_ALLOWED_ORIGINS of the gateway.',
  },
  unknown_type: {
    status: 422,
    retryable: false,
    title: 'No such message type',
    fix: 'asyncapi.yaml lists the messages a client may send.',
  },
  invalid_subscription: {
    status: 422,
    close: 4422,
    retryable: false,
    title: 'The subscription is not acceptable',
    fix: 'Each entry of `errors` names the member and what it accepts.',
  },
  already_subscribed: {
    status: 409,
    retryable: false,
    title: 'This socket has a subscription already',
    fix: 'One socket holds one subscription; open another socket for another.',
  },
  not_subscribed: {
    status: 409,
    retryable: false,
    title: 'This socket has no subscription yet',
    fix: 'Send {"type":"subscribe", ...} first, or put the subscription in the URL.',
  },
  not_assigned: {
    status: 409,
    retryable: false,
    title: 'The partition is not assigned to this socket',
    fix: 'Name only partitions that `assigned` named and `revoked` did not take. A command may cross the revocation of its partition on the way.',
  },
  too_many_seeks: {
    status: 429,
    retryable: true,
    title: 'Too many seeks of this socket wait for Kafka',
    fix: 'Wait for the answers to those that were sent; a later seek needs no earlier one.',
  },
  unknown_delivery: {
    status: 409,
    retryable: false,
    title: 'The offset was not delivered on this socket',
    fix: 'Ack only partitions that `assigned` named and `revoked` did not take, up to the last offset received.',
  },
  stale_member: {
    status: 409,
    retryable: false,
    title: 'The group gave the partition to another member',
    fix: 'The offset was not committed. Drop what was read from the partition: its records come again, here or at another member.',
  },
  superseded: {
    status: 409,
    close: 4409,
    retryable: false,
    title: 'Another socket came back with the resume token of this one',
    fix: 'The newer socket has the place in the group and reads on. Use one token on one socket at a time; connect without it to be another member.',
  },
  invalid_resume_token: {
    status: 400,
    close: 4422,
    retryable: false,
    title: 'The resume token was not issued by this API',
    fix: 'Send back the `token` of the last `resumable` frame exactly as it came; or subscribe anew with `topics` and `group`.',
  },
  group_incompatible: {
    status: 409,
    close: 4409,
    retryable: false,
    title: 'The members of the group share no way to divide the partitions',
    fix: "Give every member of the group the cooperative-sticky assignor (Java's partition.assignment.strategy lists it by default), or use another group.",
  },
  session_timeout_refused: {
    status: 502,
    close: 4502,
    retryable: false,
    title: "Kafka refused the gateway's session timeout for groups",
    fix: "Set SLUICE_GROUP_SESSION_TIMEOUT_MS to at least the brokers' group.min.session.timeout.ms (6000 by default) and at most group.max.session.timeout.ms.",
  },
  transaction_timeout_refused: {
    status: 502,
    retryable: false,
    title: "Kafka refused the gateway's transaction timeout",
    fix: "Lower SLUICE_PRODUCE_TIMEOUT_MS: it and 5 seconds more must not pass the brokers' transaction.max.timeout.ms.",
  },
  group_active: {
    status: 409,
    retryable: true,
    title: 'The group has members',
    fix: 'Stop its consumers, or remove its members with DELETE /v1/groups/{group}/members/{member} (running ones join again), and repeat the request. GET /v1/groups/{group} says who they are.',
  },
  topic_subscribed: {
    status: 409,
    retryable: true,
    title: 'A member of the group subscribes to the topic',
    fix: 'Stop the consumers that read it, then repeat the request; GET /v1/groups/{group} says who they are.',
  },
  group_type_unsupported: {
    status: 409,
    retryable: false,
    title: 'Not possible with a group of this type',
    fix: 'Share groups keep no offset for each partition, and have members of another kind; kafka-share-groups, which comes with Kafka, administers them.',
  },
  group_full: {
    status: 503,
    close: 4503,
    retryable: true,
    title: 'The consumer group has as many members as the cluster allows',
    fix: 'Close another member first, or raise group.max.size on the brokers.',
  },
  slow_consumer: {
    status: 503,
    close: 4508,
    retryable: true,
    title: 'The client reads too slowly',
    fix: 'Nothing could be sent for 30 seconds. Reconnect: a group resumes at its last commit, a plain reader from its cursor.',
  },
  too_many_streams: {
    status: 503,
    retryable: true,
    title: 'The gateway has as many open streams as it may',
    fix: 'Retry after the seconds in Retry-After, or at another replica (SLUICE_MAX_STREAMS).',
  },
  // The gateway and Kafka
  record_too_large: {
    status: 413,
    retryable: false,
    title: 'The record is larger than the topic allows',
    fix: 'Make it smaller, or raise max.message.bytes of the topic.',
  },
  kafka_authorization: {
    status: 403,
    close: 4403,
    retryable: false,
    title: 'Kafka does not allow the gateway to do this',
    fix: "Grant the gateway's Kafka principal the operation on this resource (ACLs).",
  },
  kafka_auth_failed: {
    status: 502,
    close: 4502,
    retryable: false,
    title: "Kafka refused the gateway's own credentials",
    fix: 'Check KAFKA_SASL_* and KAFKA_TLS_* of the gateway; the caller can do nothing about it.',
  },
  kafka_too_old: {
    status: 501,
    retryable: false,
    title: 'This Kafka cannot do what was asked',
    fix: "Update the brokers, then raise the cluster's features with `kafka-features.sh upgrade`: they run an older version, or one of its features is not turned on.",
  },
  kafka_unavailable: {
    status: 503,
    close: 4500,
    retryable: true,
    title: 'Kafka cannot be reached',
    fix: 'Retry after the seconds in Retry-After; /readyz says what is wrong. Records marked not_written are not in the topic.',
  },
  broker_unavailable: {
    status: 503,
    retryable: true,
    title: 'The broker does not answer',
    fix: 'Only this broker can tell or do what was asked; retry once it is back. GET /v1/brokers shows which do not answer.',
  },
  not_enough_replicas: {
    status: 503,
    retryable: true,
    title: 'Too few replicas are in sync to accept the record',
    fix: 'The topic has fewer in-sync replicas than its min.insync.replicas; retry when its brokers are back.',
  },
  overloaded: {
    status: 503,
    retryable: true,
    title: 'The gateway has as much to write as it may hold',
    fix: 'Retry after the seconds in Retry-After; nothing of this request was written.',
  },
  shutting_down: {
    status: 503,
    close: 4503,
    retryable: true,
    title: 'This gateway is shutting down',
    fix: 'Retry: another replica, or this one once restarted, will serve it. Nothing of this request was done.',
  },
  outcome_unknown: {
    status: 504,
    retryable: false,
    title: 'Kafka did not confirm the write in time',
    fix: 'The record may or may not be in the topic. Sending it again may write it twice; read the topic where that matters, or write under an exactly-once producer. What became of a transaction, GET /v1/transactions/{transaction} says.',
  },
  write_unconfirmed: {
    status: 504,
    retryable: true,
    title: 'Kafka did not confirm the write in time',
    fix: 'Send the same request again, at any replica, until it is answered: however often it is sent, its records are written once.',
  },
  internal_error: {
    status: 500,
    close: 1011,
    retryable: false,
    title: 'The gateway made a mistake',
    fix: 'Report it with the request id in `instance`; the log has the cause under the same id.',
  },
} as const satisfies Record<string, ProblemRow>

export type ProblemCode = keyof typeof problems

/** What is known of a record after a produce: in the log, provably not in it, or neither. */
export type Outcome = 'written' | 'not_written' | 'unknown'

/** One thing wrong with a request: an RFC 6901 pointer into the body (or a parameter's name) and the reason. */
export interface ProblemPart {
  readonly pointer?: string
  readonly parameter?: string
  readonly reason: string
}

export interface ProblemOptions {
  /** What happened this time, in words a caller may read: no broker text, address or stack. */
  readonly detail?: string
  readonly errors?: readonly ProblemPart[]
  readonly outcome?: Exclude<Outcome, 'written'>
  /** Seconds, for Retry-After. */
  readonly retryAfter?: number
  /** Further members of the answer, such as `limit` or `bounds`. */
  readonly extra?: Readonly<Record<string, unknown>>
  /** Response headers, such as Allow. */
  readonly headers?: Readonly<Record<string, string>>
  /** For the log only. */
  readonly cause?: unknown
}

/** An error a client is told about. Its `cause` never leaves the log. */
export class Problem extends Error {
  readonly code: ProblemCode
  readonly row: ProblemRow
  readonly options: ProblemOptions

  constructor(code: ProblemCode, options: ProblemOptions = {}) {
    const row: ProblemRow = problems[code]
    super(options.detail ?? row.title, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'Problem'
    this.code = code
    this.row = row
    this.options = options
  }

  get status(): number {
    return this.row.status
  }

  /** The members that a problem document, a record's result and a WebSocket error frame have in common. */
  summary(): { code: ProblemCode; title: string; detail: string; retryable: boolean } {
    return { code: this.code, title: this.row.title, detail: this.message, retryable: this.row.retryable }
  }

  /** The problem document of RFC 9457. `type` is a path on this gateway, where the code's page is served. */
  toDocument(instance: string): Record<string, unknown> {
    const { errors, outcome, extra } = this.options
    return {
      type: `/problems/${this.code}`,
      title: this.row.title,
      status: this.row.status,
      detail: this.message,
      instance,
      code: this.code,
      retryable: this.row.retryable,
      ...(outcome === undefined ? {} : { outcome }),
      ...extra,
      ...(errors === undefined ? {} : { errors }),
    }
  }
}
