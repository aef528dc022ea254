import t from 'tap'
import { fetchTftp, putTftp } from '../../../../../agent/transfer/tftp/client/client.js'
import { TftpServer } from '../../../../../agent/transfer/tftp/server/server.js'
import { udpNetwork } from '../../../../../agent/transfer/tftp/udp.js'

const FILE = Buffer.from('some file')

t.test('on the real network a file goes both ways, over IPv4 and IPv6', async t => {
  for (const address of ['127.0.0.1', '::1']) {
    const chunks: Uint8Array[] = []
    const blocks: number[] = []
    const progress = { started() {}, blocks: (_: number, last: number) => blocks.push(last), timeout() {} }
    const server = await TftpServer.listen({
      address,
      port: 0,
      read: () => ({ size: FILE.length, read: (at, length) => FILE.subarray(at, at + length), progress }),
      write: () => ({ write: chunk => void chunks.push(chunk), end() {}, abort() {}, progress }),
    })
    t.teardown(() => server.close())
    await putTftp({ server: address, port: server.port, file: 'f' }, [FILE], FILE.length)
    await fetchTftp({ server: address, port: server.port, file: 'f' }, chunk => {
      chunks.push(chunk)
    })
    t.same(Buffer.concat(chunks), Buffer.concat([FILE, FILE]))
    t.ok(blocks.length > 0)
    await t.rejects(TftpServer.listen({ address, port: server.port }), { code: 'TFTP_PROTOCOL' })
  }
})

t.test('a real port that is closed, or told to send to port 0 or nowhere, does nothing', async t => {
  const port = await udpNetwork.open({ address: '127.0.0.1', port: 0 }, () => undefined)
  port.send(Buffer.of(1), { address: '127.0.0.1', port: 0 })
  port.send(Buffer.of(1), { address: '255.255.255.255', port: 9 })
  await new Promise(resolve => setImmediate(resolve))
  port.close()
  port.close()
  port.send(Buffer.of(1), { address: '127.0.0.1', port: 9 })
  t.ok(port.bufferBytes > 0)
})
