import { gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { imageCommands } from '../../../../../../agent/uboot/commands/image/images.js'
import { dtbOf } from '../../../image/fdt/dtb.js'
import { FIT_FILES, FIT_SOURCE, fitImage, legacyImage } from '../../image-fixture.js'
import { testMachine } from '../../machine.js'
import { runner } from '../../typed-command.js'

const LEGACY = 0x4200_0000
const FIT = 0x4700_0000

function machineWith(t: Test) {
  const machine = testMachine(t)
  return { machine, run: runner(machine, imageCommands) }
}

const kernel = (t: Test) =>
  legacyImage(t, '-T kernel -C none -a 40008000 -e 40008000 -n Debian', { a: Buffer.alloc(5_448_192, 'k') })

const KERNEL_LINES = `
## Checking Image at 42000000 ...
   Legacy image found
   Image Name:   Debian
   Created:      2026-11-23   8:44:44 UTC
   Image Type:   ARM Linux Kernel Image (uncompressed)
   Data Size:    5448192 Bytes = 5.2 MiB
   Load Address: 40008000
   Entry Point:  40008000
   Verifying Checksum ... `

t.test('a legacy image is shown and checked', async t => {
  const { machine, run } = machineWith(t)
  machine.memory.write(LEGACY, kernel(t))
  machine.state.loadAddress = LEGACY
  t.same(await run('iminfo 42000000'), { out: `${KERNEL_LINES}OK\n`, rc: 0 })
  t.same(await run('iminfo'), { out: `${KERNEL_LINES}OK\n`, rc: 0 }, 'where the last load went')
  machine.memory.write(LEGACY + 5_000_000, Buffer.from('x'))
  t.same(await run('iminfo 42000000'), { out: `${KERNEL_LINES}   Bad Data CRC\n`, rc: 1 })
  machine.memory.write(LEGACY + 16, Buffer.alloc(4, 255))
  const bad = '\n## Checking Image at 42000000 ...\n   Legacy image found\n   Bad Header Checksum\n'
  t.same(await run('iminfo 42000000'), { out: bad, rc: 1 })
})

t.test('an address without an image is reported, and the others are shown', async t => {
  const { machine, run } = machineWith(t)
  machine.memory.write(FIT, dtbOf('/ { };'))
  const unknown = '\n## Checking Image at 45000000 ...\nUnknown image format!\n'
  const noFit = '\n## Checking Image at 47000000 ...\n   FIT image found\nBad FIT image format!\n'
  t.same(await run('iminfo 45000000 47000000'), { out: unknown + noFit, rc: 1 })
})

t.test('the files of a script and of a multi-file image are listed', async t => {
  const { machine, run } = machineWith(t)
  machine.memory.write(LEGACY, legacyImage(t, '-T script -C none -n two', { a: 'echo one', b: 'echo two!' }))
  t.match(
    (await run('iminfo 42000000')).out,
    '   Contents:\n      Image 0: 8 Bytes = 8 Bytes\n      Image 1: 9 Bytes = 9 Bytes\n       Offset = 0x42000054\n',
  )
  machine.memory.write(LEGACY, legacyImage(t, '-T multi -C none -n two', { a: Buffer.alloc(2048), b: 'b' }))
  t.match((await run('iminfo 42000000')).out, '      Image 0: 2048 Bytes = 2 KiB\n      Image 1: 1 Bytes = 1 Bytes\n')
})

t.test('a FIT is shown and all of its images are checked', async t => {
  const { machine, run } = machineWith(t)
  machine.memory.write(FIT, fitImage(t, FIT_SOURCE, FIT_FILES))
  const { out, rc } = await run('iminfo 47000000')
  t.equal(rc, 0)
  t.equal(
    out,
    `
## Checking Image at 47000000 ...
   FIT image found
   FIT description: FIT with kernel, fdt, ramdisk
   Created:         2026-11-23   8:44:44 UTC
    Image 0 (kernel-1)
     Description:  Debian kernel
     Created:      2026-11-23   8:44:44 UTC
     Type:         Kernel Image
     Compression:  uncompressed
     Data Start:   0x470000d0
     Data Size:    5000 Bytes = 4.9 KiB
     Architecture: ARM
     OS:           Linux
     Load Address: 0x42000000
     Entry Point:  0x42000000
     Hash algo:    crc32
     Hash value:   078c9b4f
     Hash algo:    sha256
     Hash value:   139513a1c1d0eddc57f5b433c69d5684b7e889d08e385096c777674bbaabbd54
    Image 1 (fdt-1)
     Description:  virt dtb
     Created:      2026-11-23   8:44:44 UTC
     Type:         Flat Device Tree
     Compression:  uncompressed
     Data Start:   0x4700157c
     Data Size:    1502 Bytes = 1.5 KiB
     Architecture: ARM
     Hash algo:    sha1
     Hash value:   2962d1097b94a5e512ef682a7a75cc34c6864973
    Image 2 (ramdisk-1)
     Description:  initrd
     Created:      2026-11-23   8:44:44 UTC
     Type:         RAMDisk Image
     Compression:  uncompressed
     Data Start:   0x47001c0c
     Data Size:    2500 Bytes = 2.4 KiB
     Architecture: ARM
     OS:           Linux
     Load Address: unavailable
     Entry Point:  unavailable
     Hash algo:    sha1
     Hash value:   da6b124700404b4f2ed81c9422c364d6bb6ad177
    Image 3 (script-1)
     Description:  a script
     Created:      2026-11-23   8:44:44 UTC
     Type:         Script
     Compression:  uncompressed
     Data Start:   0x47002698
     Data Size:    25 Bytes = 25 Bytes
     Hash algo:    crc32
     Hash value:   e590f686
    Default Configuration: 'conf-1'
    Configuration 0 (conf-1)
     Description:  boot it
     Kernel:       kernel-1
     Init Ramdisk: ramdisk-1
     FDT:          fdt-1
    Configuration 1 (conf-2)
     Description:  no ramdisk
     Kernel:       kernel-1
     FDT:          fdt-1
## Checking hash(es) for FIT Image at 47000000 ...
   Hash(es) for Image 0 (kernel-1): crc32+ sha256+ 
   Hash(es) for Image 1 (fdt-1): sha1+ 
   Hash(es) for Image 2 (ramdisk-1): sha1+ 
   Hash(es) for Image 3 (script-1): crc32+ 
`,
  )
})

t.test('a FIT with external data is checked in place, and a wrong hash is reported', async t => {
  const { machine, run } = machineWith(t)
  const bytes = fitImage(t, FIT_SOURCE, FIT_FILES, ['-E'])
  machine.memory.write(FIT, bytes)
  t.equal((await run('iminfo 47000000')).rc, 0)
  machine.memory.write(FIT + Buffer.from(bytes).indexOf(FIT_FILES.dtb), Buffer.from('x'))
  const { out, rc } = await run('iminfo 47000000')
  t.equal(rc, 1)
  t.match(
    out,
    `   Hash(es) for Image 0 (kernel-1): crc32+ sha256+ 
   Hash(es) for Image 1 (fdt-1): sha1 error!
Bad hash value for 'hash-1' hash node in 'fdt-1' image node
Bad hash in FIT image!
`,
  )
})

t.test('rare parts of a FIT are shown too', async t => {
  const { machine, run } = machineWith(t)
  const source = `/ { description = "d"; timestamp = <1>; images {
      a { data = "x"; type = "flat_dt"; load = <0x43000000>; arch = "arm64"; compression = "gzip";
        signature-1 { algo = "sha256,rsa2048"; key-name-hint = "dev"; required; padding = "pss"; value = [00 11];
          timestamp = <1795423484>; };
        signature-2 { algo = "sha256,rsa2048"; };
        signature-3 { key-name-hint = "dev"; };
        hash-1 { algo = "crc32"; uboot-ignore = <1>; }; };
      b { type = "kernel"; }; };
    configurations { conf-1 { fdt = "a", "b"; loadables = "c", "d"; }; }; };`
  machine.memory.write(FIT, dtbOf(source, []))
  const { out, rc } = await run('iminfo 47000000')
  t.equal(rc, 1)
  t.match(out, '     Architecture: AArch64\n     Load Address: 0x43000000\n')
  t.match(
    out,
    `     Sign algo:    sha256,rsa2048:dev (required)
     Sign padding: pss
     Sign value:   0011
     Timestamp:    2026-11-23   8:44:44 UTC
     Sign algo:    sha256,rsa2048
     Sign value:   unavailable
     Sign algo:    invalid/unsupported
     Hash algo:    crc32
     Hash value:   unavailable
`,
  )
  t.match(
    out,
    '     Description:  unavailable\n     Created:      1970-01-01   0:00:01 UTC\n     Type:         Kernel Image\n',
  )
  t.match(
    out,
    '     Data Start:   unavailable\n     Data Size:    unavailable\n     Architecture: Unknown Architecture\n',
  )
  t.match(
    out,
    `    Configuration 0 (conf-1)
     Description:  unavailable
     Kernel:       unavailable
     FDT:          a
                   b
     Loadables:    c
                   d
`,
  )
  t.match(
    out,
    `   Hash(es) for Image 0 (a): sha256,rsa2048:dev- sha256,rsa2048- :dev- crc32-skipped + 
   Hash(es) for Image 1 (b): error!
Can't get image data/size in 'b' image node
Bad hash in FIT image!
`,
  )
})

t.test('a part of a FIT is copied, and variables tell where it was', async t => {
  const { machine, run } = machineWith(t)
  machine.memory.write(FIT, fitImage(t, FIT_SOURCE, FIT_FILES))
  machine.state.loadAddress = FIT
  t.same(await run('imxtract'), { out: 'No FIT subimage unit name\n', rc: 1 })
  t.same(await run('imxtract 47000000 fdt-1 48000000'), {
    out: "## Copying 'fdt-1' subimage from FIT image at 47000000 ...\nsha1+    Loading part 253 ... OK\n",
    rc: 0,
  })
  t.same(machine.memory.read(0x4800_0000, 1502), FIT_FILES.dtb)
  t.same([machine.env.get('fileaddr'), machine.env.get('filesize')], ['4700157c', '5de'])
  machine.env.set('verify', 'n')
  const silent = "## Copying 'kernel-1' subimage from FIT image at 47000000 ...\n"
  t.same(await run('imxtract 47000000 kernel-1'), { out: silent, rc: 0 })
  t.match((await run('imxtract 47000000 nosuch')).out, "\nCan't find 'nosuch' FIT subimage\n")
})

t.test('a part of a FIT that is not as it should be is refused', async t => {
  const { machine, run } = machineWith(t)
  const source = `/ { description = "d"; timestamp = <1>; images { packed { data = "x"; compression = "gzip"; };
    none { type = "kernel"; }; lost { data = "x"; compression = "lzo"; hash-1 { }; }; lzo { data = "x"; compression = "lzo"; };
    odd { data = "x"; compression = "rar"; }; }; };`
  machine.memory.write(FIT, dtbOf(source, []))
  const said = async (line: string) => (await run(`imxtract 47000000 ${line}`)).out.split('\n').slice(1, -1)
  t.same(await said('packed'), ['Must specify load address for imxtract command with compressed image'])
  t.same(await said('packed 48000000'), ['   Uncompressing part 0 ... GUNZIP ERROR - image not loaded'])
  t.same(await said('none'), ['error!', "Can't get image data/size in 'none' image node", 'Bad Data Hash'])
  t.same(await said('lost 48000000'), [
    ' error!',
    "Can't get hash algo property for 'hash-1' hash node in 'lost' image node",
    'Bad Data Hash',
  ])
  t.same(await said('lzo 48000000'), ['Unimplemented compression type 4'])
  t.same(await said('odd 48000000'), ['Unimplemented compression type -1'])
  machine.env.set('verify', 'n')
  t.same(await said('none'), ['Could not find script subimage data'])
  machine.memory.write(FIT, dtbOf('/ { };'))
  t.same(await said('none'), ['Bad FIT image format'])
  t.equal((await run('imxtract 45000000 none')).out, 'Invalid image type for imxtract\n')
})

t.test('a part of a legacy image is copied, over itself too', async t => {
  const { machine, run } = machineWith(t)
  const second = Buffer.alloc(3 * 1024 * 1024, 'second part')
  machine.memory.write(LEGACY, legacyImage(t, '-T multi -C none -n two', { a: 'first', b: second }))
  t.same(await run('imxtract 42000000 1 42000100'), {
    out: '## Copying part 1 from legacy image at 42000000 ...\n   Verifying Checksum ... OK\n   Loading part 1 ... OK\n',
    rc: 0,
  })
  t.ok(machine.memory.read(0x4200_0100, second.length).equals(second))
  t.equal(machine.env.get('filesize'), '300000')
  machine.env.set('verify', 'no')
  t.match((await run('imxtract 42000000 2')).out, '\nBad Image Part\n')
  machine.env.set('verify', 'yes')
  t.match((await run('imxtract 42000000')).out, '   Verifying Checksum ... Bad Data CRC\n')
  machine.memory.write(LEGACY + 16, Buffer.alloc(4, 255))
  t.match((await run('imxtract 42000000 0')).out, '\nBad Header Checksum\n')
  machine.memory.write(LEGACY, kernel(t))
  t.match((await run('imxtract 42000000 0 48000000')).out, '\nWrong Image Type for imxtract command\n')
})

t.test('a packed part of a legacy image is unpacked', async t => {
  const { machine, run } = machineWith(t)
  machine.memory.write(LEGACY, legacyImage(t, '-T multi -C gzip -n two', { a: gzipSync('unpacked') }))
  t.match((await run('imxtract 42000000 0')).out, /\nMust specify load address for imxtract command/)
  t.match((await run('imxtract 42000000 0 48000000')).out, '   Uncompressing part 0 ... OK\n')
  t.equal(machine.memory.read(0x4800_0000, 8).toString(), 'unpacked')
  t.equal(machine.env.get('filesize'), '8')
  machine.memory.write(LEGACY, legacyImage(t, '-T multi -C bzip2 -n two', { a: 'nothing packed' }))
  t.match((await run('imxtract 42000000 0 48000000')).out, 'BUNZIP2 ERROR -4 - image not loaded\n')
})

t.test('what is interrupted ends with the reason', async t => {
  const { machine, run } = machineWith(t)
  machine.memory.write(LEGACY, legacyImage(t, '-T multi -C gzip -n two', { a: gzipSync('unpacked') }))
  const reason = new Error('^C')
  const signal = AbortSignal.abort(reason)
  await t.rejects(run('iminfo 42000000', signal), reason)
  machine.env.set('verify', 'n')
  await t.rejects(run('imxtract 42000000 0 48000000', signal), reason)
})

t.test('a list of files without an end is an error, not a search through memory', async t => {
  const { machine, run } = machineWith(t)
  const bytes = legacyImage(t, '-T multi -C none -n many', { a: Buffer.alloc(10_000, 1) })
  machine.memory.write(LEGACY, bytes)
  machine.memory.write(LEGACY + 64, Buffer.alloc(8000, 1))
  t.match((await run('iminfo 42000000')).out, /truncated.*list of sizes/)
})
