/**
 * Menus of pxelinux and extlinux, as far as U-Boot understands them (syslinux' `doc/menu.txt`). A file is read into its
 * statements, included files add theirs, and the statements form the menu.
 */

/** One line: a keyword in lower case and its value. */
export interface PxeStatement {
  readonly keyword: string
  readonly value: string
}

export interface PxeLabel {
  readonly name: string
  /** what the menu shows; null: the name */
  readonly title: string | null
  /** file, and after a `#` the configuration of a FIT */
  readonly kernel: string | null
  readonly initrd: string | null
  readonly append: string | null
  readonly fdt: string | null
  readonly fdtDirectory: string | null
  readonly overlays: readonly string[]
  /** bits: 1 adds `ip=`, 2 adds `BOOTIF=` */
  readonly ipAppend: number
  /** the number of `localboot`; a negative one boots nothing. Null: not given */
  readonly localBoot: number | null
}

export interface PxeMenu {
  readonly title: string | null
  /** tenths of a second */
  readonly timeout: number
  /** ask, instead of booting the default at once */
  readonly prompt: boolean
  readonly defaultLabel: string | null
  readonly labels: readonly PxeLabel[]
  /** keywords that mean nothing here */
  readonly ignored: readonly string[]
}

/** Statements of a file, in order; `menu KEYWORD` is one keyword. Comments and empty lines are dropped. */
export function pxeStatements(text: string): readonly PxeStatement[] {
  return text.split('\n').flatMap(line => {
    // Blanks at the ends are cut off first: a pattern for both ends takes the square or cube of their number.
    const [, keyword = '', value = ''] = /^(menu\s+\S+|\S+)\s*(.*)$/is.exec(line.trim()) ?? []
    if (keyword === '' || keyword.startsWith('#')) return []
    return [{ keyword: keyword.toLowerCase().replace(/\s+/, ' '), value }]
  })
}

/** The file that a statement includes, or null. */
export const includedFile = ({ keyword, value }: PxeStatement): string | null =>
  keyword === 'include' || keyword === 'menu include' ? value : null

type Draft = { -readonly [K in keyof PxeLabel]: PxeLabel[K] }
type MenuDraft = { -readonly [K in keyof Omit<PxeMenu, 'labels' | 'ignored'>]: PxeMenu[K] }

const integer = (value: string): number => Number.parseInt(value, 10) || 0

/** Statements that give a label a file or a word, and where it is kept. */
const LABEL_FIELDS: Readonly<Record<string, 'title' | 'kernel' | 'initrd' | 'fdt' | 'fdtDirectory'>> = {
  'menu label': 'title',
  kernel: 'kernel',
  linux: 'kernel',
  initrd: 'initrd',
  fdt: 'fdt',
  devicetree: 'fdt',
  fdtdir: 'fdtDirectory',
  devicetreedir: 'fdtDirectory',
}

/** Statements inside a label, by keyword. */
const LABEL_KEYWORDS: Readonly<Record<string, (value: string, label: PxeLabel) => Partial<PxeLabel>>> = {
  // A FIT contains its ramdisk.
  fit: value => ({ kernel: value, initrd: value.replace(/#.*/, '') }),
  append: (value, { initrd }) => ({ append: value, initrd: initrd ?? /(?:^|\s)initrd=(\S+)/.exec(value)?.[1] ?? null }),
  fdtoverlays: value => ({ overlays: value.split(/\s+/) }),
  'devicetree-overlay': value => ({ overlays: value.split(/\s+/) }),
  ipappend: value => ({ ipAppend: integer(value) }),
  localboot: value => ({ localBoot: integer(value) }),
}

/** Statements for the whole menu, wherever they stand. */
const MENU_KEYWORDS: Readonly<Record<string, (value: string) => Partial<MenuDraft>>> = {
  'menu title': value => ({ title: value }),
  timeout: value => ({ timeout: integer(value) }),
  prompt: value => ({ prompt: integer(value) !== 0 }),
  default: value => ({ defaultLabel: value }),
  ontimeout: value => ({ defaultLabel: value }),
}

/** Keywords that are known and need nothing done. */
const PICTURES: readonly string[] = ['menu background', 'background', 'kaslrseed', 'include', 'menu include']

const emptyLabel = (name: string): Draft => ({
  name,
  title: null,
  kernel: null,
  initrd: null,
  append: null,
  fdt: null,
  fdtDirectory: null,
  overlays: [],
  ipAppend: 0,
  localBoot: null,
})

/** What a table has for a word from a file, which may be `constructor`. */
const own = <T>(table: Readonly<Record<string, T>>, keyword: string): T | undefined =>
  Object.hasOwn(table, keyword) ? table[keyword] : undefined

/** @returns whether the statement means something for a label */
function tellLabel(label: Draft, keyword: string, value: string): boolean {
  const field = own(LABEL_FIELDS, keyword)
  const change = field === undefined ? own(LABEL_KEYWORDS, keyword)?.(value, label) : { [field]: value }
  Object.assign(label, change)
  return change !== undefined
}

/** Build the menu from its statements; those of included files stand where they were included. */
export function pxeMenu(statements: readonly PxeStatement[]): PxeMenu {
  const menu: MenuDraft = { title: null, timeout: 0, prompt: false, defaultLabel: null }
  const labels: Draft[] = []
  const ignored: string[] = []
  for (const { keyword, value } of statements) {
    const label = labels.at(-1)
    const ofMenu = own(MENU_KEYWORDS, keyword)
    // A file that speaks of a menu wants it to be shown.
    if (keyword.startsWith('menu ') && label === undefined) menu.prompt = true
    if (keyword === 'label') labels.push(emptyLabel(value))
    else if (keyword === 'menu default') menu.defaultLabel ??= label?.name ?? null
    else if (ofMenu !== undefined) Object.assign(menu, ofMenu(value))
    else if (label === undefined || !tellLabel(label, keyword, value)) {
      if (!PICTURES.includes(keyword)) ignored.push(keyword)
    }
  }
  return { ...menu, labels, ignored }
}
