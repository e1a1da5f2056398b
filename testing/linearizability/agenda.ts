/** What is still to be tried: the highest rank first, and of one rank what came last. */
export interface Agenda<A> {
  push(rank: number, item: A): void
  pop(): A | undefined
}

/** For ranks that are integers close to each other. */
export const createAgenda = <A>(lowest: number): Agenda<A> => {
  const stacks: A[][] = []
  return {
    push: (rank, item) => {
      while (stacks.length <= rank - lowest) stacks.push([])
      stacks[rank - lowest]!.push(item)
    },
    pop: () => {
      while (stacks.at(-1)?.length === 0) stacks.pop()
      return stacks.at(-1)?.pop()
    },
  }
}
