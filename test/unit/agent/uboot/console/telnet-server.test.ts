import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import t from 'tap'
import type { ConsoleLine } from '../../../../../agent/uboot/console/console-line.js'
import { listenTelnet, MOST_CONSOLES } from '../../../../../agent/uboot/console/telnet-server.js'

t.test('each connection is a console, and one too many is closed while the others stay', async t => {
  const lines: ConsoleLine[] = []
  const server = await listenTelnet({ host: '127.0.0.1', port: 0 }, line => lines.push(line))
  const { port } = server.address() as AddressInfo
  const open = async () => {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    return socket
  }
  const sockets = await Promise.all(Array.from({ length: MOST_CONSOLES }, open))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const late = await open()
  late.resume()
  await once(late, 'close')
  t.equal(lines.length, MOST_CONSOLES)
  t.notOk(sockets.some(({ destroyed }) => destroyed))
})

t.test('a port that is taken is an error that names it', async t => {
  const server = await listenTelnet({ host: '127.0.0.1', port: 0 }, () => undefined)
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  await t.rejects(
    listenTelnet({ host: '127.0.0.1', port }, () => undefined),
    {
      code: 'CONSOLE_LINE',
      message: `the console tcp 127.0.0.1:${port} cannot be used: listen EADDRINUSE: address already in use 127.0.0.1:${port}`,
    },
  )
})
