import { once } from 'node:events'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import t, { type Test } from 'tap'
import { Connections, networkOf } from '../../../../agent/http/connections.js'
import { RequestTurns } from '../../../../agent/http/request-turns.js'
import { pause } from '../../../../agent/transfer/abort.js'
import {
  type AgentChanges,
  CMDLINE,
  dial,
  readUntil,
  startAgent,
  submitStalled,
  type TestAgent,
} from './agent-fixture.js'

const AUTHORIZATION = 'authorization: Bearer secret\r\n'

const startLocked = (t: Test, http: AgentChanges['http']) =>
  startAgent(t, { http: { tokenFile: join(t.testdir({ token: 'secret' }), 'token'), ...http } })

/** A job that stays where it is, for readers to follow. */
async function stalledJob(t: Test, agent: TestAgent): Promise<string> {
  const authorized: TestAgent = {
    ...agent,
    json: (path, init) =>
      agent.json(path, { ...init, headers: { ...init?.headers, authorization: 'Bearer secret', connection: 'close' } }),
  }
  return (await submitStalled(t, authorized, { cmdline: CMDLINE })).id
}

async function follow(t: Test, agent: TestAgent, id: string, headers = ''): Promise<Socket> {
  const socket = await dial(t, agent)
  socket.write(`GET /v1/jobs/${id}/events HTTP/1.1\r\nhost: x\r\n${headers}\r\n`)
  await readUntil(socket, /event: state/)
  return socket
}

/** After it, connections are no longer new. */
const aSecond = () => pause(1010, undefined)

async function change(t: Test, agent: TestAgent): Promise<string> {
  const socket = await dial(t, agent)
  socket.write(`PUT /v1/artifacts/x HTTP/1.1\r\nhost: x\r\n${AUTHORIZATION}content-length: 5\r\n\r\nhello`)
  return readUntil(socket, /\}$/)
}

t.test('the holder of the token connects while event streams have every place', async t => {
  const agent = await startLocked(t, { maxConnections: 4 })
  const id = await stalledJob(t, agent)
  const readers: Socket[] = []
  for (let i = 0; i < 4; i++) readers.push(await follow(t, agent, id))
  await aSecond()
  const gone = readers.slice(0, 1).map(socket => once(socket.resume(), 'close'))
  t.match(await change(t, agent), /^HTTP\/1\.1 201 /)
  await Promise.all(gone)
  t.same(
    readers.map(({ destroyed }) => destroyed),
    [true, false, false, false],
    'the oldest made room',
  )
})

t.test('the holder of the token connects while half-sent requests have every place', async t => {
  const agent = await startLocked(t, { maxConnections: 4 })
  for (let i = 0; i < 4; i++) (await dial(t, agent)).on('error', () => undefined).write('GET / HTTP/1.1\r\nhost')
  t.match(await change(t, agent), /^HTTP\/1\.1 201 /)
})

t.test('who has shown the token keeps the place, also to read; when all have, a new connection is closed', async t => {
  const agent = await startLocked(t, { maxConnections: 2 })
  const id = await stalledJob(t, agent)
  const reader = await follow(t, agent, id, AUTHORIZATION)
  const liar = await follow(t, agent, id, 'authorization: Bearer wrong\r\n')
  await aSecond()
  const gone = once(liar.resume(), 'close')
  const writer = await dial(t, agent)
  await gone
  writer.write(`PUT /v1/artifacts/x HTTP/1.1\r\nhost: x\r\n${AUTHORIZATION}content-length: 5\r\n\r\nhel`)
  while ((await agent.boot.artifacts.list())[0]?.received !== 3) await new Promise(resolve => setImmediate(resolve))
  const third = await dial(t, agent)
  await once(third.resume(), 'close')
  writer.write('lo')
  t.match(await readUntil(writer, /\}$/), /^HTTP\/1\.1 201 /)
  t.equal(reader.destroyed, false)
})

t.test('a head that does not arrive in time gets an error of the table', async t => {
  const agent = await startAgent(t, { http: { headSeconds: 0.1 } })
  for (const part of ['', 'GET /healthz HTTP/1.1\r\nhost']) {
    const socket = await dial(t, agent)
    socket.write(part)
    t.match(await readUntil(socket, /\}\}$/), /^HTTP\/1\.1 408 Request Timeout[\s\S]*"HTTP_TIMEOUT"/)
    await once(socket.resume(), 'close')
  }
})

/** A connection, as far as its place is concerned. */
const connection = (remoteAddress?: string) => Object.assign(new PassThrough(), { remoteAddress }) as unknown as Socket

