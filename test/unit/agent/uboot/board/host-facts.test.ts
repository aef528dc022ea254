import t from 'tap'
import { boardFacts } from '../../../../../agent/uboot/board/host-facts.js'
import { fakeHost } from '../../boot/board-fixture.js'

const LINK = '02:00:00:00:00:01'
const TREE = '02:00:00:00:00:02'

t.test("ethaddr is the address of the link that is there, then that of the tree's ethernet0", async t => {
  const ethaddr = async (mac: string | null, macs: Record<string, string>): Promise<string | undefined> => {
    const config = { identity: 'Allwinner Technology', bootDelay: 2, console: 'ttyS0,115200n8' }
    const { environment } = await boardFacts(fakeHost({ macAddresses: async () => macs }), config, mac)
    return environment.ethaddr
  }
  t.equal(await ethaddr(LINK, { ethernet0: TREE }), LINK)
  t.equal(await ethaddr(null, { ethernet0: TREE, ethernet1: LINK }), TREE, 'before the driver of any link is there')
  t.equal(await ethaddr(LINK, {}), LINK)
  t.equal(await ethaddr(null, {}), undefined)
})
