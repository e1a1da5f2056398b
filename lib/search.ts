/** The first of `length` positions that `holds` is true of, as it then is of all after it; `length` where there is none. */
export const firstWhere = (length: number, holds: (position: number) => boolean): number => {
  let low = 0
  let high = length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (holds(middle)) high = middle
    else low = middle + 1
  }
  return low
}
