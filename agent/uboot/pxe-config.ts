/**
 * Menus of pxelinux and extlinux, as far as U-Boot understands them (syslinux' `doc/menu.txt`). A file is read into its
 * statements, what it includes is put in between, and the statements make the menu.
 */

/** One line: a keyword in lower case and what follows it. */
export interface PxeStatement {
  readonly keyword: string
  readonly value: string
}

export interface PxeLabel {
  readonly name: string
  /** what the menu shows; null: the name */
  readonly title: string | null
  /** file, and behind a `#` the configuration of a FIT */
  readonly kernel: string | null
  readonly initrd: string | null
  readonly append: string | null
  readonly fdt: string | null
  readonly fdtDirectory: string | null
  readonly overlays: readonly string[]
  /** bits: 1 adds `ip=`, 2 adds `BOOTIF=` */
  readonly ipAppend: number
  readonly localBoot: boolean
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
    const match = /^\s*(?!#)(menu\s+\S+|\S+)\s*(.*?)\s*$/i.exec(line)
    if (match === null) return []
    const [, keyword = '', value = ''] = match
    return [{ keyword: keyword.toLowerCase().replace(/\s+/, ' '), value }]
  })
}

/** The file that a statement includes, or null. */
export const includedFile = ({ keyword, value }: PxeStatement): string | null =>
  keyword === 'include' || keyword === 'menu include' ? value : null

type Draft = { -readonly [K in keyof PxeLabel]: PxeLabel[K] }
type MenuDraft = { -readonly [K in keyof Omit<PxeMenu, 'labels' | 'ignored'>]: PxeMenu[K] }

const integer = (value: string): number => Number.parseInt(value, 10) || 0

/** What statements do to the label that they stand in. */
const LABEL_KEYWORDS: Readonly<Record<string, (label: Draft, value: string) => void>> = {
  'menu label': (label, value) => {
    label.title = value
  },
  kernel: (label, value) => {
    label.kernel = value
  },
  linux: (label, value) => {
    label.kernel = value
  },
  // A FIT brings its ramdisk along.
  fit: (label, value) => {
    label.kernel = value
    label.initrd = value.replace(/#.*/, '')
  },
  append: (label, value) => {
    label.append = value
    const [, initrd] = /(?:^|\s)initrd=(\S+)/.exec(value) ?? []
    label.initrd ??= initrd ?? null
  },
  initrd: (label, value) => {
    label.initrd = value
  },
  fdt: (label, value) => {
    label.fdt = value
  },
  devicetree: (label, value) => {
    label.fdt = value
  },
  fdtdir: (label, value) => {
    label.fdtDirectory = value
  },
  devicetreedir: (label, value) => {
    label.fdtDirectory = value
  },
  fdtoverlays: (label, value) => {
    label.overlays = value.split(/\s+/)
  },
  'devicetree-overlay': (label, value) => {
    label.overlays = value.split(/\s+/)
  },
  ipappend: (label, value) => {
    label.ipAppend = integer(value)
  },
  localboot: label => {
    label.localBoot = true
  },
}

const setDefault = (menu: MenuDraft, value: string): void => {
  menu.defaultLabel = value
}

/** What statements do to the whole menu, wherever they stand. */
const MENU_KEYWORDS: Readonly<Record<string, (menu: MenuDraft, value: string) => void>> = {
  'menu title': (menu, value) => {
    menu.title = value
  },
  timeout: (menu, value) => {
    menu.timeout = integer(value)
  },
  prompt: (menu, value) => {
    menu.prompt = integer(value) !== 0
  },
  default: setDefault,
  ontimeout: setDefault,
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
  localBoot: false,
})

/** The menu that statements make; those of included files stand where they were included. */
export function pxeMenu(statements: readonly PxeStatement[]): PxeMenu {
  const menu: MenuDraft = { title: null, timeout: 0, prompt: false, defaultLabel: null }
  const labels: Draft[] = []
  const ignored: string[] = []
  for (const { keyword, value } of statements) {
    const label = labels.at(-1)
    const ofLabel = Object.hasOwn(LABEL_KEYWORDS, keyword) ? LABEL_KEYWORDS[keyword] : undefined
    const ofMenu = Object.hasOwn(MENU_KEYWORDS, keyword) ? MENU_KEYWORDS[keyword] : undefined
    // A file that speaks of a menu wants it to be shown.
    if (keyword.startsWith('menu ') && label === undefined) menu.prompt = true
    if (keyword === 'label') labels.push(emptyLabel(value))
    else if (keyword === 'menu default') menu.defaultLabel ??= label?.name ?? null
    else if (ofMenu !== undefined) ofMenu(menu, value)
    else if (ofLabel !== undefined && label !== undefined) ofLabel(label, value)
    else if (!PICTURES.includes(keyword)) ignored.push(keyword)
  }
  return { ...menu, labels, ignored }
}
