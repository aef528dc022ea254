import t from 'tap'
import { createBoardHost } from '../../../../../agent/boot/board/linux-host.js'
import { serialDamage, uartDriver } from '../../../../../agent/boot/board/serial-damage.js'

const DRIVERS = `/dev/tty             /dev/tty        5       0 system:/dev/tty
ttyAMA               /dev/ttyAMA   204 64-77 serial
serial               /dev/ttyS       4 64-95 serial
pty_slave            /dev/pts      136 0-1048575 pty:slave
`
const SERIAL = `serinfo:1.0 driver revision:
0: uart:16550A mmio:0x07000000 irq:33 tx:1193 rx:81 fe:2 pe:3 brk:1 oe:4 bo:5 RTS|CTS|DTR
1: uart:16550A mmio:0x07000400 irq:34 tx:0 rx:0
2: uart:16550A mmio:0x07000800 irq:35
3: uart:unknown port:00000000 irq:0
`

t.test('the driver of a line is found by the name of the line', async t => {
  t.same(uartDriver(DRIVERS, 'ttyS0'), { name: 'serial', line: '0' })
  t.same(uartDriver(DRIVERS, 'ttyAMA12'), { name: 'ttyAMA', line: '12' })
  for (const tty of ['ttyUSB0', 'pts3', 'console']) t.equal(uartDriver(DRIVERS, tty), null, tty)
})

t.test('counters that a driver leaves out are zero', async t => {
  t.same(serialDamage(SERIAL, '0'), { overrun: 9, frame: 2, parity: 3, break: 1 })
  t.same(serialDamage(SERIAL, '1'), { overrun: 0, frame: 0, parity: 0, break: 0 })
  t.equal(serialDamage(SERIAL, '2'), null, 'hidden from those without CAP_SYS_ADMIN')
  for (const line of ['3', '4']) t.equal(serialDamage(SERIAL, line), null)
})

t.test('the damage of a line is read from /proc', async t => {
  const proc = { tty: { drivers: DRIVERS, driver: { serial: SERIAL } } }
  const host = createBoardHost(t.testdir({ proc }))
  t.match(await host.serialDamage('ttyS0'), { overrun: 9 })
  for (const tty of ['ttyAMA0', 'ttyUSB0']) t.equal(await host.serialDamage(tty), null, tty)
  t.equal(await createBoardHost(t.testdir({})).serialDamage('ttyS0'), null)
})
