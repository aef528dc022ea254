import t from 'tap'
import { deviceCommands } from '../../../../../../agent/uboot/commands/board/devices.js'
import type { BlockDevice } from '../../../../../../agent/uboot/hardware/storage.js'
import { FakeStorage } from '../../fake-storage.js'
import { board, lines } from '../../network-fixture.js'

const partition = { start: 0, size: 1, table: 'dos', uuid: '', name: '', type: '83', bootable: false, filesystem: null }
const card: BlockDevice = {
  kind: 'mmc',
  number: 1,
  node: '/dev/mmcblk1',
  vendor: '',
  product: '',
  size: 0,
  removable: true,
  partitions: [
    { ...partition, number: 1 },
    { ...partition, number: 2 },
  ],
}

t.test('dm tree shows the console, the network and the disks with their partitions', async t => {
  const { type } = board(t, deviceCommands, {}, {}, { storage: new FakeStorage({ devices: [card] }) })
  t.equal(
    await type('dm tree'),
    lines(
      ' Class     Seq    Probed  Driver                Name',
      '-----------------------------------------------------------',
      ' root         0  [ + ]   root_driver           root_driver',
      ' serial       0  [ + ]   linux_tty             |-- console',
      ' ethernet     0  [ + ]   linux_net             |-- virtio-net#33',
      ' blk          0  [ + ]   linux_blk             `-- mmc#1',
      ' partition    0  [ + ]   blk_partition             |-- mmc#1:1',
      ' partition    1  [ + ]   blk_partition             `-- mmc#1:2',
    ),
  )
  t.match(await type('dm'), 'Usage:')
})

t.test('pinmux knows no controller', async t => {
  const { type, result } = board(t, deviceCommands)
  t.match(await type('pinmux list'), /^\| Device {24}\| Driver {24}\| Parent\n$/)
  t.equal(await type('pinmux status'), 'pin-controller device not selected\n')
  t.equal(result(), 1)
  t.equal(await type('pinmux status PA1'), 'PA1 not found\n')
  t.equal(await type('pinmux status -a'), '')
  t.match(await type('pinmux dev'), 'Pin-controller device is not set!\n')
  t.equal(await type('pinmux dev x'), "Can't get the pin-controller: x!\n")
  t.match(await type('pinmux'), 'Usage:')
})
