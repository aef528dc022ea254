/** Elements of the page, made by code: no text ever becomes markup. */

export type Child = Node | string | number | null | undefined | false | readonly Child[]
type Listener = (event: never) => void
type Attributes = Readonly<Record<string, string | number | boolean | null | undefined | Listener>>

/**
 * Make an element.
 *
 * @param attributes `onclick` and the like are listeners; false, null and undefined leave an attribute out
 */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name.slice(2), value as EventListener)
    else if (value !== false && value !== null && value !== undefined)
      element.setAttribute(name, value === true ? '' : String(value))
  }
  element.append(...nodesOf(children))
  return element
}

function nodesOf(children: readonly Child[]): (Node | string)[] {
  return children.flatMap((child): (Node | string)[] => {
    if (child === null || child === undefined || child === false) return []
    if (typeof child === 'string' || typeof child === 'number') return [String(child)]
    return child instanceof Node ? [child] : nodesOf(child)
  })
}

/** Fill an element anew. The focus stays on the control that has the same `href` or `id`. */
export function fill(element: Element, ...children: Child[]): void {
  const focused = element.contains(document.activeElement) ? document.activeElement : null
  element.replaceChildren(...nodesOf(children))
  const same = focused === null ? undefined : sameIn(element, focused)
  same?.focus()
}

function sameIn(
  element: Element,
  { id }: Element,
  href = document.activeElement?.getAttribute('href'),
): HTMLElement | undefined {
  const candidates = [...element.querySelectorAll<HTMLElement>('a[href],button,input,select,textarea')]
  return candidates.find(other => (id !== '' && other.id === id) || (href && other.getAttribute('href') === href))
}

/** A part of a view that is made again only when its data has changed. */
export class Cell<T> {
  readonly element: HTMLElement
  readonly #make: (data: T) => Child
  #shown: string | undefined

  constructor(element: HTMLElement, make: (data: T) => Child) {
    this.element = element
    this.#make = make
  }

  show(data: T): void {
    const text = JSON.stringify(data)
    if (text === this.#shown) return
    this.#shown = text
    fill(this.element, this.#make(data))
  }
}

/** A table; the first cell of each row is its header. */
export function table(caption: string, head: readonly string[], rows: readonly (readonly Child[])[]): HTMLElement {
  return h(
    'div',
    { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption },
    h(
      'table',
      {},
      h('caption', {}, caption),
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          head.map(name => h('th', { scope: 'col' }, name)),
        ),
      ),
      h(
        'tbody',
        {},
        rows.map(([first, ...others]) =>
          h(
            'tr',
            {},
            h('th', { scope: 'row' }, first),
            others.map(cell => h('td', {}, cell)),
          ),
        ),
      ),
    ),
  )
}

/** A list of names and values; those without a value are left out. */
export function facts(rows: readonly (readonly [name: string, value: Child])[]): HTMLElement {
  const known = rows.filter(([, value]) => value !== null && value !== undefined && value !== false && value !== '')
  return h(
    'dl',
    {},
    known.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))),
  )
}
