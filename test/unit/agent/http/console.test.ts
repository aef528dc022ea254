import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import { dial, readUntil, startAgent, type TestAgent } from './agent-fixture.js'

/** A serial line that remembers what is typed, and whose watchers a test speaks to. */
function fakeLine(taken = true) {
  const watchers = new Set<{ send(bytes: string): void; resume(): void }>()
  const typed: string[] = []
  return {
    watchers,
    typed,
    watch(watcher: { send(bytes: string): void; resume(): void }) {
      watchers.add(watcher)
      return {
        recent: '=> \xff',
        type: (bytes: string) => typed.push(bytes) > 0 && taken,
        close: () => void watchers.delete(watcher),
      }
    },
  }
}

interface Opened {
  readonly client: WebSocket
  /** what came, text as it is and bytes as latin1 */
  readonly messages: string[]
  next(count: number): Promise<string[]>
}

/** Open a console as a browser does. */
async function open(t: Test, { port }: TestAgent, protocols: string[] = [], headers = {}): Promise<Opened> {
  const client = new WebSocket(`ws://127.0.0.1:${port}/v1/console`, ['fauxboot.console', ...protocols], { headers })
  t.teardown(() => client.terminate())
  const messages: string[] = []
  client.on('message', (data: Buffer, isBinary) => messages.push(data.toString(isBinary ? 'latin1' : 'utf8')))
  await once(client, 'open')
  return {
    client,
    messages,
    async next(count) {
      while (messages.length < count) await once(client, 'message')
      return messages
    },
  }
}

/** The status of a refusal. */
async function refusal(agent: TestAgent, protocols: string[] = [], headers = {}): Promise<string> {
  const client = new WebSocket(`ws://127.0.0.1:${agent.port}/v1/console`, ['fauxboot.console', ...protocols], {
    headers,
  })
  const [error] = (await once(client, 'error')) as [Error]
  return error.message
}

const tokenProtocol = (token: string) => `fauxboot.token.${Buffer.from(token).toString('base64url')}`

t.test('the console shows what was printed, then what is printed, and takes what is typed', async t => {
  const line = fakeLine()
  const agent = await startAgent(t, { console: () => line })
  const { client, next } = await open(t, agent)
  t.equal(client.protocol, 'fauxboot.console')
  const [first = '', second] = await next(2)
  t.strictSame(JSON.parse(first), { typing: true, reason: null })
  t.equal(second, '=> \xff')
  for (const watcher of line.watchers) watcher.send('U-Boot \xe9')
  t.equal((await next(3))[2], 'U-Boot \xe9')
  client.send('version\r')
  client.send(Buffer.from([0x03]))
  while (line.typed.length < 2) await new Promise(resolve => setTimeout(resolve, 5))
  t.strictSame(line.typed, ['version\r', '\x03'])
  client.close()
  while (line.watchers.size > 0) await new Promise(resolve => setTimeout(resolve, 5))
})

t.test('reading is free, typing needs the token', async t => {
  const tokenFile = join(t.testdir({}), 'token')
  writeFileSync(tokenFile, 'pa/ss+w=rd\n')
  const line = fakeLine()
  const agent = await startAgent(t, { console: () => line, http: { tokenFile } })
  const reader = await open(t, agent)
  const [first = ''] = await reader.next(1)
  t.match(JSON.parse(first), { typing: false, reason: /a bearer token is required/ })
  reader.client.send('reset\r')
  const [code] = (await once(reader.client, 'close')) as [number]
  t.equal(code, 1008)
  const owner = await open(t, agent, [tokenProtocol('pa/ss+w=rd')])
  t.match(JSON.parse((await owner.next(1))[0] ?? ''), { typing: true })
  const wrong = await open(t, agent, [tokenProtocol('wrong')])
  t.match(JSON.parse((await wrong.next(1))[0] ?? ''), { typing: false, reason: /not the one that this board knows/ })
  t.strictSame(line.typed, [])
})

t.test('where reading needs the token, so does the console', async t => {
  const tokenFile = join(t.testdir({}), 'token')
  writeFileSync(tokenFile, 'right\n')
  const agent = await startAgent(t, { console: () => fakeLine(), http: { tokenFile, tokenForReads: true } })
  t.match(await refusal(agent), '401')
  t.match(await refusal(agent, [tokenProtocol('wrong')]), '401')
  await open(t, agent, [tokenProtocol('right')])
  await open(t, agent, [], { authorization: 'Bearer right' })
})

t.test('a page of another host gets no console, nor does one whose name points at the board', async t => {
  const agent = await startAgent(t, { console: () => fakeLine() })
  t.match(await refusal(agent, [], { origin: 'http://evil.example' }), '403')
  await open(t, agent, [], { origin: `http://127.0.0.1:${agent.port}` })
  const rebound = { origin: 'http://evil.example', host: 'evil.example' }
  const { next } = await open(t, agent, [], rebound)
  t.match(JSON.parse((await next(1))[0] ?? ''), { typing: false, reason: /hostNames/ })
})

t.test('a board without a console says so, and other upgrades are refused', async t => {
  const agent = await startAgent(t)
  t.match(await refusal(agent), '404')
  const socket = await dial(t, agent)
  socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n')
  t.match(await readUntil(socket, /\}$/), /404[\s\S]*HTTP_ROUTE/)
  const other = await dial(t, await startAgent(t, { console: () => fakeLine() }))
  other.write('GET /v1/console HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n')
  t.match(await readUntil(other, /\r\n\r\n/), /^HTTP\/1\.1 4/)
})

t.test('a reader that leaves its output unread is dropped', async t => {
  const line = fakeLine()
  const { client } = await open(t, await startAgent(t, { console: () => line }))
  const [watcher] = line.watchers
  client.pause()
  while (line.watchers.size > 0) {
    watcher?.send('x'.repeat(64 * 1024))
    await new Promise(resolve => setTimeout(resolve, 1))
  }
  t.pass('its memory is free')
})

t.test('a client that answers no ping is dropped, and one that does stays', async t => {
  const line = fakeLine()
  const agent = await startAgent(t, { console: () => line, http: { heartbeatSeconds: 0.5 } })
  const { client } = await open(t, agent)
  const deaf = new WebSocket(`ws://127.0.0.1:${agent.port}/v1/console`, 'fauxboot.console', { autoPong: false })
  const [code] = (await once(deaf, 'close')) as [number]
  t.equal(code, 1006)
  t.equal(client.readyState, WebSocket.OPEN)
  client.close()
  while (line.watchers.size > 0) await new Promise(resolve => setTimeout(resolve, 5))
})

t.test('a client that types faster than lines run has to wait', async t => {
  const line = fakeLine(false)
  const { client, next } = await open(t, await startAgent(t, { console: () => line }))
  await next(2)
  client.send('first')
  client.send('second')
  while (line.typed.length < 1) await new Promise(resolve => setTimeout(resolve, 5))
  const [watcher] = line.watchers
  while (line.typed.length < 2) {
    watcher?.resume()
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  t.strictSame(line.typed, ['first', 'second'])
})

t.test('a message that is too long ends the console of its sender, and a server that ends closes all', async t => {
  const line = fakeLine()
  const agent = await startAgent(t, { console: () => line })
  const long = await open(t, agent)
  long.client.on('error', () => undefined)
  long.client.send(Buffer.alloc(65 * 1024))
  await once(long.client, 'close')
  const other = await open(t, agent)
  const closed = once(other.client, 'close')
  await agent.server.close()
  await closed
  t.strictSame(line.typed, [])
})
