// Prints every record of a topic, and goes on after any failure: node consumer.mjs TOPIC [GROUP]. Needs Node 22
const [topic, group] = process.argv.slice(2)
const url = (process.env.SLUICE_URL ?? 'http://127.0.0.1:8080').replace('http', 'ws')
let start = group ? { group, ack: 'client', from: 'earliest' } : { from: 'earliest' }

function connect() {
  const socket = new WebSocket(`${url}/v1/ws?${new URLSearchParams({ topics: topic, ...start })}`)
  socket.onmessage = ({ data }) => {
    const { type, records, cursor } = JSON.parse(data)
    if (type !== 'records') return
    for (const { key, value } of records) console.log(JSON.stringify([key, value]))
    // Processed: a group goes on behind them, whoever is in it, and without one the cursor does.
    const offsets = records.map(({ topic, partition, offset }) => ({ topic, partition, offset }))
    if (group) socket.send(JSON.stringify({ type: 'ack', offsets }))
    else start = { cursor }
  }
  socket.onclose = ({ code, reason }) => {
    // 4000 to 4499: connecting again will not help.
    if (code >= 4000 && code < 4500) throw new Error(`${code} ${reason}`)
    setTimeout(connect, 500)
  }
}
connect()
