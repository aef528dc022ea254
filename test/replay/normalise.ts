/**
 * What is made alike before a recorded exchange and ours are compared: only what differs from one run of the same U-Boot
 * to the next, or from one board to another. Everything else must be the same, byte for byte.
 */

const ESCAPE = '\x1b'

interface Alike {
  readonly what: string
  readonly pattern: RegExp
  readonly by: string
}

const ALIKE: readonly Alike[] = [
  { what: 'where a recording was cut in the countdown', pattern: new RegExp(`^2(?=${ESCAPE}\\[2K)`), by: '' },
  {
    what: 'lines of the banner that only the recorded board has',
    pattern: /(?:Core: .*\r\nFlash: .*|No USB controllers found)\r\n/g,
    by: '',
  },
  {
    what: 'where the environment was loaded from',
    pattern: /Loading Environment from [^\n]*\n(?:\r\n)?/g,
    by: 'Loading Environment\n',
  },
  { what: 'version and build date', pattern: /U-Boot 20\d\d\.\d\d\S* \([^)]*\)/g, by: 'U-Boot VERSION' },
  {
    what: 'compiler and linker',
    pattern: /U-Boot VERSION\r\n\r\n[^\r]+\r\n[^\r]+\r\n/g,
    by: 'U-Boot VERSION\r\n\r\nTOOLS\r\n',
  },
  { what: 'transfer rates', pattern: /\r\n\t [\d.]+ (?:Bytes|[KM]iB)\/s/g, by: '' },
  { what: 'milliseconds of DHCP', pattern: /\(\d+ ms\)/g, by: '(N ms)' },
  { what: 'name of the network device', pattern: /virtio-net#\d+/g, by: 'DEVICE' },
  {
    what: 'where images are moved to',
    pattern: /Loading (Ramdisk|Device Tree) to [0-9a-f]{8}, end [0-9a-f]{8}/g,
    by: 'Loading $1 to A, end B',
  },
  { what: 'address of the moved tree', pattern: /Working FDT set to 7[0-9a-f]{7}/g, by: 'Working FDT set to A' },
  { what: 'date of an image', pattern: /\d{4}-\d\d-\d\d +\d+:\d\d:\d\d UTC/g, by: 'DATE' },
  { what: 'date and time', pattern: /Date: .*Time: .*\r\n/g, by: 'Date: NOW\r\n' },
  { what: 'leased address', pattern: /192\.168\.77\.5\d/g, by: '192.168.77.X' },
  { what: 'sha1 of files made anew', pattern: /(Hash value: +)[0-9a-f]{40}\r\n/g, by: '$1SHA1\r\n' },
  {
    what: 'where the tree of a FIT is copied to',
    pattern: /(sha1\+ OK\r\n {3}Booting using the fdt blob at 0x)[0-9a-f]{8}\r\nWorking FDT set to \w+/g,
    by: '$1A\r\nWorking FDT set to A',
  },
  {
    what: 'crc32 of a script made anew',
    pattern: /(26 Bytes\r\n +Hash algo: +crc32\r\n +Hash value: +)[0-9a-f]{8}/g,
    by: '$1CRC',
  },
  { what: 'seeds of the tree', pattern: /((?:rng|kaslr)-seed = <)[^>]*>/g, by: '$1SEED>' },
]

/** @param text bytes as latin1 */
export const alike = (text: string): string => ALIKE.reduce((made, { pattern, by }) => made.replace(pattern, by), text)
