import t from 'tap'
import { startFailure } from '../../../../systemd/qemu/start-failure.js'

t.test('a port that another program has is named, without the words of QEMU', t => {
  const rule = "Could not set up host forwarding rule 'tcp:127.0.0.1:8080-:8080'"
  const words = `exit 1: qemu-system-arm: -netdev user,id=net0,hostfwd=tcp:127.0.0.1:8080-:8080: ${rule}`
  const { code, message } = startFailure('virt', words)
  t.equal(code, 'BUILD_INPUT')
  t.match(message, /^starting virt: QEMU cannot have port 8080 of 127\.0\.0\.1: another program has it/)
  t.end()
})

t.test('any other reason is quoted as QEMU gives it', t => {
  const words = 'exit 1: qemu-system-arm: unsupported machine type: virt'
  t.match(startFailure('virt', words), { code: 'BUILD_TOOL', message: /unsupported machine type: virt/ })
  t.end()
})
