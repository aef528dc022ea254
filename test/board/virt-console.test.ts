import t from 'tap'
import { bootLists, failInWordsOfLabs, interrupt, reportBreaks, type } from './console-suite.js'
import { Lab, PATIENCE } from './lab.js'

t.test('virt: what LAVA types boots', t => bootLists(t, 'virt'))
t.test('virt: failures appear in the words that labs wait for', t => failInWordsOfLabs(t, 'virt'))
t.test('virt: a break on the serial line is reported, and does no harm', t => reportBreaks(t, 'virt'))

/** Two signs of waiting are printed per second: half a minute, as a switch port with spanning tree takes. */
const SIGNS = 60

t.test('virt: a command waits for a network cable that is plugged in half a minute late', async t => {
  const { qemu } = await (await Lab.open(t, 'virt')).atCountdown(t)
  const { console } = qemu
  await interrupt(console)
  await type(console, 'setenv autoload no')
  await qemu.setLink(false)
  console.send('dhcp\n')
  const waiting = 'virtio-net#\\d+ Waiting for PHY auto negotiation to complete'
  await console.waitFor(new RegExp(`${waiting}\\.{${SIGNS}}`), PATIENCE)
  const from = console.transcript.length
  await qemu.setLink(true)
  await console.waitFor(/\n=> $/, PATIENCE)
  t.match(
    console.transcript.slice(from),
    /^\.* done\r\nBOOTP broadcast 1\r\n.*DHCP client bound to address 10\.0\.2\.15/s,
  )
  t.notMatch(await type(console, 'dhcp'), 'Waiting', 'a cable that is plugged in costs no time')
  await qemu.setLink(false)
  console.send('ping 10.0.2.2\n')
  await console.waitFor(new RegExp(`ping 10[^=]*${waiting}`), PATIENCE)
  console.send('\x03')
  await console.waitFor(/user interrupt!\r\nping failed; host 10\.0\.2\.2 is not alive\r\n=> $/, PATIENCE)
})
