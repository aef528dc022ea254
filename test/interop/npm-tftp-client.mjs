// npm's TFTP client as a program; its own needs an older Node.
//
// Usage: node npm-tftp-client.mjs get|put PORT REMOTE LOCAL BLOCKSIZE WINDOWSIZE
import tftp from 'tftp'

const [operation, port, remote, local, blockSize, windowSize] = process.argv.slice(2)
const client = tftp.createClient({
  host: '127.0.0.1',
  port: Number(port),
  blockSize: Number(blockSize),
  windowSize: Number(windowSize),
})
const files = operation === 'get' ? [remote, local] : [local, remote]
client[operation](...files, error => {
  if (!error) return
  console.error(error.message)
  process.exit(1)
})
