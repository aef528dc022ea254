import { join } from 'node:path'
import t from 'tap'
import { fauxboot } from '../../capture.js'

t.test('options of a watched boot that do not go together are refused, and the message names them', async t => {
  const dir = t.testdir({ zImage: '' })
  const boot = ['boot', '--kernel', join(dir, 'zImage')]
  const console = ['--console', 'tcp://127.0.0.1:9', '--until', 'login:']
  const refusals: readonly (readonly [argv: readonly string[], message: RegExp])[] = [
    [['--until', 'login:'], /--until needs --console URL/],
    [['--power-on', 'true'], /--power-on needs --console URL/],
    [['--typed'], /--typed needs --console URL/],
    [[...console, '--dry-run'], /--dry-run cannot be had with --console/],
    [[...console, '--tftp', '192.168.1.2'], /--tftp needs --typed/],
    [[...console, '--serve-at', '192.168.1.2'], /--serve-at needs --typed/],
    [[...console, '--kcidb', 'out.json'], /--kcidb needs --build-id ORIGIN:ID/],
    [[...console, '--power-off', 'true'], /--power-off needs --power-on or --power-reset/],
    [[...console, '--timeout', '0'], /seconds are between 1 and/],
    [[...console, '--until', '('], /Unterminated group/],
    [[...console, '--typed', '--tftp', '300.1.1.1'], /an IPv4 address such as/],
    [[...console, '--typed', '--serve-at', 'here'], /an IPv4 address such as/],
    [[...console, '--load-at', 'dtb=0x43000000'], /--load-at needs --typed/],
    [[...console, '--typed', '--load-at', 'tee=0x43000000'], /expected kernel, ramdisk, dtb and an address/],
    [[...console, '--typed', '--load-at', 'dtb=43000000'], /expected kernel, ramdisk, dtb and an address/],
    [[...console, '--build-id', 'none'], /an identifier such as/],
    [[...console, '--typed', '--modules', 'modules.tar'], /--typed takes no --overlay and no --modules/],
    [[...console, '--typed', '--append', "a'b"], /--typed takes a command line of ASCII without quotes/],
    [[...console, '--typed', '--tftp', '192.168.1.2/a b'], /cannot be typed as the name of a file/],
  ]
  for (const [argv, message] of refusals) {
    const { code, stdout, stderr } = await fauxboot([...boot, ...argv])
    t.match({ code, stdout, stderr }, { code: 1, stdout: '', stderr: message }, argv.join(' '))
  }
  const job = ['boot', '--job', 'job.yaml', ...console, '--typed']
  t.match(await fauxboot(job), { code: 1, stderr: /--job cannot be had with --typed/ })
  const watched = [...boot, ...console, '--typed', '--watchdog', '16']
  t.match(await fauxboot(watched), { code: 1, stderr: /--watchdog cannot be had with --typed/ })
})
