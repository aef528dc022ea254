import { createReadStream, statSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { packCpio } from '../../agent/image/cpio/cpio.js'
import { FileTree } from '../../systemd/image/file-tree.js'
import { debianKernel } from '../../systemd/target/debian-kernel.js'
import { key, lateCert } from '../unit/agent/transfer/http/certificate.js'
import { followStates, Lab, submit } from './lab.js'

/** When the server's certificate is valid, and later than any test runs. A clock goes forward by 20 years at most. */
const SERVER_TIME = new Date('2037-06-01T00:00:00Z')

/** @returns the URL of a file, as the board sees it */
async function serveTls(t: Test, file: string): Promise<string> {
  const server = createServer({ key, cert: lateCert }, (request, response) => {
    response.writeHead(200, { date: SERVER_TIME.toUTCString(), 'content-length': statSync(file).size })
    if (request.method === 'HEAD') response.end()
    else createReadStream(file).pipe(response)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `https://10.0.2.2:${(server.address() as AddressInfo).port}/vmlinuz`
}

/** A board that trusts the server's certificate, and asks no time server. */
function trustArchive(): Uint8Array {
  const files = new FileTree().file('etc/ssl/certs/ca-certificates.crt', lateCert)
  return packCpio(files.link('etc/systemd/system/fauxboot-clock.service', '/dev/null').entries())
}

t.test('virt: a board whose clock is in the past takes the time of the HTTPS server, and then its file', async t => {
  const lab = await Lab.open(t, 'virt')
  const { client } = await lab.powerOn(t, { extraInitrd: [trustArchive()] })
  const kernel = await serveTls(t, (await debianKernel('trixie')).kernel)
  const job = { kernel, cmdline: lab.cmdline, options: { dryRun: true } }
  const { id, created } = await submit(client, job)
  t.ok(new Date(created) < SERVER_TIME)
  t.equal((await followStates(client, id)).at(-1), 'planned')
  t.match(await client.log(id), 'the clock is set to 2037-06-01T00:00:00.000Z from the Date of 10.0.2.2:')
  const next = await submit(client, job)
  t.ok(new Date(next.created) >= SERVER_TIME)
  t.equal((await followStates(client, next.id)).at(-1), 'planned')
  t.notMatch(await client.log(next.id), 'the clock is set', 'the certificate is valid now')
})
