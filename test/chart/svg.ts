/** What the charts have in common: a self-contained SVG in the reader's colours, without scripts, fonts or linked pictures. */

/**
 * Text and lines for a light and a dark background. Lines differ in hue, and in their dashes for whoever sees no hue or
 * prints without; the limit is the only long dash.
 */
const STYLE = `
:root{--paper:#fff;--ink:#1f2328;--faint:#59636e;--grid:#d8dee4;--limit:#cf222e;--c0:#0969da;--c1:#bc4c00;--c2:#1a7f37;--c3:#8250df;--c4:#57606a}
@media(prefers-color-scheme:dark){:root{--paper:#0d1117;--ink:#e6edf3;--faint:#9198a1;--grid:#30363d;--limit:#ff7b72;--c0:#58a6ff;--c1:#f0883e;--c2:#3fb950;--c3:#bc8cff;--c4:#b1bac4}}
.paper{fill:var(--paper)}text{fill:var(--ink)}.faint{fill:var(--faint);font-size:11px}.title{font-size:17px;font-weight:bold}.panel{font-weight:bold}
.grid{stroke:var(--grid)}.line{fill:none;stroke-width:1.6}.limit{stroke:var(--limit);stroke-dasharray:12 5}.target{stroke:var(--limit);stroke-width:2}
.s0{stroke:var(--c0)}.s1{stroke:var(--c1);stroke-dasharray:2 3}.s2{stroke:var(--c2);stroke-dasharray:6 3}.s3{stroke:var(--c3);stroke-dasharray:6 2 2 2}.s4{stroke:var(--c4);stroke-dasharray:1 1}
.s5{stroke:var(--c0);stroke-dasharray:6 3}.s6{stroke:var(--c1)}.s7{stroke:var(--c2);stroke-dasharray:2 3}.s8{stroke:var(--c3)}
.dot{fill:var(--c0);stroke:none}.open{fill:var(--paper);stroke:var(--c1);stroke-width:1.6}`

/** Classes of lines that look different. */
export const LINE_STYLES = 9

/** @param body elements in the order in which they are painted */
export function svg(title: string, width: number, height: number, body: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="${escaped(title)}" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="DejaVu Sans, Verdana, sans-serif" font-size="13">`,
    `<style>${STYLE}</style>`,
    `<rect class="paper" width="${width}" height="${height}"/>`,
    ...body,
    '</svg>',
    '',
  ].join('\n')
}

/** A coordinate. */
export const at = (pixels: number): string => pixels.toFixed(1)

export function text(x: number, y: number, content: string, kind = '', anchor = 'start'): string {
  return `<text class="${kind}" x="${at(x)}" y="${at(y)}" text-anchor="${anchor}">${escaped(content)}</text>`
}

export function line(kind: string, x1: number, y1: number, x2: number, y2: number): string {
  return `<path class="${kind}" d="M${at(x1)} ${at(y1)}L${at(x2)} ${at(y2)}"/>`
}

const escaped = (content: string): string =>
  content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
