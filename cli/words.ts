/** Numbers as people read them. */
const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const

export const sizeInWords = (bytes: number): string => {
  let unit = 0
  let size = bytes
  for (; size >= 1024 && unit < UNITS.length - 1; unit++) size /= 1024
  return `${unit === 0 ? size : size.toFixed(1)} ${UNITS[unit]}`
}

/** So many things, whose name takes an s where they are several. */
export const counted = (count: number, name: string): string => `${count === 0 ? 'no' : count} ${name}${count === 1 ? '' : 's'}`

/** What a terminal does not show but do, or what it shows elsewhere. */
const CONTROLS = /[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

/** A line as it may be printed, whoever the words in it are from: control characters as JSON writes them. */
export const printable = (line: string): string => line.replace(CONTROLS, control => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** The same of several lines. */
export const printableLines = (text: string): string => text.split('\n').map(printable).join('\n')

/** JSON of the same value as one line that may be printed: outside of its strings a control character is but white space. */
export const printableJson = (json: string): string => printable(json.replace(/[\t\n\r]/g, ' '))

/** Rows of cells below each other, as wide as they must be. */
export const columns = (rows: readonly (readonly string[])[]): readonly string[] => {
  const widths = rows.reduce<number[]>((most, row) => row.map((cell, i) => Math.max(cell.length, most[i] ?? 0)), [])
  return rows.map(row => row.map((cell, i) => i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0)).join('  ').trimEnd())
}
