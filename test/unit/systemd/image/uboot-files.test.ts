import t from 'tap'
import { RECORDS } from '../../../../agent/image/card/card-layout.js'
import { boardNames, loadBoard } from '../../../../systemd/boards/board.js'
import { firstStageCmdline } from '../../../../systemd/image/kernel-cmdline.js'
import { extlinuxConf, ubootEnvironment } from '../../../../systemd/image/uboot-files.js'

const environmentOf = async (name: string): Promise<Map<string, string>> => {
  const board = await loadBoard(name)
  if (board.sd === undefined) throw new Error(`${name} has no card`)
  const lines = ubootEnvironment(board, board.sd).trimEnd().split('\n')
  return new Map(lines.map(line => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]))
}

t.test('U-Boot boots at once, without asking for a key, USB or a screen', async t => {
  for (const name of ['cubieboard4', 'orangepi-pc']) {
    const environment = await environmentOf(name)
    t.equal(environment.get('bootdelay'), '-2', name)
    t.equal(environment.get('preboot'), '', name)
    for (const stream of ['stdin', 'stdout', 'stderr']) t.equal(environment.get(stream), 'serial', `${name} ${stream}`)
  }
})

t.test('U-Boot reads the records where the agent writes them, to an address that it knows', async t => {
  const environment = await environmentOf('cubieboard4')
  const places = { read_trial: RECORDS.trial, read_chosen: RECORDS.chosen, read_copy: RECORDS.chosenCopy }
  for (const [name, offset] of Object.entries(places)) {
    const block = `0x${(offset / 512).toString(16)}`
    t.match(environment.get(name), `mmc read \${scriptaddr} ${block} 1 && env import -c \${scriptaddr} 0x200 `, name)
  }
  t.equal(environment.get('scriptaddr'), '0x23100000')
})

t.test('extlinux.conf names what is in the partition, and the command line', async t => {
  t.equal(
    extlinuxConf('some.dtb', 'console=ttyS0,115200 quiet'),
    `default fauxboot
label fauxboot
  kernel /vmlinuz
  initrd /initramfs
  fdt /some.dtb
  append console=ttyS0,115200 quiet fauxboot.slot=\${slot} fauxboot.trial=\${trial}
`,
  )
})

t.test('the kernel keeps its console quiet on every board', async t => {
  for (const name of await boardNames()) {
    const board = await loadBoard(name)
    const words = firstStageCmdline(board).split(' ')
    t.equal(words[0], `console=${board.console.tty},${board.console.baud}`)
    for (const word of ['quiet', 'loglevel=3', 'systemd.show_status=false']) t.ok(words.includes(word), word)
  }
})

t.test('no watchdog is stopped before the jump, on any board', async t => {
  for (const name of await boardNames()) {
    t.ok(
      firstStageCmdline(await loadBoard(name))
        .split(' ')
        .includes('watchdog.stop_on_reboot=0'),
      name,
    )
  }
})

t.test('words of a caller come last, so that they win', async t => {
  const words = firstStageCmdline(await loadBoard('virt'), ['loglevel=7']).split(' ')
  t.equal(words.at(-1), 'loglevel=7')
})