t.test('a client takes the places of its own network before those of others', async t => {
  let now = 0
  const connections = new Connections(
    3,
    new RequestTurns(),
    () => now,
    () => now,
  )
  const [monitor, first, second] = ['10.0.0.9', '192.0.2.1', '192.0.2.1'].map(connection)
  for (const socket of [monitor, first, second]) if (socket !== undefined) connections.add(socket)
  now = 1000
  connections.add(connection('192.0.2.1'))
  t.same([monitor?.destroyed, first?.destroyed, second?.destroyed], [false, true, false])
  connections.add(connection())
  t.same([monitor?.destroyed, second?.destroyed], [false, true])
})

/** Connections in places for two, on a clock that the test sets; a round of the event loop takes half a second. */
function placesForTwo() {
  const turns = new RequestTurns()
  const clock = { now: 0, round: () => clock.now / 500 }
  const connections = new Connections(
    2,
    turns,
    () => clock.now,
    () => clock.round(),
  )
  return { turns, clock, connections }
}

t.test('a new connection has a second to send its request, however many come at once', async t => {
  const { turns, clock, connections } = placesForTwo()
  const [stream, idle, ...arriving] = Array.from({ length: 10 }, (_, index) => connection(`10.0.0.${index}`))
  turns.isBusy = socket => socket === stream
  const isThere = (sockets: readonly (Socket | undefined)[]) => sockets.map(socket => socket?.destroyed === false)
  for (const socket of [stream, idle]) if (socket !== undefined) connections.add(socket)
  clock.now = 1000
  for (const socket of arriving) connections.add(socket)
  t.same(isThere([stream, idle]), [false, false], 'the old ones made room')
  t.same(isThere(arriving), Array(8).fill(true))
  const ninth = connection('10.0.0.10')
  connections.add(ninth)
  t.same(isThere([...arriving, ninth]), [false, ...Array(8).fill(true)], 'no more than four for each place are new')
  clock.now = 2000
  const late = connection('10.0.0.11')
  connections.add(late)
  t.same(isThere([...arriving, ninth, late]), [...Array(8).fill(false), true, true], 'they had their time')
})

t.test('a connection that the agent had no time to read from keeps its place, however long that takes', async t => {
  const { clock, connections } = placesForTwo()
  const [first, second, third] = Array.from({ length: 3 }, (_, index) => connection(`10.0.0.${index}`))
  if (first === undefined || second === undefined || third === undefined) return
  let round = 0
  clock.round = () => round
  connections.add(first)
  connections.add(second)
  clock.now = 30_000
  round = 1
  connections.add(third)
  t.equal(first.destroyed, false)
  round = 2
  connections.add(connection('10.0.0.3'))
  t.same([first.destroyed, second.destroyed, third.destroyed], [true, true, false])
})

t.test('a connection keeps its place while its token is being checked', async t => {
  const { clock, connections } = placesForTwo()
  const [holder, guesser, third] = Array.from({ length: 3 }, (_, index) => connection(`10.0.0.${index}`))
  if (holder === undefined || guesser === undefined || third === undefined) return
  let decide = (): void => undefined
  const decided = new Promise<void>(resolve => (decide = resolve))
  connections.add(holder)
  connections.add(guesser)
  const checks = [
    connections.keepIf(
      holder,
      decided.then(() => true),
    ),
    connections.keepIf(
      guesser,
      decided.then(() => Promise.reject(new Error('another token'))),
    ),
  ]
  clock.now = 1000
  connections.add(third)
  t.same([holder.destroyed, guesser.destroyed, third.destroyed], [false, false, false])
  decide()
  await Promise.all(checks)
  connections.add(connection('10.0.0.4'))
  t.same([holder.destroyed, guesser.destroyed, third.destroyed], [false, true, false])
})

t.test('a connection that is gone needs no place', async t => {
  const connections = new Connections(1, new RequestTurns())
  const [first, second] = [connection('10.0.0.1'), connection('10.0.0.2')]
  connections.add(first)
  await connections.keepIf(first, Promise.resolve(true))
  first.destroy()
  await once(first, 'close')
  connections.add(second)
  await connections.keepIf(second, Promise.resolve(true))
  const third = connection('10.0.0.3')
  connections.add(third)
  t.same([second.destroyed, third.destroyed], [false, true])
  await connections.keepIf(third, Promise.resolve(true))
})

t.test('addresses of one IPv6 network count as one client', async t => {
  const networks = {
    '10.0.2.2': '10.0.2.2',
    '::ffff:10.0.2.2': '10.0.2.2',
    '2001:db8:1:2:3:4:5:6': '2001:db8:1:2',
    '2001:db8:1:2::6': '2001:db8:1:2',
    '2001:db8::6': '2001:db8:0:0',
    '2001:db8::': '2001:db8:0:0',
    '::1': '0:0:0:0',
    'fe80::1%eth0': 'fe80:0:0:0',
    '': '',
  }
  for (const [address, network] of Object.entries(networks)) t.equal(networkOf(address), network, address)
})
